"""What a person sees of a document, a prompt or a dataset in the Dagster UI: bounded tables, previews, counts and links."""
# pyright: reportUnknownMemberType=false
# `MetadataValue.path` is typed in part only.

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dagster import MetadataValue, TableColumn, TableMetadataValue, TableRecord, TableSchema

from coderai_pipeline.defs.confidential import HELD_BACK
from coderai_pipeline.domain import wording
from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.project import Privacy
from coderai_pipeline.engine.judging import Refused
from coderai_pipeline.engine.ledger import Ledger
from coderai_pipeline.engine.report import DocumentReport, Settlement, Summary, duration, money, spent

ROWS = 20
"""Rows of a table in one event: events are stored for ever, and one is written for each document."""
REFUSED_ROWS = 200
CHARACTERS = 120
REASON_CHARACTERS = 1_000

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
        shown["warnings"] = _warnings(document.warnings, privacy)
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


def _warnings(warnings: Sequence[str], privacy: Privacy) -> MetadataValue:
    """Some quote the passage that they are about."""
    if not privacy.show_text:
        return MetadataValue.text(f"{len(warnings)}, {HELD_BACK}; see the table `documents` of the dataset")
    return MetadataValue.md("\n".join(f"- {warning}" for warning in warnings[:ROWS]))


def chunks_metadata(chunks: int, report: DocumentReport) -> Metadata:
    return {"chunks": chunks, "words": report.document.words}


def extraction_metadata(settlement: Settlement, privacy: Privacy, currency: str) -> Metadata:
    """What people came for stands first: why it went wrong, and the values."""
    shown: dict[str, Any] = {"outcome": settlement.outcome}
    if settlement.reason:
        shown["reason"] = settlement.reason[:REASON_CHARACTERS]
    if settlement.cells:
        shown["values"] = cells_table(settlement.cells, privacy)
    if settlement.entities:
        shown["entities"] = settlement.entities
    shown["cells"] = settlement.wanted
    shown |= {f"cells_{status}": number for status, number in sorted(settlement.counts.items())}
    shown["calls"] = settlement.calls
    shown["tokens"] = settlement.input_tokens + settlement.output_tokens
    if settlement.cost is not None:
        shown["cost"] = spent(settlement.cost, currency, settlement.unpriced)
    return {**shown, "seconds": round(settlement.seconds, 3)}


def cells_table(cells: Iterable[Cell], privacy: Privacy) -> MetadataValue:
    rows = [_cell_record(cell, privacy) for cell in islice(cells, ROWS)]
    columns = [name for name in rows[0] if name != "entity" or any(row["entity"] for row in rows)] if rows else []
    records = [TableRecord({name: row[name] for name in columns}) for row in rows]
    return MetadataValue.table(records, TableSchema([TableColumn(name) for name in columns]))


def _cell_record(cell: Cell, privacy: Privacy) -> dict[str, str]:
    visible = privacy.show_text
    value = wording.shown(cell.value)
    return {
        "entity": cell.entity,
        "variable": cell.variable,
        "value": value[:CHARACTERS] if visible else "(not shown)" if value else "",
        "status": str(cell.status),
        "reason": cell.reason[:CHARACTERS] if visible else "",
        "quote": cell.evidence.quote[:CHARACTERS] if visible and cell.evidence else "",
        "page": str(cell.evidence.page or "") if cell.evidence else "",
    }


def summary_metadata(summary: Summary, currency: str) -> Metadata:
    """What a run did."""
    shown: dict[str, Any] = {"stopped": summary.stopped} if summary.stopped else {}
    if summary.troubles:
        shown["not_settled"] = troubles_table(summary.troubles)
    shown["documents"] = f"{summary.done:,} done: {summary.read:,} read, {summary.extracted:,} extracted"
    if summary.cells:
        shown["cells_of_this_run"] = counts_table(summary.cells, "status")
    shown["calls"] = summary.calls
    shown["tokens"] = f"{summary.input_tokens:,} prompt + {summary.output_tokens:,} completion"
    if summary.cost is not None:
        shown["cost"] = spent(summary.cost, currency, summary.unpriced)
        if summary.extracted and not summary.unpriced:
            shown["cost_per_document"] = money(summary.cost / summary.extracted, currency)
    return {**shown, "time": duration(summary.seconds)}


