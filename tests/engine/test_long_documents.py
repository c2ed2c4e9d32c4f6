"""Documents of over 5,000 words: their parts are asked at the same time, and what they say is brought together."""

from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.engine.run import Scope
from tests.engine.projects import answer, cells, drop, labelled, long_text, make, run, set_variables
from tests.server_moods import Moods
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [
    {"name": "company", "type": "text", "instructions": "Who is reporting."},
    {"name": "revenue", "type": "number", "instructions": "Revenue of the year."},
    {"name": "auditor", "type": "text"},
]
REPORT = long_text({0: "company: Harbour Works", 2_000: "revenue: 500", 5_380: "auditor: Brandt and Sons"})
CHUNKS = 7


def test_all_parts_are_asked_at_the_same_time(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.3)) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "report.txt", REPORT)
        ran = run(folder, server)
    assert ran.calls["received"] == ran.calls["max_concurrent"] == CHUNKS
    assert {key[2]: cell.value for key, cell in cells(folder).items()} == {
        "company": "Harbour Works",
        "revenue": 500.0,
        "auditor": "Brandt and Sons",
    }
    for cell in cells(folder).values():
        assert cell.evidence is not None
        assert REPORT[cell.evidence.start : cell.evidence.end] == cell.evidence.quote


def test_parts_that_disagree_are_kept_and_flagged(tmp_path: Path) -> None:
    text = long_text({0: "revenue: 500", 5_380: "revenue: 700"})
    with ModelServer(answer) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "report.txt", text)
        run(folder, server)
        cell = cells(folder)["report.txt", "", "revenue"]
        assert (cell.status, cell.value, cell.alternatives) == (CellStatus.FLAGGED, 500.0, ("700",))
        assert "several values" in cell.reason
        set_variables(folder, [v | {"if_multiple": "last"} if v["name"] == "revenue" else v for v in VARIABLES])
        assert run(folder, server).calls["received"] == 0
    assert cells(folder)["report.txt", "", "revenue"].value == 700.0


def test_a_part_that_is_too_long_for_the_model_is_split_further(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(context_tokens=1_000)) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "report.txt", REPORT)
        first = run(folder, server)
        assert first.outcomes == {"report.txt": "settled"}
        assert first.calls["refused"] >= CHUNKS
        assert {key[2]: cell.value for key, cell in cells(folder).items()} == {
            "company": "Harbour Works",
            "revenue": 500.0,
            "auditor": "Brandt and Sons",
        }
        set_variables(folder, [v | {"required": True} for v in VARIABLES])
        assert run(folder, server).calls["received"] == 0


def test_a_text_that_cannot_be_split_further_fails_with_the_reason(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(context_tokens=10)) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "short.txt", "company: Harbour")
        ran = run(folder, server)
    assert ran.outcomes == {"short.txt": "failed"}
    assert "longer than the model reads" in ran.reports["short.txt"].trouble


@pytest.mark.parametrize("edit", [{"required": True}, {"instructions": "Reporting company."}])
def test_only_the_parts_that_can_hold_a_variable_are_asked(tmp_path: Path, edit: dict[str, Any]) -> None:
    with ModelServer(answer) as server:
        folder = make(tmp_path, VARIABLES, extractor={"relevant_chunks": 1})
        drop(folder, "report.txt", REPORT)
        first = run(folder, server)
        assert 1 <= first.calls["received"] <= 3
        assert cells(folder)["report.txt", "", "auditor"].value == "Brandt and Sons"
        before = cells(folder)
        set_variables(folder, [v | edit if v["name"] == "company" else v for v in VARIABLES])
        again = run(folder, server)
        assert again.calls["received"] == ("instructions" in edit)
    assert {key: cell.value for key, cell in before.items()} == {key: c.value for key, c in cells(folder).items()}


def test_only_the_part_that_failed_is_asked_again(tmp_path: Path) -> None:
    broken = {"on": True}

    def answering(seen: Any) -> object:
        return "No." if broken["on"] and "company: Harbour Works" in seen.document else answer(seen)

    with ModelServer(answering) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "report.txt", REPORT)
        assert run(folder, server).outcomes == {"report.txt": "failed"}
        found = {key[2]: cell.status for key, cell in cells(folder).items()}
        assert found == {
            "company": CellStatus.FAILED,
            "revenue": CellStatus.FLAGGED,
            "auditor": CellStatus.FLAGGED,
        }
        broken["on"] = False
        again = run(folder, server, Scope(retry_failed=True))
    assert len(again.requests) == 1
    assert again.asked == {frozenset({"company"})}
    assert cells(folder)["report.txt", "", "company"].value == "Harbour Works"


def test_a_short_document_is_one_part(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = make(tmp_path, VARIABLES)
        drop(folder, "report.txt", labelled({"company": "Harbour Works"}))
        assert run(folder, server).calls["received"] == 1
