"""Dagster's PostgreSQL storage with planned events stored in batches too: stock stores those one by one, at 9 ms each.

SQLite's counterpart and the choice between the two are in `instance`.
"""

from collections.abc import Sequence

from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage

from coderai_pipeline.defs.instance import last_of_each_asset


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