def ledger_metadata(ledger: Ledger, privacy: Privacy) -> Metadata:
    """The account of the project: that wanted = settled, or what is open and why."""
    states = Counter(line.state for line in ledger.lines)
    shown: dict[str, Any] = {"ledger": ledger.stated}
    if not ledger.closes:
        shown["open_because"] = _reasons_table(ledger, privacy)
    if ledger.paused:
        shown["held"] = ledger.paused if privacy.show_text else HELD_BACK
    return {
        **shown,
        "cells_by_status": counts_table(ledger.statuses, "status"),
        "documents_by_state": counts_table(states, "state"),
        "cells_wanted": ledger.wanted,
        "cells_settled": ledger.settled,
        "cells_failed": ledger.failed,
        "cells_open": ledger.open,
    }


def _reasons_table(ledger: Ledger, privacy: Privacy) -> MetadataValue:
    """The reasons of most documents. Those of an extraction may quote the text."""
    groups: dict[tuple[str, str], Counter[str]] = {}
    which: dict[tuple[str, str], str] = {}
    for state, why, documents, cells, sources in ledger.reasons():
        shown = why if privacy.show_text or state not in ("failed", "open") else HELD_BACK
        group = state, shown[:REASON_CHARACTERS]
        groups.setdefault(group, Counter()).update(documents=documents, cells=cells)
        which.setdefault(group, sources)
    records = [
        TableRecord({"state": state, "why": why, **numbers, "which": which[state, why][:REASON_CHARACTERS]})
        for (state, why), numbers in list(groups.items())[:ROWS]
    ]
    if len(groups) > ROWS:
        left = sum(numbers["documents"] for numbers in list(groups.values())[ROWS:])
        more = f"{len(groups) - ROWS} more reasons: `coderai ledger` lists them all"
        records.append(TableRecord({"state": "", "why": more, "documents": left, "cells": "", "which": ""}))
    numbers = TableColumn("documents", "int"), TableColumn("cells", "int")
    columns = [TableColumn("state"), TableColumn("why"), *numbers, TableColumn("which")]
    return MetadataValue.table(records, TableSchema(columns))


def refused_table(refused: Sequence[Refused], privacy: Privacy) -> TableMetadataValue:
    """Rows of feedback that were not applied. What stands in them, and often why, quotes values."""
    visible = privacy.show_text
    records = [
        TableRecord(
            {
                "row": "" if one.row is None else str(one.row),
                "why": one.why[:REASON_CHARACTERS] if visible or one.row is None else HELD_BACK,
                "said": one.said[:CHARACTERS] if visible else "",
            }
        )
        for one in refused[:REFUSED_ROWS]
    ]
    if len(refused) > REFUSED_ROWS:
        more = f"{len(refused) - REFUSED_ROWS} more: the table `feedback` of the dataset lists them all"
        records.append(TableRecord({"row": "", "why": more, "said": ""}))
    return MetadataValue.table(records, TableSchema([TableColumn(name) for name in ("row", "why", "said")]))


def counts_table(counts: Mapping[str, int], what: str) -> MetadataValue:
    records = [TableRecord({what: name, "number": number}) for name, number in sorted(counts.items())]
    return MetadataValue.table(records, TableSchema([TableColumn(what), TableColumn("number", "int")]))


def troubles_table(troubles: Mapping[str, str], limit: int = 200) -> MetadataValue:
    listed = sorted(troubles.items())[:limit]
    records = [TableRecord({"document": source, "why": why[:REASON_CHARACTERS]}) for source, why in listed]
    return MetadataValue.table(records, TableSchema([TableColumn("document"), TableColumn("why")]))


def failed_formulas_table(failed: Sequence[tuple[str, int, str]], privacy: Privacy) -> MetadataValue:
    """(variable, cells, why) of formulas that could not be computed. A reason may quote a value."""
    records = [
        TableRecord(
            {"variable": variable, "cells": cells, "why": why[:REASON_CHARACTERS] if privacy.show_text else HELD_BACK}
        )
        for variable, cells, why in failed
    ]
    columns = [TableColumn("variable"), TableColumn("cells", "int"), TableColumn("why")]
    return MetadataValue.table(records, TableSchema(columns))
