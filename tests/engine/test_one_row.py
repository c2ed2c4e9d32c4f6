"""Projects with one row a document: every cell once, as the server answered, and only what changed is asked again."""

import os
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus, Grounding
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import (
    answer,
    cells,
    copy,
    drop,
    labelled,
    make,
    run,
    set_project,
    set_variables,
    values,
)
from tests.servers import ModelServer

DOCUMENTS = 12
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "type": "text"},
    {"name": "author", "type": "text"},
    {"name": "total", "type": "number"},
    {"name": "vat", "type": "number"},
    {"name": "paid_on", "type": "date"},
    {"name": "due_on", "type": "date"},
    {"name": "kind", "type": "category", "categories": [{"value": "letter"}, {"value": "invoice"}]},
    {"name": "is_signed", "type": "boolean"},
    {"name": "city", "type": "location"},
    {"name": "note", "type": "text"},
]
NAMES = frozenset(variable["name"] for variable in VARIABLES)


def text_of(number: int) -> str:
    return labelled(
        {
            "title": f"Report {number} on the harbour",
            "author": f"Ada Brandt {number}",
            "total": 100 + number,
            "vat": 20.5 + number,
            "paid_on": f"2024-03-{number + 1:02}",
            "due_on": f"2024-04-{number + 1:02}",
            "kind": "letter" if number % 2 else "invoice",
            "is_signed": "true" if number % 2 else "false",
            "city": "Graz",
        }
    )


def expected(number: int) -> dict[str, Any]:
    return {
        "title": f"Report {number} on the harbour",
        "author": f"Ada Brandt {number}",
        "total": 100.0 + number,
        "vat": 20.5 + number,
        "paid_on": f"2024-03-{number + 1:02}",
        "due_on": f"2024-04-{number + 1:02}",
        "kind": "letter" if number % 2 else "invoice",
        "is_signed": bool(number % 2),
        "city": "Graz",
        "note": None,
    }


