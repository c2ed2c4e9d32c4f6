"""Judgements as the `feedback` blocks hold them. Reading feedback files and writing the blocks is elsewhere."""

import json
from collections.abc import Mapping
from typing import Any

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.storage.blocks import BlockStore


def judgements(blocks: BlockStore, variable: str | None = None) -> list[Judgement]:
    """All of a project's, or those of one variable, older ones first; superseded ones too."""
    rows = (row for batch in blocks.batches("feedback") for row in batch)
    return [_judgement(row) for row in rows if variable is None or row["variable"] == variable]


def value_from(stored: str | None) -> Value:
    """A value as blocks hold it: JSON, a list where it is several."""
    value = None if stored is None else json.loads(stored)
    return tuple(value) if isinstance(value, list) else _as_number(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON of a settled value


def _judgement(row: Mapping[str, Any]) -> Judgement:
    return Judgement(
        document=row["document"],
        entity=row["entity"] or "",
        variable=row["variable"],
        verdict=row["verdict"],
        judged=value_from(row["judged_value"]),
        reviewer=row["reviewer"] or "",
        version=row["version"],
        corrected=value_from(row["corrected_value"]),
        is_corrected=bool(row["is_corrected"]),
        inclusion_probability=row["inclusion_probability"],
        text_sha256=row["text_sha256"] or "",
        prompt_version=row["prompt_version"] or "",
        confidence=row["confidence"],
        quote=row["quote"],
        note=row["note"] or "",
    )


def _as_number(value: Any) -> Value:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
