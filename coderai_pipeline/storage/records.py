"""Domain values to block rows and back: the one place that knows how a document, chunk or cell is spelled in Parquet."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from coderai_pipeline.domain.cells import Cell, CellStatus, Evidence, Grounding, Value
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
from coderai_pipeline.domain.feedback import Feedback, Verdict

Row = Mapping[str, Any]


def document_row(document: Document, **about: object) -> dict[str, Any]:
    """A `documents` row; `about` holds what the document itself does not know (version, file, mtime_ns, run_id, ...)."""
    return {
        "document": document.key,
        "source": document.source,
        "type": document.type,
        "status": str(document.status),
        "reason": document.reason,
        "removed": False,
        "sha256": document.sha256,
        "size_bytes": document.size_bytes,
        "language": document.language,
        "words": document.words,
        "characters": len(document.text),
        "pages": len(document.pages),
        "warnings": list(document.warnings),
        "metadata": json.dumps(dict(document.metadata), ensure_ascii=False),
        "text": document.text,
        "layout": pack_layout(document),
        **about,
    }


def document_from(row: Row) -> Document:
    return Document(
        key=row["document"],
        source=row["source"],
        type=row["type"],
        status=DocumentStatus(row["status"]),
        reason=row["reason"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        text=row["text"] or "",
        language=row["language"],
        warnings=tuple(row["warnings"] or ()),
        metadata=json.loads(row["metadata"] or "{}"),
        **unpack_layout(row["layout"]),
    )


def pack_layout(document: Document) -> bytes:
    """Pages, headings, tables, hidden spans and the evidence map, compressed: JSON for the few, raw arrays for the many."""
    places = document.places
    few = {
        "pages": [[p.number, p.span.start, p.span.end, str(p.status), p.ocr_quality] for p in document.pages],
        "headings": [[h.span.start, h.span.end, h.level] for h in document.headings],
        "tables": [
            [t.span.start, t.span.end, t.header.start if t.header else None, t.header.end if t.header else None]
            for t in document.tables
        ],
        "hidden": [[h.span.start, h.span.end, h.why] for h in document.hidden],
        "paths": list(places.paths),
        "places": [len(places.starts), len(places.rectangles)],
    }
    head = json.dumps(few, ensure_ascii=False).encode()
    arrays = [places.starts.astype("<i4"), places.ends.astype("<i4"), places.pages.astype("<i4")]
    body = b"".join(array.tobytes() for array in arrays) + places.rectangles.astype("<f4").tobytes()
    return zlib.compress(len(head).to_bytes(8, "little") + head + body, level=3)


def unpack_layout(packed: bytes | None) -> dict[str, Any]:
    """The keyword arguments of `Document` that `pack_layout` packed."""
    if not packed:
        return {}
    raw = zlib.decompress(packed)
    split = 8 + int.from_bytes(raw[:8], "little")
    few = json.loads(raw[8:split])
    rows, boxes = few["places"]
    columns = np.frombuffer(raw, "<i4", count=3 * rows, offset=split).astype(np.int32).reshape(3, rows)
    rectangles = np.frombuffer(raw, "<f4", count=4 * boxes, offset=split + 12 * rows).astype(np.float32)
    return {
        "pages": tuple(Page(n, Span(start, end), DocumentStatus(s), q) for n, start, end, s, q in few["pages"]),
        "headings": tuple(Heading(Span(start, end), level) for start, end, level in few["headings"]),
        "tables": tuple(
            TableSpan(Span(start, end), None if first is None else Span(first, last))
            for start, end, first, last in few["tables"]
        ),
        "hidden": tuple(HiddenText(Span(start, end), why) for start, end, why in few["hidden"]),
        "places": EvidenceMap(columns[0], columns[1], columns[2], rectangles.reshape(boxes, 4), tuple(few["paths"])),
    }


def cell_row(cell: Cell, **about: object) -> dict[str, Any]:
    """A `cells` row; `about` holds version, run_id and text_sha256."""
    evidence = cell.evidence
    return {
        "document": cell.document,
        "entity": cell.entity,
        "variable": cell.variable,
        "type": cell.type,
        "status": str(cell.status),
        "reason": cell.reason,
        "value": stored_value(cell.value),
        "precision": cell.precision,
        "unit": cell.unit,
        "confidence": cell.confidence,
        "quote": evidence.quote if evidence else None,
        "start": evidence.start if evidence else None,
        "end": evidence.end if evidence else None,
        "page": evidence.page if evidence else None,
        "grounding": str(evidence.grounding) if evidence else None,
        "changes": list(cell.changes),
        "alternatives": list(cell.alternatives),
        "prompt_version": cell.prompt_version,
        "extractor": cell.extractor,
        "model": cell.model,
        "call_ids": list(cell.call_ids),
        "input_tokens": cell.input_tokens,
        "output_tokens": cell.output_tokens,
        "cost": cell.cost,
        "seconds": cell.seconds,
        "ask_fingerprint": cell.ask_fingerprint,
        "settle_fingerprint": cell.settle_fingerprint,
        "raw_reply": cell.raw_reply,
        **about,
    }


def cell_from(row: Row) -> Cell:
    return Cell(
        document=row["document"],
        entity=row["entity"],
        variable=row["variable"],
        type=row["type"],
        status=CellStatus(row["status"]),
        reason=row["reason"],
        value=value_from(row["value"]),
        precision=row["precision"],
        unit=row["unit"],
        confidence=row["confidence"],
        evidence=_evidence(row),
        changes=tuple(row["changes"] or ()),
        alternatives=tuple(row["alternatives"] or ()),
        prompt_version=row["prompt_version"],
        extractor=row["extractor"],
        model=row["model"],
        call_ids=tuple(row["call_ids"] or ()),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost=row["cost"],
        seconds=row["seconds"],
        ask_fingerprint=row["ask_fingerprint"],
        settle_fingerprint=row["settle_fingerprint"],
        raw_reply=row["raw_reply"],
    )


def feedback_row(feedback: Feedback, **about: object) -> dict[str, Any]:
    """A `feedback` row; `about` holds version and run_id."""
    row = {name: getattr(feedback, name) for name in Feedback.__slots__}
    return {
        **row,
        "verdict": str(feedback.verdict),
        "judged_status": str(feedback.judged_status),
        "judged_value": stored_value(feedback.judged_value),
        "corrected_value": stored_value(feedback.corrected_value),
        **about,
    }


def feedback_from(row: Row) -> Feedback:
    stored: dict[str, Any] = {name: row[name] for name in Feedback.__slots__}
    stored["verdict"] = Verdict(row["verdict"])
    stored["judged_status"] = CellStatus(row["judged_status"])
    stored["judged_value"] = value_from(row["judged_value"])
    stored["corrected_value"] = value_from(row["corrected_value"])
    return Feedback(**stored)


def stored_value(value: Value) -> str | None:
    """A value as the JSON that blocks hold; None = no value."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def value_from(stored: str | None) -> Value:
    """A value as blocks hold it: JSON, a list where it is several. Numbers are float, also where another program wrote `5`."""
    if stored is None:
        return None
    value = json.loads(stored, parse_int=float)
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (JSON written by cell_row)


def _evidence(row: Row) -> Evidence | None:
    if row["grounding"] is None:
        return None
    return Evidence(row["quote"] or "", Grounding(row["grounding"]), row["start"], row["end"], row["page"])
