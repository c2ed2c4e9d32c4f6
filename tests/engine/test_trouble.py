"""Trouble with the provider: what helps is asked again, what does not is said, and no document stands for another."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.engine import extraction
from coderai_pipeline.engine.backlog import backlog
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import (
    KEY,
    LONG_AGO,
    QUICK,
    Ran,
    answer,
    cells,
    drop,
    labelled,
    make,
    run,
    set_project,
    set_variables,
)
from tests.server_answers import wrong_shape
from tests.server_moods import Moods, SeenRequest
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [{"name": "title", "type": "text"}, {"name": "total", "type": "number"}]
GOOD, BAD = 6, 1
DOWN = replace(QUICK, backoffs_s=(0.01,) * 5)
"""Patience by which a server that answers nothing counts as down: the breaker opens before a call is given up."""


def study(home: Path, documents: int = GOOD + BAD, **project: Any) -> ProjectFolder:
    folder = make(home, VARIABLES, **project)
    for number in range(documents):
        drop(folder, f"{number:03}.txt", labelled({"title": f"Report {number}", "total": 100 + number}))
    return folder


def assert_fine(folder: ProjectFolder, numbers: Iterable[int]) -> None:
    found = cells(folder)
    for number in numbers:
        assert found[f"{number:03}.txt", "", "title"].value == f"Report {number}"
        assert found[f"{number:03}.txt", "", "total"].value == 100.0 + number


def assert_others_are_fine(folder: ProjectFolder) -> None:
    assert_fine(folder, range(1, GOOD + BAD))


def only_for_the_first(bad: Callable[[SeenRequest], object], times: int | None = None) -> Callable[[Any], object]:
    """A model that answers badly to the first document, `times` times or always."""
    return only_for_the_first_ones([bad], times)


def only_for_the_first_ones(
    bad: Sequence[Callable[[SeenRequest], object]], times: int | None = None
) -> Callable[[Any], object]:
    """A model that answers badly to the first documents, to each in its own way, `times` times or always."""
    seen: Counter[int] = Counter()

    def answering(request: SeenRequest) -> object:
        for number, way in enumerate(bad):
            if f"Report {number}\n" in request.document and (times is None or seen[number] < times):
                seen[number] += 1
                return way(request)
        return answer(request)

    return answering


BAD_REPLIES: dict[str, Callable[[SeenRequest], object]] = {
    "prose": lambda seen: "I would rather talk about the weather.",
    "malformed": lambda seen: json.dumps(answer(seen))[:25],
    "other names": lambda seen: {"colour": {"value": "red", "quote": "red", "confidence": 1}},
    "nothing": lambda seen: {},
    "a list of numbers": lambda seen: [1, 2, 3],
}
MANY = len(BAD_REPLIES) + GOOD
"""Documents of a study in which each kind of bad reply has one, and the good ones besides."""


def test_a_reply_that_cannot_be_read_is_asked_again_and_then_failed_with_its_text(tmp_path: Path) -> None:
    with ModelServer(only_for_the_first_ones(list(BAD_REPLIES.values()))) as server:
        folder = study(tmp_path, MANY)
        ran = run(folder, server)
        assert ran.outcomes == {f"{n:03}.txt": "failed" if n < len(BAD_REPLIES) else "settled" for n in range(MANY)}
        assert ran.calls["received"] == GOOD + 3 * len(BAD_REPLIES)
        found = cells(folder)
        for number, kind in enumerate(BAD_REPLIES):
            failed = found[f"{number:03}.txt", "", "title"]
            assert failed.status is CellStatus.FAILED, kind
            assert failed.value is None, kind
            assert failed.reason, kind
            assert failed.raw_reply, kind
        assert ran.summary.troubles.keys() == {f"{number:03}.txt" for number in range(len(BAD_REPLIES))}
        assert_fine(folder, range(len(BAD_REPLIES), MANY))
        assert ReplyArchive(folder.state / "replies").count() == server.counts()["answered"]


def test_a_reply_that_is_better_the_second_time_settles_the_document(tmp_path: Path) -> None:
    with ModelServer(only_for_the_first_ones(list(BAD_REPLIES.values()), times=2)) as server:
        folder = study(tmp_path, MANY)
        ran = run(folder, server)
    assert ran.outcomes == {f"{number:03}.txt": "settled" for number in range(MANY)}
    assert ran.calls["received"] == GOOD + 3 * len(BAD_REPLIES)
    assert_fine(folder, range(MANY))


def test_a_disk_that_takes_no_reply_ends_the_run_before_more_is_paid_for(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.05)) as server:
        folder = study(tmp_path, limits={"in_flight": 1})
        in_the_way = folder.state / "replies" / ".partial"
        in_the_way.parent.mkdir(parents=True)
        in_the_way.touch()
        ran = run(folder, server)
        assert {*ran.outcomes.values()} == {"open"}
        assert ran.calls["received"] <= 3, "those sent before the first one was to be written down"
        assert "replies cannot be written down" in ran.summary.stopped
        in_the_way.unlink()
        again = run(folder, server)
    assert (again.calls["received"], {*again.outcomes.values()}) == (GOOD + BAD, {"settled"})
    assert_others_are_fine(folder)


@pytest.mark.parametrize("mood", ["refusals", "truncated", "filtered"])
def test_replies_that_are_stopped_fail_with_what_was_sent(tmp_path: Path, mood: str) -> None:
    with ModelServer(answer, Moods(**{mood: 1.0})) as server:
        folder = study(tmp_path, 1)
        ran = run(folder, server)
        assert (ran.outcomes, ran.calls["received"]) == ({"000.txt": "failed"}, 3)
        assert {cell.status for cell in cells(folder).values()} == {CellStatus.FAILED}
        server.set_moods(Moods())
        assert run(folder, server).calls["received"] == 0
        again = run(folder, server, Scope(retry_failed=True))
    assert (again.outcomes, again.calls["received"]) == ({"000.txt": "settled"}, 1)


@pytest.mark.parametrize("choice", range(3))
def test_lost_shapes_are_read_or_asked_again(tmp_path: Path, choice: int) -> None:
    class Fixed:
        def randrange(self, _: int) -> int:
            return choice

    with ModelServer(only_for_the_first(lambda seen: wrong_shape(answer(seen), Fixed()), times=1)) as server:  # pyright: ignore[reportArgumentType]
        folder = study(tmp_path)
        assert set(run(folder, server).outcomes.values()) == {"settled"}
    assert cells(folder)["000.txt", "", "total"].value == 100.0


def test_an_invented_quote_is_flagged(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(invented_quotes=1.0)) as server:
        folder = study(tmp_path, 1)
        run(folder, server)
    found = cells(folder)["000.txt", "", "title"]
    assert (found.status, found.value) == (CellStatus.FLAGGED, "Report 0")
    assert "the quote is not in the document" in found.reason


def without(name: str) -> Callable[[SeenRequest], object]:
    def answering(seen: SeenRequest) -> object:
        said = answer(seen)
        assert isinstance(said, dict)
        return {key: value for key, value in said.items() if key != name}

    return answering


def test_a_variable_that_is_never_answered_fails_alone(tmp_path: Path) -> None:
    with ModelServer(only_for_the_first(without("total"))) as server:
        folder = study(tmp_path)
        ran = run(folder, server)
        assert (ran.outcomes["000.txt"], ran.calls["received"]) == ("failed", GOOD + 3)
        found = cells(folder)
        assert found["000.txt", "", "title"].value == "Report 0"
        assert found["000.txt", "", "total"].status is CellStatus.FAILED
        assert "does not answer" in found["000.txt", "", "total"].reason
        # What was answered is held: settling it anew, or the other documents, asks nothing.
        set_variables(folder, [VARIABLES[0] | {"required": True}, VARIABLES[1]])
        assert run(folder, server).calls["received"] == 0
        again = run(folder, server, Scope(retry_failed=True))
        assert again.asked == {frozenset({"total"})}
        assert all("Report 0" in seen.document for seen in again.requests)


def test_the_best_of_several_bad_replies_counts(tmp_path: Path) -> None:
    replies = iter([without("total"), BAD_REPLIES["prose"], BAD_REPLIES["malformed"]])
    with ModelServer(lambda seen: next(replies)(seen)) as server:
        folder = study(tmp_path, 1)
        run(folder, server)
    assert cells(folder)["000.txt", "", "title"].value == "Report 0"
    assert cells(folder)["000.txt", "", "total"].status is CellStatus.FAILED


def test_retrying_asks_only_for_what_failed(tmp_path: Path) -> None:
    broken = {"on": True}

    def answering(seen: SeenRequest) -> object:
        return "No." if broken["on"] and "Report 0" in seen.document else answer(seen)

    with ModelServer(answering) as server:
        folder = study(tmp_path)
        run(folder, server)
        assert run(folder, server).reports == {}
        broken["on"] = False
        again = run(folder, server, Scope(retry_failed=True))
        assert (again.calls["received"], again.outcomes) == (1, {"000.txt": "settled"})
        assert run(folder, server, Scope(retry_failed=True)).reports == {}
    assert cells(folder)["000.txt", "", "total"].value == 100.0


def test_ten_failed_documents_in_a_row_pause_the_project_until_it_is_resumed(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(refusals=1.0)) as server:
        folder = study(tmp_path, 40, limits={"in_flight": 1})
        first = run(folder, server)
        control = Control(folder.state)
        assert "10 documents failed in a row" in control.paused
        assert first.summary.stopped.startswith("paused: 10 documents")
        assert 10 <= len(first.reports) < 40
        server.set_moods(Moods())
        paused = run(folder, server)
        assert (paused.calls["received"], paused.summary.stopped[:7]) == (0, "paused:")
        control.resume()
        rest = run(folder, server)
        assert set(rest.outcomes.values()) == {"settled"}
        assert len(rest.reports) == 40 - len(first.reports)
        retried = run(folder, server, Scope(retry_failed=True))
    assert set(retried.outcomes) == set(first.outcomes)
    assert set(retried.outcomes.values()) == {"settled"}


def test_failures_that_are_not_in_a_row_pause_nothing(tmp_path: Path) -> None:
    def answering(seen: SeenRequest) -> object:
        return "No." if any(f"Report {n}\n" in seen.document for n in range(0, 40, 2)) else answer(seen)

    with ModelServer(answering) as server:
        folder = study(tmp_path, 24, limits={"in_flight": 1, "failures_in_a_row": 8})
        ran = run(folder, server)
    assert (len(ran.reports), ran.summary.stopped, Control(folder.state).paused) == (24, "", "")


def assert_open(ran: Ran, *words: str) -> None:
    """The run stopped for this reason, and no document was given up."""
    assert all(word in ran.summary.stopped for word in words), ran.summary
    assert set(ran.outcomes.values()) == {"open"}


def test_a_refused_key_stops_the_run_at_once(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(key=KEY)) as server:
        folder = study(tmp_path, 100)
        ran = run(folder, server, key="study-key-wrong")
        assert_open(ran, "401", "check the key in STUDY_MODEL_KEY")
        assert "study-key-wrong" not in ran.summary.stopped
        assert ran.calls["unauthorised"] <= 40
        assert not cells(folder)
        assert Control(folder.state).paused == ""
        again = run(folder, server)
    assert set(again.outcomes.values()) == {"settled"}
    assert len(again.outcomes) == 100


@pytest.mark.parametrize(
    ("moods", "words"),
    [(Moods(script=("quota",) * 40), "no credit left"), (Moods(apis=("responses",)), "check `extractor.base_url`")],
)
def test_an_empty_account_or_a_wrong_address_stops_the_run_at_once(tmp_path: Path, moods: Moods, words: str) -> None:
    with ModelServer(answer, moods) as server:
        folder = study(tmp_path, 60)
        assert_open(run(folder, server), words)
        server.set_moods(Moods())
        assert len(run(folder, server).outcomes) == 60


def test_no_run_starts_by_itself_after_a_stop_that_a_person_has_to_mend(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(key=KEY)) as server:
        folder = study(tmp_path, 10)
        Control(folder.state).accept("test")
        run(folder, server, key="study-key-wrong")
        assert backlog(folder.load()).due == 0
        time.sleep(0.02)
        set_project(folder, description="Another key was put in place.")
        assert backlog(folder.load()).due == 10


def test_a_spent_budget_stops_the_run_and_a_larger_one_finishes_it(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 40, limits={"tokens": 3_000, "in_flight": 2})
        first = run(folder, server)
        assert "token budget is used up" in first.summary.stopped
        done = [key for key, outcome in first.outcomes.items() if outcome == "settled"]
        assert 5 <= len(done) < 40
        assert set(first.outcomes.values()) == {"settled", "open"}
        assert first.calls["received"] == len(done)
        assert Control(folder.state).paused == ""
        set_project(folder)
        second = run(folder, server)
        assert set(second.outcomes.values()) == {"settled"}
        assert second.calls["received"] == 40 - len(done)
        assert not second.outcomes.keys() & set(done)


def test_while_the_server_is_down_documents_stay_open(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(errors=1.0, error_status=503)) as server:
        folder = study(tmp_path, 30)
        ran = run(folder, server, patience=replace(QUICK, backoffs_s=(0.01,) * 5))
        assert_open(ran, server.base_url)
        assert len(ran.outcomes) < 30
        assert Control(folder.state).paused == ""
        server.set_moods(Moods())
        again = run(folder, server)
        assert set(again.outcomes.values()) == {"settled"}
        assert len(again.outcomes) == 30


def test_a_document_that_the_server_cannot_take_fails_without_the_others(tmp_path: Path) -> None:
    """Only its calls end in errors while others are answered: asking for it in every run anew would never end."""

    def answering(seen: SeenRequest) -> object:
        if "Report 0" in seen.document:
            raise RuntimeError("this text breaks me")
        time.sleep(0.02)
        return answer(seen)

    with ModelServer(answering) as server:
        folder = study(tmp_path, 60, limits={"in_flight": 4})
        ran = run(folder, server)
    assert ran.outcomes["000.txt"] == "failed"
    assert "gave no usable reply" in ran.reports["000.txt"].trouble
    assert len(ran.outcomes) == 60
    assert ran.summary.stopped == ""


@pytest.mark.parametrize("rows", ["one", "many"])
def test_in_all_moods_together_every_cell_is_what_the_server_meant_or_says_why_not(tmp_path: Path, rows: str) -> None:
    moods = Moods(
        latency_s=0.01, latency_spread=0.5, errors=0.05, resets=0.02, malformed=0.05, truncated=0.05, refusals=0.05,
        wrong_shapes=0.05, invented_quotes=0.05, filtered=0.02, html_pages=0.02, cut_bodies=0.02, empty_choices=0.02,
        null_contents=0.02, event_streams=0.02,
    )  # fmt: skip
    unit = {"rows": "many", "key": ["title"]} if rows == "many" else {}
    with ModelServer(answer, moods) as server:
        folder = make(tmp_path, VARIABLES, unit=unit)
        for number in range(80):
            text = labelled({"title": f"Report {number}", "total": 100 + number})
            event = f"event: title=Report {number}; total={100 + number}\n"
            drop(folder, f"{number:03}.txt", event if rows == "many" else text)
        patience = replace(QUICK, backoffs_s=(0.01,) * 12, outage_s=30.0)
        ran = run(folder, server, patience=patience)
        assert len(ran.reports) == 80
        # A body that was cut on its way was answered, but is no reply that could be kept.
        assert ReplyArchive(folder.state / "replies").count() == ran.calls["answered"]
    entity = "1" if rows == "many" else ""
    found = cells(folder)
    for number in range(80):
        of_title, of_total = (found.get((f"{number:03}.txt", entity, name)) for name in ("title", "total"))
        if ran.outcomes[f"{number:03}.txt"] == "failed":
            continue
        assert of_title is not None
        assert of_total is not None
        assert (of_title.value, of_total.value) == (f"Report {number}", 100.0 + number)
        assert of_total.status is CellStatus.EXTRACTED or of_total.reason
    assert sum(outcome == "settled" for outcome in ran.outcomes.values()) >= 76


def test_a_document_that_never_gets_a_reply_is_given_up_after_some_runs_and_can_be_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "INTERRUPTIONS", 2)
    folder = make(tmp_path, VARIABLES)
    drop(folder, "a.txt", labelled({"title": "A", "total": 1}))
    Control(folder.state).accept("a test")
    with ModelServer(answer, Moods(errors=1.0)) as server:
        for waits in (600, 1200):
            assert run(folder, server, patience=DOWN).outcomes == {"a.txt": "open"}
            held = json.loads((folder.state / "held-back.json").read_text())
            assert held["until"] - held["since"] == pytest.approx(waits)
            assert backlog(folder.load()).due == 0
        given_up = run(folder, server, patience=DOWN)
        assert given_up.outcomes == {"a.txt": "failed"}
        assert not given_up.summary.stopped
        assert "given up after 3 runs without a reply" in given_up.summary.troubles["a.txt"]
        assert backlog(folder.load()).due == 0
        server.set_moods(Moods())
        assert run(folder, server, Scope(retry_failed=True)).outcomes == {"a.txt": "settled"}


def test_a_changed_document_is_not_given_up_for_what_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "INTERRUPTIONS", 1)
    folder = make(tmp_path, VARIABLES)
    with ModelServer(answer, Moods(errors=1.0)) as server:
        for number in range(2):
            drop(folder, "a.txt", labelled({"title": "A", "total": number}), at=LONG_AGO + number)
            assert run(folder, server, patience=DOWN).outcomes == {"a.txt": "open"}
