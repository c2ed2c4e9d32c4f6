from collections.abc import Iterator
from pathlib import Path

import pytest

from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from tests.engine.small_project import KEY, VARIABLES, add_document, label_server, make_project, run, write_settings
from tests.server_moods import Moods
from tests.servers import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with label_server() as running:
        yield running


def test_a_finished_project_closes_with_every_wanted_cell_settled(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server)
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes
        assert (ledger.wanted, ledger.settled, ledger.failed, ledger.open) == (24, 24, 0, 0)
        assert sum(ledger.statuses.values()) == 24
        assert not list(ledger.open_cells())


def test_before_any_run_everything_is_open(server: ModelServer, tmp_path: Path) -> None:
    with open_ledger(make_project(tmp_path, server)) as ledger:
        assert (ledger.wanted, ledger.open) == (24, 24)
        assert [reason[:4] for reason in ledger.reasons()] == [("waiting", "not read yet", 8, 24)]


def test_documents_outside_the_sample_wait_for_its_acceptance(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=25)
    run(loaded, Scope(sample=20))
    with open_ledger(loaded) as ledger:
        assert (ledger.settled, ledger.open) == (60, 15)
        ((state, why, documents, _, which),) = ledger.reasons()
    assert (state, documents) == ("waiting", 5)
    assert "coderai accept small" in why
    assert [name[:8] for name in which.split(", ")] == ["receipt-", "receipt-", "receipt-", "..."]
    Control(loaded.folder.state).accept("a test")
    with open_ledger(loaded) as ledger:
        assert [why for _, why, *_ in ledger.reasons()] == ["not extracted yet"]


def test_a_changed_variable_opens_its_own_cells_and_no_other(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server)
    run(loaded)
    changed = [VARIABLES[0] | {"instructions": "The sum to pay"}, *VARIABLES[1:], {"name": "buyer", "type": "text"}]
    loaded = write_settings(loaded.folder.path, server, variables=changed)
    with open_ledger(loaded) as ledger:
        assert (ledger.settled, ledger.open) == (16, 16)
        cells = list(ledger.open_cells())
        assert {cell.variable for cell in cells} == {"total", "buyer"}
        assert {cell.why for cell in cells if cell.variable == "total"} == {
            "the variable has changed in the codebook since"
        }
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes


def test_an_unreadable_document_wants_no_cells_but_keeps_the_ledger_open(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=2)
    add_document(loaded.folder.path, "broken.pdf", b"%PDF-1.7\nnothing")
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert (ledger.wanted, ledger.settled) == (6, 6)
        assert not ledger.closes
        ((state, why, documents, cells, _),) = ledger.reasons()
    assert (documents, cells) == (1, 0)
    assert state != "ready"
    assert why


@pytest.mark.parametrize(("duplicates", "wanted"), [("once", 6), ("each", 9)])
def test_a_duplicate_is_settled_with_its_original(
    server: ModelServer, tmp_path: Path, duplicates: str, wanted: int
) -> None:
    loaded = make_project(tmp_path, server, documents=2, reading={"duplicates": duplicates})
    add_document(loaded.folder.path, "zzz.txt", (loaded.folder.inbox / "receipt-000.txt").read_bytes())
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes
        assert ledger.wanted == ledger.settled == wanted


def test_failed_cells_are_counted_apart_and_say_why(tmp_path: Path) -> None:
    with label_server(Moods(key=KEY, refusals=1.0)) as server:
        loaded = make_project(tmp_path, server, documents=2)
        run(loaded)
    with open_ledger(loaded) as ledger:
        assert (ledger.wanted, ledger.settled, ledger.failed, ledger.open) == (6, 0, 6, 0)
        assert not ledger.closes
        assert all(cell.why.startswith("failed: ") for cell in ledger.open_cells())


def test_cells_lost_from_the_blocks_are_found_missing(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=3)
    run(loaded)
    for file in BlockStore(loaded.folder.state).files("cells"):
        file.unlink()
    with open_ledger(loaded) as ledger:
        assert not ledger.closes
        assert ledger.open == 9
        assert "3 cells are missing" in ledger.reasons()[0][1]


def test_a_file_that_is_gone_is_named_and_wants_nothing(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=3)
    run(loaded)
    (loaded.folder.inbox / "receipt-001.txt").unlink()
    with open_ledger(loaded) as ledger:
        assert ledger.closes
        assert ledger.gone == ("receipt-001.txt",)
        assert ledger.wanted == 6


def test_every_entity_wants_its_own_cells(server: ModelServer, tmp_path: Path) -> None:
    variables = [{"name": "city", "type": "location"}, {"name": "seller", "type": "text", "level": "document"}]
    unit = {"rows": "many", "represents": "each sale", "key": ["city"]}
    loaded = make_project(tmp_path, server, documents=4, variables=variables, unit=unit)
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes
        assert ledger.wanted == ledger.settled == 8
    loaded = write_settings(
        loaded.folder.path, server, variables=[*variables, {"name": "total", "type": "number"}], unit=unit
    )
    with open_ledger(loaded) as ledger:
        assert ledger.open == 4
        assert {(cell.entity, cell.variable) for cell in ledger.open_cells()} == {("1", "total")}
