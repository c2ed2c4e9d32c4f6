import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from coderai_pipeline.domain.errors import BudgetExhausted, InvalidInput
from coderai_pipeline.extractors.budget import TokenBudget, estimate
from tests.extractors.calls import answer, provider_for, request
from tests.server_moods import Moods
from tests.servers import ModelServer


def test_what_is_reserved_and_spent_never_exceeds_the_limit(tmp_path: Path) -> None:
    budget = TokenBudget(tmp_path / "b.json", 100)
    assert budget.reserve(60) == 40
    assert budget.reserve(60) is None
    budget.settle(60, 30)
    assert budget.reserve(60) == 10
    budget.settle(60, 60)
    with pytest.raises(BudgetExhausted, match=r"limits\.tokens"):
        budget.reserve(60)
    assert budget.spent() == 90


def test_a_released_reservation_is_free_again(tmp_path: Path) -> None:
    budget = TokenBudget(tmp_path / "b.json", 100)
    budget.reserve(100)
    budget.release(100)
    assert budget.reserve(100) == 0


def test_the_account_is_kept_between_runs(tmp_path: Path) -> None:
    first = TokenBudget(tmp_path / "b.json", 100)
    first.reserve(50)
    first.settle(50, 40)
    assert TokenBudget(tmp_path / "b.json", 100).left() == 60


def test_threads_and_budgets_of_one_file_never_overrun_it_together(tmp_path: Path) -> None:
    budgets = [TokenBudget(tmp_path / "b.json", 1_000) for _ in range(2)]

    def spend(budget: TokenBudget) -> None:
        for _ in range(100):
            try:
                if budget.reserve(7) is not None:
                    budget.settle(7, 7)
            except BudgetExhausted:
                return

    threads = [threading.Thread(target=spend, args=(budgets[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 990 < budgets[0].spent() <= 1_000
    assert budgets[0].reserved() == 0


def _reserve_and_wait(file: Path, ready: Connection) -> None:
    TokenBudget(file, 100).reserve(90)
    ready.send(True)
    signal.pause()


def test_what_a_killed_process_had_reserved_is_free_again(tmp_path: Path) -> None:
    mine, theirs = multiprocessing.Pipe()
    arguments = (tmp_path / "b.json", theirs)
    process = multiprocessing.get_context("fork").Process(target=_reserve_and_wait, args=arguments)
    process.start()
    mine.recv()
    budget = TokenBudget(tmp_path / "b.json", 100)
    assert budget.reserve(50) is None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert budget.reserve(50) == 50


def test_a_damaged_account_stops_instead_of_counting_as_nothing_spent(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"b\.json"):
        TokenBudget(tmp_path / "b.json", 100).reserve(1)


def test_an_estimate_follows_the_cap_where_there_is_one() -> None:
    assert estimate(request(1, max_output_tokens=77)).completion == 77
    assert estimate(request(1)).completion > 100
    assert estimate(request(1)).prompt > 40


@pytest.mark.parametrize("thoughts", [0, 2_000, 10_000])
@pytest.mark.parametrize("limit", [5_000, 20_000, 100_000])
@pytest.mark.parametrize("obeys", [True, False])
def test_calls_that_take_more_than_expected_overrun_no_budget(
    tmp_path: Path, thoughts: int, limit: int, obeys: bool
) -> None:
    refused = () if obeys else ("max_tokens", "max_completion_tokens")
    moods = Moods(latency_s=0.02, thoughts=thoughts, refused_parameters=refused)
    limits = {"tokens": limit, "in_flight": 32}
    with ModelServer(answer, moods) as server, provider_for(server, tmp_path, limits=limits, api="chat") as provider:
        asked = [provider.submit(request(number)) for number in range(200)]
        replies = [one.result(60) for one in asked if one.exception(60) is None]
        assert len(replies) == server.counts()["answered"]
    spent = sum(reply.input_tokens + reply.output_tokens for reply in replies)
    assert spent == TokenBudget(tmp_path / "p" / "budget.json", limit).spent()
    assert spent <= limit or len(replies) == 1
