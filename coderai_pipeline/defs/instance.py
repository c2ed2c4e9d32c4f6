"""What `dagster.yaml` plugs into Dagster: storage chosen by one environment variable, batched events on SQLite, and a run
launcher that notices a dead worker. All of it leans on Dagster internals, which the tests of this module pin down.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
from dagster import DagsterEventType, DagsterRun, EventLogEntry
from dagster._config import StringSource
from dagster._core.events import ASSET_EVENTS
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

POSTGRES_URL = "CODERAI_POSTGRES_URL"
"""Environment variable: `postgresql://user:password@host:port/database` of Dagster's storage. Not set: SQLite."""


class InstanceStorage(DagsterStorage, ConfigurableClass):
    """Chooses Dagster's storage when the instance starts; never itself instantiated."""

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        """PostgreSQL where the environment names one, otherwise SQLite below `base_dir`."""
        url = os.environ.get(POSTGRES_URL)
        if url:
            from coderai_pipeline.defs.postgres_instance import BatchingPostgresStorage

            return BatchingPostgresStorage(_with_driver(url), inst_data=inst_data)
        return BatchingSqliteStorage.from_local(config_value["base_dir"], inst_data=inst_data)


def _with_driver(url: str) -> str:
    """Names the driver in the URL: without one, newer SQLAlchemy asks for another than dagster-postgres installs."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg2://" + url.removeprefix(scheme)
    return url


class BatchingSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite event log that stores a batch of asset events in one transaction a file (stock: one by one, 13-20 ms each)."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        kinds = {event.dagster_event_type for event in events}
        runs = {event.run_id for event in events}
        if len(runs) != 1 or not kinds <= ASSET_EVENTS:
            super().store_event_batch(events)
            return
        statements = [self.prepare_insert_event(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            for statement in statements:
                connection.execute(statement)
        with self.index_transaction() as connection:
            ids = [_inserted_id(connection.execute(statement)) for statement in statements]
            self._store_asset_event_tags(connection, events, ids)
            for event, event_id in last_of_each_asset(events, ids):
                self._store_asset_event(connection, event, event_id)


def _inserted_id(result: Any) -> int:
    return result.inserted_primary_key[0]


def last_of_each_asset(events: Sequence[EventLogEntry], ids: Sequence[int]) -> list[tuple[EventLogEntry, int]]:
    """An asset's own row holds its newest event alone."""
    last = {event.get_dagster_event().asset_key: (event, event_id) for event, event_id in zip(events, ids, strict=True)}
    return list(last.values())


class BatchingSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with the batching event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage.dispose()
        self._event_log_storage = BatchingSqliteEventLogStorage(os.path.join(base_dir, "history", "runs", ""))  # noqa: PTH118 (Dagster's own spelling of the path)


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
