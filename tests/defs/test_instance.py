"""What `dagster.yaml` plugs in: batched events stand as if stored one by one, the storage follows the environment, and a dead
worker is told from a live one.
"""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from alembic.script import Script, ScriptDirectory
from dagster import EventLogEntry
from dagster._core.events import DagsterEvent
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.event_log import SqliteEventLogStorage

from coderai_pipeline.defs.events import BATCH_SIZE, DocumentEvents
from coderai_pipeline.defs.headless import open_instance
from coderai_pipeline.defs.instance import BatchingSqliteEventLogStorage, BatchingSqliteStorage, WatchfulRunLauncher
from coderai_pipeline.defs.postgres_instance import BatchingPostgresEventLogStorage
from coderai_pipeline.domain.errors import StorageUnreachable
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
    tags = dict.fromkeys(TAGS, f"{partition}-{key.path[-1]}")
    return dg.AssetMaterialization(key, partition=partition, metadata={"words": 3}, tags=tags)


@dg.job(executor_def=dg.in_process_executor)
def telling() -> None:
    tell()


def test_an_interrupt_waits_until_the_database_is_put_down(tmp_path: Path) -> None:
    """Dagster raises it wherever the program is, and a transaction that is left open locks everybody out."""
    # A process that a shell started in the background ignores interrupts from its beginning.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    storage = BatchingSqliteEventLogStorage(f"{tmp_path}/")
    went_on: list[int] = []

    def use() -> None:
        with storage.index_connection() as connection:
            signal.raise_signal(signal.SIGINT)
            went_on.append(connection.execute(sqlalchemy.text("select 1")).scalar_one())

    try:
        for _ in range(2):  # the second time over the connection that is kept
            with pytest.raises(KeyboardInterrupt):
                use()
        assert went_on == [1, 1]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


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
            "latest_tags": {
                partition: storage.get_latest_tags_by_partition(
                    key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"], [partition]
                )
                for partition in PARTITIONS
            },
            "event_tags": [dict(one) for one in storage.get_event_tags_for_asset(key)],
        }
    return left


def _content(entry: EventLogEntry) -> tuple[Any, ...]:
    event = entry.get_dagster_event()
    return event.event_type, event.asset_key, event.partition, event.event_specific_data


