import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coderai_pipeline.domain.errors import BudgetExhausted, ProviderUnavailable, RequestRefused
from coderai_pipeline.domain.project import ExtractorSettings, Price
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.batch import Batch
from coderai_pipeline.extractors.batch_tickets import TicketFolder
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import make_client
from coderai_pipeline.extractors.formats import formats_of
from tests.extractors.calls import KEY, answer, archived, provider_for, request
from tests.server_moods import Moods
from tests.servers import ModelServer

REQUESTS = [request(number) for number in range(40)]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer, Moods(key=KEY)) as running:
        yield running


def batch_for(server: ModelServer, folder: Path, tokens: int = 10**7) -> Batch:
    prices = {"test-model": Price(input=2.0, output=2.0)}
    settings = ExtractorSettings(base_url=server.base_url, model="test-model", prices=prices)
    budget = TokenBudget(folder / "p" / "budget.json", tokens)
    client = make_client(settings, KEY)
    formats = formats_of(settings, folder / "shared", str(client.base_url))
    return Batch(settings, client, KEY, budget, folder / "p" / "batches", formats)


def spent(folder: Path) -> int:
    return TokenBudget(folder / "p" / "budget.json", 10**7).spent()


def test_replies_land_in_the_archive_that_other_calls_use(server: ModelServer, tmp_path: Path) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.poll(batch.submit(REQUESTS))
    assert ticket.is_ended
    collected = batch.collect(ticket, archived(tmp_path))
    assert set(collected.answered) == {call_id(one) for one in REQUESTS}
    assert not collected.open
    with provider_for(server, tmp_path) as provider:
        replies = [provider.submit(one).result(60) for one in REQUESTS]
    assert [json.loads(reply.text)["total"]["value"] for reply in replies] == [str(number) for number in range(40)]
    assert server.counts()["received"] == 0


def test_a_batch_costs_half(server: ModelServer, tmp_path: Path) -> None:
    batch = batch_for(server, tmp_path)
    batch.collect(batch.poll(batch.submit(REQUESTS[:1])), archived(tmp_path))
    reply = archived(tmp_path).get(call_id(REQUESTS[0]))
    assert reply is not None
    assert reply.cost == pytest.approx((reply.input_tokens + reply.output_tokens) * 2 / 1e6 / 2)


def test_missing_failed_and_doubled_lines_are_told_apart(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, batch_errors=0.2, batch_missing=0.2, batch_doubled=0.2))
    batch = batch_for(server, tmp_path)
    collected = batch.collect(batch.poll(batch.submit(REQUESTS)), archived(tmp_path))
    assert len(collected.answered) + len(collected.open) == 40
    assert len(set(collected.answered)) == len(collected.answered) == archived(tmp_path).count()
    assert {"the batch holds no reply to it"} < set(collected.open.values())


def test_a_batch_that_took_more_than_expected_is_collected_and_counted(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(key=KEY, thoughts=10_000)) as server:
        batch = batch_for(server, tmp_path, tokens=40_000)
        collected = batch.collect(batch.poll(batch.submit(REQUESTS)), archived(tmp_path))
        assert len(collected.answered) == 40
        assert spent(tmp_path) == sum(reply.input_tokens + reply.output_tokens for reply in archived(tmp_path))
        with pytest.raises(BudgetExhausted):
            batch.submit([request(99)])


def test_only_line_breaks_end_the_lines_of_a_batch(tmp_path: Path) -> None:
    with ModelServer(lambda _: '{"total": "a\u2028b\x85c"}', Moods(key=KEY)) as server:
        batch = batch_for(server, tmp_path)
        collected = batch.collect(batch.poll(batch.submit(REQUESTS)), archived(tmp_path))
    assert len(collected.answered) == 40


