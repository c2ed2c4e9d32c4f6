from email.utils import formatdate
from time import time

import pytest

from coderai_pipeline.extractors.retrying import Patience, duration_s, retry_after_s, trouble_of


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
        (403, {"message": "not for you"}, "refused"),
        (404, {"message": "The model `x` does not exist", "code": "model_not_found"}, "refused"),
        (404, {"message": "Not Found"}, "protocol"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, "too_long"),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "too_long"),
        (400, {"message": "the request exceeds the available context size"}, "too_long"),
        (413, {"message": "payload too large"}, "too_long"),
        (400, {"message": "filtered", "code": "content_filter"}, "filtered"),
        (400, {"message": "'response_format' of type 'json_schema' is not supported"}, "format"),
        (422, {"message": "extra inputs are not permitted: response_format"}, "format"),
        (400, {"message": "tools are not supported by this model", "param": "tools"}, "format"),
        (400, {"message": "Invalid schema for response_format 'reply'", "param": "response_format"}, "schema"),
        (400, {"message": "messages must not be empty"}, "refused"),
    ],
)
def test_a_status_and_its_error_say_what_to_do(status: int, error: dict[str, str], kind: str) -> None:
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


def test_the_wait_is_taken_from_the_finest_header() -> None:
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert retry_after_s({"retry-after": "2"}) == 2.0
    in_five_seconds = retry_after_s({"retry-after": formatdate(time() + 5, usegmt=True)})
    assert in_five_seconds is not None
    assert 3 < in_five_seconds <= 5
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({}) is None


def test_durations_are_read_as_servers_write_them() -> None:
    assert duration_s("6m0s") == 360
    assert duration_s("120ms") == pytest.approx(0.12)
    assert duration_s("1h2m3.5s") == 3723.5
    assert duration_s("20") == 20
    assert duration_s("later") is None


def test_backoff_doubles_at_most_and_ends() -> None:
    patience = Patience()
    for tries, most in enumerate((1, 2, 4, 8, 16), start=1):
        waits = [patience.backoff_s(tries) for _ in range(20)]
        assert all(wait is not None and 0 <= wait <= most for wait in waits)
    assert patience.backoff_s(6) is None