def edited(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [variable | changes if variable["name"] == name else variable for variable in VARIABLES]


@pytest.fixture(name="server", scope="module")
def _server():
    with ModelServer(answer) as server:
        yield server


@pytest.fixture(name="settled", scope="module")
def _settled(tmp_path_factory: pytest.TempPathFactory, server: ModelServer) -> ProjectFolder:
    folder = make(tmp_path_factory.mktemp("home"), VARIABLES)
    for number in range(DOCUMENTS):
        drop(folder, f"{number}.txt", text_of(number))
    assert run(folder, server).calls["received"] == DOCUMENTS
    return folder


@pytest.fixture(name="study")
def _study(settled: ProjectFolder, tmp_path: Path) -> ProjectFolder:
    """A project whose documents are all settled."""
    return copy(settled, tmp_path)


def test_every_document_and_variable_ends_as_one_cell_with_the_answer(study: ProjectFolder) -> None:
    found = cells(study)
    assert set(found) == {(f"{number}.txt", "", name) for number in range(DOCUMENTS) for name in NAMES}
    for number in range(DOCUMENTS):
        assert {name: found[f"{number}.txt", "", name].value for name in NAMES} == expected(number)
    assert {cell.status for key, cell in found.items() if key[2] == "note"} == {CellStatus.ABSENT}
    assert {cell.status for key, cell in found.items() if key[2] != "note"} == {CellStatus.EXTRACTED}


def test_the_evidence_stands_at_its_span(study: ProjectFolder) -> None:
    for (document, _, name), cell in cells(study).items():
        if name == "note":
            assert cell.evidence is None
            continue
        text = text_of(int(document.removesuffix(".txt")))
        assert cell.evidence is not None
        assert cell.evidence.grounding is Grounding.EXACT
        assert text[cell.evidence.start : cell.evidence.end] == cell.evidence.quote
        assert cell.evidence.quote.startswith(f"{name}: ")


def test_blocks_hold_calls_cells_and_settlements(study: ProjectFolder) -> None:
    blocks = BlockStore(study.state)
    calls = blocks.table("calls").to_pylist()
    assert len(calls) == len({call["call_id"] for call in calls}) == DOCUMENTS
    assert all(set(call["variables"]) == NAMES and not call["problem"] for call in calls)
    settled = blocks.table("settled").to_pylist()
    assert {(one["document"], one["outcome"], one["wanted"], one["calls"]) for one in settled} == {
        (f"{number}.txt", "settled", len(NAMES), 1) for number in range(DOCUMENTS)
    }
    call_ids = {call["document"]: call["call_id"] for call in calls}
    assert all(cell.call_ids == (call_ids[document],) for (document, _, _), cell in cells(study).items())


def test_a_second_run_asks_nothing_and_tells_of_no_document(study: ProjectFolder, server: ModelServer) -> None:
    again = run(study, server)
    assert (again.calls["received"], again.reports, again.summary.done) == (0, {}, 0)


def test_only_an_edited_variable_is_asked_again(study: ProjectFolder, server: ModelServer) -> None:
    before = cells(study)
    set_variables(study, edited("total", instructions="The amount after tax."))
    again = run(study, server)
    assert again.calls["received"] == DOCUMENTS
    assert again.asked == {frozenset({"total"})}
    after = cells(study)
    assert {key: cell for key, cell in after.items() if key[2] != "total"} == {
        key: cell for key, cell in before.items() if key[2] != "total"
    }
    assert all(
        before[key].prompt_version != cell.prompt_version and before[key].value == cell.value
        for key, cell in after.items()
        if key[2] == "total"
    )


def test_undoing_an_edit_asks_nothing(study: ProjectFolder, server: ModelServer) -> None:
    before = cells(study)
    set_variables(study, edited("total", instructions="The amount after tax."))
    run(study, server)
    set_variables(study, VARIABLES)
    undone = run(study, server)
    assert undone.calls["received"] == 0
    assert set(undone.outcomes.values()) == {"settled"}
    assert cells(study) == before


@pytest.mark.parametrize(
    ("name", "changes", "shown"),
    [
        ("total", {"validation": {"max": 100.0}}, (CellStatus.FLAGGED, 101.0)),
        ("total", {"confidence_threshold": 0.99, "if_uncertain": "null"}, (CellStatus.FLAGGED, None)),
        ("note", {"default": "none"}, (CellStatus.ABSENT, "none")),
        ("note", {"required": True}, (CellStatus.FLAGGED, None)),
        ("title", {"depends_on": 'kind = "invoice"'}, (CellStatus.SKIPPED, None)),
    ],
)
def test_a_rule_of_settling_is_changed_without_a_call(
    study: ProjectFolder, server: ModelServer, name: str, changes: dict[str, Any], shown: tuple[CellStatus, Any]
) -> None:
    before = cells(study)
    set_variables(study, edited(name, **changes))
    assert run(study, server).calls["received"] == 0
    cell = cells(study)["1.txt", "", name]
    assert (cell.status, cell.value) == shown
    set_variables(study, VARIABLES)
    assert run(study, server).calls["received"] == 0
    assert cells(study) == before


def test_a_formula_asks_nothing(study: ProjectFolder, server: ModelServer) -> None:
    net = {"name": "net", "type": "number", "formula": "total - vat"}
    set_variables(study, [*VARIABLES, net])
    again = run(study, server)
    set_variables(study, [*VARIABLES, net | {"formula": "total + vat"}])
    assert run(study, server).calls["received"] + again.calls["received"] == 0


def test_a_new_variable_alone_is_asked_and_a_removed_one_costs_nothing(
    study: ProjectFolder, server: ModelServer
) -> None:
    set_variables(study, [*VARIABLES, {"name": "sender", "type": "text"}])
    again = run(study, server)
    assert (again.calls["received"], again.asked) == (DOCUMENTS, {frozenset({"sender"})})
    set_variables(study, VARIABLES[1:])
    assert run(study, server).calls["received"] == 0


def test_a_changed_document_alone_is_read_and_asked_again(study: ProjectFolder, server: ModelServer) -> None:
    drop(study, "3.txt", text_of(3).replace("Ada", "Bea"), at=1_700_000_100)
    again = run(study, server)
    assert (again.calls["received"], set(again.reports), again.summary.read) == (1, {"3.txt"}, 1)
    assert cells(study)["3.txt", "", "author"].value == "Bea Brandt 3"
    assert cells(study)["2.txt", "", "author"].value == "Ada Brandt 2"


def test_a_removed_document_is_reported_and_its_cells_stay(study: ProjectFolder, server: ModelServer) -> None:
    (study.inbox / "3.txt").unlink()
    again = run(study, server)
    assert again.summary.planned.missing == ("3.txt",)
    assert (again.calls["received"], again.reports) == (0, {})
    assert cells(study)["3.txt", "", "author"].value == "Ada Brandt 3"


def test_a_touched_document_asks_nothing(study: ProjectFolder, server: ModelServer) -> None:
    os.utime(study.inbox / "3.txt", (1_700_000_200, 1_700_000_200))
    again = run(study, server)
    assert (again.calls["received"], again.summary.read, again.summary.extracted) == (0, 1, 0)


def test_a_touched_document_asks_only_for_what_was_edited(study: ProjectFolder, server: ModelServer) -> None:
    for number in range(DOCUMENTS):
        os.utime(study.inbox / f"{number}.txt", (1_700_000_200, 1_700_000_200))
    set_variables(study, edited("total", instructions="The amount after tax."))
    again = run(study, server)
    assert (again.calls["received"], again.asked) == (DOCUMENTS, {frozenset({"total"})})


def test_other_reading_options_with_the_same_text_ask_nothing(study: ProjectFolder, server: ModelServer) -> None:
    set_project(study, reading={"html": "main"})
    again = run(study, server)
    assert (again.calls["received"], again.summary.read) == (0, DOCUMENTS)


def test_the_same_bytes_and_the_same_text_are_asked_once(study: ProjectFolder, server: ModelServer) -> None:
    drop(study, "copy.txt", text_of(0))
    drop(study, "spaced.txt", text_of(1).replace("\n", "\r\n") + "\n\n")
    again = run(study, server)
    assert again.calls["received"] == 0
    assert {key: report.duplicate_of for key, report in again.reports.items()} == {
        "copy.txt": "0.txt",
        "spaced.txt": "1.txt",
    }
    assert not [key for key in cells(study) if key[0] in ("copy.txt", "spaced.txt")]


def test_a_duplicate_stands_for_itself_once_its_original_is_gone(study: ProjectFolder, server: ModelServer) -> None:
    drop(study, "copy.txt", text_of(0))
    run(study, server)
    (study.inbox / "0.txt").unlink()
    again = run(study, server)
    assert (again.calls["received"], again.outcomes) == (0, {"copy.txt": "settled"})
    assert cells(study)["copy.txt", "", "total"].value == 100.0


def test_the_model_decides_but_its_address_does_not(study: ProjectFolder, server: ModelServer) -> None:
    with ModelServer(answer) as elsewhere:
        assert run(study, elsewhere).calls["received"] == 0
    set_project(study, extractor={"model": "other-model"})
    assert run(study, server).calls["received"] == DOCUMENTS


def test_a_variable_of_another_model_is_asked_in_a_call_of_its_own(tmp_path: Path, server: ModelServer) -> None:
    prices = {"test-model": {"input": 2.0, "output": 8.0}}
    folder = make(tmp_path, edited("note", model="large-model"), extractor={"prices": prices})
    drop(folder, "1.txt", text_of(1))
    ran = run(folder, server)
    assert (ran.summary.cost is not None, ran.summary.unpriced) == (True, 1), "what has no price is not said to be free"
    assert {seen.body["model"]: len(seen.schema["properties"]) for seen in ran.requests if seen.schema} == {
        "test-model": 9,
        "large-model": 1,
    }


def test_calls_per_variable_ask_each_alone(tmp_path: Path, server: ModelServer) -> None:
    folder = make(tmp_path, VARIABLES, extractor={"calls": "per_variable"})
    drop(folder, "1.txt", text_of(1))
    ran = run(folder, server)
    assert ran.asked == {frozenset({name}) for name in NAMES}
    assert {name: cells(folder)["1.txt", "", name].value for name in NAMES} == expected(1)
    assert values(folder, "city") == {"1.txt": "Graz"}
