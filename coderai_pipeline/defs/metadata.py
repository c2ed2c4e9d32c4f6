"""What a person sees of a document, a prompt or a dataset in the Dagster UI: bounded tables, previews, counts and links."""
# pyright: reportUnknownMemberType=false
# `MetadataValue.path` is typed in part only.

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from dagster import MetadataValue, TableColumn, TableRecord, TableSchema

from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.project import Privacy
from coderai_pipeline.engine.report import DocumentReport, Settlement, Summary

ROWS = 20
"""Rows of a table in one event: events are stored for ever, and one is written for each document."""
CHARACTERS = 120

Metadata = Mapping[str, Any]


def document_metadata(report: DocumentReport, path: Path, privacy: Privacy) -> Metadata:
    document = report.document
    shown: dict[str, Any] = {
        "source": document.source,
        "status": str(document.status),
        **({"reason": document.reason} if document.reason else {}),
        "type": document.type,
        "words": document.words,
        "characters": len(document.text),
        "size_bytes": document.size_bytes,
        "sha256": document.sha256,
        "file": MetadataValue.path(str(path)),
    }
    if document.language:
        shown["language"] = document.language
    if document.pages:
        shown["pages"] = len(document.pages)
    if document.warnings:
        shown["warnings"] = MetadataValue.md("\n".join(f"- {warning}" for warning in document.warnings[:ROWS]))
    return {**shown, **_text_shown(document, privacy)}


def _text_shown(document: Document, privacy: Privacy) -> Metadata:
    """Nothing of the text where the project keeps it out of sight."""
    if not privacy.show_text or not document.text:
        return {}
    length = min(privacy.preview_characters, 600)
    shown: dict[str, Any] = {"preview": MetadataValue.text(document.text[:length])} if length else {}
    if document.metadata:
        stated = {name: value[:CHARACTERS] for name, value in list(document.metadata.items())[:ROWS]}
        shown["stated_in_the_file"] = MetadataValue.json(stated)
    return shown


def chunks_metadata(report: DocumentReport) -> Metadata:
    return {"chunks": report.chunks, "words": report.document.words}


def extraction_metadata(settlement: Settlement, privacy: Privacy) -> Metadata:
    """What people came for stands first: why it went wrong, and the values."""
    shown: dict[str, Any] = {"outcome": settlement.outcome}
    if settlement.reason:
        shown["reason"] = settlement.reason
    if settlement.cells:
        shown["values"] = cells_table(settlement.cells, privacy)
    if settlement.entities:
        shown["entities"] = settlement.entities
    shown["cells"] = settlement.wanted
    shown |= {f"cells_{status}": number for status, number in sorted(settlement.counts.items())}
    shown["calls"] = settlement.calls
    shown["tokens"] = settlement.input_tokens + settlement.output_tokens
    if settlement.cost is not None:
        shown["cost"] = round(settlement.cost, 6)
    return {**shown, "seconds": round(settlement.seconds, 3)}


def cells_table(cells: Iterable[Cell], privacy: Privacy) -> MetadataValue:
    rows = [_cell_record(cell, privacy) for cell in islice(cells, ROWS)]
    columns = [name for name in rows[0] if name != "entity" or any(row["entity"] for row in rows)] if rows else []
    records = [TableRecord({name: row[name] for name in columns}) for row in rows]
    return MetadataValue.table(records, TableSchema([TableColumn(name) for name in columns]))


def _cell_record(cell: Cell, privacy: Privacy) -> dict[str, str]:
    visible = privacy.show_text
    value = "" if cell.value is None else json.dumps(cell.value, ensure_ascii=False).strip('"')
    return {
        "entity": cell.entity,
        "variable": cell.variable,
        "value": value[:CHARACTERS] if visible else "(not shown)" if value else "",
        "status": str(cell.status),
        "reason": cell.reason[:CHARACTERS] if visible else "",
        "quote": cell.evidence.quote[:CHARACTERS] if visible and cell.evidence else "",
        "page": str(cell.evidence.page or "") if cell.evidence else "",
    }


def summary_metadata(summary: Summary) -> Metadata:
    shown: dict[str, Any] = {
        "documents_done": summary.done,
        "documents_read": summary.read,
        "documents_extracted": summary.extracted,
        "calls": summary.calls,
        "tokens": summary.input_tokens + summary.output_tokens,
        "seconds": round(summary.seconds, 1),
        "cells_by_status": counts_table(summary.cells, "status"),
        "troubles": troubles_table(summary.troubles),
    }
    if summary.cost is not None:
        shown["cost"] = round(summary.cost, 6)
    if summary.stopped:
        shown["stopped"] = summary.stopped
    return shown


def counts_table(counts: Mapping[str, int], what: str) -> MetadataValue:
    records = [TableRecord({what: name, "number": number}) for name, number in sorted(counts.items())]
    return MetadataValue.table(records, TableSchema([TableColumn(what), TableColumn("number", "int")]))


def troubles_table(troubles: Mapping[str, str], limit: int = 200) -> MetadataValue:
    records = [TableRecord({"document": source, "why": why}) for source, why in sorted(troubles.items())[:limit]]
    return MetadataValue.table(records, TableSchema([TableColumn("document"), TableColumn("why")]))
