"""Projects with many rows a document: entities found, joined over chunks, filled, and only what changed asked again."""

from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import (
    answer,
    cells,
    copy,
    drop,
    labelled,
    long_text,
    make,
    mode_of,
    run,
    set_variables,
    values,
)
from tests.server_moods import Moods
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [
    {"name": "paper", "type": "text", "level": "document"},
    {"name": "place", "type": "location"},
    {"name": "day", "type": "date"},
    {"name": "injured", "type": "number"},
    {"name": "kind", "type": "category", "categories": [{"value": "march"}, {"value": "riot"}]},
]
CHUNKS_OF_LONG = 7
MENTIONS_IN_LONG = 3
UNIT = {"rows": "many", "represents": "each protest", "key": ["place", "day"]}
SHORT = labelled({"paper": "Daily News"}) + (
    "event: place=Graz; day=2024-03-01; injured=3; kind=march\n"
    "event: place=Linz; day=2024-03-02; injured=0; kind=riot\n"
)
EMPTY = labelled({"paper": "Weekly"}) + "Nothing happened anywhere.\n"


def long_report() -> str:
    """Over 5,000 words; Graz stands at its beginning and again at its end, where it says more."""
    first = "event: place=Graz; day=2024-03-01; injured=3; kind=march"
    middle = "event: place=Linz; day=2024-03-02; injured=0; kind=riot"
    last = "event: place=Graz; day=2024-03-01; injured=3; kind=march"
    return labelled({"paper": "Almanac"}) + long_text({0: first, 2_600: middle, 5_300: last})


def edited(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [variable | changes if variable["name"] == name else variable for variable in VARIABLES]


@pytest.fixture(name="server", scope="module")
def _server():
    with ModelServer(answer) as server:
        yield server


def project(home: Path, variables: list[dict[str, Any]] = VARIABLES, **extractor: Any) -> ProjectFolder:
    folder = make(home, variables, unit=UNIT, extractor=extractor)
    drop(folder, "short.txt", SHORT)
    drop(folder, "empty.txt", EMPTY)
    drop(folder, "long.txt", long_report())
    return folder


@pytest.fixture(name="settled", scope="module")
def _settled(tmp_path_factory: pytest.TempPathFactory, server: ModelServer) -> ProjectFolder:
    folder = project(tmp_path_factory.mktemp("home"))
    first = run(folder, server)
    assert set(first.outcomes.values()) == {"settled"}
    assert {mode_of(seen) for seen in first.requests} == {"rows"}
    return folder


@pytest.fixture(name="study")
def _study(settled: ProjectFolder, tmp_path: Path) -> ProjectFolder:
    return copy(settled, tmp_path)


def test_entities_are_joined_across_chunks_and_document_values_stand_once(study: ProjectFolder) -> None:
    assert values(study, "place") == {
        "short.txt/1": "Graz",
        "short.txt/2": "Linz",
        "long.txt/1": "Graz",
        "long.txt/2": "Linz",
    }
    assert values(study, "injured") == {
        "short.txt/1": 3.0,
        "short.txt/2": 0.0,
        "long.txt/1": 3.0,
        "long.txt/2": 0.0,
    }
    assert values(study, "paper") == {"short.txt": "Daily News", "empty.txt": "Weekly", "long.txt": "Almanac"}
    entities = {(row["document"], row["entity"]): row for row in BlockStore(study.state).table("entities").to_pylist()}
    assert "same place and day" in entities["long.txt", "1"]["joined"]
    assert entities["short.txt", "1"]["joined"] == []


def test_every_quote_stands_at_its_span(study: ProjectFolder) -> None:
    texts = {"short.txt": SHORT, "empty.txt": EMPTY, "long.txt": long_report()}
    for (document, entity, _), cell in cells(study).items():
        assert cell.evidence is not None
        assert cell.evidence.start is not None
        at = texts[document][cell.evidence.start : cell.evidence.end]
        assert at == cell.evidence.quote
        assert bool(entity) == ("=" in at)


def test_nothing_changed_asks_nothing(study: ProjectFolder, server: ModelServer) -> None:
    again = run(study, server)
    assert (again.calls["received"], again.reports) == (0, {})


def test_an_edited_entity_variable_is_filled_and_nothing_is_found_again(
    study: ProjectFolder, server: ModelServer
) -> None:
    before = cells(study)
    set_variables(study, edited("injured", instructions="Count the police as well."))
    again = run(study, server)
    assert {mode_of(seen) for seen in again.requests} == {"fill"}
    assert again.asked == {frozenset({"injured"})}
    assert again.calls["received"] == 1 + MENTIONS_IN_LONG  # where no entity is mentioned, there is no question
    after = cells(study)
    assert {key: cell for key, cell in after.items() if key[2] != "injured"} == {
        key: cell for key, cell in before.items() if key[2] != "injured"
    }
    assert {key: cell.value for key, cell in after.items()} == {key: cell.value for key, cell in before.items()}
    set_variables(study, VARIABLES)
    assert run(study, server).calls["received"] == 0
    assert {key: cell.value for key, cell in cells(study).items()} == {key: cell.value for key, cell in before.items()}


def test_an_edited_document_variable_is_asked_alone(study: ProjectFolder, server: ModelServer) -> None:
    set_variables(study, edited("paper", instructions="The newspaper."))
    again = run(study, server)
    assert ({mode_of(seen) for seen in again.requests}, again.asked) == ({"row"}, {frozenset({"paper"})})
    assert again.calls["received"] == 2 + CHUNKS_OF_LONG


def test_edited_keys_find_the_entities_anew(study: ProjectFolder, server: ModelServer) -> None:
    before = cells(study)
    set_variables(study, edited("place", instructions="The town alone."))
    again = run(study, server)
    assert {mode_of(seen) for seen in again.requests} == {"rows"}
    assert again.asked == {frozenset({"place", "day", "injured", "kind"})}
    assert again.calls["received"] == 2 + CHUNKS_OF_LONG
    set_variables(study, VARIABLES)
    assert run(study, server).calls["received"] == 0
    assert cells(study) == before


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("injured", {"validation": {"max": 1.0}}),
        ("paper", {"default": "unknown"}),
        ("place", {"validation": {"pattern": "G.*"}}),
        ("day", {"confidence_threshold": 0.99, "if_uncertain": "null"}),
    ],
)
def test_rules_of_settling_are_changed_without_a_call(
    study: ProjectFolder, server: ModelServer, name: str, changes: dict[str, Any]
) -> None:
    before = cells(study)
    set_variables(study, edited(name, **changes))
    again = run(study, server)
    assert again.calls["received"] == 0
    assert set(again.outcomes.values()) == {"settled"}
    set_variables(study, VARIABLES)
    assert run(study, server).calls["received"] == 0
    assert cells(study) == before


