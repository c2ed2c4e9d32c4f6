import json
import logging
import time
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path

import pytest

from coderai_pipeline.domain.cells import Message, Reply
from coderai_pipeline.domain.errors import (
    AccessRefused,
    BudgetExhausted,
    ContextTooLong,
    MissingKey,
    ProviderUnavailable,
    RequestRefused,
)
from coderai_pipeline.domain.project import ExtractorSettings, Price
from coderai_pipeline.extractors.archive import call_id, next_attempt
from coderai_pipeline.extractors.clients import require_key
from coderai_pipeline.extractors.retrying import Patience
from tests.extractors.calls import KEY, QUICK, answer, archived, provider_for, request
from tests.server_moods import Moods
from tests.servers import ModelServer


def values(reply: Reply) -> tuple[str, str]:
    stated = json.loads(reply.text)
    return stated["total"]["value"], stated["city"]["value"]


def test_a_reply_says_what_the_server_said(tmp_path: Path) -> None:
    with ModelServer(answer) as server, provider_for(server, tmp_path) as provider:
        reply = provider.submit(request(7)).result(60)
    assert values(reply) == ("7", "Graz")
    assert (reply.call_id, reply.finish_reason, reply.attempts) == (call_id(request(7)), "stop", 1)
    assert reply.input_tokens > 0 < reply.output_tokens
    assert reply.cost is None


def test_a_missing_key_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    settings = ExtractorSettings(api_key_env="SOME_KEY")
    with pytest.raises(MissingKey, match="set SOME_KEY"):
        require_key(settings)
    monkeypatch.setenv("SOME_KEY", "  ")
    with pytest.raises(MissingKey):
        require_key(settings)
    monkeypatch.setenv("SOME_KEY", "word")
    assert require_key(settings) == "word"


def test_what_was_answered_once_is_never_asked_again(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        with provider_for(server, tmp_path) as provider:
            first = provider.submit(request(1)).result(60)
        with provider_for(server, tmp_path, limits={"tokens": 1}) as provider:
            second = provider.submit(request(1)).result(60)
            assert provider.stats().from_archive == 1
        assert server.counts()["received"] == 1
    assert second == replace(first, attempts=0, from_archive=True)


def test_the_same_request_under_way_twice_is_sent_once(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.1)) as server, provider_for(server, tmp_path) as provider:
        futures = [provider.submit(request(1)) for _ in range(10)]
        assert len({future.result(60) for future in futures}) == 1
        assert server.counts()["received"] == 1


def test_asking_again_keeps_both_replies_and_pays_for_each_once(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(script=("malformed",))) as server:
        for _ in range(2):
            with provider_for(server, tmp_path) as provider:
                bad = provider.submit(request(3)).result(60)
                good = provider.ask_again(request(3), "unreadable").result(60)
        assert server.counts()["received"] == 2
    with pytest.raises(ValueError):
        json.loads(bad.text)
    assert values(good) == ("3", "Graz")
    assert good.call_id == call_id(next_attempt(request(3)))
    assert archived(tmp_path).count() == 2


def test_asking_again_moves_the_seed(tmp_path: Path) -> None:
    with ModelServer(answer) as server, provider_for(server, tmp_path) as provider:
        provider.submit(request(3, seed=5)).result(60)
        provider.ask_again(request(3, seed=5), "unreadable").result(60)
        seeds = [seen.body["seed"] for seen in server.requests()]
        assert seeds == [5, 6]
        assert all("attempt" not in seen.body for seen in server.requests())


@pytest.mark.parametrize("kind", ["errors", "resets", "html_pages", "cut_bodies", "empty_choices", "null_contents"])
def test_a_response_that_is_no_reply_is_asked_for_again(tmp_path: Path, kind: str) -> None:
    with ModelServer(answer, Moods(script=(kind, kind))) as server, provider_for(server, tmp_path) as provider:
        reply = provider.submit(request(4)).result(60)
        assert values(reply) == ("4", "Graz")
        assert reply.attempts == 3
        assert provider.stats().retries == 2
    assert archived(tmp_path).count() == 1


def test_a_server_that_never_answers_well_is_reported_with_what_it_sent(tmp_path: Path) -> None:
    patience = Patience(backoffs_s=(0.01,) * 5, breaker_open_s=0.01, outage_s=60)
    moods = Moods(html_pages=1.0)
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, patience=patience) as provider:
        with pytest.raises(ProviderUnavailable, match="6 tries") as caught:
            provider.submit(request(4)).result(60)
        assert "Bad gateway" in (caught.value.raw or "")
        assert server.counts()["received"] == 6


