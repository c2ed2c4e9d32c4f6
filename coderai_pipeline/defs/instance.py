"""What `dagster.yaml` plugs into Dagster: storage chosen by one environment variable, batched events on SQLite, and a run
launcher that notices a dead worker. All of it leans on Dagster internals, which the tests of this module pin down.
"""

import fcntl
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from alembic.script import ScriptDirectory
from dagster import DagsterEventType, DagsterRun, EventLogEntry
from dagster._config import StringSource
from dagster._core.events import ASSET_EVENTS
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, func, select
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.pool import QueuePool

# Dagster asks for its newest migration twice for each database it makes, and once for each it opens: stock reads all of its
# migrations each time, nine times in a run of the command line.
ScriptDirectory.from_config = cache(ScriptDirectory.from_config)  # pyright: ignore[reportAttributeAccessIssue]

POSTGRES_URL = "CODERAI_POSTGRES_URL"
"""Environment variable: `postgresql://user:password@host:port/database` of Dagster's storage. Not set: SQLite."""


class InstanceStorage(DagsterStorage, ConfigurableClass):
    """Chooses Dagster's storage when the instance starts; never itself instantiated."""

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        """PostgreSQL where the environment names one, otherwise SQLite below `base_dir`. Raises StorageUnreachable."""
        url = os.environ.get(POSTGRES_URL)
        if url:
            from coderai_pipeline.defs.postgres_instance import open_postgres

            return open_postgres(_with_driver(url), inst_data)
        return BatchingSqliteStorage.from_local(config_value["base_dir"], inst_data=inst_data)


def _with_driver(url: str) -> str:
    """Names the driver in the URL: without one, newer SQLAlchemy asks for another than dagster-postgres installs."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg2://" + url.removeprefix(scheme)
    return url


class BatchingSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite event log that stores a batch of asset events in one transaction a file (stock: one by one, 13-20 ms each), and
    keeps its connections (stock: an engine and a connection for every use, which take longer than most uses)."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        kinds = {event.dagster_event_type for event in events}
        runs = {event.run_id for event in events}
        if len(runs) != 1 or not kinds <= ASSET_EVENTS:
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            connection.execute(insert, rows)
            newest: int = connection.execute(select(func.max(SqlEventLogStorageTable.c.id))).scalar_one()
            ids = range(newest - len(rows) + 1, newest + 1)  # nobody else writes to the file meanwhile
            self._store_asset_event_tags(connection, events, ids)
            for event, event_id in last_of_each_asset(events, ids):
                self._store_asset_event(connection, event, event_id)

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        super().dispose()
        self._keep({})

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with _uninterrupted(), self._connected(shard) as connection:
            yield connection

    @contextmanager
    def _connected(self, shard: str) -> Generator[Connection]:
        engine = self._engines.get(shard)
        if engine is not None:
            with self._db_lock, engine.connect() as connection, connection.begin():
                yield connection
            return
        with super()._connect(shard) as connection:  # makes the file where there is none
            yield connection
        kept = {INDEX_SHARD_NAME: self._engines[INDEX_SHARD_NAME]} if INDEX_SHARD_NAME in self._engines else {}
        # Of the runs, the one looked at last: a server looks at one after the other, and would keep a file open for each.
        self._keep({**kept, shard: _engine(self.conn_string_for_shard(shard))})

    def _keep(self, engines: dict[str, Engine]) -> None:
        for shard in self._engines.keys() - engines.keys():
            self._engines[shard].dispose()
        self._engines = engines


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Puts off Ctrl-C and Terminate while the database is in hand: one that struck as a transaction ended would leave it open, and
    its lock would keep the run from ever saying that it was interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in handlers:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        for number in came:
            signal.raise_signal(number)


def _engine(url: str) -> Engine:
    """One connection, for whichever thread holds the storage's lock."""
    arguments = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, connect_args=arguments)

    @sqlalchemy_event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        # Without waiting for the disk at each commit: after a power failure the newest events may be missing, which the
        # next run tells again; the file stays whole.
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def last_of_each_asset(events: Sequence[EventLogEntry], ids: Sequence[int]) -> list[tuple[EventLogEntry, int]]:
    """An asset's own row holds its newest event alone."""
    last = {event.get_dagster_event().asset_key: (event, event_id) for event, event_id in zip(events, ids, strict=True)}
    return list(last.values())


class BatchingSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with the batching event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        with _one_at_a_time(base_dir):
            super().__init__(base_dir, inst_data)
            self._event_log_storage.dispose()
            self._event_log_storage = BatchingSqliteEventLogStorage(os.path.join(base_dir, "history", "runs", ""))  # noqa: PTH118 (Dagster's own spelling of the path)


@contextmanager
def _one_at_a_time(base_dir: str) -> Generator[None]:
    """Two processes that open a new storage at once would both make its tables, and one would fail."""
    Path(base_dir).mkdir(parents=True, exist_ok=True)
    with Path(base_dir, ".opening").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class WatchfulRunLauncher(DefaultRunLauncher):
    """The default launcher, able to tell that a worker on this host has died even when its code server died with it."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        started = self._instance.get_records_for_run(run.run_id, of_type=DagsterEventType.RUN_START, limit=1).records
        if not started:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "the run has not reported its process")
        entry = started[0].event_log_entry
        pid = entry.get_dagster_event().pid
        if pid is None or _is_alive(pid, since=entry.timestamp):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {pid} of the run is gone")


def _is_alive(pid: int, since: float) -> bool:
    """Whether the process that was `pid` at `since` (epoch seconds) still runs; a later process of that number does not count."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= since + 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
