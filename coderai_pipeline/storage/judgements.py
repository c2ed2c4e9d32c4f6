"""Judgements as the `feedback` blocks hold them. Reading feedback files and writing the blocks is elsewhere."""

from collections.abc import Mapping
from typing import Any

from coderai_pipeline.domain.feedback import Verdict
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.records import value_from


def judgements(blocks: BlockStore, variable: str | None = None) -> list[Judgement]:
    """All of a project's, or those of one variable, older ones first; superseded ones too."""
    rows = (row for batch in blocks.batches("feedback") for row in batch)
    return [_judgement(row) for row in rows if variable is None or row["variable"] == variable]


def _judgement(row: Mapping[str, Any]) -> Judgement:
    return Judgement(
        document=row["document"],
        entity=row["entity"] or "",
        variable=row["variable"],
        verdict=Verdict(row["verdict"]),
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