def test_dagsters_migrations_are_read_once_a_process(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    load = ScriptDirectory._load_revisions

    def reading(scripts: ScriptDirectory) -> Iterator[Script]:
        read.append(scripts)
        return load(scripts)

    monkeypatch.setattr(ScriptDirectory, "_load_revisions", reading)
    with open_instance(deployment.projects) as instance:
        assert telling.execute_in_process(instance=instance).success
    before = len(read)
    assert before <= 3, "once for each kind of storage"
    with open_instance(deployment.projects) as instance:
        assert telling.execute_in_process(instance=instance).success
    assert len(read) == before


def test_the_newest_materialisation_of_an_asset_can_be_looked_up(batched: dg.DagsterInstance) -> None:
    telling.execute_in_process(instance=batched)
    for key in KEYS:
        event = batched.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization == _materialization(key, PARTITIONS[-2])
        record = batched.get_latest_data_version_record(key, partition_key="3.txt")
        assert record is not None
        assert record.partition_key == "3.txt"


@dg.op
def tell_of_many(context: dg.OpExecutionContext) -> None:
    events = DocumentEvents(context)
    many = [f"{number}.txt" for number in range(100)]
    events.plan(KEYS, many)
    events.materialise([_materialization(key, name) for name in many for key in KEYS])
    events.observe([dg.AssetObservation(KEYS[0], partition=name) for name in many])


@dg.job(executor_def=dg.in_process_executor)
def telling_of_many() -> None:
    tell_of_many()


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("CODERAI_POSTGRES_URL", new_database(server, "batches"))
    return request.param


def test_events_are_stored_in_batches(
    storage: str, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fails where Dagster no longer batches what `DocumentEvents` marks as one batch, or no longer stores it in one go."""
    transactions: list[str] = []
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_SIZE))
    with open_instance(deployment.projects) as instance:
        batches = _recorded(instance, monkeypatch)
        sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda _: transactions.append("commit"))
        run = telling_of_many.execute_in_process(instance=instance)
        assert run.success
        for key in KEYS:
            assert len(instance.get_materialized_partitions(key)) == 100
        assert len(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)) == 200
    assert "Falling back" not in capfd.readouterr().err
    assert sum(batches) == 500
    assert max(batches) == BATCH_SIZE
    assert len(transactions) < 100, "batches are stored one by one"


def _recorded(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that reach the storage from now on."""
    batches: list[int] = []
    store = instance.event_log_storage.store_event_batch

    def recording(events: Sequence[EventLogEntry]) -> None:
        batches.append(len(events))
        store(events)

    monkeypatch.setattr(instance.event_log_storage, "store_event_batch", recording)
    return batches


def test_the_storage_is_sqlite_unless_the_environment_names_a_postgresql(storage: str, deployment: Deployment) -> None:
    kinds = {"sqlite": BatchingSqliteEventLogStorage, "postgres": BatchingPostgresEventLogStorage}
    with open_instance(deployment.projects) as instance:
        assert type(instance.event_log_storage) is kinds[storage]
        assert type(instance.run_launcher) is WatchfulRunLauncher
        run = telling.execute_in_process(instance=instance)
        assert run.success
        for key in KEYS:
            assert instance.get_materialized_partitions(key) == set(PARTITIONS[:-1])
            (record,) = instance.get_asset_records([key])
            assert record.asset_entry.last_run_id == run.run_id
    assert (deployment.dagster / "history").exists() == (storage == "sqlite")


def test_processes_that_open_a_new_storage_at_once_all_get_it(tmp_path: Path) -> None:
    forking = multiprocessing.get_context("fork")
    all_ready = forking.Barrier(3)

    def open_it() -> None:
        all_ready.wait(60)
        BatchingSqliteStorage(str(tmp_path / "new"))

    opening = [forking.Process(target=open_it) for _ in range(3)]
    for process in opening:
        process.start()
    for process in opening:
        process.join(60)
    assert [process.exitcode for process in opening] == [0, 0, 0]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_postgresql_url_works_with_every_usual_scheme(
    scheme: str, deployment: Deployment, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODERAI_POSTGRES_URL", postgres_server.replace("postgresql", scheme, 1))
    with open_instance(deployment.projects) as instance:
        assert type(instance.event_log_storage) is BatchingPostgresEventLogStorage


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:s3cret@127.0.0.1:9/none", "me:***@127.0.0.1:9/none"),
        ("postgresql://me@127.0.0.1:9/none?password=s3cret", "me@127.0.0.1:9/none"),
        ("postgresql://me:s3cret@word@127.0.0.1:9/none", "@ is %40"),
        ("mysql://me:s3cret@127.0.0.1/none", "has to be like postgresql://"),
        ("s3cret", "has to be like postgresql://"),
    ],
)
def test_a_postgresql_that_cannot_be_used_is_named_without_its_password(
    url: str, said: str, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODERAI_POSTGRES_URL", url)
    with pytest.raises(StorageUnreachable, match=re.escape(said)) as raised:
        open_instance(deployment.projects)
    assert "CODERAI_POSTGRES_URL" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "word" not in str(raised.value).replace("password", "")


@pytest.fixture
def started(deployment: Deployment) -> Iterator[Callable[[int, float], WorkerStatus]]:
    """Tells how the launcher sees a run whose process was `pid` when it started, `age_s` seconds ago."""
    with open_instance(deployment.projects) as instance:

        def health(pid: int, age_s: float = 0.0) -> WorkerStatus:
            run = instance.create_run_for_job(telling)
            event = DagsterEvent(dg.DagsterEventType.RUN_START.value, telling.name, pid=pid)
            entry = EventLogEntry(
                None, "info", "", run.run_id, time.time() - age_s, job_name=telling.name, dagster_event=event
            )
            instance.event_log_storage.store_event(entry)
            return instance.run_launcher.check_run_worker_health(run).status

        yield health


def test_a_dead_worker_is_told_from_a_live_one(started: Callable[..., WorkerStatus]) -> None:
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert started(worker.pid) is WorkerStatus.RUNNING
    worker.kill()
    assert started(worker.pid) is WorkerStatus.NOT_FOUND, "killed, and not yet waited for by its parent"
    worker.communicate()
    assert started(worker.pid) is WorkerStatus.NOT_FOUND


def test_a_later_process_of_the_same_number_is_not_the_worker(started: Callable[..., WorkerStatus]) -> None:
    assert started(os.getpid(), 0) is WorkerStatus.RUNNING
    assert started(os.getpid(), 90_000_000) is WorkerStatus.NOT_FOUND


def test_nothing_is_said_of_a_run_whose_process_is_not_known_yet(deployment: Deployment) -> None:
    with open_instance(deployment.projects) as instance:
        run = instance.create_run_for_job(telling)
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.UNKNOWN
