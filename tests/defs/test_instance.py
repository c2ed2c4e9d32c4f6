"""What `dagster.yaml` plugs in: batched events stand as if stored one by one, the storage follows the environment, and a dead
worker is told from a live one.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from dagster import EventLogEntry
from dagster._core.events import DagsterEvent, RunFailureReason
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster_postgres.event_log import PostgresEventLogStorage

from coderai_pipeline.defs.events import BATCH_SIZE, DocumentEvents, enable_batches
from coderai_pipeline.defs.headless import open_instance
from coderai_pipeline.defs.instance import BatchingSqliteEventLogStorage, WatchfulRunLauncher
from tests.deployments import Deployment, new_database

KEYS = [dg.AssetKey(["study", "documents"]), dg.AssetKey(["study", "extractions"])]
PARTITIONS = [f"{number}.txt" for number in range(7)]
TAGS = ("dagster/data_version", "dagster/code_version")


@dg.op
def tell(context: dg.OpExecutionContext) -> None:
    """What a run over documents stores: plans, materialisations of two assets, an observation."""
    events = DocumentEvents(context)
    events.plan(KEYS, PARTITIONS)
    done = [_materialization(key, partition) for partition in PARTITIONS[:-1] for key in KEYS]
    events.materialise(done)
    failed = dg.AssetObservation(KEYS[0], partition=PARTITIONS[-1], metadata={"why": "corrupt"}, tags={"kind": "pdf"})
    events.observe([failed, dg.AssetObservation(KEYS[1], partition=PARTITIONS[-1], metadata={"why": "corrupt"})])


def _materialization(key: dg.AssetKey, partition: str) -> dg.AssetMaterialization:
    tags = {name: f"{partition}-{key.path[-1]}" for name in TAGS}
    return dg.AssetMaterialization(key, partition=partition, metadata={"words": 3}, tags=tags)


@dg.job(executor_def=dg.in_process_executor)
def telling() -> None:
    tell()


@pytest.fixture
def batched(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with open_instance(deployment.projects) as instance:
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_SIZE))
        yield instance


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "stock").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "stock")) as instance:
        yield instance


def test_a_batch_leaves_what_one_by_one_leaves(
    batched: dg.DagsterInstance, one_by_one: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = telling.execute_in_process(instance=batched).run_id
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    stock = telling.execute_in_process(instance=one_by_one).run_id
    assert type(batched.event_log_storage) is BatchingSqliteEventLogStorage
    assert type(one_by_one.event_log_storage) is SqliteEventLogStorage
    assert _left_by(batched, run) == _left_by(one_by_one, stock)


def _left_by(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """Everything the two storages are asked for later, without times and ids of their own."""
    storage = instance.event_log_storage
    entries = [entry for entry in instance.all_logs(run_id) if entry.get_dagster_event().asset_key]
    left: dict[str, Any] = {"log": [_content(entry) for entry in entries]}
    for key in KEYS:
        (record,) = instance.get_asset_records([key])
        newest = record.asset_entry.last_materialization_record
        assert newest is not None
        latest = storage.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        filter_ = dg.AssetRecordsFilter(key)
        left[key.to_user_string()] = {
            "newest": _content(newest.event_log_entry),
            "last_run_is_this": record.asset_entry.last_run_id == run_id,
            "materialised": sorted(instance.get_materialized_partitions(key)),
            "newest_first": [one.partition_key for one in instance.fetch_materializations(filter_, 99).records],
            "in_order": sorted(latest, key=lambda partition: latest[partition]),
            "observed": [one.asset_observation for one in instance.fetch_observations(filter_, 99).records],
            "planned": sorted(
                storage.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
            ),
            "tags": {
                partition: storage.get_latest_tags_by_partition(
                    key, dg.DagsterEventType.ASSET_MATERIALIZATION, list(TAGS), [partition]
                )
                for partition in PARTITIONS
            },
            "event_tags": [dict(one) for one in storage.get_event_tags_for_asset(key)],
        }
    return left


def _content(entry: EventLogEntry) -> tuple[Any, ...]:
    event = entry.get_dagster_event()
    return event.event_type, event.asset_key, event.partition, event.event_specific_data


def test_the_newest_materialisation_of_an_asset_can_be_looked_up(batched: dg.DagsterInstance) -> None:
    telling.execute_in_process(instance=batched)
    for key in KEYS:
        event = batched.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization == _materialization(key, PARTITIONS[-2])
        record = batched.get_latest_data_version_record(key, partition_key="3.txt")
        assert record is not None
        assert record.partition_key == "3.txt"


@contextmanager
def counted_connections() -> Iterator[Callable[[], int]]:
    opened: list[object] = []

    def count(connection: object, _: object) -> None:
        opened.append(connection)

    sqlalchemy.event.listen(sqlalchemy.pool.Pool, "connect", count)
    try:
        yield lambda: len(opened)
    finally:
        sqlalchemy.event.remove(sqlalchemy.pool.Pool, "connect", count)


@dg.op
def tell_of_many(context: dg.OpExecutionContext) -> None:
    enable_batches()
    events = DocumentEvents(context)
    many = [f"{number}.txt" for number in range(100)]
    for act in (
        lambda: events.plan(KEYS, many),
        lambda: events.materialise([_materialization(key, name) for name in many for key in KEYS]),
        lambda: events.observe([dg.AssetObservation(KEYS[0], partition=name) for name in many]),
    ):
        with counted_connections() as connections:
            act()
        context.add_output_metadata({"connections": connections()})
        CONNECTIONS.append(connections())


CONNECTIONS: list[int] = []


@dg.job(executor_def=dg.in_process_executor)
def telling_of_many() -> None:
    tell_of_many()


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_events_are_stored_in_batches(
    deployment: Deployment, storage: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where Dagster no longer batches what `DocumentEvents` marks as one batch: 500 events, at most 10 batches."""
    if storage == "postgres":
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("CODERAI_POSTGRES_URL", new_database(server, "batches"))
    batches: list[int] = []
    with open_instance(deployment.projects) as instance:
        store = instance.event_log_storage.store_event_batch

        def counting(events: Sequence[EventLogEntry]) -> None:
            batches.append(len(events))
            store(events)

        monkeypatch.setattr(instance.event_log_storage, "store_event_batch", counting)
        CONNECTIONS.clear()
        assert telling_of_many.execute_in_process(instance=instance).success
    assert sum(batches) == 500
    assert max(batches) == BATCH_SIZE
    print(storage, CONNECTIONS)
    if storage == "sqlite":
        assert sum(CONNECTIONS) <= 2 * len(batches) + 3
