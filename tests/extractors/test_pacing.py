import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from coderai_pipeline.extractors.concurrency import Concurrency, Latencies
from coderai_pipeline.extractors.pacing import Pace


def sent_within(pace: Pace, seconds: float, tokens: int = 1) -> int:
    until = time.monotonic() + seconds
    sent = 0
    while pace.wait_for_turn(tokens) and time.monotonic() < until:
        sent += 1
    return sent


def test_requests_reach_the_allowed_rate_and_not_more(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 6_000, 10**9)
    assert 95 <= sent_within(pace, 1.0) <= 100 * 1.8 + 1


def test_tokens_are_paced_as_well(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 10**6, 600_000)
    assert 9 <= sent_within(pace, 1.0, tokens=1_000) <= 19


def test_what_a_call_really_took_corrects_the_pace(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 10**6, 60_000)
    pace.wait_for_turn(5_000)
    pace.used(5_000, 0)
    started = time.monotonic()
    pace.wait_for_turn(1)
    assert time.monotonic() - started < 4  # of the 5 s that they stood for


def test_a_429_holds_everybody_back_as_long_as_the_server_asks(tmp_path: Path) -> None:
    first, second = Pace(tmp_path / "pace", 10**6, 10**9), Pace(tmp_path / "pace", 10**6, 10**9)
    first.limited(0.3)
    started = time.monotonic()
    second.wait_for_turn(1)
    assert time.monotonic() - started > 0.25


def test_a_lower_limit_of_the_server_counts(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 10**6, 10**9)
    pace.told({"x-ratelimit-limit-requests": "1200"})
    assert sent_within(pace, 1.0) <= 20 * 1.8 + 1


def test_a_limit_counts_for_the_span_after_which_it_is_there_again(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 6_000, 10**9)
    told = {"x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0"}
    pace.told({**told, "x-ratelimit-reset-requests": "50ms"})
    pace.told({**told, "x-ratelimit-reset-requests": "1ms"})  # the rest of the span: that says nothing of the limit
    assert 10 <= sent_within(pace, 1.0) <= 20 * 1.8 + 1


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (1_200, ((1_199, "50ms"), (1_190, "500ms"), (600, "30s"))),  # one by one
        # A bucket of ten, filled twenty times a second: hardly anything of the limit is ever left, and all of it soon back.
        (1_200, ((9, "50ms"), (4, "300ms"), (1, "450ms"))),
        (1_200, ((1_199, "60s"), (700, "20s"), (699, "200ms"))),  # all at once, at the end of each minute
    ],
)
def test_a_limit_a_minute_stays_one(tmp_path: Path, limit: int, told: tuple[tuple[int, str], ...]) -> None:
    pace = Pace(tmp_path / "pace", 10**6, 10**9)
    for left, reset in told:
        pace.told(
            {
                "x-ratelimit-limit-requests": str(limit),
                "x-ratelimit-remaining-requests": str(left),
                "x-ratelimit-reset-requests": reset,
            }
        )
    assert sent_within(pace, 1.0) <= limit / 60 * 1.8 + 1


def test_a_higher_limit_of_the_server_does_not(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 1_200, 10**9)
    pace.told({"x-ratelimit-limit-requests": "100000"})
    assert sent_within(pace, 1.0) <= 20 * 1.8 + 1


def test_headers_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 10**6, 10**9)
    pace.told({"x-ratelimit-limit-requests": "many", "x-ratelimit-reset-tokens": "soon"})
    assert pace.wait_for_turn(1)


def test_a_stopped_pace_lets_nobody_wait(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace", 1, 10**9)
    pace.wait_for_turn(1)
    threading.Timer(0.1, pace.stop).start()
    started = time.monotonic()
    assert not pace.wait_for_turn(1)
    assert time.monotonic() - started < 30  # of a minute


def test_a_file_of_another_kind_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "pace").write_bytes(b"something else altogether, longer than a schedule would be......")
    assert sent_within(Pace(tmp_path / "pace", 6_000, 10**9), 0.2) > 10


def _count_sent(file: Path, threads: int, counts: "multiprocessing.SimpleQueue[int]") -> None:
    pace = Pace(file, 6_000, 10**9)
    mine: list[int] = []
    workers = [threading.Thread(target=lambda: mine.append(sent_within(pace, 1.5))) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts.put(sum(mine))


def test_two_projects_share_a_key_fairly_however_many_calls_each_has(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    counts = context.SimpleQueue()
    arguments = [(tmp_path / "pace", threads, counts) for threads in (2, 24)]
    processes = [context.Process(target=_count_sent, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = sorted([counts.get(), counts.get()])
    assert 135 <= sum(found) <= 240
    assert found[0] >= 0.35 * sum(found)


def test_concurrency_goes_down_on_trouble_and_up_again() -> None:
    concurrency = Concurrency(20)
    assert concurrency.limit == 20
    concurrency.troubled()
    concurrency.troubled()
    assert concurrency.limit == 14
    for _ in range(200):
        concurrency.answered(0.1)
    assert concurrency.limit == 20


def test_concurrency_goes_down_when_the_server_slows_down_but_not_for_a_slow_reply() -> None:
    concurrency = Concurrency(32)
    for number in range(320):
        concurrency.answered(1.5 if number % 10 == 0 else 0.1)
    assert concurrency.limit == 32
    for _ in range(64):
        concurrency.answered(2.0)
    assert concurrency.limit < 32


def test_a_call_hangs_when_it_takes_far_longer_than_others_and_each_time_it_gets_longer() -> None:
    latencies = Latencies(timeout_s=120, floor_s=1.0)
    assert latencies.hanging_s(0) == 120
    for _ in range(50):
        latencies.answered(0.5)
    assert latencies.hanging_s(0) == 2.0
    assert latencies.hanging_s(1) == 4.0
    assert latencies.hanging_s(9) == 120
