"""Rules of `coderai run`, `coderai demo` and `coderai project delete`: what they do in Dagster, what they print, how they end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli import main
from coderai_pipeline.cli.running import print_standing
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder
from tests.defs import corpora
from tests.defs.corpora import CORRUPT, EVERY
from tests.deployments import Deployment, coderai_command
from tests.engine.projects import KEY, KEY_NAME, answer, drop, make, values
from tests.server_moods import Moods
from tests.servers import ModelServer

VARIABLES = [{"name": "total", "type": "number"}]
RULES = {"name": "rules"}


def coderai(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture
def study(deployment: Deployment) -> ProjectFolder:
    folder = make(deployment.projects, VARIABLES, extractor=RULES)
    for number in range(4):
        drop(folder, f"{number}.txt", f"total: {number}.5")
    return folder


def test_a_run_ends_with_0_only_once_every_document_is_settled(deployment: Deployment) -> None:
    folder = corpora.make_corpus(deployment.projects, extractor=RULES)
    first = deployment.coderai("run", "study")
    assert first.returncode == 1, first.stderr
    assert "documents: 4 settled, 1 corrupt, 1 duplicate" in first.stdout
    assert CORRUPT in first.stdout
    assert "ask for it again" in first.stdout
    assert (folder.outputs / "dataset.duckdb").exists()
    assert {path.name for path in folder.exports.iterdir()} >= {"dataset.csv", "dataset.xlsx"}
    corpora.write_pdf(folder.inbox / CORRUPT, ["total: 3", "city: Mended", "note: whole"])
    os.utime(folder.inbox / CORRUPT, (1_700_000_400, 1_700_000_400))
    second = deployment.coderai("run", "study")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "documents: 5 settled, 1 duplicate" in second.stdout
    with open_instance(deployment.projects) as instance:
        assert corpora.materialised(instance, "study", "extractions") == set(EVERY)
        assert instance.get_materialized_partitions(dg.AssetKey(["study", "prompts"])) == {"total", "city", "note"}


def test_a_sample_leaves_the_other_documents_alone_and_is_not_accepted_by_itself(study: ProjectFolder) -> None:
    sampled = coderai("run", "study", "--sample", "2", "--seed", "7")
    assert sampled.exit_code == 0, sampled.output
    assert "documents: 2 settled" in sampled.stdout
    assert len(values(study, "total")) == 2
    assert Control(study.state).acceptance is None
    assert coderai("run", "study").exit_code == 0
    assert len(values(study, "total")) == 4
    assert Control(study.state).acceptance is not None


def test_a_run_that_finds_nothing_to_do_makes_nothing_anew(study: ProjectFolder) -> None:
    def written() -> dict[str, int]:
        files = [*_snapshots(study), *study.exports.iterdir()]
        return {file.name: file.stat().st_ino for file in files}

    assert coderai("run", "study").exit_code == 0
    first = written()
    assert {"dataset.csv", "dataset.xlsx", "replication.zip"} <= set(first)
    assert coderai("run", "study").exit_code == 0
    assert written() == first
    (study.exports / "dataset.csv").write_text("an analyst's own")
    assert coderai("export", "study", "--format", "csv_long", "--no-evidence").exit_code == 0
    assert coderai("run", "study").exit_code == 0
    second = written()
    assert {name for name in first if second[name] != first[name]} == {"dataset.csv", "cells.csv"}
    study.project_file.write_text(study.project_file.read_text() + "exports: {confidence: true}\n")
    assert coderai("run", "study").exit_code == 0
    third = written()
    assert {name for name in first if third[name] == second[name]} == {path.name for path in _snapshots(study)}
    assert "total_confidence" in (study.exports / "dataset.csv").read_text()


def _snapshots(folder: ProjectFolder) -> list[Path]:
    return list((folder.outputs / "versions").glob("*.duckdb"))


def test_an_empty_inbox_is_called_that_and_cannot_be_accepted(deployment: Deployment) -> None:
    folder = make(deployment.projects, VARIABLES, extractor=RULES)
    ran = coderai("run", "study", "--sample", "2")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"no documents: drop some into {folder.inbox} and run again\n"
    assert f"nothing is missing of what is in {folder.inbox}" in coderai("forecast", "study").stdout
    refused = coderai("accept", "study")
    assert refused.exit_code == 1
    assert "nothing has been extracted yet that could be accepted" in refused.stderr
    assert "coderai run study --sample 20" in refused.stderr
    assert Control(folder.state).acceptance is None


def test_a_run_with_nothing_to_do_says_so(deployment: Deployment, study: ProjectFolder) -> None:
    assert coderai("run", "study").exit_code == 0
    again = deployment.coderai("run", "study")
    assert again.stderr.strip() == "nothing was missing: no document was read and no call was made"
    assert "documents: 4 settled" in again.stdout


def test_a_sample_says_that_documents_besides_it_could_not_be_read(study: ProjectFolder) -> None:
    drop(study, "no words.txt", "")
    sampled = coderai("run", "study", "--sample", "2", "--seed", "7")
    assert "documents: 2 settled" in sampled.stdout
    assert "1 document could not be read; `coderai ledger study` says why" in sampled.stdout
    assert "no words.txt" in coderai("ledger", "study").stdout


def test_an_archived_project_is_left_alone(study: ProjectFolder) -> None:
    coderai("project", "archive", "study")
    refused = coderai("run", "study")
    assert refused.exit_code == 1
    assert "study is archived; bring it back first: coderai project unarchive study" in refused.stderr
    assert values(study, "total") == {}
    coderai("project", "unarchive", "study")
    assert coderai("run", "study").exit_code == 0


def test_a_paused_project_says_how_it_goes_on(study: ProjectFolder) -> None:
    coderai("pause", "study")
    ran = coderai("run", "study")
    assert ran.exit_code == 1
    for told in (ran.stdout, coderai("ledger", "study").stdout):
        assert "`coderai resume study` lets it go on" in told
    coderai("resume", "study")
    assert coderai("run", "study").exit_code == 0


def test_formulas_that_could_not_be_computed_are_in_the_summary(deployment: Deployment) -> None:
    wrong = {"name": "more", "type": "number", "formula": "note + 1"}
    folder = make(deployment.projects, [*VARIABLES, {"name": "note", "type": "text"}, wrong], extractor=RULES)
    drop(folder, "1.txt", "total: 1.5\nnote: dropped")
    assert "formula:   more: 1 cell failed: " in coderai("run", "study").stdout


def test_documents_asked_for_by_name_are_done_and_no_others_and_one_still_being_written_is_waited_for(
    study: ProjectFolder,
) -> None:
    drop(study, "fresh.txt", "total: 9.5", at=int(time.time()))
    assert coderai("run", "study", "--documents", "1.txt", "fresh.txt").exit_code == 0
    assert values(study, "total") == {"1.txt": 1.5, "fresh.txt": 9.5}


def test_what_looks_like_markup_is_printed_as_it_is(study: ProjectFolder, capsys: pytest.CaptureFixture[str]) -> None:
    drop(study, "[/INST].txt", "total: 1")
    assert not print_standing(study.load(), Scope())
    assert "[/INST].txt" in capsys.readouterr().out


def test_a_document_that_is_not_there_is_an_error_before_anything_is_done(
    study: ProjectFolder, deployment: Deployment
) -> None:
    asked = coderai("run", "study", "--documents", "1.txt", "nowhere.pdf")
    assert asked.exit_code == 2
    assert "'nowhere.pdf'" in asked.stderr
    assert "'1.txt'" not in asked.stderr
    assert not deployment.dagster.exists()


def test_a_missing_key_is_an_error_before_anything_is_done(deployment: Deployment) -> None:
    folder = make(deployment.projects, VARIABLES)
    drop(folder, "1.txt", "total: 1")
    before = _files(folder.path)
    ran = deployment.coderai("run", "study")
    assert ran.returncode == 2
    assert KEY_NAME in ran.stderr
    assert len(ran.stderr.splitlines()) < 5
    assert _files(folder.path) == before
    assert not deployment.dagster.exists()


def _files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def test_a_broken_project_ends_with_2_and_every_problem_on_its_own_line(study: ProjectFolder) -> None:
    study.project_file.write_text("name: Study\nnonsense: 1\nlanguage: EN\n")
    ran = coderai("run", "study")
    assert ran.exit_code == 2
    assert [line.split(": ")[:2] for line in ran.stderr.splitlines()] == [
        ["study/project.yaml:2", "nonsense"],
        ["study/project.yaml:3", "language"],
    ]


def test_an_unknown_project_ends_with_1_and_the_known_ones(study: ProjectFolder) -> None:
    ran = coderai("run", "stduy")
    assert ran.exit_code == 1
    assert "projects: study" in ran.stderr


def test_a_busy_project_ends_with_1_and_who_is_at_work(study: ProjectFolder) -> None:
    with Control(study.state).extracting("20f3"):
        ran = coderai("run", "study")
    assert ran.exit_code == 1
    assert "run 20f3" in ran.stderr
    assert "wait for it or cancel it" in ran.stderr


def test_a_killed_run_is_reported_and_the_next_one_finishes_its_work(deployment: Deployment) -> None:
    with ModelServer(answer, Moods(latency_s=0.25)) as server:
        priced = {"prices": {"test-model": {"input": 2.0, "output": 8.0}}, "currency": "EUR"}
        folder = make(deployment.projects, VARIABLES, extractor={"base_url": server.base_url, **priced})
        for number in range(60):
            drop(folder, f"{number}.txt", f"total: {number}.5")
        worker = _start(deployment, "run", "study", environment={KEY_NAME: KEY})
        _until(lambda: server.counts()["answered"] >= 20, worker)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()
        with open_instance(deployment.projects) as instance:
            (killed,) = instance.get_runs(dg.RunsFilter(job_name="study__extract"))
            assert killed.status is dg.DagsterRunStatus.STARTED
        again = deployment.coderai("run", "study", environment={KEY_NAME: KEY})
        asked = server.asked()
    assert again.returncode == 0, again.stdout + again.stderr
    assert " EUR" in again.stderr, "an amount is shown with its currency"
    assert values(folder, "total") == {f"{number}.txt": number + 0.5 for number in range(60)}
    assert sum(asked.values()) - len(asked) <= 8, "more than what was in flight was asked twice"
    with open_instance(deployment.projects) as instance:
        assert instance.get_run_by_id(killed.run_id).status is dg.DagsterRunStatus.FAILURE
        said = [entry.message for entry in instance.all_logs(killed.run_id)]
        assert any("is gone" in message and "what it had stored is kept" in message for message in said)
        assert corpora.materialised(instance, "study", "extractions") == {f"{number}.txt" for number in range(60)}


def test_an_interrupted_run_keeps_what_is_finished(deployment: Deployment) -> None:
    """As Ctrl-C does, and Terminate in the UI."""
    with ModelServer(answer, Moods(latency_s=0.25)) as server:
        folder = make(deployment.projects, VARIABLES, extractor={"base_url": server.base_url})
        for number in range(60):
            drop(folder, f"{number}.txt", f"total: {number}.5")
        worker = _start(deployment, "run", "study", environment={KEY_NAME: KEY})
        _until(lambda: server.counts()["answered"] >= 20, worker)
        worker.send_signal(signal.SIGINT)
        _, said = worker.communicate(timeout=180)
    assert worker.returncode not in (0, None)
    assert "Traceback" not in said
    assert len(values(folder, "total")) >= 15
    with open_instance(deployment.projects) as instance:
        (interrupted,) = instance.get_runs(dg.RunsFilter(job_name="study__extract"))
        assert interrupted.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)
    assert not Control(folder.state).is_extracting


def _start(deployment: Deployment, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        coderai_command(*arguments),
        env={**os.environ, **deployment.environment, **environment},
        cwd=deployment.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _until(reached: Callable[[], bool], worker: subprocess.Popen[str], timeout_s: float = 180) -> None:
    until = time.monotonic() + timeout_s
    while not reached():
        assert worker.poll() is None, worker.communicate()
        assert time.monotonic() < until, "not reached in time"
        time.sleep(0.02)


def test_deleting_a_project_removes_what_dagster_knows_of_it_and_of_no_other(
    study: ProjectFolder, deployment: Deployment
) -> None:
    other = make(deployment.projects, VARIABLES, "other", extractor=RULES)
    drop(other, "1.txt", "total: 1")
    with open_instance(deployment.projects) as instance:
        for folder in (study, other):
            assert run_job(instance, folder, "write_prompts").success
            assert run_job(instance, folder, "extract").success
    deleted = coderai("project", "delete", "study", "--yes-delete", "study")
    assert deleted.exit_code == 0, deleted.output
    assert not study.path.exists()
    with open_instance(deployment.projects) as instance:
        assert corpora.partitions_of(instance, "study") == set()
        assert instance.get_dynamic_partitions("study/variables") == []
        assert {key.path[0] for key in instance.all_asset_keys()} == {"other"}
        assert corpora.materialised(instance, "other", "extractions") == {"1.txt"}


def test_the_demo_runs_repeats_and_says_how_much_of_it_is_right(deployment: Deployment) -> None:
    first = deployment.coderai("demo")
    assert first.returncode == 0, first.stderr
    second = coderai("demo")
    assert second.exit_code == 0, second.stderr
    for said in (first.stdout, second.stdout):
        assert said.count("cells agree with the gold file") == 2
        end = said.partition("Where everything is")[2]
        named = [Path(line.split()[-1]) for line in end.splitlines() if line.startswith("  ")]
        assert len(named) == 6
        assert all(path.exists() for path in named), "the demo ends with places that are there"
    assert _outcome(first.stdout) == _outcome(second.stdout)


def _outcome(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(("documents:", "cells:")) or "gold file" in line]
