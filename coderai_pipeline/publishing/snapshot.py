"""Publishing the dataset: a new immutable DuckDB file for new content, and a stable name that leads to the newest.

The file's tables are made in `dataset` and `tables`. Exports and other parts of the pipeline open versioned files alone:
the stable name belongs to analysts, who may hold it open or even write to it.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from coderai_pipeline.domain.agreement import GoldCell
from coderai_pipeline.domain.errors import CoderAIError
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.dataset import build_dataset, compute_frames
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.latest import content_fingerprint, list_blocks, load, open_blocks
from coderai_pipeline.publishing.quality import build_quality, gold_fingerprint, measure
from coderai_pipeline.publishing.reviewed import apply_reviews
from coderai_pipeline.publishing.tables import build_tables
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.judgements import judgements
from coderai_pipeline.telemetry import logs, traces
from coderai_pipeline.telemetry.about import current

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STABLE_NAME = "dataset.duckdb"
KEPT_VERSIONS = 5
TEXT_CHARACTERS = 500_000_000
"""The table `texts` is filled up to this many characters, since each version holds them again."""

_STAMP = "%Y%m%dT%H%M%SZ"
_FINGERPRINT = 12
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Published:
    """The newest snapshot. path: its versioned file. new: whether this publication made it; False = nothing had changed.

    rows: of `dataset`. open: wanted cells that are not settled; `ledger_open` says which and why.
    """

    path: Path
    stable: Path
    version: str
    new: bool
    rows: int
    documents: int
    cells_by_status: Mapping[str, int]
    wanted: int
    settled: int
    open: int
    size_bytes: int


class PublicationError(CoderAIError):
    """The blocks kept being compacted while they were listed."""


def publish(
    definition: Definition, blocks: BlockStore, outputs: Path, now: datetime, gold: Sequence[GoldCell] = ()
) -> Published:
    """Publish what the blocks hold below `outputs`; content that is already published is not published again.

    gold: true values from gold files, which the table `quality` compares the cells with.
    """
    versions = outputs / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with traces.span("publish dataset", {"coderai.project": definition.id}) as span:
        with _alone(versions):
            path, new = _build(definition, blocks, versions, now, gold)
            _lead_to(path, outputs / STABLE_NAME)
            _prune(versions)
        published = _describe(path, outputs / STABLE_NAME, new=new)
        if span is not None:
            span.add({"coderai.snapshot": path.name, "coderai.rows": published.rows, "coderai.new": new})
    shown = {"snapshot": path.name, "new": new, "rows": published.rows, "documents": published.documents}
    about = replace(current(), project=definition.id)
    logs.tell("dataset published", about, {**shown, "seconds": round(time.monotonic() - began, 3)})
    return published


def newest_snapshot(outputs: Path) -> Path | None:
    """The versioned file of the newest snapshot; None before the first publication."""
    return max(_snapshots(outputs / "versions"), default=None)


def state_beside(connection: "DuckDBPyConnection") -> Path:
    """The private state of the project that a versioned snapshot belongs to: it lies beside the outputs."""
    (path,) = duck.one(connection, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    return Path(path).parents[2] / "state"


@contextmanager
def _alone(versions: Path) -> Generator[None]:
    """One publication of a project at a time, over all processes: a slower one never takes the stable name back."""
    with (versions / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(
    definition: Definition, blocks: BlockStore, versions: Path, now: datetime, gold: Sequence[GoldCell]
) -> tuple[Path, bool]:
    """The versioned file of the blocks' content, and whether it is new."""
    work = _work_folder(versions)
    listed = work.stat()
    newest = max(_snapshots(versions), default=None)
    held = _hold(blocks, work)
    with duck.create(work / "unfinished.duckdb", scratch=work / "spill") as connection:
        open_blocks(connection, held)
        fingerprint = content_fingerprint(connection, definition, gold_fingerprint(gold))[:_FINGERPRINT]
        if newest is not None and newest.stem.endswith(fingerprint):
            return newest, False
        version = f"{_stamp_after(newest, now)}-{fingerprint}"
        about = {"version": version, "published_at": now.astimezone(UTC).isoformat()}
        _fill(connection, definition, about, blocks, gold)
    # Its time says what it can hold: a block that came while it was made is newer.
    os.utime(work / "unfinished.duckdb", ns=(listed.st_atime_ns, listed.st_mtime_ns))
    return (work / "unfinished.duckdb").replace(versions / f"dataset-{version}.duckdb"), True


