"""Rates learned from refusals, against simulated limits in simulated time."""

from collections.abc import Callable

from coderai_pipeline.extractors.rates import Rate

START = 1_000_000.0
"""Any time: schedules begin at zero."""


def asked(seconds: float, configured: float, is_taken: Callable[[float], bool]) -> tuple[Rate, list[bool]]:
    """Sends as fast as the rate allows, and after each refusal not for 0.2 s; whether each request was taken."""
    rate, now, outcomes = Rate(), START, list[bool]()
    while now < START + seconds:
        rate = rate.after_sending(1, now)
        outcomes.append(is_taken(now))
        if not outcomes[-1]:
            rate = rate.after_refusal(configured, now, now - 0.001)
            now += 0.2
        now += 60 / rate.allowed(configured, now)
    return rate, outcomes


def bucket(per_second: float, burst: float) -> Callable[[float], bool]:
    left, last = burst, START

    def is_taken(now: float) -> bool:
        nonlocal left, last
        left, last = min(burst, left + (now - last) * per_second), now
        left -= (taken := left >= 1)
        return taken

    return is_taken


def test_what_the_server_says_counts_where_it_is_less_than_configured() -> None:
    assert Rate().allowed(600, START) == 600
    assert Rate().after_statement(300, START).allowed(600, START) == 300
    assert Rate().after_statement(9_000, START).allowed(600, START) == 600


def test_a_limit_that_is_never_stated_is_found_and_kept_to() -> None:
    _, outcomes = asked(120, 60_000, bucket(10, 10))
    assert sum(outcomes) >= 0.95 * 120 * 10
    settled = outcomes[len(outcomes) // 2 :]
    assert settled.count(False) <= 0.01 * len(settled)


def test_a_limit_that_is_as_configured_is_used_whole() -> None:
    _, outcomes = asked(60, 600, bucket(10, 10))
    assert outcomes.count(False) <= 0.01 * len(outcomes)
    assert sum(outcomes) >= 0.97 * 60 * 10


def test_a_storm_of_refusals_is_forgotten_within_a_minute() -> None:
    rate, _ = asked(10, 6_000, lambda now: False)
    assert rate.allowed(6_000, START + 10) < 600
    assert rate.allowed(6_000, START + 75) == 6_000


def test_a_request_sent_before_the_limit_was_known_says_nothing_of_it() -> None:
    rate = Rate().after_sending(32, START).after_statement(600, START + 0.5)
    assert rate.after_refusal(60_000, START + 0.6, START) == rate


def test_time_without_requests_teaches_nothing() -> None:
    rate, _ = asked(60, 60_000, bucket(10, 10))
    later = rate.after_sending(1, START + 1_060, idle_s=1_000)
    assert later.allowed(60_000, START + 1_060) < 2 * 600


def test_a_clock_that_was_set_back_holds_nobody_up() -> None:
    rate, _ = asked(60, 60_000, bucket(10, 10))
    assert rate.allowed(60_000, START - 100_000) == 60_000
