import json
import time
import urllib.request
from urllib.error import HTTPError

import openai
import pytest

from tests.extractors.calls import SCHEMA, answer
from tests.server_answers import answer_by_schema, answer_from_labels
from tests.server_moods import Moods
from tests.servers import ModelServer


def test_the_openai_client_understands_the_server() -> None:
    with ModelServer(answer) as server:
        client = openai.OpenAI(api_key="k", base_url=server.base_url)
        said = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Document 5"}])
        assert json.loads(said.choices[0].message.content or "")["total"]["value"] == "5"
        assert said.usage is not None
        response = client.responses.create(model="m", input=[{"role": "user", "content": "Document 6"}])
        assert json.loads(response.output_text)["total"]["quote"] == "Total: 6"
        assert [model.id for model in client.models.list()] == ["test-model"]


@pytest.mark.parametrize("process", [False, True])
def test_it_counts_and_records_what_it_was_asked(process: bool) -> None:
    with ModelServer(answer, process=process) as server:
        client = openai.OpenAI(api_key="k", base_url=server.base_url)
        for number in (1, 1, 2):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"Document {number}"}])
        assert server.counts()["answered"] == 3
        assert sorted(server.asked().values()) == [1, 2]
        assert [seen.document for seen in server.requests()] == ["Document 1", "Document 1", "Document 2"]
        server.forget()
        assert server.counts()["received"] == 0


def test_its_rate_limit_is_a_burst_and_then_a_rate() -> None:
    with ModelServer(answer, Moods(requests_per_minute=600, burst=10)) as server:
        client = openai.OpenAI(api_key="k", base_url=server.base_url, max_retries=0)

        def ask(times: int) -> None:
            for _ in range(times):
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Document 1"}])

        ask(10)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(5)
        assert caught.value.response.headers["retry-after"] == "1"
        assert caught.value.response.headers["x-ratelimit-limit-requests"] == "600"
        time.sleep(0.25)
        ask(1)


def test_kinds_of_replies_come_in_the_shares_asked_for_and_are_the_same_each_time() -> None:
    moods = Moods(errors=0.1, refusals=0.1, seed=4)
    kinds = [moods.kind(str(number)) for number in range(3_000)]
    assert 0.08 < kinds.count("errors") / 3_000 < 0.12
    assert kinds == [moods.kind(str(number)) for number in range(3_000)]


def test_a_key_can_be_required() -> None:
    with ModelServer(answer, Moods(key="right")) as server, pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(f"{server.base_url}/models")


def test_answers_follow_the_schema_with_rows_lists_and_nulls() -> None:
    one = {"type": "object", "properties": {"value": {"type": ["array", "null"], "items": {"type": "string"}}}}
    quotes = {"type": "array", "items": {"type": "string"}}
    many = {"type": "object", "properties": {**one["properties"], "quote": quotes}}
    schema = {
        "type": "object",
        "properties": {
            "document": {"type": "object", "properties": {"city": SCHEMA["properties"]["city"]}},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"tags": many}}},
        },
    }
    said = answer_by_schema(schema, {"city": ("Graz", "in Graz"), "rows": [{"tags": ["a", "b"]}, {"tags": None}]})
    assert said["document"]["city"] == {"value": "Graz", "quote": "in Graz", "confidence": 0.95}
    assert said["rows"][0]["tags"] == {"value": ["a", "b"], "quote": ["a", "b"]}
    assert said["rows"][1]["tags"] == {"value": None, "quote": []}


def test_by_hand_it_answers_from_labelled_lines() -> None:
    said = answer_from_labels(SCHEMA, "Invoice\nCity: Graz\nTotal: 12.50")
    assert said["city"] == {"value": "Graz", "quote": "Graz", "confidence": 0.95}
    assert said["total"]["value"] == "12.50"
