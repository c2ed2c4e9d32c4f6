import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.project import Price
from coderai_pipeline.extractors import chat, responses
from coderai_pipeline.extractors.prices import cost_of
from coderai_pipeline.extractors.schema_text import describe, most_tokens
from coderai_pipeline.extractors.wire import Asking, Malformed
from tests.extractors.calls import SCHEMA, request

KEYS = st.sampled_from(
    ["choices", "message", "content", "refusal", "finish_reason", "tool_calls", "function", "arguments", "usage", "text",
     "prompt_tokens", "output", "type", "status", "incomplete_details", "model"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["message", "output_text", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(ANYTHING)
def test_a_body_of_any_shape_is_a_reply_or_malformed(body: Any) -> None:
    for read in (chat.said_in, responses.said_in):
        try:
            said = read(body)
        except Malformed:
            continue
        assert said.finish_reason in ("stop", "length", "content_filter", "refusal")
        assert said.text or said.finish_reason != "stop"


def test_the_prompt_starts_the_same_for_all_documents_in_every_format() -> None:
    for reply_format in ("json_schema", "tools", "json_object", "text"):
        bodies = [chat.body_for(request(number), Asking(reply_format)) for number in (1, 2)]
        first, second = (body["messages"] for body in bodies)
        assert isinstance(first, list)
        assert isinstance(second, list)
        assert first[0] == second[0]


def test_strict_schemas_go_where_each_protocol_wants_them() -> None:
    in_chat = json.dumps(chat.body_for(request(), Asking()))
    in_responses = json.dumps(responses.body_for(request(), Asking()))
    assert '"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "strict": true' in in_chat
    assert '"text": {"format": {"type": "json_schema", "name": "reply", "strict": true' in in_responses
    assert '"store": false' in in_responses


@pytest.mark.parametrize("choice", [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}])
def test_a_schema_is_described_alike_however_it_is_written(choice: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}}}
    schema["$defs"] = {"row": {"type": "object", "properties": {"name": choice, "kind": {"enum": ["a", "b"]}}}}
    assert describe(schema).endswith('{"rows": [{"name": string or null, "kind": "a" or "b"}, ...]}')


def test_a_schema_that_holds_itself_is_described_to_some_depth() -> None:
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    assert "any" in describe(schema)
    assert most_tokens(schema) > 0


def test_rows_may_take_more_tokens_than_one_row() -> None:
    assert most_tokens(
        {"type": "object", "properties": {"rows": {"type": "array", "items": SCHEMA}}}
    ) > 5 * most_tokens(SCHEMA)


def test_a_dated_model_has_the_price_of_its_family() -> None:
    prices = {"gpt-x": Price(input=1.0, output=2.0), "gpt-x-mini": Price(input=0.1, output=0.2)}
    assert cost_of(prices, "gpt-x-2026-01-05", 1_000_000, 0, 0) == 1.0
    assert cost_of(prices, "gpt-x-mini-2026-01-05", 1_000_000, 0, 0) == pytest.approx(0.1)
    assert cost_of(prices, "gpt-y", 1_000_000, 0, 0) is None
