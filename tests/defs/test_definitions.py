"""What Dagster is given for a home of projects: all of them, each under its own names, whatever is wrong with one."""

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from coderai_pipeline.defs import names
from coderai_pipeline.defs.factory import definitions_of
from coderai_pipeline.storage.projects import Home
from tests.deployments import Deployment
from tests.engine.projects import make

VARIABLES = [{"name": "total", "type": "number"}, {"name": "city", "type": "text"}]
RULES = {"name": "rules"}
ASSETS = {
    "documents",
    "chunks",
    "extractions",
    "prompts",
    "dataset",
    "exports",
    "review",
    "feedback",
    "quality",
    "refined_prompts",
}
JOBS = {
    "extract", "sample", "retry_failed", "publish", "export", "write_prompts", "write_review", "apply_feedback",
    "refine", "apply_refinement", "accept_sample", "pause", "resume",
}  # fmt: skip


def repository(home: Path) -> dg.RepositoryDefinition:
    return definitions_of(Home(home)).get_repository_def()


def assets_of(home: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key in repository(home).asset_graph.get_all_asset_keys():
        found.setdefault(key.path[0], set()).add(key.path[1])
    return found


def test_a_home_without_projects_loads(tmp_path: Path) -> None:
    assert assets_of(tmp_path / "nowhere") == {}
    assert {sensor.name for sensor in repository(tmp_path).sensor_defs} >= {"inboxes", "follow_up"}


def test_no_job_has_the_name_of_an_asset_of_its_project(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "study", extractor=RULES)
    assert {f"study__{job}" for job in JOBS} <= {job.name for job in repository(tmp_path).get_all_jobs()}


def test_a_broken_project_is_an_asset_that_says_what_is_wrong_and_the_others_work(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "first", extractor=RULES)
    make(tmp_path, VARIABLES, "second", extractor=RULES)
    broken = make(tmp_path, VARIABLES, "third", extractor=RULES)
    broken.project_file.write_text("name: Third\nlanguage: EN\nnonsense: 1\n")
    assert assets_of(tmp_path) == {"first": ASSETS, "second": ASSETS, "third": {"invalid_project"}}
    said = repository(tmp_path).asset_graph.get(names.asset_key("third", "invalid_project")).description or ""
    assert "2 problems" in said
    assert "third/project.yaml:2: language" in said
    assert "third/project.yaml:3: nonsense" in said


def test_a_project_whose_file_cannot_even_be_parsed_is_shown_as_broken(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "third").project_file.write_text("name: [a\n")
    make(tmp_path, VARIABLES, "fourth").codebook_file.unlink()
    make(tmp_path, VARIABLES, "fifth").project_file.write_bytes(b"\xff\xfe\x00name")
    assert assets_of(tmp_path) == {name: {"invalid_project"} for name in ("third", "fourth", "fifth")}


def test_materialising_a_broken_project_fails_with_its_problems(tmp_path: Path) -> None:
    broken = make(tmp_path, VARIABLES, "third")
    broken.project_file.write_text("name: Third\nnonsense: 1\n")
    key = names.asset_key("third", "invalid_project")
    job = repository(tmp_path).get_implicit_job_def_for_assets([key])
    assert job is not None
    with pytest.raises(Exception, match="nonsense"):
        job.execute_in_process(asset_selection=[key])


def test_ids_that_differ_in_punctuation_alone_do_not_meet(tmp_path: Path) -> None:
    for project_id in ("a-b", "a_b", "a--b", "0a"):
        make(tmp_path, VARIABLES, project_id, extractor=RULES)
    loaded = repository(tmp_path)
    assert assets_of(tmp_path) == dict.fromkeys(("a-b", "a_b", "a--b", "0a"), ASSETS)
    graph = loaded.asset_graph
    groups = {key.path[0]: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert len(set(groups.values())) == 4
    for job in JOBS:
        assert len({name for name in loaded.job_names if name.endswith(f"__{job}")}) == 4


def test_an_archived_project_is_absent(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "here", extractor=RULES)
    make(tmp_path, VARIABLES, "gone", extractor=RULES, archived=True)
    assert assets_of(tmp_path) == {"here": ASSETS}
    assert not [name for name in repository(tmp_path).job_names if name.startswith("gone")]


def test_a_project_has_its_jobs_its_group_and_its_owners(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "press", extractor=RULES, owners=["ada@example.org", "the lab"], name="Press study")
    loaded = repository(tmp_path)
    assert set(loaded.job_names) >= {f"press__{job}" for job in JOBS}
    for key in loaded.asset_graph.get_all_asset_keys():
        node = loaded.asset_graph.get(key)
        assert node.group_name == "press"
        assert node.owners == ["ada@example.org"]
        assert node.description
    for asset in ("documents", "chunks", "extractions"):
        partitions = loaded.asset_graph.get(names.asset_key("press", asset)).partitions_def
        assert isinstance(partitions, dg.DynamicPartitionsDefinition)
        assert partitions.name == "press/documents"


def test_every_job_can_be_launched_with_the_settings_it_shows_first(tmp_path: Path) -> None:
    make(tmp_path, VARIABLES, "press", extractor=RULES)
    loaded = repository(tmp_path)
    for job in JOBS - {"refine", "apply_refinement"}:  # of which variable, only a person can say
        dg.validate_run_config(loaded.get_job(f"press__{job}"))


@pytest.mark.parametrize("config", [{"sample_size": "many"}, {"documents": "all"}, {"smaple_size": 3}])
def test_settings_of_a_wrong_type_or_name_are_refused_before_the_run(tmp_path: Path, config: dict[str, object]) -> None:
    make(tmp_path, VARIABLES, "press", extractor=RULES)
    job = repository(tmp_path).get_job("press__sample")
    with pytest.raises(dg.DagsterInvalidConfigError, match=next(iter(config))):
        dg.validate_run_config(job, {"ops": {"press__sample_op": {"config": config}}})


def test_loading_the_definitions_prints_nothing(deployment: Deployment) -> None:
    make(deployment.projects, VARIABLES, "press", extractor=RULES)
    code = "from coderai_pipeline.definitions import defs; defs.get_repository_def()"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (loaded.stdout, loaded.stderr) == ("", "")


def test_fifty_projects_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(50):
        make(tmp_path, VARIABLES, f"project-{number}", extractor=RULES)
    started = time.perf_counter()
    assert len(assets_of(tmp_path)) == 50
    with capsys.disabled():
        print(f"\n50 projects load in {time.perf_counter() - started:.1f} s")
