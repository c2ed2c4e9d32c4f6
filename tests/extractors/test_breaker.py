import time

from coderai_pipeline.extractors.breaker import Breaker


def opened() -> Breaker:
    breaker = Breaker(open_s=0.05)
    for _ in range(5):
        assert breaker.wait_s() == 0
        breaker.failed()
    return breaker


def test_it_opens_after_five_failures_in_a_row() -> None:
    breaker = Breaker(open_s=1)
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.state == "closed"
    breaker.failed()
    assert breaker.state == "open"
    assert 0 < breaker.wait_s() <= 1


def test_half_open_it_lets_one_call_through_at_a_time() -> None:
    breaker = opened()
    time.sleep(0.06)
    assert breaker.wait_s() == 0
    assert breaker.state == "half_open"
    assert breaker.wait_s() > 0


def test_it_closes_after_three_successes() -> None:
    breaker = opened()
    time.sleep(0.06)
    for expected in ("half_open", "half_open", "closed"):
        assert breaker.wait_s() == 0
        breaker.succeeded()
        assert breaker.state == expected


def test_a_failed_probe_opens_it_again() -> None:
    breaker = opened()
    time.sleep(0.06)
    assert breaker.wait_s() == 0
    breaker.failed()
    assert breaker.state == "open"


def test_a_call_that_was_not_sent_after_all_gives_its_probe_back() -> None:
    breaker = opened()
    time.sleep(0.06)
    assert breaker.wait_s() == 0
    breaker.passed()
    assert breaker.wait_s() == 0


def test_an_outage_is_counted_from_the_first_failure() -> None:
    breaker = opened()
    time.sleep(0.05)
    assert breaker.outage_s() >= 0.05
