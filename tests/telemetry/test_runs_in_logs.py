"""What the logs say of real runs against a real model server: every event with its ids, no key, no word of confidential texts."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.engine.feedback import adopt, apply_files
from coderai_pipeline.storage.projects import ProjectFolder
from tests.collectors import events, lines
from tests.engine.projects import KEY, answer, cells, drop, make, run
from tests.server_moods import Moods, SeenRequest
from tests.servers import ModelServer

VARIABLES = [{"name": "total", "type": "number"}, {"name": "city", "type": "text"}]
PRICED = {"prices": {"test-model": {"input": 2.0, "output": 8.0}}}
SECRET = "Clandestine marzipan 4471"


def study(home: Path, server: ModelServer, documents: int = 3, **project: Any) -> ProjectFolder:
    extractor = {"base_url": server.base_url, **PRICED, **project.pop("extractor", {})}
    folder = make(home, VARIABLES, extractor=extractor, **project)
    for number in range(documents):
        drop(folder, f"{number}.txt", f"total: {number}.5\ncity: Town{number}")
    return folder


def of(line: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(line.get(name) for name in names)


def test_a_run_tells_its_documents_its_calls_and_its_end_with_their_ids(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server)
        drop(folder, "broken.pdf", "%PDF-1.7 nothing")
        ran = run(folder, server)
    said = Counter(line["event"] for line in lines(log))
    assert said == {
        "run begun": 1, "document read": 4, "call begun": 3, "call answered": 3, "document settled": 3, "run ended": 1
    }  # fmt: skip
    assert {of(line, "project", "run_id") for line in lines(log)} == {("study", "run")}
    read = {line["document"]: line for line in events(log, "document read")}
    assert of(read["0.txt"], "status", "words", "level") == ("ready", 4, "info")
    assert of(read["broken.pdf"], "status", "level") == ("corrupt", "warning")
    assert "ask for it again" in read["broken.pdf"]["reason"]
    assert all(0 < line["seconds"] < 60 for line in read.values())
    calls = {line["call_id"]: line for line in events(log, "call answered")}
    assert set(calls) == {cell.call_ids[0] for cell in cells(folder).values()}
    for line in calls.values():
        assert of(line, "variables", "model", "finish_reason", "attempt") == (
            ["total", "city"], "test-model", "stop", 1
        )  # fmt: skip
    assert {line["document"] for line in calls.values()} == {"0.txt", "1.txt", "2.txt"}
    assert sum(line["input_tokens"] for line in calls.values()) == ran.summary.input_tokens
    assert sum(line["cost"] for line in calls.values()) == pytest.approx(ran.summary.cost)
    (end,) = events(log, "run ended")
    assert of(end, "documents_done", "documents_not_settled", "cells_extracted", "calls") == (4, 1, 6, 3)
    assert len({line["pid"] for line in lines(log)}) == 2, "the run and the process that sends its calls"


def test_trouble_on_the_way_of_a_call_is_told_try_by_try(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer, Moods(script=("errors", "limited"))) as server:
        run(study(tmp_path, server, documents=1), server)
    (call,) = {line["call_id"] for line in lines(log) if "call_id" in line}
    told = [of(line, "event", "http_status", "attempt") for line in lines(log) if line.get("call_id") == call]
    assert told == [
        ("call begun", None, None), ("call retried", 500, 1), ("rate limited", 429, 2), ("call answered", None, 3)
    ]  # fmt: skip
    assert all("wait_s" in line for line in (*events(log, "call retried"), *events(log, "rate limited")))


@pytest.mark.parametrize(
    ("moods", "key", "status", "error"),
    [
        (Moods(key="another"), KEY, 401, "AccessRefused"),
        (Moods(context_tokens=1), KEY, 400, "ContextTooLong"),
        (Moods(errors=1.0), KEY, 500, "ProviderUnavailable"),
    ],
    ids=["key", "length", "outage"],
)
def test_a_call_that_gets_no_reply_says_what_the_server_answered_and_no_key(
    tmp_path: Path, log: Path, moods: Moods, key: str, status: int, error: str
) -> None:
    with ModelServer(answer, moods) as server:
        run(study(tmp_path, server, documents=1), server, key=key)
    event = "call failed" if error == "ProviderUnavailable" else "call refused"
    told = events(log, event)[0]
    assert of(told, "http_status", "error", "level", "document") == (status, error, "error", "0.txt")
    assert told["reason"]
    assert key not in log.read_text()


def test_a_reply_in_which_the_model_refuses_is_a_refused_call(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer, Moods(refusals=1.0)) as server:
        run(study(tmp_path, server, documents=1), server)
    assert {line["finish_reason"] for line in events(log, "call refused")} == {"refusal"}


def test_a_cell_in_trouble_is_told_with_its_reason_and_its_call(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, documents=0)
        drop(folder, "a.txt", "total: many\ncity: Graz")
        run(folder, server)
    cell = cells(folder)["a.txt", "", "total"]
    assert cell.status is CellStatus.FLAGGED
    (told,) = events(log, "cell flagged")
    assert of(told, "document", "variable", "call_id", "reason") == ("a.txt", "total", cell.call_ids[0], cell.reason)


def test_that_the_budget_is_used_up_is_told_once(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer) as server:
        ran = run(study(tmp_path, server, documents=20, limits={"tokens": 300}), server)
    assert "budget" in ran.summary.stopped
    (told,) = events(log, "budget reached")
    assert of(told, "project", "run_id", "level") == ("study", "run", "error")
    (end,) = events(log, "run ended")
    assert "budget" in end["stopped"]


def test_of_a_confidential_project_no_word_of_a_text_is_told_whatever_fails(tmp_path: Path, log: Path) -> None:
    def repeating(seen: SeenRequest) -> object:
        return f"I cannot: {SECRET}"

    for number, (reply, moods) in enumerate(
        (
            (answer, Moods()),
            (repeating, Moods()),
            (answer, Moods(invented_quotes=1.0)),
            (answer, Moods(context_tokens=1)),
            (answer, Moods(filtered=1.0)),
        )
    ):
        with ModelServer(reply, moods) as server:
            folder = study(tmp_path / str(number), server, documents=0, privacy={"show_text": False})
            drop(folder, "a.txt", f"total: {SECRET}\ncity: {SECRET}")
            run(folder, server)
    assert SECRET not in log.read_text()
    assert "marzipan" not in log.read_text()
    assert not any("reason" in line for line in lines(log) if line["event"] != "document read")
    assert {"cell flagged", "call refused", "document failed"} <= {line["event"] for line in lines(log)}


def test_where_texts_may_be_shown_they_are_bounded(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, documents=0)
        drop(folder, "a.txt", f"total: {'very many ' * 500}\ncity: Graz")
        run(folder, server)
    assert events(log, "cell flagged")
    assert max(len(line.get("reason", "")) for line in lines(log)) <= 300


def test_feedback_is_told_file_by_file_and_what_was_refused_row_by_row(tmp_path: Path, log: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, documents=1)
        run(folder, server)
    with (folder.feedback / "said.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["document", "variable", "verdict"])
        rows.writerows([["0.txt", "total", "correct"], ["0.txt", "nowhere", "correct"]])
    list(apply_files(folder.load(), [adopt(folder, folder.feedback / "said.csv")], "run-7"))
    (applied,) = events(log, "feedback applied")
    assert of(applied, "file", "applied", "refused", "run_id") == ("said.csv", 1, 1, "run-7")
    (refused,) = events(log, "feedback refused")
    assert of(refused, "row", "project") == (3, "study")
    assert "nowhere" in refused["reason"]
