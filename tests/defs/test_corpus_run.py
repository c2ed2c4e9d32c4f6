"""A corpus through Dagster, on both storages and with both extractors: what stands in the instance afterwards."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from coderai_pipeline.defs import names
from coderai_pipeline.defs.factory import project_definitions
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.storage.projects import ProjectFolder
from tests.defs import corpora
from tests.defs.corpora import ASSETS, CORRUPT, DUPLICATE, EVERY, GOOD, SECRET, TOTALS
from tests.deployments import Deployment, deployed, new_database
from tests.engine.projects import KEY, KEY_NAME, answer, cells
from tests.servers import ModelServer


@dataclass(frozen=True, slots=True)
class Study:
    """A project after its first run."""

    deployment: Deployment
    folder: ProjectFolder
    instance: dg.DagsterInstance
    first: dg.ExecuteInProcessResult
    server: ModelServer


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    url = ""
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"), "corpus_run")
    with deployed(tmp_path_factory.mktemp(request.param) / "deployment", url) as made:
        yield made


@pytest.fixture(scope="module")
def instance(deployment: Deployment) -> Iterator[dg.DagsterInstance]:
    with open_instance(deployment.projects) as opened:
        yield opened


@pytest.fixture(scope="module", params=["rules", "openai"])
def study(request: pytest.FixtureRequest, deployment: Deployment, instance: dg.DagsterInstance) -> Iterator[Study]:
    with ModelServer(answer) as server, mock.patch.dict(os.environ, {KEY_NAME: KEY}):
        extractor = {"name": request.param, "base_url": server.base_url if request.param == "openai" else None}
        folder = corpora.make_corpus(deployment.projects, f"study-{request.param}", extractor=extractor)
        yield Study(deployment, folder, instance, run_job(instance, folder, "extract"), server)


def test_every_document_of_the_inbox_is_a_partition(study: Study) -> None:
    assert corpora.partitions_of(study.instance, study.folder.id) == set(EVERY)


def test_a_document_is_materialised_once_it_is_done(study: Study) -> None:
    for asset in ASSETS:
        done = corpora.materialised(study.instance, study.folder.id, asset)
        assert done - corpora.failed(study.instance, study.folder, asset) == {*GOOD, DUPLICATE}
    found = {key[0]: cell.value for key, cell in cells(study.folder).items() if key[2] == "total"}
    assert found == TOTALS


def test_a_run_with_an_unreadable_document_fails_and_names_it_with_its_reason(study: Study) -> None:
    assert not study.first.success
    failure = study.first.failure_data_for_node(_only_step(study.first))
    assert failure is not None
    assert failure.user_failure_data is not None
    said = failure.user_failure_data.description or ""
    assert said.startswith("6 documents done in ")
    assert "1 document could not be settled:" in said
    assert f"- {CORRUPT}: corrupt: " in said


def test_an_unreadable_document_says_on_its_own_page_why(study: Study) -> None:
    shown = next(corpora.materialisations(study.instance, study.folder.id, "documents", CORRUPT)).metadata
    assert list(shown)[:3] == ["source", "status", "reason"], "what the partition's page shows first"
    assert shown["status"].value == "corrupt"
    assert "ask for it again" in str(shown["reason"].value)
    for asset in ASSETS:
        assert corpora.failed(study.instance, study.folder, asset) == {CORRUPT}
        seen = corpora.observations(study.instance, study.folder.id, asset, CORRUPT)
        assert seen, f"{asset} does not say why"
        assert seen[0].description is not None
        assert seen[0].description.startswith(f"{CORRUPT}: corrupt: ")
        assert str(seen[0].metadata["why"].value).startswith("corrupt: ")


def test_materialisations_carry_a_data_version_that_follows_their_content(study: Study) -> None:
    versions = {
        asset: {
            name: next(corpora.materialisations(study.instance, study.folder.id, asset, name)).tags[
                "dagster/data_version"
            ]
            for name in GOOD
        }
        for asset in ASSETS
    }
    assert all(len(set(of_asset.values())) == len(GOOD) for of_asset in versions.values())
    assert all(versions["documents"][name] != versions["extractions"][name] for name in GOOD)


def test_a_document_whose_inputs_are_unchanged_is_not_called_stale(study: Study) -> None:
    """Nothing but the provenance tags of its materialisation tells Dagster so."""
    graph = project_definitions(study.folder).get_repository_def().asset_graph
    stale = CachingStaleStatusResolver(study.instance, graph, LoadingContextForTest(study.instance))
    for asset in ASSETS:
        key = names.asset_key(study.folder.id, asset)
        assert {stale.get_status(key, name) for name in GOOD} == {StaleStatus.FRESH}, asset


def test_a_dataset_is_stale_only_where_something_was_extracted_since(study: Study) -> None:
    """A document that could not be read makes it neither stale nor incomplete."""
    assert run_job(study.instance, study.folder, "publish").success
    graph = project_definitions(study.folder).get_repository_def().asset_graph
    stale = CachingStaleStatusResolver(study.instance, graph, LoadingContextForTest(study.instance))
    for asset in ("dataset", "quality"):
        assert stale.get_status(names.asset_key(study.folder.id, asset)) is StaleStatus.FRESH, asset


def test_values_are_shown_with_their_quotes(study: Study) -> None:
    shown = next(corpora.materialisations(study.instance, study.folder.id, "extractions", "report.pdf")).metadata
    table = shown["values"]
    assert isinstance(table, dg.TableMetadataValue)
    by_variable = {record.data["variable"]: record.data for record in table.records}
    assert by_variable["total"]["value"] == str(TOTALS["report.pdf"])
    assert str(TOTALS["report.pdf"]) in str(by_variable["total"]["quote"])
    assert by_variable["total"]["page"] == "1"
    assert by_variable["note"]["value"] == SECRET


def test_a_second_run_does_nothing(study: Study) -> None:
    study.server.forget()
    before = {asset: _count(study, asset) for asset in ASSETS}
    again = run_job(study.instance, study.folder, "extract")
    assert again.success
    assert study.server.counts()["received"] == 0
    assert {asset: _count(study, asset) for asset in ASSETS} == before


@pytest.mark.parametrize("by", ["key", "range"])
def test_a_document_materialised_by_hand_is_done_again(study: Study, by: str) -> None:
    tags = {"dagster/partition": "note.txt"} if by == "key" else _range("letter.docx", "note.txt")
    again = corpora.materialise_by_hand(study.instance, study.folder, ASSETS, tags)
    assert again.success
    done = {"note.txt"} if by == "key" else {"letter.docx", "note.txt"}
    for asset in ASSETS:
        assert corpora.materialised_by(study.instance, again.run_id, asset) == done


def test_an_unreadable_document_materialised_by_hand_fails_and_the_others_of_its_range_do_not(study: Study) -> None:
    again = corpora.materialise_by_hand(study.instance, study.folder, ASSETS, _range(CORRUPT, "letter.docx"))
    assert not again.success
    assert corpora.materialised_by(study.instance, again.run_id, "extractions") == {"letter.docx"}
    assert corpora.failed(study.instance, study.folder, "documents") == {CORRUPT}


def test_a_document_that_is_not_in_the_inbox_is_told_as_such(study: Study) -> None:
    asked = run_job(study.instance, study.folder, "extract", {"documents": ["nowhere.pdf", "note.txt"]})
    failure = asked.failure_data_for_node(_only_step(asked))
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "- nowhere.pdf: is not in the inbox" in (failure.user_failure_data.description or "")


def test_documents_can_be_read_without_being_extracted(study: Study) -> None:
    before = {asset: _count(study, asset) for asset in ASSETS}
    os.utime(study.folder.inbox / "note.txt", (1_700_000_300, 1_700_000_300))
    again = corpora.materialise_by_hand(study.instance, study.folder, ("documents",), {"dagster/partition": "note.txt"})
    assert again.success
    after = {asset: _count(study, asset) for asset in ASSETS}
    assert after == before | {"documents": before["documents"] + 1}


def test_a_key_stands_nowhere(study: Study) -> None:
    assert study.deployment.holding(KEY) == []
    assert [path for path in study.folder.path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


def test_a_confidential_text_stands_nowhere_in_the_instance(study: Study) -> None:
    assert study.deployment.holding(SECRET), "the text is shown where the project does not forbid it"
    words = "Confounded lampshade 5534"
    folder = corpora.make_corpus(
        study.deployment.projects,
        f"confidential-{study.folder.id}",
        extractor=study.folder.load().project.extractor.model_dump(include={"name", "base_url"}),
        privacy={"show_text": False},
    )
    for name in ("note.txt", DUPLICATE):
        (folder.inbox / name).write_text(f"total: twelvish {words}\ncity: {words}\nnote: {words}\n")
    corpora.settle(folder)
    run_job(study.instance, folder, "extract")
    run_job(study.instance, folder, "publish")
    assert {cell.value for key, cell in cells(folder).items() if key[0] == "note.txt"} >= {words}
    assert study.deployment.holding(words) == []


def test_a_reply_that_quotes_a_confidential_text_and_cannot_be_read_is_not_shown(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    words = "Perfidious teaspoon 8812"
    with ModelServer(lambda _: f"I would rather not: {words}") as server, mock.patch.dict(os.environ, {KEY_NAME: KEY}):
        folder = corpora.make_corpus(
            deployment.projects,
            "refused",
            extractor={"base_url": server.base_url},
            limits={"failures_in_a_row": 2},
            privacy={"show_text": False},
        )
        ran = run_job(instance, folder, "extract")
    assert not ran.success
    assert any(words in cell.reason for cell in cells(folder).values()), "the project itself keeps the whole reason"
    assert deployment.holding(words) == []


def test_a_mended_document_is_read_by_the_next_run_and_no_longer_failed(study: Study) -> None:
    corpora.write_pdf(study.folder.inbox / CORRUPT, ["total: 99.5", "city: Mended", "note: whole again"])
    os.utime(study.folder.inbox / CORRUPT, (1_700_000_400, 1_700_000_400))
    assert run_job(study.instance, study.folder, "extract").success
    for asset in ASSETS:
        assert corpora.failed(study.instance, study.folder, asset) == set()
        assert corpora.materialised(study.instance, study.folder.id, asset) == set(EVERY)


def _range(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def _count(study: Study, asset: str) -> int:
    return len(list(corpora.materialisations(study.instance, study.folder.id, asset)))


def _only_step(result: dg.ExecuteInProcessResult) -> str:
    (name,) = {node.name for node in result.job_def.nodes}
    return name
