import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.errors import ProviderError, RequestRefused
from coderai_pipeline.engine import batching
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.extractors.batch import Batch
from coderai_pipeline.extractors.batch_tickets import BatchTicket
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject
from tests.engine.small_project import KEY, VARIABLES, label_server, make_project, run, write_settings
from tests.server_moods import Moods
from tests.servers import ModelServer

BATCH = {"batch": True}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with label_server() as running:
        yield running


def read(loaded: LoadedProject) -> None:
    run(loaded, Scope(extract=False))


def submit_and_collect(loaded: LoadedProject, scope: Scope | None = None) -> batching.Collection:
    batching.submit(loaded, scope or Scope())
    return batching.collect(loaded)


def values(loaded: LoadedProject) -> set[tuple[str, str, str]]:
    rows = BlockStore(loaded.folder.state).table("cells").to_pylist()
    return {(row["document"], row["variable"], row["value"]) for row in rows}


def test_a_batch_gives_the_cells_that_asking_at_once_gives(server: ModelServer, tmp_path: Path) -> None:
    at_once = make_project(tmp_path / "at-once", server)
    run(at_once)
    loaded = make_project(tmp_path / "batch", server, extractor=BATCH)
    read(loaded)
    server.forget()
    sent = batching.submit(loaded, Scope())
    assert (sent.calls, sent.stopped) == (8, "")
    came = batching.collect(loaded)
    assert (came.answered, came.open, came.without) == (8, (), {})
    summary = run(loaded)
    assert (summary.extracted, summary.troubles, summary.stopped) == (8, {}, "")
    assert values(loaded) == values(at_once)
    assert server.counts()["received"] == 0, "nothing is asked at once in batch mode"
    with open_ledger(loaded) as ledger:
        assert ledger.closes


def test_until_replies_come_a_document_is_open_without_being_in_trouble(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=12, extractor=BATCH)
    summary = run(loaded)
    assert (summary.extracted, summary.troubles, summary.stopped) == (12, {}, "")
    assert not Control(loaded.folder.state).paused
    with open_ledger(loaded) as ledger:
        assert [reason[:4] for reason in ledger.reasons()] == [("open", "waiting for the batch (1 call)", 12, 36)]


def test_what_is_under_way_is_not_submitted_twice(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, batch_polls=3))
    loaded = make_project(tmp_path, server, extractor=BATCH)
    read(loaded)
    assert batching.submit(loaded, Scope()).calls == 8
    assert batching.submit(loaded, Scope()).calls == 0
    assert [len(batching.collect(loaded).open) for _ in range(3)] == [1, 1, 0]
    assert batching.submit(loaded, Scope()).calls == 0, "what was answered is paid for once"


def test_errored_missing_and_doubled_lines_are_asked_again_by_a_further_batch(
    server: ModelServer, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=40, extractor=BATCH)
    read(loaded)
    server.set_moods(Moods(key=KEY, batch_errors=0.2, batch_missing=0.2, batch_doubled=0.2))
    came = submit_and_collect(loaded)
    left = sum(came.without.values())
    assert 0 < left < 40
    assert came.answered + left == 40
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert (ledger.settled, ledger.open) == (3 * came.answered, 3 * left)
    server.set_moods(Moods(key=KEY))
    assert batching.submit(loaded, Scope()).calls == left
    assert batching.collect(loaded).answered == left
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes
    assert ReplyArchive(loaded.folder.state / "replies").count() == 40 == server.counts()["batched"]


def test_a_call_that_never_gets_a_reply_fails_after_three_batches_and_can_be_retried(
    server: ModelServer, tmp_path: Path
) -> None:
    server.set_moods(Moods(key=KEY, batch_expires=True))
    loaded = make_project(tmp_path, server, documents=2, extractor=BATCH)
    read(loaded)
    for _ in range(3):
        assert sum(submit_and_collect(loaded).without.values()) == 2
    assert batching.submit(loaded, Scope()).calls == 0
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.failed == 6
        assert all("no reply in 3 batches" in cell.why and "expired" in cell.why for cell in ledger.open_cells())
    server.set_moods(Moods(key=KEY))
    assert submit_and_collect(loaded, Scope(retry_failed=True)).answered == 2
    run(loaded, Scope(retry_failed=True))
    with open_ledger(loaded) as ledger:
        assert ledger.closes


def test_later_waves_go_by_later_batches(server: ModelServer, tmp_path: Path) -> None:
    variables: list[dict[str, Any]] = [*VARIABLES, {"name": "buyer", "type": "text", "depends_on": "total < 4"}]
    loaded = make_project(tmp_path, server, documents=8, extractor=BATCH, variables=variables)
    read(loaded)
    submit_and_collect(loaded)
    run(loaded)
    assert batching.submit(loaded, Scope()).calls == 3
    batching.collect(loaded)
    run(loaded)
    with open_ledger(loaded) as ledger:
        assert ledger.closes
        assert ledger.statuses["skipped"] == 5


def test_entities_are_found_by_one_batch_and_filled_by_the_next(server: ModelServer, tmp_path: Path) -> None:
    variables = [{"name": "city", "type": "location"}, {"name": "total", "type": "number"}]
    unit = {"rows": "many", "represents": "each sale", "key": ["city"]}
    two_passes = BATCH | {"passes": "two"}
    loaded = make_project(tmp_path, server, 4, variables=variables, unit=unit, extractor=two_passes)
    read(loaded)
    for _ in range(2):
        assert submit_and_collect(loaded).answered == 4
        run(loaded)
    assert batching.submit(loaded, Scope()).calls == 0
    with open_ledger(loaded) as ledger:
        assert ledger.settled == 8