def test_odd_lines_hold_up_no_other(tmp_path: Path) -> None:
    names = [call_id(one) for one in REQUESTS]
    empty = {"choices": [{"message": {"content": None}}], "usage": {"prompt_tokens": 100, "completion_tokens": 900}}
    odd = [
        "{",
        "[]",
        json.dumps({"custom_id": names[0], "response": "none"}),
        json.dumps({"custom_id": names[1], "response": {"status_code": "200", "body": []}}),
        json.dumps({"custom_id": names[2], "response": {"status_code": 200, "body": empty}}),
        json.dumps({"custom_id": names[3], "response": {"status_code": 200, "body": {"error": {"message": "no"}}}}),
        json.dumps({"custom_id": ["x"], "response": {"status_code": 200, "body": empty}}),
    ]
    with ModelServer(answer, Moods(key=KEY, batch_odd_lines=tuple(odd))) as server:
        batch = batch_for(server, tmp_path)
        collected = batch.collect(batch.poll(batch.submit(REQUESTS)), archived(tmp_path))
    assert set(collected.answered) == set(names)
    assert len(list(archived(tmp_path).unread())) == 1
    assert spent(tmp_path) == 1_000 + sum(reply.input_tokens + reply.output_tokens for reply in archived(tmp_path))


def test_expired_calls_stay_open(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, batch_expires=True))
    batch = batch_for(server, tmp_path)
    collected = batch.collect(batch.poll(batch.submit(REQUESTS)), archived(tmp_path))
    assert len(collected.open) == 40
    assert all("batch_expired" in why for why in collected.open.values())


def test_tickets_outlive_the_process_until_they_are_collected(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, batch_polls=2))
    submitted = batch_for(server, tmp_path).submit(REQUESTS)
    later = batch_for(server, tmp_path)
    assert [ticket.id for ticket in later.tickets()] == [submitted.id]
    assert not later.poll(submitted).is_ended
    later.collect(later.poll(submitted), archived(tmp_path))
    assert not list(later.tickets())


def test_a_submission_that_was_cut_short_is_found_on_the_server_and_not_paid_for_twice(
    server: ModelServer, tmp_path: Path
) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.submit(REQUESTS[:3])
    path = tmp_path / "p" / "batches" / f"{ticket.id}.ticket.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "batch": "", "status": "submitting"}))
    (cut_short,) = batch_for(server, tmp_path).tickets()
    assert batch.poll(cut_short).batch == ticket.batch


def test_a_batch_holds_its_estimate_in_the_budget_until_it_is_collected(server: ModelServer, tmp_path: Path) -> None:
    batch = batch_for(server, tmp_path)
    budget = TokenBudget(tmp_path / "p" / "budget.json", 10**7)
    ticket = batch.submit(REQUESTS)
    assert budget.spent() == ticket.estimated_tokens
    archive = ReplyArchive(tmp_path / "p" / "replies")
    batch.collect(batch.poll(ticket), archive)
    assert budget.spent() == sum(reply.input_tokens + reply.output_tokens for reply in archive)


def test_a_batch_beyond_the_budget_is_not_sent(server: ModelServer, tmp_path: Path) -> None:
    with pytest.raises(BudgetExhausted):
        batch_for(server, tmp_path, tokens=500).submit(REQUESTS)


def test_a_server_without_batches_is_named(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key="another"))
    with pytest.raises((RequestRefused, ProviderUnavailable), match="Batch API") as caught:
        batch_for(server, tmp_path).submit(REQUESTS)
    assert KEY not in f"{caught.value}{caught.value.raw}"


def test_a_batch_that_the_server_refuses_leaves_no_ticket_and_no_debt(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key="another"))
    with pytest.raises(RequestRefused):
        batch_for(server, tmp_path).submit(REQUESTS)
    assert not list(batch_for(server, tmp_path).tickets())
    assert TokenBudget(tmp_path / "p" / "budget.json", 10**7).spent() == 0


