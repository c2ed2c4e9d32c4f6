"""Blocks: immutable Parquet files, appended and renamed into place, from which a project's whole state is read.

What the rows of each kind mean is in `records`; building a dataset from them is in `publishing`. Rows are never changed:
a later row with a higher `version` wins, so a killed process leaves either a whole block or none.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types.

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from coderai_pipeline.storage.columns import array_of, table_of

COMPACT_AT = 200
"""Number of block files of a kind from which they are merged into one."""


def _schema(**fields: Any) -> pa.Schema:
    return pa.schema(list(fields.items()))


_TEXTS = pa.list_(pa.string())

SCHEMAS: Mapping[str, Any] = {
    "documents": _schema(
        document=pa.string(), version=pa.int64(), source=pa.string(), file=pa.string(), type=pa.string(),
        status=pa.string(), reason=pa.string(), duplicate_of=pa.string(), removed=pa.bool_(), sha256=pa.string(),
        text_sha256=pa.string(), text_fingerprint=pa.string(), size_bytes=pa.int64(), mtime_ns=pa.int64(),
        reader_fingerprint=pa.string(), language=pa.string(), words=pa.int64(), characters=pa.int64(), pages=pa.int32(),
        warnings=_TEXTS, metadata=pa.string(), text=pa.large_string(), layout=pa.large_binary(), run_id=pa.string(),
    ),
    "chunks": _schema(
        document=pa.string(), version=pa.int64(), chunk=pa.int32(), start=pa.int64(), end=pa.int64(), section=_TEXTS,
        context=pa.string(), tokens=pa.int32(),
    ),
    "cells": _schema(
        document=pa.string(), entity=pa.string(), variable=pa.string(), version=pa.int64(), type=pa.string(),
        status=pa.string(), reason=pa.string(), value=pa.string(), precision=pa.string(), unit=pa.string(),
        confidence=pa.float64(), quote=pa.string(), start=pa.int64(), end=pa.int64(), page=pa.int32(),
        grounding=pa.string(), changes=_TEXTS, alternatives=_TEXTS, prompt_version=pa.string(), extractor=pa.string(),
        model=pa.string(), call_ids=_TEXTS, input_tokens=pa.float64(), output_tokens=pa.float64(), cost=pa.float64(),
        seconds=pa.float64(), ask_fingerprint=pa.string(), settle_fingerprint=pa.string(), text_sha256=pa.string(),
        raw_reply=pa.string(), run_id=pa.string(),
    ),
    "entities": _schema(
        document=pa.string(), entity=pa.string(), version=pa.int64(), start=pa.int64(), quote=pa.string(),
        mentions=pa.string(), joined=_TEXTS,
    ),
    "settled": _schema(
        document=pa.string(), version=pa.int64(), outcome=pa.string(), reason=pa.string(),
        work_fingerprint=pa.string(), text_sha256=pa.string(), entities=pa.int32(), wanted=pa.int32(),
        counts=pa.string(), calls=pa.int32(), input_tokens=pa.int64(), output_tokens=pa.int64(), cost=pa.float64(),
        seconds=pa.float64(), interrupted=pa.bool_(), run_id=pa.string(),
    ),
    "calls": _schema(
        call_id=pa.string(), version=pa.int64(), document=pa.string(), text_sha256=pa.string(), chunk=pa.int32(),
        start=pa.int64(), end=pa.int64(), mode=pa.string(), entities=_TEXTS, variables=_TEXTS,
        ask_fingerprints=_TEXTS, model=pa.string(), finish_reason=pa.string(), input_tokens=pa.int64(),
        output_tokens=pa.int64(), cached_tokens=pa.int64(), cost=pa.float64(), attempts=pa.int32(),
        started_at=pa.timestamp("us", tz="UTC"), seconds=pa.float64(), problem=pa.string(), run_id=pa.string(),
    ),
    "prompts": _schema(
        variable=pa.string(), prompt_version=pa.string(), version=pa.int64(), text=pa.string(), run_id=pa.string(),
    ),
    "feedback": _schema(
        feedback_id=pa.string(), version=pa.int64(), document=pa.string(), entity=pa.string(), variable=pa.string(),
        verdict=pa.string(), judged_value=pa.string(), judged_status=pa.string(), corrected_value=pa.string(),
        is_corrected=pa.bool_(), note=pa.string(), reviewer=pa.string(), text_sha256=pa.string(),
        prompt_version=pa.string(), confidence=pa.float64(), quote=pa.string(), inclusion_probability=pa.float64(),
        is_blind=pa.bool_(), file=pa.string(), row=pa.int32(), run_id=pa.string(),
    ),
    "feedback_files": _schema(
        file=pa.string(), version=pa.int64(), sha256=pa.string(), size_bytes=pa.int64(), mtime_ns=pa.int64(),
        applied=pa.int32(), unchanged=pa.int32(), blank=pa.int32(), refused=pa.string(), run_id=pa.string(),
    ),
    "quality": _schema(
        variable=pa.string(), measure=pa.string(), part=pa.string(), version=pa.int64(), value=pa.float64(),
        low=pa.float64(), high=pa.float64(), n=pa.int64(), source=pa.string(), basis=pa.string(),
        prompt_version=pa.string(),
    ),
}  # fmt: skip

MERGED_BYTES = 64 * 1024 * 1024
"""A merged block is at most this large (compressed); merging never holds much more in memory."""

ROWS_TOGETHER = 5_000
"""Rows of a row group: what is read at least to find the rows of one document in a merged block."""

Row = Mapping[str, Any]
T = TypeVar("T")

_TRIES = 20
_SWEPT_AFTER_S = 3_600.0

_last_version = 0


def next_version() -> int:
    """A number that grows with every call, in this process and after it: nanoseconds since the epoch, made unique."""
    global _last_version
    _last_version = max(time.time_ns(), _last_version + 1)
    return _last_version


def start_after(version: int) -> None:
    """Makes the next versions higher than one that is held: the clock may have been set back, or be another machine's."""
    global _last_version
    _last_version = max(_last_version, version)


