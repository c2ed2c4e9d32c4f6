"""Commands that read documents outside any run: `read` files, and `document show` where a quote stands on its page.

How files are read is in `readers`; the rest of the command line is beside this module.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.readers import NotReadable, Reader, ReadOptions, draw_page


@click.command("read")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--text", "with_text", is_flag=True, help="Also the text of each file.")
@click.option("--password", "passwords", multiple=True, help="Tried on encrypted files; may be given several times.")
@click.option("--no-ocr", is_flag=True, help="Leave scanned pages unread.")
@click.option("--main-text", is_flag=True, help="Of web pages the main text only.")
@click.option("--language", default="en", show_default=True, help="ISO 639 code of the language of scanned pages.")
def read_command(
    files: tuple[Path, ...],
    *,
    as_json: bool,
    with_text: bool,
    passwords: tuple[str, ...],
    no_ocr: bool,
    main_text: bool,
    language: str,
) -> None:
    """Read FILES and say what each is and whether it can be read.

    Needs no project. The exit code is 0 whatever the files hold; their trouble is in their lines.
    """
    options = ReadOptions(passwords=passwords, ocr=not no_ocr, main_text=main_text, language=language)
    for document in _in_order(files, options):
        click.echo(_json_line(document, with_text=with_text) if as_json else _line(document))
        if with_text and not as_json and document.text:
            click.echo(_printable(document.text) + "\n")


def _in_order(files: tuple[Path, ...], options: ReadOptions) -> Iterator[Document]:
    with Reader(options) as reader:
        for future in [reader.submit(path, str(path), str(path)) for path in files]:
            yield future.result()


def _line(document: Document) -> str:
    pages = f", {len(document.pages)} pages" if document.pages else ""
    warnings = f" ({'; '.join(document.warnings)})" if document.warnings else ""
    said = document.reason or f"{document.words} words{pages}"
    # A name may hold anything, also line ends: one file stays one line.
    name = "".join(character if character.isprintable() else "\ufffd" for character in document.source)
    return _printable(" ".join(f"{name}: {document.type}, {document.status}: {said}{warnings}".splitlines()))


def _json_line(document: Document, *, with_text: bool) -> str:
    """ASCII, so that names that are no Unicode come through as they are."""
    shown = {
        "path": document.source,
        "type": document.type,
        "status": str(document.status),
        "reason": document.reason,
        "pages": len(document.pages),
        "words": document.words,
        "language": document.language,
        "warnings": list(document.warnings),
        "metadata": dict(document.metadata),
    }
    return json.dumps({**shown, "text": document.text} if with_text else shown)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


FindDocument = Callable[[str, str], tuple[Path, Document, ReadOptions]]
"""Project id and document key -> the file in the inbox, the document as it was read, and the project's reading options."""


def document_group(find: FindDocument) -> click.Group:
    """`coderai document ...`, for projects that `find` knows."""

    @click.group("document")
    def group() -> None:
        """Look at a project's documents; take those that are gone out of the dataset."""

    @group.command("show")
    @click.argument("project_id", metavar="PROJECT")
    @click.argument("key")
    @click.option("--page", type=click.IntRange(min=1), help="By default the page of the quote, else the first.")
    @click.option("--quote", default="", help="Words to mark.")
    @click.option("-o", "--output", type=click.Path(path_type=Path), help="The picture; by default page-N.png.")
    def show(project_id: str, key: str, page: int | None, quote: str, output: Path | None) -> None:
        """Draw a page of a PDF with a quote marked; of other files show where the quote stands."""
        path, document, options = find(project_id, key)
        click.echo(show_quote(path, document, options, page, quote, output))

    return group


def show_quote(
    path: Path, document: Document, options: ReadOptions, page: int | None, quote: str, output: Path | None
) -> str:
    """Writes the picture of a page of a PDF, and says where the quote stands in any document."""
    span = find_quote(document.text, quote) if quote else None
    if quote and span is None:
        raise click.ClickException(f"{document.source}: the quote is not in its text: {quote[:100]!r}")
    places = document.places.locate(span) if span else ()
    if document.type != "pdf":
        where = ", ".join(place.path for place in places if place.path) or "no place"
        return _printable(f"{document.source}: {where}\n{span.of(document.text) if span else document.text}")
    number = page or next((place.page for place in places if place.page), 1)
    target = output or Path(f"page-{number}.png")
    try:
        target.write_bytes(draw_page(path, number, places, options))
    except NotReadable as trouble:
        raise click.ClickException(f"{document.source}: {trouble.reason}") from trouble
    return f"{target}: page {number} of {document.source}"


def find_quote(text: str, quote: str) -> Span | None:
    """Where a quote stands, white space aside; None where it does not."""
    words = [re.escape(word) for word in quote.split()]
    found = re.search(r"\s+".join(words), text) if words else None
    return Span(*found.span()) if found else None