def test_another_settling_of_the_keys_settles_every_cell_of_the_entities_anew(
    study: ProjectFolder, server: ModelServer
) -> None:
    """Other key values may join other rows, so that entity 1 is not what it was."""
    set_variables(study, edited("day", confidence_threshold=0.99, if_uncertain="null"))
    again = run(study, server)
    assert again.calls["received"] == 0
    told = {cell.variable for report in again.reports.values() if report.settlement for cell in report.settlement.cells}
    assert told == {"place", "day", "injured", "kind"}


def test_a_document_that_loses_its_entities_has_no_cells_of_them(study: ProjectFolder, server: ModelServer) -> None:
    drop(study, "short.txt", EMPTY.replace("Weekly", "Daily News"), at=1_700_000_100)
    again = run(study, server)
    settlement = again.reports["short.txt"].settlement
    assert settlement is not None
    assert (settlement.entities, settlement.wanted, settlement.outcome) == (0, 1, "settled")


CONDITIONAL = edited("injured", depends_on='kind = "march"')


def test_a_condition_is_decided_for_each_entity(tmp_path: Path, server: ModelServer) -> None:
    folder = project(tmp_path, CONDITIONAL)
    first = run(folder, server)
    found = {key: cell.status for key, cell in cells(folder).items() if key[2] == "injured"}
    assert found == {
        ("short.txt", "1", "injured"): CellStatus.EXTRACTED,
        ("short.txt", "2", "injured"): CellStatus.SKIPPED,
        ("long.txt", "1", "injured"): CellStatus.EXTRACTED,
        ("long.txt", "2", "injured"): CellStatus.SKIPPED,
    }
    filled = [seen for seen in first.requests if mode_of(seen) == "fill"]
    assert all('"place": "Linz"' not in seen.document for seen in filled)
    # Linz turns out to be a march, too: its `injured` is asked, Graz's is not asked again.
    set_variables(
        folder, [v | {"validation": {"allowed": ["riot"]}} if v["name"] == "place" else v for v in CONDITIONAL]
    )
    assert run(folder, server).calls["received"] == 0


