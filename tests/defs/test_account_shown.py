"""What a run and the dataset tell a person of the ledger and of progress."""

import os
from collections.abc import Iterator
from unittest import mock

import dagster as dg
import pytest

from coderai_pipeline.defs import names, progress
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.defs.listeners import listening
from coderai_pipeline.engine.report import Event, Stored, Summary
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder
from tests.defs import corpora
from tests.deployments import Deployment
from tests.engine.projects import KEY, KEY_NAME, answer, drop, make
from tests.server_moods import Moods
from tests.servers import ModelServer

VARIABLES = [{"name": "total", "type": "number"}, {"name": "city", "type": "text"}]
PRICES = {"test-model": {"input": 1.0, "output": 2.0}}


@pytest.fixture
def instance(deployment: Deployment) -> Iterator[dg.DagsterInstance]:
    with open_instance(deployment.projects) as opened:
        yield opened


def study(deployment: Deployment, documents: int = 24, **project: object) -> ProjectFolder:
    folder = make(deployment.projects, VARIABLES, **{"extractor": {"name": "rules"}, **project})
    for number in range(documents):
        drop(folder, f"{number:02}.txt", f"total: {number}\ncity: Graz")
    return folder


def table(shown: object) -> list[dict[str, object]]:
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]


def ledger_check(instance: dg.DagsterInstance, folder: ProjectFolder) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(names.asset_key(folder.id, "dataset"), "every_wanted_cell_is_settled")
    record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    assert record.event is not None
    return record.event.get_dagster_event().asset_check_evaluation_data


def test_the_dataset_shows_the_ledger_and_why_it_is_open(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    folder = study(deployment)
    run_job(instance, folder, "sample")
    assert run_job(instance, folder, "publish").success
    shown = next(corpora.materialisations(instance, folder.id, "dataset")).metadata
    assert shown["ledger"].value == "48 wanted = 40 settled + 0 failed + 8 open: it does not close"
    (row,) = table(shown["open_because"])
    assert (row["state"], row["documents"], row["cells"]) == ("waiting", 4, 8)
    assert "coderai accept" in str(row["why"])
    assert table(shown["documents_by_state"]) == [{"state": "settled", "number": 20}, {"state": "waiting", "number": 4}]
    assert [shown[f"cells_{name}"].value for name in ("wanted", "settled", "failed", "open")] == [48, 40, 0, 8]


def test_whether_every_wanted_cell_is_settled_is_a_check_of_the_dataset(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    folder = study(deployment, documents=3)
    run_job(instance, folder, "publish")
    open_ = ledger_check(instance, folder)
    assert (open_.passed, open_.severity) == (False, dg.AssetCheckSeverity.WARN)
    run_job(instance, folder, "extract")
    assert corpora.materialise_by_hand(instance, folder, ("dataset",), {}).success
    closed = ledger_check(instance, folder)
    assert closed.passed
    assert closed.description == "6 wanted = 6 settled + 0 failed + 0 open: it closes"


def test_a_run_ends_with_what_it_did_and_the_ledger(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    with ModelServer(answer) as server, mock.patch.dict(os.environ, {KEY_NAME: KEY}):
        folder = study(deployment, 3, extractor={"base_url": server.base_url, "prices": PRICES, "currency": "EUR"})
        ran = run_job(instance, folder, "extract")
    assert ran.success
    last = list(instance.all_logs(ran.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION))[-1]
    assert last.user_message.startswith("3 documents done in ")
    assert last.user_message.endswith(" EUR")
    shown = last.get_dagster_event().asset_observation_data.asset_observation.metadata
    assert shown["ledger"].value == "6 wanted = 6 settled + 0 failed + 0 open: it closes"
    assert table(shown["cells_of_this_run"]) == [{"status": "extracted", "number": 6}]
    assert str(shown["cost"].value).endswith(" EUR")
    assert "open_because" not in shown


def test_documents_outside_the_sample_do_not_fail_with_one_that_cannot_be_read(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    folder = study(deployment)
    (folder.inbox / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    corpora.settle(folder)
    assert not run_job(instance, folder, "sample").success
    for asset in corpora.ASSETS:
        assert corpora.failed(instance, folder, asset) == {"broken.pdf"}, asset


def test_a_settled_document_does_not_fail_with_one_that_cannot_be_read(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    folder = study(deployment, 2)
    assert run_job(instance, folder, "extract").success
    (folder.inbox / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    corpora.settle(folder, at=1_700_000_900)
    assert not run_job(instance, folder, "extract").success
    assert corpora.failed(instance, folder, "extractions") == {"broken.pdf"}


def test_a_run_under_way_says_how_far_it_is(
    deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TAG_SECONDS", 0.02)
    seen: list[str] = []

    def listen(event: Event, summary: Summary) -> None:
        if isinstance(event, Stored):
            (run,) = instance.get_runs(dg.RunsFilter(job_name="study__extract"))
            seen.append(run.tags.get(names.PROGRESS_TAG, ""))

    with (
        ModelServer(answer, Moods(latency_s=0.02)) as server,
        mock.patch.dict(os.environ, {KEY_NAME: KEY}),
        listening("study", listen),
    ):
        limits = {"in_flight": 2, "requests_per_minute": 600_000, "tokens_per_minute": 600_000_000}
        folder = study(deployment, 120, extractor={"base_url": server.base_url, "prices": PRICES}, limits=limits)
        Control(folder.state).accept("a test")
        ran = run_job(instance, folder, "extract")
    assert ran.success
    assert any("of 120 documents" in line and "in flight" in line and "left" in line for line in seen), seen
    lines = [entry.user_message for entry in instance.all_logs(ran.run_id) if entry.dagster_event is None]
    assert any("of 120 documents" in line and " a second" in line for line in lines)
