"""`depends_on` in projects with one row a document: who is asked when, and what an edit of the parent changes."""

from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import answer, cells, drop, labelled, make, run, set_variables
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [
    {"name": "injured", "type": "number"},
    {"name": "hospital", "type": "text", "depends_on": "injured > 0"},
    {"name": "ward", "type": "text", "depends_on": "hospital is not empty"},
    {"name": "city", "type": "location"},
]


@pytest.fixture(name="server", scope="module")
def _server():
    with ModelServer(answer) as server:
        yield server


@pytest.fixture(name="study")
def _study(tmp_path: Path) -> ProjectFolder:
    folder = make(tmp_path, VARIABLES)
    drop(folder, "many.txt", labelled({"injured": 12, "hospital": "St Anne", "ward": "Ward 7", "city": "Graz"}))
    drop(folder, "none.txt", labelled({"injured": 0, "hospital": "St Mary", "ward": "Ward 9", "city": "Linz"}))
    return folder


def statuses(folder: ProjectFolder, document: str) -> dict[str, CellStatus]:
    return {name: cell.status for (key, _, name), cell in cells(folder).items() if key == document}


def edited(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [variable | changes if variable["name"] == name else variable for variable in VARIABLES]


def test_variables_are_asked_in_waves_and_only_where_their_condition_holds(
    study: ProjectFolder, server: ModelServer
) -> None:
    first = run(study, server)
    assert first.asked == {frozenset({"injured", "city"}), frozenset({"hospital"}), frozenset({"ward"})}
    assert first.calls["received"] == 4
    assert set(statuses(study, "many.txt").values()) == {CellStatus.EXTRACTED}
    assert statuses(study, "none.txt") == {
        "injured": CellStatus.EXTRACTED,
        "city": CellStatus.EXTRACTED,
        "hospital": CellStatus.SKIPPED,
        "ward": CellStatus.SKIPPED,
    }
    assert cells(study)["none.txt", "", "hospital"].reason == "not asked: injured > 0 does not hold"
    assert cells(study)["none.txt", "", "ward"].reason.endswith("does not hold, hospital having no value")
    assert run(study, server).calls["received"] == 0


def test_a_condition_on_a_value_that_could_not_be_read_says_so(tmp_path: Path, server: ModelServer) -> None:
    folder = make(tmp_path, VARIABLES)
    drop(folder, "some.txt", labelled({"injured": "a few dozen", "hospital": "St Anne"}))
    run(folder, server)
    parent, child = (cells(folder)["some.txt", "", name] for name in ("injured", "hospital"))
    assert (parent.status, parent.value, child.status) == (CellStatus.FLAGGED, None, CellStatus.SKIPPED)
    assert child.reason == "not asked: injured > 0 does not hold, injured having no value"


def test_a_parent_that_settles_otherwise_skips_its_children_without_a_call(
    study: ProjectFolder, server: ModelServer
) -> None:
    run(study, server)
    before = cells(study)
    uncertain = edited("injured", confidence_threshold=0.99, if_uncertain="null")
    set_variables(study, uncertain)
    again = run(study, server)
    assert again.calls["received"] == 0
    assert statuses(study, "many.txt")["hospital"] is CellStatus.SKIPPED
    assert statuses(study, "many.txt")["ward"] is CellStatus.SKIPPED
    set_variables(study, VARIABLES)
    assert run(study, server).calls["received"] == 0
    assert cells(study) == before


def test_a_condition_that_comes_true_asks_what_was_skipped(study: ProjectFolder, server: ModelServer) -> None:
    run(study, server)
    set_variables(study, edited("hospital", depends_on="injured >= 0"))
    again = run(study, server)
    assert again.asked == {frozenset({"hospital"}), frozenset({"ward"})}
    assert all("St Mary" in seen.document for seen in again.requests)
    assert cells(study)["none.txt", "", "ward"].value == "Ward 9"


def test_a_reworded_parent_whose_answer_changes_asks_its_children(tmp_path: Path) -> None:
    said = {"injured": "0"}

    def changing(seen: Any) -> object:
        body = {
            **seen.body,
            "messages": [{"role": "user", "content": f"injured: {said['injured']}\nhospital: St Anne"}],
        }
        return answer(type(seen)(seen.path, body, seen.format, seen.schema))

    with ModelServer(changing) as server:
        folder = make(tmp_path, VARIABLES[:2])
        drop(folder, "1.txt", labelled({"injured": 0, "hospital": "St Anne"}) + "or was it injured: 3")
        assert run(folder, server).asked == {frozenset({"injured"})}
        said["injured"] = "3"
        set_variables(folder, [VARIABLES[0] | {"instructions": "Count all."}, VARIABLES[1]])
        assert run(folder, server).asked == {frozenset({"injured"}), frozenset({"hospital"})}
        assert cells(folder)["1.txt", "", "hospital"].value == "St Anne"


def test_a_child_of_a_failed_parent_fails_instead_of_being_skipped(tmp_path: Path) -> None:
    broken = {"on": True}

    def answering(seen: Any) -> object:
        return "No." if broken["on"] else answer(seen)

    with ModelServer(answering) as server:
        folder = make(tmp_path, VARIABLES[:2])
        drop(folder, "1.txt", labelled({"injured": 3, "hospital": "St Anne"}))
        assert run(folder, server).outcomes == {"1.txt": "failed"}
        assert cells(folder)["1.txt", "", "hospital"].reason == "not asked: it depends on injured, which failed"
        broken["on"] = False
        again = run(folder, server, Scope(retry_failed=True))
    assert again.outcomes == {"1.txt": "settled"}
    assert cells(folder)["1.txt", "", "hospital"].value == "St Anne"