def test_a_condition_that_comes_true_is_asked_for_the_entities_concerned(tmp_path: Path) -> None:
    said = {"Linz": "riot"}

    def changing(seen: Any) -> object:
        # The model changes its mind about Linz once it is asked in other words.
        text = seen.document.replace("injured=0; kind=riot", f"injured=0; kind={said['Linz']}")
        return answer(type(seen)(seen.path, _with_document(seen, text), seen.format, seen.schema))

    with ModelServer(changing) as server:
        folder = project(tmp_path, CONDITIONAL)
        run(folder, server)
        said["Linz"] = "march"
        reworded = [v | {"instructions": "What it was."} if v["name"] == "kind" else v for v in CONDITIONAL]
        set_variables(folder, reworded)
        again = run(folder, server)
    filled = {mode_of(seen) for seen in again.requests}
    assert filled == {"fill"}
    asked_of_injured = [seen for seen in again.requests if "injured" in str(seen.schema)]
    assert asked_of_injured
    assert all('"place": "Graz"' not in seen.document for seen in asked_of_injured)
    assert cells(folder)["short.txt", "2", "injured"].value == 0.0
    assert cells(folder)["short.txt", "1", "injured"].value == 3.0


def _with_document(seen: Any, text: str) -> dict[str, Any]:
    return {**seen.body, "messages": [*seen.body["messages"][:-1], {"role": "user", "content": text}]}


def test_two_passes_identify_first_and_fill_then(tmp_path: Path, server: ModelServer) -> None:
    folder = project(tmp_path, passes="two")
    first = run(folder, server)
    assert {mode_of(seen) for seen in first.requests} == {"identify", "fill"}
    assert values(folder, "injured") == {
        "short.txt/1": 3.0,
        "short.txt/2": 0.0,
        "long.txt/1": 3.0,
        "long.txt/2": 0.0,
    }
    before = cells(folder)
    set_variables(folder, edited("injured", validation={"max": 1.0}))
    assert run(folder, server).calls["received"] == 0
    set_variables(folder, edited("kind", instructions="What it was."))
    again = run(folder, server)
    assert ({mode_of(seen) for seen in again.requests}, again.asked) == ({"fill"}, {frozenset({"kind"})})
    set_variables(folder, VARIABLES)
    assert run(folder, server).calls["received"] == 0
    assert cells(folder) == before


def test_calls_per_variable_fill_each_alone(tmp_path: Path, server: ModelServer) -> None:
    folder = project(tmp_path, calls="per_variable")
    first = run(folder, server)
    assert {variables for variables in first.asked if len(variables) > 1} == {frozenset({"place", "day"})}
    assert {frozenset({"injured"}), frozenset({"kind"}), frozenset({"paper"})} <= first.asked
    assert values(folder, "kind") == {
        "short.txt/1": "march",
        "short.txt/2": "riot",
        "long.txt/1": "march",
        "long.txt/2": "riot",
    }


def test_each_call_is_accounted_for_once_by_the_cells_that_rest_on_it(
    study: ProjectFolder, server: ModelServer
) -> None:
    def of_cells() -> float:
        return sum(cell.input_tokens for cell in cells(study).values() if cell.document == "short.txt")

    calls = [row for row in BlockStore(study.state).table("calls").to_pylist() if row["document"] == "short.txt"]
    assert of_cells() == pytest.approx(sum(call["input_tokens"] for call in calls))
    set_variables(study, edited("injured", validation={"max": 1.0}))  # settled again from the same call
    run(study, server)
    assert of_cells() == pytest.approx(sum(call["input_tokens"] for call in calls))


def test_what_a_reply_says_of_a_row_that_was_not_asked_is_paid_by_those_that_were(
    tmp_path: Path, server: ModelServer
) -> None:
    variables = [*VARIABLES, {"name": "cause", "type": "text", "depends_on": "injured > 0"}]
    variables += [{"name": "agency", "type": "text", "depends_on": "injured >= 0"}]
    folder = make(tmp_path, variables, unit={"rows": "many", "represents": "each event", "key": ["place", "day"]})
    rows = ["place=Paris; day=2024-03-05; injured=0", "place=Rome; day=2024-03-06; injured=2"]
    drop(folder, "a.txt", "".join(f"event: {row}; kind=march; cause=fire; agency=AP\n" for row in rows))
    ran = run(folder, server)
    assert sum(cell.input_tokens for cell in cells(folder).values()) == pytest.approx(ran.summary.input_tokens)


