from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.forecast import Figure
from coderai_pipeline.engine.forecasting import UNKNOWN, forecast, forecast_for_run, stated
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.blocks import BlockStore
from tests.engine.small_project import VARIABLES, add_document, label_server, make_project, run, write_settings
from tests.servers import ModelServer

PRICES = {"prices": {"test-model": {"input": 2.0, "output": 8.0}}, "currency": "EUR"}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with label_server() as running:
        yield running


def holds(figure: Figure, number: float) -> bool:
    return figure.low <= number <= figure.high


def test_what_a_run_takes_lies_within_its_forecast(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=60, extractor=PRICES)
    run(loaded, Scope(sample=20))
    made = forecast(loaded)
    assert (made.documents, made.measured, made.unread) == (40, 40, 0)
    assert made.learned_from == 20
    summary = run(loaded)
    assert holds(made.totals.calls, summary.calls)
    assert holds(made.totals.tokens, summary.input_tokens + summary.output_tokens)
    assert summary.cost is not None
    assert made.totals.cost is not None
    assert holds(made.totals.cost, summary.cost)
    assert made.totals.tokens.high < 1.3 * made.totals.tokens.low


def test_before_anything_is_read_documents_are_read_to_see_what_they_take(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=6)
    server.forget()
    made = forecast(loaded, tried=3)
    assert (made.documents, made.unread, made.measured) == (6, 6, 3)
    assert 6 <= made.totals.calls.low < 7
    assert not BlockStore(loaded.folder.state).files("documents")
    assert not server.counts()["received"]
    assert any("rough guess" in note for note in made.notes)
    assert holds(made.totals.calls, run(loaded).calls)


def test_files_that_have_just_been_dropped_are_counted(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=2)
    (loaded.folder.inbox / "new.txt").write_text("Total: 5\n")
    assert forecast(loaded).documents == 3


def test_a_file_that_is_still_being_written_is_told(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=2)
    (loaded.folder.inbox / "new.txt").write_text("Total: 5\n")
    made = forecast(loaded, wait_s=0)
    assert made.documents == 2
    assert "1 files are still being written and not counted: new.txt" in made.notes


def test_before_a_run_nothing_is_read_for_it(server: ModelServer, tmp_path: Path) -> None:
    made = forecast_for_run(make_project(tmp_path, server, documents=6), Scope())
    assert (made.unread, made.measured, made.totals.calls.high) == (6, 0, 0)
    shown = stated(made)
    assert not {"calls", "cost", "time"} & set(shown), "what is not known is not said to be nothing"
    assert UNKNOWN in shown.values()
    assert any("not read yet" in note for note in made.notes)


def test_before_a_run_documents_read_earlier_stand_for_those_that_are_not_read(
    server: ModelServer, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=10)
    run(loaded, Scope(extract=False))
    for number in range(10, 40):
        text = f"Receipt {number}\nTotal: {number}.50\nCity: Vienna\nSeller: Shop {number}\n"
        add_document(loaded.folder.path, f"receipt-{number:03}.txt", text)
    mixed = forecast_for_run(loaded, Scope())
    assert (mixed.documents, mixed.unread, mixed.stand_ins) == (40, 30, 10)
    assert mixed.totals.calls.low == pytest.approx(40, rel=0.05)
    assert any("10 documents read earlier stand for 30 that are not read yet" in note for note in mixed.notes)
    run(loaded, Scope(documents=tuple(f"receipt-{number:03}.txt" for number in range(10))))
    settled = forecast_for_run(loaded, Scope())
    assert (settled.documents, settled.unread, settled.stand_ins) == (30, 30, 10)
    assert settled.totals.calls.low == pytest.approx(30, rel=0.05), "what is held of the read ones is not of the others"
    assert UNKNOWN not in stated(settled).values()
    assert holds(settled.totals.calls, run(loaded).calls)


def test_what_is_held_costs_nothing(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server)
    run(loaded)
    assert forecast(loaded).totals.calls.high == 0
    changed = [VARIABLES[0] | {"instructions": "The sum to pay"}, *VARIABLES[1:]]
    again = forecast(write_settings(loaded.folder.path, server, variables=changed))
    assert again.documents == 8
    assert 8 <= again.totals.calls.low < 9
    run(write_settings(loaded.folder.path, server, variables=changed))
    undone = forecast(write_settings(loaded.folder.path, server))
    assert (undone.documents, undone.totals.tokens.high) == (8, 0)


def test_without_a_price_the_model_is_named_and_batches_cost_half(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=3)
    bare = forecast(loaded)
    assert bare.totals.cost is None
    assert bare.unpriced == ("test-model",)
    full = forecast(write_settings(loaded.folder.path, server, extractor=PRICES)).totals.cost
    half = forecast(write_settings(loaded.folder.path, server, extractor=PRICES | {"batch": True})).totals.cost
    assert full is not None
    assert half is not None
    assert half.expected == pytest.approx(full.expected / 2)


def test_a_forecast_beyond_the_budget_warns(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, limits={"tokens": 500})
    made = forecast(loaded)
    assert not made.fits
    assert any("will not fit" in note for note in made.notes)


def test_conditions_are_forecast_between_none_and_all_until_a_sample_tells(server: ModelServer, tmp_path: Path) -> None:
    variables: list[dict[str, Any]] = [*VARIABLES, {"name": "buyer", "type": "text", "depends_on": "total < 15"}]
    loaded = make_project(tmp_path, server, documents=40, variables=variables)
    blind = forecast(loaded).totals.calls
    assert blind.low < 45 < 75 < blind.high
    run(loaded, Scope(sample=20))
    made = forecast(loaded).totals.calls
    assert made.high - made.low < 0.6 * (blind.high - blind.low)
    assert holds(made, run(loaded).calls)


def test_filling_entities_is_forecast_for_two_passes(server: ModelServer, tmp_path: Path) -> None:
    variables = [{"name": "city", "type": "location"}, {"name": "total", "type": "number"}]
    unit = {"rows": "many", "represents": "each sale", "key": ["city"]}
    loaded = make_project(tmp_path, server, 6, variables=variables, unit=unit, extractor={"passes": "two"})
    assert holds(forecast(loaded).totals.calls, run(loaded).calls)


def test_a_subset_stands_for_many_documents(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=30)
    run(loaded, Scope(extract=False))
    made = forecast(loaded, measured=10)
    assert (made.documents, made.measured) == (30, 10)
    assert made.totals.calls.low == pytest.approx(30, rel=0.05)
    assert any("stand for all" in note for note in made.notes)


def test_rules_make_no_calls(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=2, extractor={"name": "rules"})
    made = forecast(loaded)
    assert (made.documents, made.unread, made.totals.calls.high) == (2, 2, 0)
    assert "makes no calls" in made.notes[0]
    assert stated(made)["calls"] == "0 (0 to 0)"