def _hold(blocks: BlockStore, work: Path) -> dict[str, list[Path]]:
    """Second names for the block files, so that a compaction in another process cannot take them while they are read.

    Whether a listing is whole shows afterwards: a compaction that ran meanwhile has taken some of what it listed.
    """
    for attempt in range(_ATTEMPTS):
        listed = list_blocks(blocks)
        folder = work / f"blocks-{attempt}"
        folder.mkdir()
        try:
            held = {
                kind: [_second_name(file, folder / f"{kind}-{file.name}") for file in listed[kind]] for kind in listed
            }
        except FileNotFoundError:
            continue
        if all(file.exists() for files in listed.values() for file in files):
            return held
    raise PublicationError(
        f"{blocks.folder}: its blocks were compacted {_ATTEMPTS} times while being listed; publish again"
    )


def _second_name(file: Path, name: Path) -> Path:
    try:
        name.hardlink_to(file)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links, or outputs on another one
        shutil.copyfile(file, name)
    return name


def _fill(
    connection: "DuckDBPyConnection",
    definition: Definition,
    about: Mapping[str, str],
    blocks: BlockStore,
    gold: Sequence[GoldCell],
) -> None:
    load(connection, definition, texts_up_to=TEXT_CHARACTERS if definition.project.privacy.show_text else -1)
    measured = measure(connection, definition, judgements(blocks), gold)
    apply_reviews(connection, definition)
    duck.seal(connection)  # before the first formula is computed
    names = compute_frames(connection, definition)
    connection.begin()  # one transaction: a table by itself would wait for the disk each time
    build_dataset(connection, definition, names)
    build_quality(connection, blocks, measured)
    build_tables(connection, definition, names, {"id": definition.id, **about})
    connection.commit()


def _work_folder(versions: Path) -> Path:
    """An empty folder beside the versions; what a killed publication left in it is removed."""
    work = versions / ".unfinished"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return work


def _snapshots(versions: Path) -> list[Path]:
    return sorted(versions.glob("dataset-*.duckdb"))


def _stamp_after(newest: Path | None, now: datetime) -> str:
    """Publication time in UTC to the second; later than the newest snapshot's, so that names sort by age."""
    stamp = now.astimezone(UTC)
    if newest is not None:
        before = datetime.strptime(newest.stem.split("-")[1], _STAMP).replace(tzinfo=UTC)
        stamp = max(stamp, before + timedelta(seconds=1))
    return stamp.strftime(_STAMP)


def _lead_to(snapshot: Path, stable: Path) -> None:
    """Make the stable name a copy of the snapshot. A copy, because a link would share the lock of an analyst who opens
    it for writing, and what they write, with the snapshot; and because a symbolic link does not survive every file share."""
    made = snapshot.stat()
    if stable.is_file() and (stable.stat().st_size, stable.stat().st_mtime_ns) == (made.st_size, made.st_mtime_ns):
        return
    copy = snapshot.parent / ".unfinished-copy"
    with snapshot.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    os.utime(copy, ns=(made.st_atime_ns, made.st_mtime_ns))
    # What an analyst wrote to the older copy and did not close: DuckDB refuses to open the new file beside it.
    stable.with_name(stable.name + ".wal").unlink(missing_ok=True)
    copy.replace(stable)


def _prune(versions: Path) -> None:
    shutil.rmtree(versions / ".unfinished", ignore_errors=True)
    for old in _snapshots(versions)[:-KEPT_VERSIONS]:
        old.unlink(missing_ok=True)


def _describe(path: Path, stable: Path, *, new: bool) -> Published:
    with duck.read(path) as connection:
        statuses = connection.execute("SELECT status, count(*) FROM cells GROUP BY status ORDER BY status").fetchall()
        (rows,) = duck.one(connection, "SELECT count(*) FROM dataset")
        documents, wanted, settled, still_open = duck.one(
            connection,
            "SELECT count(*), coalesce(sum(wanted), 0), coalesce(sum(settled), 0), coalesce(sum(open), 0) FROM ledger",
        )
    return Published(
        path=path,
        stable=stable,
        version=path.stem.removeprefix("dataset-"),
        new=new,
        rows=int(rows),
        documents=int(documents),
        cells_by_status=dict(statuses),
        wanted=int(wanted),
        settled=int(settled),
        open=int(still_open),
        size_bytes=path.stat().st_size,
    )