@pytest.mark.parametrize(
    ("kind", "finish"),
    [("refusals", "refusal"), ("truncated", "length"), ("filtered", "content_filter")],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_refusals_truncation_and_filters_are_replies_of_their_own(
    tmp_path: Path, kind: str, finish: str, api: str
) -> None:
    with ModelServer(answer, Moods(script=(kind,))) as server, provider_for(server, tmp_path, api=api) as provider:
        reply = provider.submit(request(4)).result(60)
    assert reply.finish_reason == finish
    if kind == "refusals":
        assert "cannot help" in reply.text
    assert archived(tmp_path).get(reply.call_id) is not None


@pytest.mark.parametrize("moods", [Moods(content_parts=True), Moods(reasoning=True)])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_content_is_found_wherever_servers_put_it(tmp_path: Path, moods: Moods, api: str) -> None:
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, api=api) as provider:
        assert values(provider.submit(request(4)).result(60)) == ("4", "Graz")


def test_limits_lose_no_document_however_often_they_are_met(tmp_path: Path) -> None:
    moods = Moods(script=("limited",) * 6, retry_after_ms=True, requests_per_minute=60_000, burst=1_000)
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, limits={"in_flight": 4}) as provider:
        replies = [future.result(60) for future in [provider.submit(request(n)) for n in range(6)]]
        assert [values(reply)[0] for reply in replies] == [str(n) for n in range(6)]
        assert provider.stats().limited == 6


def test_an_empty_account_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(script=("quota",))) as server, provider_for(server, tmp_path) as provider:
        with pytest.raises(RequestRefused, match="OPENAI_API_KEY has no credit left"):
            provider.submit(request(1)).result(60)
        with pytest.raises(AccessRefused, match="OPENAI_API_KEY has no credit left"):
            provider.submit(request(2)).result(60)
        assert (server.counts()["limited"], server.counts()["received"]) == (0, 1)


def test_a_refused_key_is_named_and_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ModelServer(answer, Moods(key="another")) as server, provider_for(server, tmp_path) as provider:
        with pytest.raises(RequestRefused, match="check the key in OPENAI_API_KEY") as caught:
            provider.submit(request(1)).result(60)
        shown = f"{caught.value}{caught.value.raw}{provider!r}{provider.stats()}"
    assert KEY not in shown
    assert KEY not in caplog.text
    assert "[key]" in shown


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(key=KEY)) as server, provider_for(server, tmp_path) as provider:
        provider.submit(request(1)).result(60)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert all(KEY.encode() not in path.read_bytes() and KEY not in path.name for path in files)


def test_a_prompt_longer_than_the_model_reads_is_told_apart(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(context_tokens=100)) as server, provider_for(server, tmp_path) as provider:
        with pytest.raises(ContextTooLong):
            provider.submit(request(1, text="Document 1 " + "word " * 200)).result(60)
        assert server.counts()["received"] == 1


@pytest.mark.parametrize("formats", [("tools", "json_object", "text"), ("json_object", "text"), ("text",)])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_reply_format_is_found_out_once_and_remembered(tmp_path: Path, formats: tuple[str, ...], api: str) -> None:
    with ModelServer(answer, Moods(formats=formats)) as server:
        for number in (1, 2):
            with provider_for(server, tmp_path, api=api) as provider:
                assert values(provider.submit(request(number)).result(60)) == (str(number), "Graz")
        seen = [request.format for request in server.requests()]
    assert seen[-1] == formats[0]
    assert seen.count(formats[0]) == 2
    assert len(seen) == 2 + 4 - len(formats)


def test_without_a_schema_the_server_is_told_what_json_is_wanted(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(formats=("text",))) as server, provider_for(server, tmp_path) as provider:
        provider.submit(request(1)).result(60)
        system = server.requests()[-1].messages[0]["content"]
    assert system.startswith("Read the document.")
    assert '{"total": {"value": string or null, "quote": string or null, "confidence": number or null}' in system


@pytest.mark.parametrize("prose", ["Sure! Here is what I found.", "- Total: [see above]"])
def test_a_server_that_ignores_the_schema_is_asked_otherwise(tmp_path: Path, prose: str) -> None:
    moods = Moods(ignored_formats=("json_schema", "tools"), prose=prose)
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path) as provider:
        assert values(provider.submit(request(1)).result(60)) == ("1", "Graz")
        assert archived(tmp_path).count() == server.counts()["answered"] == 3
        assert values(provider.submit(request(2)).result(60)) == ("2", "Graz")
        assert server.counts()["received"] == 4