@dataclass(frozen=True, slots=True)
class BlockStore:
    """The blocks of one project, below `folder` (its `state/`), a subfolder a kind."""

    folder: Path

    def append(self, kind: str, rows: Sequence[Row]) -> None:
        """Write rows as one new block; on return they are whole and in place. Unknown columns are refused."""
        if not rows:
            return
        schema = SCHEMAS[kind]
        surplus = set(rows[0]) - set(schema.names)
        if surplus:
            raise ValueError(f"{kind} blocks have no column {sorted(surplus)}")
        self._publish(kind, [table_of(rows, schema)])

    def files(self, kind: str) -> list[Path]:
        """The block files of a kind, oldest first; empty before the first append."""
        listed = self._listed(kind)
        # One look may miss what a compaction has just made and what it has just removed; two that agree do not.
        while listed != (again := self._listed(kind)):
            listed = again
        return listed

    def table(self, kind: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a kind, older blocks first, with the columns named (default all)."""
        schema = _part(kind, columns)

        def rows_in(file: Path) -> Any:
            return _read(pq.ParquetFile(file), schema)

        tables = self._of_all(kind, rows_in)
        return pa.concat_tables(tables) if tables else table_of([], schema)

    def rows_of(
        self, kind: str, documents: Sequence[str], columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """All rows of a kind about these documents, older ones first."""
        if not documents:
            return []
        schema = _part(kind, columns)
        wanted = array_of(list(documents), pa.string())
        first, last = min(documents), max(documents)

        def rows_in(file: Path) -> list[dict[str, Any]]:
            table = _rows_between(file, schema, first, last)
            return table.filter(pc.is_in(table["document"], wanted)).to_pylist()

        return [row for rows in self._of_all(kind, rows_in) for row in rows]

    def batches(self, kind: str, columns: Sequence[str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """Rows block by block, so that memory holds one block at a time. During a compaction a row may come twice."""
        wanted = list(columns) if columns else None
        done: set[Path] = set()
        is_whole = False
        while not is_whole:
            is_whole = True
            for file in (file for file in self.files(kind) if file not in done):
                try:
                    block = pq.ParquetFile(file)
                except FileNotFoundError:
                    is_whole = False  # a compaction took it; what it was made into is listed now
                    break
                done.add(file)
                for batch in block.iter_batches(batch_size=256, columns=wanted):
                    yield batch.to_pylist()

    def compact(self, kind: str, *, at: int = COMPACT_AT) -> int:
        """Merge neighbouring small blocks of a kind when there are `at` or more; the number of files that went away.

        Only the one run that extracts the project calls this. A reader meanwhile may see a row twice: it is the same row.
        """
        self._sweep(kind)
        files = self.files(kind)
        if len(files) < at:
            return 0
        for group in _neighbours(files):
            self._publish(kind, _merged(group, SCHEMAS[kind]), name=group[-1].stem + "m")
            for file in group:
                file.unlink(missing_ok=True)
        return len(files) - len(self.files(kind))

    def _listed(self, kind: str) -> list[Path]:
        folder = self.folder / kind
        return sorted(folder.glob("*.parquet")) if folder.is_dir() else []

    def _of_all(self, kind: str, read: Callable[[Path], T]) -> list[T]:
        """`read` of every block, from the start again where a compaction takes one before it is read."""
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                return [read(file) for file in self.files(kind)]
        return [read(file) for file in self.files(kind)]

    def _sweep(self, kind: str) -> None:
        """Removes what writers that were killed left half written."""
        for unfinished in (self.folder / kind).glob(".*.unfinished"):
            if unfinished.stat().st_mtime < time.time() - _SWEPT_AFTER_S:
                unfinished.unlink(missing_ok=True)

    def _publish(self, kind: str, tables: Iterable[pa.Table], name: str | None = None) -> None:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        name = name or f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        unfinished = folder / f".{name}.unfinished"
        with pq.ParquetWriter(unfinished, SCHEMAS[kind], compression="zstd") as writer:
            for table in tables:
                writer.write_table(table, row_group_size=ROWS_TOGETHER)
        unfinished.replace(folder / f"{name}.parquet")


def _part(kind: str, columns: Sequence[str] | None) -> pa.Schema:
    schema = SCHEMAS[kind]
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def _read(file: pq.ParquetFile, schema: pa.Schema, groups: Sequence[int] | None = None) -> pa.Table:
    """The schema's columns of a block, or of some of its row groups; a column that an older block lacks is null."""
    held = file.read(schema.names) if groups is None else file.read_row_groups(list(groups), schema.names)
    columns = [
        held[field.name] if field.name in held.column_names else pa.nulls(len(held), field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _rows_between(path: Path, schema: pa.Schema, first: str, last: str) -> pa.Table:
    """The row groups of a block that may hold documents from `first` to `last`, by the bounds that the file states."""
    file = pq.ParquetFile(path)
    at = file.schema_arrow.get_field_index("document")
    groups: list[int] = []
    for number in range(file.num_row_groups):
        bounds = file.metadata.row_group(number).column(at).statistics
        if bounds is None or not bounds.has_min_max or (bounds.min <= last and first <= bounds.max):
            groups.append(number)
    return _read(file, schema, groups)


def _merged(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of several blocks, a row group at a time, so that memory holds no more than that."""
    waiting: list[pa.Table] = []
    for file in map(pq.ParquetFile, files):
        for group in range(file.num_row_groups):
            waiting.append(_read(file, schema, [group]))
            if sum(map(len, waiting)) >= ROWS_TOGETHER or sum(table.nbytes for table in waiting) >= MERGED_BYTES:
                yield pa.concat_tables(waiting)
                waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _neighbours(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Runs of consecutive files, at least two each, that together stay below the size a merged block may have."""
    group: list[Path] = []
    size = 0
    for file in files:
        file_size = file.stat().st_size
        if group and size + file_size > MERGED_BYTES:
            if len(group) > 1:
                yield group
            group, size = [], 0
        group.append(file)
        size += file_size
    if len(group) > 1:
        yield group


_CHANGING_DATASETS = ("documents", "cells", "settled", "feedback", "feedback_files")


def newest_block(blocks: BlockStore) -> Path | None:
    """The block that changed a dataset last; None before the first."""
    files = [files[-1] for kind in _CHANGING_DATASETS if (files := blocks.files(kind))]
    return max(files, key=lambda file: file.stat().st_mtime, default=None)
