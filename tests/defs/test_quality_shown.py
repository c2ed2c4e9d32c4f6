"""Quality and refinement as Dagster shows them: tables, checks, candidates; and what the jobs and the command line do."""

from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from coderai_pipeline.cli import main
from coderai_pipeline.defs import names
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.storage.control import Control
from tests.defs import corpora
from tests.deployments import Deployment
from tests.engine.projects import KEY, KEY_NAME, drop, labelled, make
from tests.engine.test_refining import BETTER, reads_by_the_instructions, stored_study
from tests.servers import ModelServer


def check_of(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(names.asset_key("study", "quality"), name)
    record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    assert record.event is not None
    return record.event.get_dagster_event().asset_check_evaluation_data


def test_a_publication_tells_of_quality_and_a_gate_holds_the_full_run(deployment: Deployment) -> None:
    folder = make(
        deployment.projects, [{"name": "total", "type": "number"}], extractor={"name": "rules"}, quality={"gate": True}
    )
    for number in range(4):
        drop(folder, f"{number}.txt", labelled({"total": number}))
    (folder.path / "gold").mkdir()
    (folder.path / "gold" / "mine.csv").write_text("document,variable,expected\n0.txt,total,0\n1.txt,total,99\n")
    with open_instance(deployment.projects) as instance:
        assert not run_job(instance, folder, "extract").success, "nothing has been judged"
        assert run_job(instance, folder, "sample").success
        assert run_job(instance, folder, "publish").success
        shown = next(corpora.materialisations(instance, "study", "quality")).metadata
        assert shown["judged"].value == 2
        assert str(shown["accuracy"].value).startswith("![plot](data:image/svg+xml;base64,")
        rows = [dict(record.data) for record in shown["measures"].records]  # pyright: ignore[reportAttributeAccessIssue]
        accuracy = next(row for row in rows if row["measure"] == "accuracy")
        assert (accuracy["value"], accuracy["n"], accuracy["basis"]) == ("0.500", "2", "gold: 2 cells of gold files")
        check = check_of(instance, "accuracy")
        assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert "at least 0.8 asked for" in str(check.description)
        assert not run_job(instance, folder, "accept_sample").success
        assert Control(folder.state).acceptance is None
        assert run_job(instance, folder, "accept_sample", {"override": "a pilot"}).success


def test_candidates_stand_as_a_partition_and_the_jobs_make_apply_and_undo_them(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    with ModelServer(reads_by_the_instructions) as server, open_instance(deployment.projects) as instance:
        folder = stored_study(deployment.projects, server, 6)
        made = CliRunner().invoke(main, ["refine", "study", "total"])
        assert made.exit_code == 0, made.output
        assert "1\tmodel\tno clear difference\t3 of 3 held-out cells right, 0 with the present wording" in made.output
        assert f"+total (number): {BETTER}" in made.output
        shown = next(corpora.materialisations(instance, "study", "refined_prompts", "total")).metadata
        compared = [dict(record.data) for record in shown["compared"].records]  # pyright: ignore[reportAttributeAccessIssue]
        assert [row["right"] for row in compared[:2]] == ["3 (present: 0)"] * 2
        assert compared[2]["cells"] == "6"
        assert BETTER in str(shown["candidate_1"].value)
        path = Path(folder.path / "codebook.yaml")
        before = path.read_bytes()
        assert run_job(instance, folder, "apply_refinement", {"variable": "total", "candidate": 1}).success
        assert BETTER in path.read_text()
        prompt = next(corpora.materialisations(instance, "study", "prompts", "total")).metadata["prompt"]
        assert BETTER in str(prompt.value)
        assert run_job(instance, folder, "apply_refinement", {"variable": "total", "candidate": 0}).success
        assert path.read_bytes() == before
        refused = CliRunner().invoke(main, ["refine", "study", "city"])
        assert refused.exit_code == 1
        assert "none of them was corrected" in refused.output