def test_parameters_that_a_model_refuses_are_left_out_and_remembered(tmp_path: Path) -> None:
    moods = Moods(refused_parameters=("temperature", "max_tokens"))
    asked = [request(number, max_output_tokens=500) for number in (1, 2)]
    with ModelServer(answer, moods) as server:
        for one in asked:
            with provider_for(server, tmp_path) as provider:
                provider.submit(one).result(60)
        bodies = [seen.body for seen in server.requests()]
    assert len(bodies) == 4
    assert "temperature" not in bodies[-1]
    assert bodies[-1]["max_completion_tokens"] == 500


def test_a_server_that_has_only_the_responses_protocol_is_asked_in_it(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(apis=("responses",))) as server, provider_for(server, tmp_path) as provider:
        assert values(provider.submit(request(1)).result(60)) == ("1", "Graz")
        provider.submit(request(2)).result(60)
        assert server.counts()["received"] == 2


def test_a_wrong_address_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with (
        ModelServer(answer, Moods(apis=())) as server,
        provider_for(server, tmp_path) as provider,
        pytest.raises(RequestRefused, match="base_url"),
    ):
        provider.submit(request(1)).result(60)


def test_azure_is_asked_by_deployment(tmp_path: Path) -> None:
    with (
        ModelServer(answer, Moods(key=KEY)) as server,
        provider_for(
            server, tmp_path, api="azure", api_version="2024-10-21", base_url=server.azure_endpoint
        ) as provider,
    ):
        assert values(provider.submit(request(1)).result(60)) == ("1", "Graz")
        assert server.requests()[0].path == "/openai/deployments/test-model/chat/completions"


def test_a_hanging_call_is_given_up_and_sent_again(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.01)) as server, provider_for(server, tmp_path) as provider:
        wait([provider.submit(request(number)) for number in range(60)])
        server.set_moods(Moods(latency_s=0.01, script=("hang",)))
        assert values(provider.submit(request(99)).result(60)) == ("99", "Graz")
        assert provider.stats().limited == 0


@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_a_call_that_outlasts_the_timeout_counts_as_a_try(tmp_path: Path, kind: str) -> None:
    moods = Moods(script=(kind,))
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, timeout_s=0.2) as provider:
        assert provider.submit(request(1)).result(60).attempts == 2


def test_a_short_outage_loses_no_document(tmp_path: Path) -> None:
    patience = Patience(backoffs_s=(0.02,) * 5, breaker_open_s=0.1, outage_s=30)
    with (
        ModelServer(answer, Moods(errors=1.0)) as server,
        provider_for(server, tmp_path, patience=patience) as provider,
    ):
        futures = [provider.submit(request(number)) for number in range(40)]
        time.sleep(0.35)
        server.set_moods(Moods())
        assert all(future.result(60) for future in futures)
        assert provider.stats().breaker == "closed"


def test_a_long_outage_is_reported_and_the_next_project_run_goes_on(tmp_path: Path) -> None:
    patience = Patience(backoffs_s=(0.01,) * 5, breaker_open_s=0.05, outage_s=0.2)
    with (
        ModelServer(answer, Moods(errors=1.0)) as server,
        provider_for(server, tmp_path, patience=patience) as provider,
    ):
        futures = [provider.submit(request(number)) for number in range(30)]
        assert {type(future.exception(60)) for future in futures} == {ProviderUnavailable}
        received = server.counts()["received"]
        assert received < 30
        server.set_moods(Moods())
        time.sleep(0.1)
        assert provider.submit(request(1)).result(60)


def test_a_server_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        pass
    with (
        provider_for(server, tmp_path) as provider,
        pytest.raises(ProviderUnavailable, match=r"connection failed|no reply"),
    ):
        provider.submit(request(1)).result(60)


def test_the_budget_is_never_overrun_and_what_is_done_is_kept(tmp_path: Path) -> None:
    with (
        ModelServer(answer, process=True) as server,
        provider_for(server, tmp_path, limits={"tokens": 5_000}) as provider,
    ):
        futures = [provider.submit(request(number)) for number in range(200)]
        outcomes = [future.exception(30) for future in futures]
        stats = provider.stats()
    done = outcomes.count(None)
    assert {type(outcome) for outcome in outcomes} == {type(None), BudgetExhausted}
    assert 3_500 < stats.input_tokens + stats.output_tokens <= 5_000
    assert archived(tmp_path).count() == done == stats.answered


