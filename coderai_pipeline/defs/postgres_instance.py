"""Dagster's PostgreSQL storage with planned events stored in batches too: stock stores those one by one, at 9 ms each.

SQLite's counterpart and the choice between the two are in `instance`.
"""

from collections.abc import Sequence

from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from coderai_pipeline.defs.instance import POSTGRES_URL, last_of_each_asset
from coderai_pipeline.domain.errors import StorageUnreachable


def open_postgres(url: str, inst_data: ConfigurableClassData | None) -> "BatchingPostgresStorage":
    """Raises StorageUnreachable once Dagster's own five tries have failed."""
    place = _place(url)
    try:
        return BatchingPostgresStorage(url, inst_data=inst_data)
    except (DagsterPostgresException, DBAPIError) as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        said = str(cause.orig if isinstance(cause, DBAPIError) else cause or error).strip().partition("\n")[0]
        raise StorageUnreachable(
            f"PostgreSQL cannot be used ({place.set(query={}).render_as_string()}): {said}; see that it runs and has "
            f"that database, and that {POSTGRES_URL} is right"
        ) from None


def _place(url: str) -> URL:
    """Where the database is. Parts of a password that is not encoded would be taken for a host, and be shown as one."""
    try:
        place = make_url(url)
    except (ArgumentError, ValueError):
        place = None
    if place is None or not place.drivername.startswith("postgresql") or "@" in (place.host or ""):
        raise StorageUnreachable(
            f"{POSTGRES_URL} cannot be read; it has to be like postgresql://user:password@host:5432/database, with signs "
            "such as @ : / # in the password percent-encoded (@ is %40)"
        )
    return place


class BatchingPostgresEventLogStorage(PostgresEventLogStorage):
    """PostgreSQL event log that stores a batch of planned events in one statement, as stock does materialisations."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        if {event.dagster_event_type for event in events} != {DagsterEventType.ASSET_MATERIALIZATION_PLANNED}:
            super().store_event_batch(events)
            return
        insert = self.prepare_insert_event_batch(events).returning(SqlEventLogStorageTable.c.id)
        with self.index_transaction() as connection:
            ids = [row[0] for row in connection.execute(insert).fetchall()]
            for event, event_id in last_of_each_asset(events, ids):
                self._store_asset_event(connection, event, event_id)


class BatchingPostgresStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage with the batching event log."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url=postgres_url, inst_data=inst_data)
        self._event_log_storage.dispose()
        self._event_log_storage = BatchingPostgresEventLogStorage(postgres_url)
