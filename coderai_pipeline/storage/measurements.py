"""Measurements of quality as the `quality` blocks hold them: one version a measurement, appended only where something changed.

What is measured is in `domain.quality`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from coderai_pipeline.domain.quality import Measure
from coderai_pipeline.storage.blocks import BlockStore, next_version, start_after

_COLUMNS = ("variable", "measure", "part", "value", "low", "high", "n", "source", "basis", "prompt_version")


def measurement_rows(measures: Sequence[Measure], prompt_versions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Block rows without version. prompt_versions: variable -> the version its cells were made with."""
    return [
        {
            "variable": one.variable,
            "measure": one.name,
            "part": one.of,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": one.n,
            "source": one.source,
            "basis": one.basis,
            "prompt_version": prompt_versions.get(one.variable, ""),
        }
        for one in measures
    ]


def keep_measurement(blocks: BlockStore, rows: Sequence[Mapping[str, Any]]) -> None:
    """Appends a measurement, unless it says what the last one said."""
    held, newest = _held(blocks)
    last = [{name: row[name] for name in _COLUMNS} for row in held if row["version"] == newest]
    if rows and last != [dict(row) for row in rows]:
        start_after(newest)
        version = next_version()
        blocks.append("quality", [{**row, "version": version} for row in rows])


def last_measurement(blocks: BlockStore) -> list[Measure]:
    """The newest measurement; empty before the first."""
    held, newest = _held(blocks)
    return [measure_from(row) for row in held if row["version"] == newest]


def measure_from(row: Mapping[str, Any]) -> Measure:
    return Measure(
        row["variable"], row["measure"], row["part"], row["value"], row["low"], row["high"], row["n"], row["source"],
        row["basis"],
    )  # fmt: skip


def _held(blocks: BlockStore) -> tuple[list[dict[str, Any]], int]:
    """All rows, and the version of the newest."""
    rows = [row for batch in blocks.batches("quality") for row in batch]
    return rows, max((row["version"] for row in rows), default=0)


def history(blocks: BlockStore) -> list[tuple[int, Measure]]:
    """Every measurement that was kept, oldest first, each with its version (nanoseconds since the epoch)."""
    rows, _ = _held(blocks)
    return sorted(((row["version"], measure_from(row)) for row in rows), key=lambda one: one[0])