def test_tokens_are_estimated_and_marked_where_the_server_counts_none(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(usage=False)) as server, provider_for(server, tmp_path) as provider:
        reply = provider.submit(request(1)).result(60)
        assert reply.input_tokens > 30 < reply.output_tokens
        assert provider.stats().estimated_usage == 1


def test_cost_follows_the_price_table_and_cached_tokens(tmp_path: Path) -> None:
    prices = {"test-model": Price(input=2.0, output=8.0, cached_input=0.5)}
    with (
        ModelServer(answer, Moods(cached_tokens=10)) as server,
        provider_for(server, tmp_path, prices=prices) as provider,
    ):
        reply = provider.submit(request(1)).result(60)
        expected = ((reply.input_tokens - 10) * 2 + 10 * 0.5 + reply.output_tokens * 8) / 1e6
        assert reply.cached_tokens == 10
        assert reply.cost == pytest.approx(expected)
        assert provider.stats().cost == pytest.approx(expected)


def test_a_server_that_says_it_is_overloaded_gets_fewer_calls_at_once(tmp_path: Path) -> None:
    for status, most in ((503, 5), (500, 8)):
        moods = Moods(script=("errors",), error_status=status)
        folder = tmp_path / str(status)
        with ModelServer(answer, moods) as server, provider_for(server, folder, limits={"in_flight": 8}) as provider:
            provider.submit(request(1)).result(60)
            assert provider.stats().concurrency_limit == most


def test_never_more_calls_are_in_flight_than_allowed(tmp_path: Path) -> None:
    moods = Moods(latency_s=0.03)
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, limits={"in_flight": 5}) as provider:
        wait([provider.submit(request(number)) for number in range(40)])
        assert server.counts()["max_concurrent"] == 5


def test_closing_cancels_what_was_not_sent_and_keeps_what_was(tmp_path: Path) -> None:
    futures: list[Future[Reply]] = []
    with ModelServer(answer, Moods(latency_s=0.3)) as server:
        with provider_for(server, tmp_path, limits={"in_flight": 3}) as provider:
            futures += [provider.submit(request(number)) for number in range(30)]
            time.sleep(0.15)
        assert all(future.done() for future in futures)
        done = [future for future in futures if not future.cancelled()]
        assert len(done) == 3 == archived(tmp_path).count() == server.counts()["answered"]


def test_a_cancelled_call_is_not_sent(tmp_path: Path) -> None:
    moods = Moods(latency_s=0.1)
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, limits={"in_flight": 1}) as provider:
        first, second, third = (provider.submit(request(number)) for number in range(3))
        assert second.cancel()
        assert values(third.result(60))[0] == "2"
        assert first.result(60)
        assert server.counts()["received"] == 2


def test_two_projects_of_one_deployment_keep_their_replies_apart(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        for project in ("a", "b"):
            with provider_for(server, tmp_path, project=project) as provider:
                provider.submit(request(1)).result(60)
        assert server.counts()["received"] == 2


def test_text_that_cannot_be_encoded_is_sent_with_a_mark_in_its_place(tmp_path: Path) -> None:
    asked = replace(request(1), messages=(Message("user", "Document 1 \ud800 end"),))
    with ModelServer(answer) as server, provider_for(server, tmp_path) as provider:
        assert values(provider.submit(asked).result(60))[0] == "1"


def test_in_every_mood_no_call_is_lost_or_doubled(tmp_path: Path) -> None:
    share = 0.02
    moods = Moods(
        latency_s=0.01,
        latency_spread=0.5,
        errors=share,
        resets=share,
        hangs=0.01,
        malformed=share,
        truncated=share,
        refusals=share,
        wrong_shapes=share,
        invented_quotes=share,
        cut_bodies=share,
        html_pages=share,
    )
    patience = replace(QUICK, hang_floor_s=0.3, outage_s=60)
    with (
        ModelServer(answer, moods, process=True) as server,
        provider_for(server, tmp_path, patience=patience, timeout_s=2.0) as provider,
    ):
        futures = [provider.submit(request(number)) for number in range(400)]
        replies = [future.result(60) for future in futures]
        assert [reply.call_id for reply in replies] == [call_id(request(number)) for number in range(400)]
        assert archived(tmp_path).count() == server.counts()["answered"] == 400
        assert max(server.asked().values()) == 1