def test_large_submissions_go_in_several_batches(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "CALLS_A_BATCH", 3)
    loaded = make_project(tmp_path, server, extractor=BATCH)
    read(loaded)
    assert [len(ticket.call_ids) for ticket in batching.submit(loaded, Scope()).tickets] == [3, 3, 2]
    assert batching.collect(loaded).answered == 8


def test_a_batch_counts_in_the_budget_and_stops_at_it(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "CALLS_A_BATCH", 2)
    loaded = make_project(tmp_path, server, extractor=BATCH, limits={"tokens": 5_000})
    read(loaded)
    sent = batching.submit(loaded, Scope())
    assert 0 < sent.calls < 8
    assert "token budget" in sent.stopped
    spent = TokenBudget(loaded.folder.state / "budget", 5_000).spent()
    assert spent == sum(ticket.estimated_tokens for ticket in sent.tickets)
    batching.collect(loaded)
    assert TokenBudget(loaded.folder.state / "budget", 5_000).spent() < spent


def test_the_next_step_follows_from_what_is_there(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, batch_polls=2))
    loaded = make_project(tmp_path, server, extractor=BATCH)
    assert batching.next_step(loaded)[0] == "submit_batch"
    read(loaded)
    assert batching.next_step(loaded)[0] == "submit_batch"
    batching.submit(loaded, Scope())
    assert batching.next_step(loaded)[0] == ""
    assert batching.collect(loaded).open
    assert batching.next_step(loaded)[0] == ""
    assert batching.collect(loaded).ended
    assert batching.next_step(loaded) == ("extract", Scope(sample=20, top_up=True))
    run(loaded)
    assert batching.next_step(loaded)[0] == ""
    changed = [VARIABLES[0] | {"instructions": "The sum to pay"}, *VARIABLES[1:]]
    assert batching.next_step(write_settings(loaded.folder.path, server, variables=changed, extractor=BATCH))[0] == (
        "submit_batch"
    )


def test_a_part_that_is_too_long_for_the_model_is_halved(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=1, extractor=BATCH)
    read(loaded)
    sent = batching.submit(loaded, Scope())
    (call,) = sent.tickets[0].call_ids
    batching.collect(loaded)
    ReplyArchive(loaded.folder.state / "replies").path(call).unlink()
    refused = {call: (1, '{"error": {"code": "context_length_exceeded"}}')}
    (loaded.folder.state / "batches" / "unanswered.json").write_text(json.dumps(refused))
    assert batching.submit(loaded, Scope()).calls == 2


def test_a_server_without_batches_is_an_error_that_names_it(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, extractor=BATCH)
    read(loaded)
    server.set_moods(Moods(key="another"))
    with pytest.raises(ProviderError, match="Batch API"):
        batching.submit(loaded, Scope())


def test_cancelled_batches_keep_what_they_answered_and_are_not_submitted_again_by_themselves(
    server: ModelServer, tmp_path: Path
) -> None:
    server.set_moods(Moods(key=KEY, batch_polls=2))
    loaded = make_project(tmp_path, server, extractor=BATCH)
    read(loaded)
    batching.submit(loaded, Scope())
    assert [ticket.status for ticket in batching.cancel(loaded, "by a test")] == ["cancelling"]
    assert batching.collect(loaded).answered == 4
    assert batching.next_step(loaded)[0] == ""
    assert "cancelled" in Control(loaded.folder.state).held_back
    Control(loaded.folder.state).resume()
    assert batching.next_step(loaded)[0] == "extract"
    run(loaded)
    server.set_moods(Moods(key=KEY))
    assert submit_and_collect(loaded).answered == 4


def test_the_calls_of_a_forgotten_batch_are_asked_again_and_not_for_ever(server: ModelServer, tmp_path: Path) -> None:
    loaded = make_project(tmp_path, server, documents=2, extractor=BATCH)
    read(loaded)
    server.set_moods(Moods(key=KEY, batch_forgotten=True))
    for number in range(1, 4):
        came = submit_and_collect(loaded)
        assert came.without == {f"the server no longer knows batch batch_{number}": 2}
    assert batching.submit(loaded, Scope()).calls == 0
    with closing(TokenBudget(loaded.folder.state / "budget", 10**9)) as budget:
        assert budget.spent() == 0


def test_one_batch_in_trouble_holds_up_no_other(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "CALLS_A_BATCH", 4)
    loaded = make_project(tmp_path, server, extractor=BATCH)
    read(loaded)
    first, _ = batching.submit(loaded, Scope()).tickets
    poll = Batch.poll

    def refused(self: Batch, ticket: BatchTicket) -> BatchTicket:
        if ticket.id == first.id:
            raise RequestRefused("the Batch API answered 403")
        return poll(self, ticket)

    monkeypatch.setattr(Batch, "poll", refused)
    with pytest.raises(ProviderError, match="403"):
        batching.collect(loaded)
    assert [ticket.id for ticket in batching.tickets(loaded)] == [first.id]