def test_a_cancelled_batch_gives_what_it_answered_and_its_budget_back(server: ModelServer, tmp_path: Path) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.cancel(batch.submit(REQUESTS))
    assert ticket is not None
    assert ticket.status == "cancelled"
    collected = batch.collect(ticket, archived(tmp_path))
    assert len(collected.answered) == archived(tmp_path).count() == 20
    assert set(collected.open.values()) == {"the batch was cancelled"}
    assert spent(tmp_path) == sum(reply.input_tokens + reply.output_tokens for reply in archived(tmp_path))
    assert not list(batch.tickets())


def test_a_batch_that_has_ended_cannot_be_cancelled_and_is_collected(server: ModelServer, tmp_path: Path) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.cancel(batch.poll(batch.submit(REQUESTS)))
    assert ticket is not None
    assert len(batch.collect(ticket, archived(tmp_path)).answered) == 40


def test_a_batch_that_never_reached_the_server_is_cancelled_without_a_trace(
    server: ModelServer, tmp_path: Path
) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.submit(REQUESTS[:3])
    unsent = replace(ticket, id="unsent", batch="", status="submitting")
    TicketFolder(tmp_path / "p" / "batches").keep(unsent)
    assert batch.cancel(unsent) is None
    assert [one.id for one in batch.tickets()] == [ticket.id]
    assert spent(tmp_path) == 0


def test_a_batch_that_the_server_has_forgotten_is_given_up_and_its_budget_comes_back(
    server: ModelServer, tmp_path: Path
) -> None:
    batch = batch_for(server, tmp_path)
    ticket = batch.submit(REQUESTS)
    server.set_moods(Moods(key=KEY, batch_forgotten=True))
    polled = batch.poll(ticket)
    assert polled.is_ended
    collected = batch.collect(polled, archived(tmp_path))
    assert len(collected.open) == 40
    assert set(collected.open.values()) == {f"the server no longer knows batch {ticket.batch}"}
    assert spent(tmp_path) == 0
    assert not list(batch.tickets())


def test_a_server_that_has_lost_its_batch_api_has_forgotten_nothing(server: ModelServer, tmp_path: Path) -> None:
    """As after a mistake in base_url: the batch is paid for, and can be collected once that is mended."""
    batch = batch_for(server, tmp_path)
    ticket = batch.submit(REQUESTS)
    server.set_moods(Moods(key=KEY, batch_unknown=True))
    with pytest.raises(RequestRefused, match="404"):
        batch.poll(ticket)
    server.set_moods(Moods(key=KEY))
    assert len(batch.collect(batch.poll(ticket), archived(tmp_path)).answered) == 40


@pytest.mark.parametrize("formats", [("json_object",), ("tools",), ("text",)])
def test_a_batch_asks_as_the_server_was_found_to_take_it(
    server: ModelServer, tmp_path: Path, formats: tuple[str, ...]
) -> None:
    server.set_moods(Moods(key=KEY, formats=formats, refused_parameters=("temperature",)))
    with provider_for(server, tmp_path) as provider:
        provider.submit(request(99)).result(60)
    batch = batch_for(server, tmp_path)
    assert len(batch.collect(batch.poll(batch.submit(REQUESTS[:5])), archived(tmp_path)).answered) == 5


def test_what_a_batch_was_refused_for_is_asked_otherwise_by_the_next(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, formats=("json_object",), refused_parameters=("max_tokens",)))
    batch = batch_for(server, tmp_path)
    answered = [
        len(batch.collect(batch.poll(batch.submit(REQUESTS[:5])), archived(tmp_path)).answered) for _ in range(4)
    ]
    assert sorted(answered) == answered
    assert answered[-1] == 5


def test_a_server_that_speaks_responses_alone_is_sent_batches_of_them(server: ModelServer, tmp_path: Path) -> None:
    server.set_moods(Moods(key=KEY, apis=("responses",)))
    with provider_for(server, tmp_path) as provider:
        provider.submit(request(99)).result(60)
    batch = batch_for(server, tmp_path)
    ticket = batch.submit(REQUESTS[:5])
    assert ticket.protocol == "responses"
    assert len(batch.collect(batch.poll(ticket), archived(tmp_path)).answered) == 5
