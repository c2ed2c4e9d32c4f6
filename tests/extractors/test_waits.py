from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from time import time

import pytest

from coderai_pipeline.extractors.waits import asked_wait_s, duration_s, until_s


def test_the_wait_is_taken_from_the_finest_header() -> None:
    assert asked_wait_s({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert asked_wait_s({"retry-after": "2"}) == 2.0
    assert asked_wait_s({"retry-after": "1m30s"}) == 90.0
    assert asked_wait_s({"retry-after": formatdate(time() + 3_600, usegmt=True)}) == pytest.approx(3_600, rel=0.3)


@pytest.mark.parametrize("given", ["soon", "", "nan", "-5", "0", "Fri, 99 Foo 2024", formatdate(0, usegmt=True)])
def test_a_wait_of_nothing_or_of_nonsense_says_nothing(given: str) -> None:
    assert asked_wait_s({"retry-after": given}) is None


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("Rate limit reached: Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://x.org/1", 20.0),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 1.242s", 1.242),
        ("Please try again in 120ms.", 0.12),
        ("Please retry after 26 seconds. To increase your quota", 26.0),
        ("Please wait 2 minutes before trying again", 120.0),
        ('"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]', 34.5),
        ('{"retry_after": 3}', 3.0),
        ("Too many requests for model x-7b", None),
        ("Limit 600 a minute reached", None),
    ],
)
def test_the_wait_may_stand_in_the_words_of_the_message(message: str, wait_s: float | None) -> None:
    assert asked_wait_s({}, message) == wait_s
    assert asked_wait_s({}, "", message) == wait_s


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.5s"}, 1.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "{milliseconds:.0f}"}, 3_600.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "{seconds:.0f}"}, 3_600.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "{moment}",
            },
            3_600.0,
        ),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1.5s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "never"}, None),
    ],
)
def test_what_is_used_up_is_waited_for(headers: dict[str, str], wait_s: float | None) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)  # from when the test runs, which may be long after it was collected
    moments = {"seconds": later.timestamp(), "milliseconds": later.timestamp() * 1000, "moment": later.isoformat()}
    found = asked_wait_s({name: value.format(**moments) for name, value in headers.items()})
    assert found == (None if wait_s is None else pytest.approx(wait_s, rel=0.3))


def test_durations_are_read_as_servers_write_them() -> None:
    assert duration_s("6m0s") == 360
    assert duration_s("120ms") == pytest.approx(0.12)
    assert duration_s("1h2m3.5s") == 3723.5
    assert duration_s("20") == 20
    assert duration_s("later") is None
    assert until_s("later") is None
