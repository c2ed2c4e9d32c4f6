"""Prometheus metrics of all projects, worked out at each scrape from what is on disk: nothing is lost when a process ends.

What was done and paid for is counted in the blocks, so that it moves while a run is under way; how documents and cells stand is
taken from the newest snapshot. Serving them is in `cli.metrics`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CALL_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ProjectMetrics:
    """A `prometheus_client` collector: `collect` looks at every project of a home that is not archived."""

    home: Home

    def collect(self) -> Iterable[Metric]:
        families = _families()
        for folder in self.home.list():
            try:
                loaded = folder.load()
            except InvalidInput:
                families["up"].add_metric([folder.id], 0)
                continue
            if not loaded.project.archived:
                families["up"].add_metric([folder.id], 1)
                _add_state(families, loaded)
                _add_work(families, folder)
                _add_standing(families, folder)
        return families.values()


def _families() -> dict[str, Any]:
    """The metrics by a short name, without a value yet. Each has the project as its first label."""
    return {
        "up": GaugeMetricFamily("coderai_project_valid", "Whether the project's files can be used.", labels=["project"]),
        "extracting": GaugeMetricFamily("coderai_extracting", "Whether a run is extracting.", labels=["project"]),
        "paused": GaugeMetricFamily("coderai_paused", "Whether runs are held by a person or by trouble.", labels=["project"]),
        "budget": GaugeMetricFamily("coderai_budget_tokens", "Tokens by limits.tokens.", labels=["project", "kind"]),
        "extractions": CounterMetricFamily("coderai_extractions", "Extractions of documents ended.", labels=["project", "outcome"]),
        "calls": CounterMetricFamily("coderai_calls", "Requests answered by the model server.", labels=["project", "model"]),
        "tokens": CounterMetricFamily("coderai_tokens", "Tokens that were paid for.", labels=["project", "model", "kind"]),
        "cost": CounterMetricFamily("coderai_cost", "Cost by the project's price table.", labels=["project", "model"]),
        "seconds": HistogramMetricFamily("coderai_call_seconds", "From sending to the whole reply.", labels=["project"]),
        "documents": GaugeMetricFamily("coderai_documents", "Documents by status.", labels=["project", "status"]),
        "cells": GaugeMetricFamily("coderai_cells", "Cells by status.", labels=["project", "status"]),
        "queue": GaugeMetricFamily("coderai_queue_documents", "Documents with open cells.", labels=["project"]),
        "confidence": HistogramMetricFamily("coderai_confidence", "Confidence of the cells, 0-1.", labels=["project"]),
    }  # fmt: skip


def _add_state(families: dict[str, Any], loaded: LoadedProject) -> None:
    control = Control(loaded.folder.state)
    families["extracting"].add_metric([loaded.id], control.is_extracting)
    families["paused"].add_metric([loaded.id], bool(control.paused or control.held_back))
    account = loaded.folder.state / "budget"
    spent = 0
    if account.exists():
        budget = TokenBudget(account, loaded.project.limits.tokens)
        spent = budget.spent()
        budget.close()
    families["budget"].add_metric([loaded.id, "limit"], loaded.project.limits.tokens)
    families["budget"].add_metric([loaded.id, "spent"], spent)


def _add_work(families: dict[str, Any], folder: ProjectFolder) -> None:
    import duckdb

    blocks = BlockStore(folder.state)
    with duckdb.connect() as connection:
        for outcome, number in _of_blocks(connection, blocks, "settled", _EXTRACTIONS):
            families["extractions"].add_metric([folder.id, outcome], number)
        for model, calls, read, written, cached, cost in _of_blocks(connection, blocks, "calls", _CALLS):
            families["calls"].add_metric([folder.id, model], calls)
            for kind, tokens in (("input", read), ("output", written), ("cached", cached)):
                families["tokens"].add_metric([folder.id, model, kind], tokens)
            if cost is not None:
                families["cost"].add_metric([folder.id, model], cost)
        times = _of_blocks(connection, blocks, "calls", _histogram("seconds", CALL_SECONDS, _CALLS_ONCE))
        _add_histogram(families["seconds"], folder.id, CALL_SECONDS, times)


_EXTRACTIONS = "SELECT outcome, count(DISTINCT (document, version)) FROM rows GROUP BY outcome"

_CALLS_ONCE = "(SELECT DISTINCT ON (call_id) * FROM rows)"

_CALLS = f"""
    SELECT model, count(*), sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cost)
    FROM {_CALLS_ONCE} GROUP BY model"""  # noqa: S608


def _of_blocks(connection: "DuckDBPyConnection", blocks: BlockStore, kind: str, sql: str) -> Rows:
    """What a query over `rows`, all rows of a kind, gives; a call may stand in two blocks and counts once."""
    files = [str(file) for file in blocks.files(kind)]
    if not files:
        return ()
    source = "WITH rows AS (SELECT * FROM read_parquet($files, union_by_name = true)) "
    return connection.execute(source + sql, {"files": files}).fetchall()


def _add_standing(families: dict[str, Any], folder: ProjectFolder) -> None:
    snapshot = newest_snapshot(folder.outputs)
    if snapshot is None:
        return
    with duck.read(snapshot) as connection:
        for table in ("documents", "cells"):
            for status, number in connection.execute(f"SELECT status, count(*) FROM {table} GROUP BY 1").fetchall():  # noqa: S608
                families[table].add_metric([folder.id, status], number)
        (waiting,) = duck.one(connection, "SELECT count(*) FILTER (open > 0) FROM ledger")
        families["queue"].add_metric([folder.id], waiting)
        told = connection.execute(_histogram("confidence", CONFIDENCES, "cells")).fetchall()
        _add_histogram(families["confidence"], folder.id, CONFIDENCES, told)


def _histogram(column: str, bounds: Sequence[float], source: str) -> str:
    """How many values are at most each bound, how many there are, and their sum."""
    buckets = ", ".join(f"count(*) FILTER ({column} <= {bound})" for bound in bounds)
    return f"SELECT {buckets}, count({column}), coalesce(sum({column}), 0) FROM {source}"  # noqa: S608


def _add_histogram(family: Any, project: str, bounds: Sequence[float], rows: Rows) -> None:
    for *counts, total in rows:
        named = zip([*(str(bound) for bound in bounds), "+Inf"], counts, strict=True)
        family.add_metric([project], list(named), sum_value=total)
