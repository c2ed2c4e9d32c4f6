"""Small projects written with the real block store, for the tests of publishing."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.project import Project
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.snapshot import Published, publish
from coderai_pipeline.storage.blocks import BlockStore, next_version

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Given = Mapping[str, Mapping[str, Any]]
"""Document -> variable -> value; a Changed where more of the cell differs."""


class Changed(dict[str, Any]):
    """Columns of a cell's row that differ from the usual, `answer` being its value."""


def definition(variables: Sequence[Mapping[str, Any]], **project: Any) -> Definition:
    return Definition(
        "study",
        Project.model_validate({"name": "Study", **project}),
        Codebook.model_validate_json(json.dumps({"variables": variables})),
    )


def publish_values(folder: Path, study: Definition, given: Given, **document: Any) -> Published:
    return publish(study, write_values(folder, study, given, **document), folder / "outputs", NOW)


def write_values(folder: Path, study: Definition, given: Given, **document: Any) -> BlockStore:
    """Documents, one row each, with the cells given, settled."""
    blocks = BlockStore(folder / "state")
    blocks.append("documents", [document_row(key, **document) for key in given])
    blocks.append(
        "cells", [_cell(study, key, name, value) for key, row in given.items() for name, value in row.items()]
    )
    blocks.append("settled", [settled_row(key) for key in given])
    return blocks


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def document_row(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "document": key, "version": next_version(), "source": f"{key}.txt", "file": f"{key}.txt", "type": "text",
        "status": "ready", "reason": "", "duplicate_of": None, "removed": False, "sha256": f"sha-{key}",
        "text_sha256": f"text-{key}", "size_bytes": 10, "language": "en", "words": 3, "characters": 12, "pages": 1,
        "warnings": [], "metadata": "{}", "text": f"Text of {key}", "layout": b"raw", "run_id": "run",
    } | changes  # fmt: skip


def cell_row(key: str, variable: str, value: Any, **changes: Any) -> dict[str, Any]:
    return {
        "document": key, "entity": "", "variable": variable, "version": next_version(), "type": "text",
        "status": "absent" if value is None else "extracted", "reason": "not stated" if value is None else "",
        "value": json.dumps(value, ensure_ascii=False), "confidence": 0.9, "quote": "Text", "start": 0, "end": 4,
        "page": 1, "grounding": "exact", "changes": [], "alternatives": [], "prompt_version": "p1",
        "extractor": "openai", "model": "m", "call_ids": ["c1"], "input_tokens": 10.0, "output_tokens": 2.0,
        "cost": 0.5, "seconds": 1.0, "ask_fingerprint": "a", "settle_fingerprint": "b", "text_sha256": f"text-{key}",
        "raw_reply": None, "run_id": "run",
    } | changes  # fmt: skip


def call_row(call_id: str, document: str, **changes: Any) -> dict[str, Any]:
    return {
        "call_id": call_id, "document": document, "version": next_version(), "text_sha256": f"text-{document}", "chunk": 0,
        "start": 0, "end": 12, "mode": "row", "entities": [], "variables": ["title"], "ask_fingerprints": ["a"],
        "model": "m", "finish_reason": "stop", "input_tokens": 10, "output_tokens": 2, "cached_tokens": 0, "cost": 0.5,
        "attempts": 1, "started_at": NOW, "seconds": 1.0, "problem": "", "run_id": "run",
    } | changes  # fmt: skip


def settled_row(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "document": key, "version": next_version(), "outcome": "settled", "reason": "", "text_sha256": f"text-{key}",
        "entities": 1, "wanted": 1, "counts": "{}", "calls": 1, "input_tokens": 10, "output_tokens": 2, "cost": 0.5,
        "seconds": 1.0, "run_id": "run",
    } | changes  # fmt: skip


def entity_rows(key: str, count: int) -> list[dict[str, Any]]:
    version = next_version()
    return [
        {"document": key, "entity": str(index), "version": version, "start": index, "quote": "q", "mentions": "[]"}
        for index in range(1, count + 1)
    ]


def _cell(study: Definition, key: str, name: str, value: Any) -> dict[str, Any]:
    changes = {"type": str(study.codebook[name].type)}
    if isinstance(value, Changed):
        return cell_row(key, name, value.get("answer"), **changes | {k: v for k, v in value.items() if k != "answer"})
    return cell_row(key, name, value, **changes)


def feedback_row(key: str, variable: str, judged: Any, **changes: Any) -> dict[str, Any]:
    """A row of feedback that finds the value right; `corrected` makes it a correction."""
    version = next_version()
    corrected = changes.pop("corrected", ...)
    is_corrected = corrected is not ...
    return {
        "feedback_id": str(version), "version": version, "document": key, "entity": "", "variable": variable,
        "verdict": "incorrect" if is_corrected else "correct", "judged_value": _json(judged),
        "judged_status": "extracted", "corrected_value": _json(corrected) if is_corrected else None,
        "is_corrected": is_corrected, "note": "", "reviewer": "Ada", "text_sha256": f"text-{key}", "prompt_version": "p1",
        "confidence": 0.9, "quote": "Text", "inclusion_probability": None, "is_blind": False, "file": "said.csv", "row": 2,
        "run_id": "run",
    } | changes  # fmt: skip


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
