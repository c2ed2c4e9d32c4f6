"""Files in, documents out: `Reader` reads many, `read_file` one, each in a worker process under limits.

What a document is stands in `domain.documents`; one module here reads one format.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path

from coderai_pipeline.domain.documents import Document, Place
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.normalise import text_fingerprint
from coderai_pipeline.readers.sandbox import Reader

__all__ = [
    "Content",
    "NotReadable",
    "ReadOptions",
    "Reader",
    "draw_page",
    "list_rows",
    "mark_copy",
    "read_file",
    "read_files",
    "text_fingerprint",
]


def read_file(path: Path, options: ReadOptions | None = None) -> Document:
    """The document in one file; its key and source are the path. Never raises for a bad file."""
    with Reader(options or ReadOptions(), workers=1) as reader:
        return reader.submit(path, str(path), str(path)).result()


def read_files(
    paths: Iterable[Path], options: ReadOptions | None = None, workers: int | None = None
) -> Iterator[Document]:
    """The documents in files, as each is finished; keys and sources are the paths."""
    with Reader(options or ReadOptions(), workers) as reader:
        for future in as_completed([reader.submit(path, str(path), str(path)) for path in paths]):
            yield future.result()


def list_rows(path: Path, options: ReadOptions | None = None) -> list[str] | None:
    """The ids of the rows of a table of documents in order; `Reader.submit(..., row=n)` reads that at position n.

    None for any other file. Raises NotReadable where the column that holds the text cannot be told; the reason names
    the columns there are.
    """
    with Reader(options or ReadOptions(), workers=1) as reader:
        return reader.submit_rows(path).result()


def mark_copy(path: Path, marks: Sequence[tuple[Place, str]], options: ReadOptions | None = None) -> bytes:
    """A copy of a PDF with places highlighted, each with a note. Raises NotReadable where it is no PDF."""
    with Reader(options or ReadOptions(), workers=1) as reader:
        return reader.submit_copy(path, marks).result()


def draw_page(path: Path, page: int, places: Sequence[Place] = (), options: ReadOptions | None = None) -> bytes:
    """PNG of a page (from 1) of a PDF with places marked. Raises NotReadable where there is no such page."""
    with Reader(options or ReadOptions(), workers=1) as reader:
        return reader.submit_page(path, page, places).result()
