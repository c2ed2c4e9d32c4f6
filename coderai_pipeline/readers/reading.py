"""Reads one file into one document, in the process that calls it. Limits on time and memory are in `sandbox`.

Which reader reads a file is decided in `detect`; what is the same for every format (hash, language, what to do with
trouble) is here, and so is the boundary at which one file's trouble becomes its status.
"""

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.domain.injection import suspicious_passages
from coderai_pipeline.readers import detect
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.language import detect_language
from coderai_pipeline.readers.limits import too_much_memory
from coderai_pipeline.readers.normalise import storable
from coderai_pipeline.readers.opening import file_identity, read_regular_file

if TYPE_CHECKING:
    from coderai_pipeline.readers.tables import TableOfDocuments

_MODULES = {
    "pdf": "pdf",
    "docx": "docx",
    "html": "html",
    "xml": "xml",
    "text": "text",
    "markdown": "markdown",
    "eml": "eml",
    "csv": "tables",
    "xlsx": "tables",
    "jsonl": "tables",
    "parquet": "tables",
}


def read(
    path: str,
    key: str,
    source: str,
    row: int | None,
    options: ReadOptions,
    loaded: Callable[[Document], None] = lambda document: None,
) -> Document:
    """The document in a file, or in a row (a position in `list_rows`) of a table; never raises for a bad file.

    `loaded` is called with what is known of the document once the libraries for its type are in memory, before they
    see the file.
    """
    document = Document(key, source, "unknown", DocumentStatus.UNSUPPORTED, "", "", 0)
    try:
        if row is not None:
            return _read_row(document, path, row, options, loaded)
        data = read_regular_file(path, options.file_mb)
        document = replace(document, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
        name = PurePath(path).name
        kind = detect.detect(data, name)
        if kind == detect.LOCKED_OFFICE:
            document = replace(document, type="xlsx" if name.lower().endswith((".xlsx", ".xlsm")) else "docx")
            kind, data = _unlocked(data, name, options)
        document = replace(document, type=kind)
        reader = _reader(kind)
        loaded(document)
        return _finish(document, reader.read(data, options))
    except NotReadable as trouble:
        return _refused(document, trouble.status, trouble.reason)
    except MemoryError:
        return _refused(document, DocumentStatus.TOO_LARGE, too_much_memory(options))
    except RecursionError:
        return _refused(document, DocumentStatus.CORRUPT, "is nested too deeply to be read; save it again")
    except Exception as error:  # noqa: BLE001 - the document's boundary: whatever a file does to its reader is recorded
        return _refused(document, *_unexpected(error, options))


def list_rows(path: str, options: ReadOptions) -> list[str] | None:
    """The ids of the rows of a table of documents, in order; None for any other file, readable or not.

    Raises NotReadable where the table has no column that can be told to hold the text.
    """
    from coderai_pipeline.readers import tables

    try:
        kind, data = _identified(path, options)
        return tables.row_ids(data, kind, options) if kind in tables.KINDS else None
    except tables.NoTextColumn:
        raise
    except Exception:  # noqa: BLE001 - the document's boundary: read as a document, the file gets its reason
        return None


def _identified(path: str, options: ReadOptions) -> tuple[str, bytes]:
    data = read_regular_file(path, options.file_mb)
    return _unlocked(data, PurePath(path).name, options)


def _unlocked(data: bytes, name: str, options: ReadOptions) -> tuple[str, bytes]:
    """What a file is, and its bytes; of an encrypted Office file, what is in it."""
    kind = detect.detect(data, name)
    if kind != detect.LOCKED_OFFICE:
        return kind, data
    from coderai_pipeline.readers.passwords import decrypt_office

    data = decrypt_office(data, options.passwords)
    return detect.detect(data, name), data


def _reader(kind: str) -> ModuleType:
    return importlib.import_module(f"coderai_pipeline.readers.{_MODULES[kind]}")


def _read_row(
    document: Document, path: str, row: int, options: ReadOptions, loaded: Callable[[Document], None]
) -> Document:
    from coderai_pipeline.readers import tables

    table, kind = _open_table(document, path, options, loaded)
    content, canonical = tables.read_row(table, row)
    sha256 = hashlib.sha256(canonical).hexdigest()
    return _finish(replace(document, type=kind, sha256=sha256, size_bytes=len(canonical)), content)


def _open_table(
    document: Document, path: str, options: ReadOptions, loaded: Callable[[Document], None]
) -> "tuple[TableOfDocuments, str]":
    """The last table stays in memory for its next row; it is opened again when its file changed."""
    from coderai_pipeline.readers import tables

    identity = file_identity(path)
    if identity is None or _last_table.get("identity") != identity:
        kind, data = _identified(path, options)
        loaded(replace(document, type=kind, size_bytes=len(data)))
        _last_table.clear()
        _last_table.update(identity=identity, table=tables.table_of_documents(data, kind, options), kind=kind)
    return _last_table["table"], _last_table["kind"]


_last_table: dict[str, Any] = {}


def _finish(document: Document, content: Content) -> Document:
    text = storable(content.text)
    warnings = [storable(warning) for warning in content.warnings]
    if text != content.text:
        warnings.append("characters that cannot be stored (NUL or half a character) were replaced by U+FFFD")
    warnings += [f"{one.why}: {text[one.span.start : one.span.end][:80]!r}" for one in suspicious_passages(text)[:5]]
    metadata = {storable(name): storable(value) for name, value in content.metadata.items() if value.strip()}
    document = replace(
        document,
        status=content.status,
        reason=content.reason,
        warnings=tuple(warnings),
        metadata=MappingProxyType(metadata),
    )
    if not content.status.is_readable:
        return replace(document, pages=content.pages)
    return replace(
        document,
        text=text,
        language=detect_language(text),
        pages=content.pages,
        headings=content.headings,
        tables=content.tables,
        hidden=content.hidden,
        places=content.places,
    )


def _refused(document: Document, status: DocumentStatus, reason: str) -> Document:
    return replace(document, status=status, reason=storable(reason))


def _unexpected(error: Exception, options: ReadOptions) -> tuple[DocumentStatus, str]:
    """C libraries report a failed allocation in their own words."""
    said = str(error).lower()
    if "memory" in said or "malloc" in said:
        return DocumentStatus.TOO_LARGE, too_much_memory(options)
    return (
        DocumentStatus.CORRUPT,
        f"could not be read ({type(error).__name__}: {str(error)[:200]}); open it and save it again",
    )
