"""How a document travels from a worker process to the process that asked: as plain values only.

A worker reads files that may be hostile, so nothing that it sends may name a class or function to the receiver.
Starting and watching workers is in `sandbox`.
"""

import io
import pickle
import struct
from types import MappingProxyType
from typing import Any

import numpy as np

from coderai_pipeline.domain.documents import (
    Document,
    DocumentStatus,
    EvidenceMap,
    Heading,
    HiddenText,
    Page,
    Span,
    TableSpan,
)

HEADER = struct.Struct("<cQ")
"""Kind and length in bytes of the answer that follows."""
READY, LOADED, DOCUMENT, VALUE = b"R", b"L", b"D", b"V"
"""Kinds of answer: the worker has started; the libraries for a file are in memory; its document; another value or why there is none."""


def pack(document: Document) -> bytes:
    return pickle.dumps(
        (
            (document.key, document.source, document.type, str(document.status), document.reason),
            (document.sha256, document.size_bytes, document.text, document.language),
            [(p.number, p.span.start, p.span.end, str(p.status), p.ocr_quality) for p in document.pages],
            [(h.span.start, h.span.end, h.level) for h in document.headings],
            [_pack_table(table) for table in document.tables],
            [(h.span.start, h.span.end, h.why) for h in document.hidden],
            document.warnings,
            dict(document.metadata),
            _pack_places(document.places),
        ),
        protocol=5,
    )


def unpack(packed: bytes) -> Document:
    """The document in `packed`. Raises pickle.UnpicklingError, ValueError or TypeError for anything else."""
    names, content, pages, headings, tables, hidden, warnings, metadata, places = plain_values(packed)
    key, source, type_, status, reason = names
    sha256, size_bytes, text, language = content
    return Document(
        key=key,
        source=source,
        type=type_,
        status=DocumentStatus(status),
        reason=reason,
        sha256=sha256,
        size_bytes=size_bytes,
        text=text,
        language=language,
        pages=tuple(Page(n, Span(start, end), DocumentStatus(s), ocr) for n, start, end, s, ocr in pages),
        headings=tuple(Heading(Span(start, end), level) for start, end, level in headings),
        tables=tuple(TableSpan(Span(*span), Span(*header) if header else None) for span, header in tables),
        hidden=tuple(HiddenText(Span(start, end), why) for start, end, why in hidden),
        warnings=tuple(warnings),
        metadata=MappingProxyType(metadata),
        places=_unpack_places(places),
    )


def plain_values(packed: bytes) -> Any:
    """What `pickle.dumps` wrote, as long as it holds nothing but numbers, strings, bytes, tuples, lists and dicts."""
    return _PlainUnpickler(io.BytesIO(packed)).load()


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"a worker sent {module_name}.{global_name}")


_PackedTable = tuple[tuple[int, int], tuple[int, int] | None]
_PackedPlaces = tuple[bytes, bytes, bytes, bytes, str]
_BETWEEN = "\0"
"""Paths travel as one string: a long document has hundreds of thousands."""


def _pack_table(table: TableSpan) -> _PackedTable:
    return (table.span.start, table.span.end), (table.header.start, table.header.end) if table.header else None


def _pack_places(places: EvidenceMap) -> _PackedPlaces:
    columns = (places.starts, places.ends, places.pages)
    starts, ends, pages = (np.asarray(column, np.int32).tobytes() for column in columns)
    return starts, ends, pages, np.asarray(places.rectangles, np.float32).tobytes(), _BETWEEN.join(places.paths)


def _unpack_places(packed: _PackedPlaces) -> EvidenceMap:
    starts, ends, pages = (np.frombuffer(column, np.int32) for column in packed[:3])
    paths = tuple(packed[4].split(_BETWEEN)) if packed[4] else ()
    return EvidenceMap(starts, ends, pages, np.frombuffer(packed[3], np.float32).reshape(-1, 4), paths)