def test_a_part_that_could_not_be_searched_is_searched_again_and_no_other(tmp_path: Path) -> None:
    broken = {"on": True}

    def answering(seen: Any) -> object:
        return "I would rather not." if broken["on"] and "place=Linz" in seen.document else answer(seen)

    with ModelServer(answering) as server:
        folder = make(tmp_path, VARIABLES, unit=UNIT)
        drop(folder, "long.txt", long_report())
        first = run(folder, server)
        assert first.outcomes == {"long.txt": "failed"}
        assert "could not be searched" in first.reports["long.txt"].trouble
        asked = first.calls["received"]
        broken["on"] = False
        assert run(folder, server).calls["received"] == 0  # a failure is for a person to look at
        again = run(folder, server, Scope(retry_failed=True))
    assert asked == CHUNKS_OF_LONG - 1 + 3
    assert all("place=Linz" in seen.document for seen in again.requests)
    assert again.outcomes == {"long.txt": "settled"}
    assert values(folder, "place") == {"long.txt/1": "Graz", "long.txt/2": "Linz"}
    assert values(folder, "paper") == {"long.txt": "Almanac"}


def test_an_entity_left_out_of_a_reply_fails_alone_and_is_asked_about_alone(tmp_path: Path) -> None:
    broken = {"on": True}

    def answering(seen: Any) -> Any:
        said: Any = answer(seen)
        if broken["on"] and mode_of(seen) == "fill":
            said["rows"] = [row for row in said["rows"] if row["id"] != "2"]
        return said

    with ModelServer(answering) as server:
        folder = make(tmp_path, VARIABLES, unit=UNIT, extractor={"passes": "two"})
        drop(folder, "short.txt", SHORT)
        assert run(folder, server).outcomes == {"short.txt": "failed"}
        found = {key: cell.status for key, cell in cells(folder).items() if key[2] == "kind"}
        assert found == {
            ("short.txt", "1", "kind"): CellStatus.EXTRACTED,
            ("short.txt", "2", "kind"): CellStatus.FAILED,
        }
        broken["on"] = False
        again = run(folder, server, Scope(retry_failed=True))
    assert len(again.requests) == 1
    assert mode_of(again.requests[0]) == "fill"
    assert '"id": "2"' in again.requests[0].document
    assert '"id": "1"' not in again.requests[0].document
    assert values(folder, "kind") == {"short.txt/1": "march", "short.txt/2": "riot"}


def test_where_no_part_could_be_searched_every_cell_says_so(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(refusals=1.0)) as server:
        folder = make(tmp_path, VARIABLES, unit=UNIT)
        drop(folder, "short.txt", SHORT)
        assert run(folder, server).outcomes == {"short.txt": "failed"}
        assert {cell.status for cell in cells(folder).values()} == {CellStatus.FAILED}
        assert {key[2] for key in cells(folder)} == {"paper", "place", "day", "injured", "kind"}
        server.set_moods(Moods())
        assert run(folder, server, Scope(retry_failed=True)).outcomes == {"short.txt": "settled"}
    assert values(folder, "place") == {"short.txt/1": "Graz", "short.txt/2": "Linz"}


@pytest.mark.parametrize("edit", [None, "place", "injured"])
def test_the_local_rules_need_no_server(tmp_path: Path, edit: str | None) -> None:
    table = (
        "<table><tr><th>place<th>day<th>injured<tr><td>Graz<td>2024-03-01<td>3<tr><td>Linz<td>2024-03-02<td>0</table>"
    )
    with ModelServer(answer) as server:
        folder = make(tmp_path, VARIABLES[1:4], unit=UNIT, extractor={"name": "rules"})
        drop(folder, "table.html", table)
        assert run(folder, server).outcomes == {"table.html": "settled"}
        if edit:
            set_variables(folder, [v | {"labels": ["x"]} if v["name"] == edit else v for v in VARIABLES[1:4]])
            run(folder, server)
        assert server.counts()["received"] == 0
    assert values(folder, "place") == {"table.html/1": "Graz", "table.html/2": "Linz"}
