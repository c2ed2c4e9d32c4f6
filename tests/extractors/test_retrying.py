from typing import Any

import pytest

from coderai_pipeline.extractors.retrying import Patience, stated_status, trouble_of


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"message": "slow down", "code": "rate_limit_exceeded"}, "limited"),
        (429, {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}, "quota"),
        (500, {"message": "oops"}, "transient"),
        (503, {"message": "overloaded"}, "transient"),
        (408, {"message": "timeout"}, "transient"),
        (409, {"message": "conflict"}, "transient"),
        (401, {"message": "Incorrect API key provided"}, "refused"),
        (403, {"message": "not for you"}, "key"),
        (403, {"message": "your input was flagged by moderation"}, "filtered"),
        (403, {"message": "API rate limit exceeded"}, "limited"),
        (404, {"message": "The model `x` does not exist", "code": "model_not_found"}, "address"),
        (400, {"message": "x is not a valid model ID"}, "address"),
        (400, {"message": "x is only supported in v1/responses and not in v1/chat/completions"}, "protocol"),
        (404, {"message": "No endpoints found that support tool use."}, "format"),
        (424, {"message": "Request failed during generation"}, "transient"),
        (429, {"message": "Too many tokens, please wait before trying again."}, "limited"),
        (429, {"message": "Request too large for model on tokens per min: Limit 30000, Requested 45000"}, "too_long"),
        (500, {"message": "Failed to parse grammar"}, "format"),
        (500, {"message": "Conversation roles must alternate user/assistant"}, "parameter"),
        (500, {"message": "grammar compiler crashed"}, "transient"),
        (404, {"message": "Not Found"}, "protocol"),
        (404, {"message": "'temperature' is not supported with this model"}, "parameter"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, "too_long"),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "too_long"),
        (400, {"message": "the request exceeds the available context size"}, "too_long"),
        (413, {"message": "payload too large"}, "too_long"),
        (400, {"message": "filtered", "code": "content_filter"}, "filtered"),
        (400, {"message": "Bad request", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, "filtered"),
        (400, {"message": "'response_format' of type 'json_schema' is not supported"}, "format"),
        (422, {"message": "extra inputs are not permitted: response_format"}, "format"),
        (400, {"message": "tools are not supported by this model", "param": "tools"}, "format"),
        (400, {"message": "Invalid schema for response_format 'reply'", "param": "response_format"}, "schema"),
        (400, {"message": "messages must not be empty"}, "refused"),
    ],
)
def test_a_status_and_its_error_say_what_to_do(status: int, error: dict[str, Any], kind: str) -> None:
    assert trouble_of(status, {}, {"error": error}, "").kind == kind


@pytest.mark.parametrize(
    ("message", "param", "name"),
    [
        ("Unsupported value: 'temperature' does not support 0.1 with this model.", "temperature", "temperature"),
        (
            "Unsupported parameter: 'max_tokens' is not supported; use 'max_completion_tokens' instead.",
            "",
            "max_tokens",
        ),
        ("Unrecognized request argument supplied: seed", None, "seed"),
    ],
)
def test_a_refused_parameter_is_named(message: str, param: str | None, name: str) -> None:
    trouble = trouble_of(400, {}, {"error": {"message": message, "param": param}}, "")
    assert (trouble.kind, trouble.parameter) == ("parameter", name)


@pytest.mark.parametrize("body", [None, [], "text", {"error": "plain words"}, {"detail": "Not Found"}, {"error": None}])
def test_an_error_body_of_any_shape_is_read(body: object) -> None:
    assert trouble_of(400, {}, body, "raw text").kind == "refused"


def test_backoff_doubles_at_most_and_ends() -> None:
    patience = Patience()
    for tries, most in enumerate((1, 2, 4, 8, 16), start=1):
        waits = [patience.backoff_s(tries) for _ in range(20)]
        assert all(wait is not None and 0 <= wait <= most for wait in waits)
    assert patience.backoff_s(6) is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", "format"),
        ("This response_format type is unavailable now", "format"),
        ("This model does not support response format `json_schema`", "format"),
        (
            "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later",
            "format",
        ),
        ("'response_format.type' must be 'json_schema' or 'text'", "format"),
        ("Failed to parse grammar", "format"),
        ("registry/library/x:latest does not support tools", "format"),
        ("Invalid tool_choice type: 'object'. Supported string values: none, auto, required", "format"),
        ("The provided JSON schema contains features not supported by xgrammar.", "schema"),
        ("additionalProperties is not supported in the schema", "schema"),
        ("Failed to generate JSON. Please adjust your prompt.", "unkept"),
        ("Unsupported value: 'messages[0].role' does not support 'system' with this model.", "parameter"),
        ("litellm: openai does not support parameters: ['response_format'], for model=x", "format"),
        ("Unknown parameter: 'response_format.json_schema.strict'.", "parameter"),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).", "too_long"),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens", "too_long"),
        ("This model's maximum prompt length is 131072 but the request contains 200000 tokens.", "too_long"),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", "too_long"),
        ("max_tokens is too large: 32768. This model supports at most 16384 completion tokens", "parameter"),
        (
            "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'}]",
            "parameter",
        ),
        ("Input validation error: `temperature` must be strictly positive", "parameter"),
        ("Extra inputs are not permitted, field: 'strict'", "parameter"),
        ("Your credit balance is too low to access the API.", "quota"),
        ("Insufficient Balance", "quota"),
        ("Unterminated string", "refused"),
    ],
)
def test_vendors_say_the_same_in_many_words(message: str, kind: str) -> None:
    for body in (
        {"error": {"message": message}},
        [{"error": {"code": 400, "message": message}}],
        {"detail": message},
        message,
    ):
        assert trouble_of(400, {}, body, "").kind == kind


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429, "message": "slow"}}, 429),
        ({"error": {"code": "503"}}, 503),
        ({"error": {"code": "rate_limit_exceeded"}}, 429),
        ({"error": "words"}, 500),
        ({"object": "error", "message": "no", "code": 400}, 400),
        ([{"error": {"code": 401}}], 401),
        ({"error": None, "choices": []}, None),
        ({"choices": []}, None),
        ([], None),
        ("words", None),
    ],
)
def test_an_error_that_came_as_a_success_has_the_status_that_it_states(body: object, status: int | None) -> None:
    assert stated_status(body) == status
