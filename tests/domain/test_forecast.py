from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.forecast import NOTHING, Experience, Kind, Pace, Stratum, totals

KIND = Kind("row", ("total", "city"), "m", answers=2.0, schema_tokens=0, prices=(2.0, 1.0, 8.0))
PACE = Pace(requests_per_minute=600, tokens_per_minute=1_000_000, in_flight=32)
CERTAIN = Experience(
    completions={("row", ("total", "city")): [50] * 400},
    counted=[100] * 50,
    billed=[100] * 50,
    again=(0, 10**7),
    seconds=[1.0] * 50,
)


def stratum(documents: int, prompts: list[float] | np.ndarray, more: float = 0.0) -> Stratum:
    prompt = np.asarray(prompts, float)[:, None]
    one = np.ones_like(prompt)
    return Stratum(documents, one, prompt, one * more, prompt * more)


def test_nothing_to_do_takes_nothing() -> None:
    assert totals([], [KIND], CERTAIN, PACE).tokens == NOTHING


def test_documents_that_were_all_measured_leave_nothing_uncertain() -> None:
    found = totals([stratum(3, [100, 200, 300])], [KIND], CERTAIN, PACE)
    assert found.calls.expected == pytest.approx(3, rel=1e-4)
    assert found.prompt_tokens.low == pytest.approx(600, rel=1e-4)
    assert found.prompt_tokens.high == pytest.approx(600, rel=1e-4)
    assert found.completion_tokens.expected == pytest.approx(150, rel=1e-3)
    assert found.cost is not None
    assert found.cost.expected == pytest.approx((600 * 2 + 150 * 8) / 1e6, rel=1e-3)


def test_cached_prompt_tokens_cost_what_the_table_says() -> None:
    found = totals([stratum(1, [1000])], [KIND], replace(CERTAIN, cached_share=0.5), PACE)
    assert found.cost is not None
    assert found.cost.expected == pytest.approx((500 * 2 + 500 * 1 + 50 * 8) / 1e6, rel=1e-3)


def test_a_model_without_a_price_gives_no_cost() -> None:
    assert totals([stratum(1, [100])], [replace(KIND, prices=None)], CERTAIN, PACE).cost is None


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        corpus = np.exp(6 + 0.8 * chance.standard_normal(2000))
        found = totals([stratum(2000, chance.choice(corpus, 200, replace=False))], [KIND], CERTAIN, PACE)
        held += found.prompt_tokens.low <= corpus.sum() <= found.prompt_tokens.high
    assert 86 <= held <= 100


def test_the_interval_of_replies_holds_the_sum_of_those_to_come() -> None:
    chance = np.random.default_rng(8)
    held = 0
    for _ in range(100):
        seen, coming = np.exp(4 + 0.6 * chance.standard_normal((2, 60)))
        learned = replace(CERTAIN, completions={("row", ("total", "city")): [round(one) for one in seen]})
        found = totals([stratum(60, [100] * 60)], [KIND], learned, PACE)
        held += found.completion_tokens.low <= coming.sum() <= found.completion_tokens.high
    assert 86 <= held <= 100


def test_before_any_sample_the_interval_is_wide_and_says_so() -> None:
    blind = totals([stratum(50, [100] * 50)], [KIND], Experience(), PACE)
    learned = totals([stratum(50, [100] * 50)], [KIND], CERTAIN, PACE)
    width = blind.completion_tokens.high / blind.completion_tokens.low
    assert width > 4 > learned.completion_tokens.high / learned.completion_tokens.low
    assert blind.completion_tokens.low < 50 * 2 * 30 < blind.completion_tokens.high


def test_what_a_server_counts_of_the_schema_is_not_known_before_a_sample() -> None:
    found = totals([stratum(10, [100] * 10)], [replace(KIND, schema_tokens=60)], Experience(), PACE)
    assert found.prompt_tokens.low < 500
    assert found.prompt_tokens.high > 950


def test_another_set_of_variables_learns_from_the_tokens_of_a_variable() -> None:
    wide = replace(KIND, variables=("a", "b", "c", "d"))
    found = totals([stratum(10, [100] * 10)], [wide], CERTAIN, PACE)
    assert found.completion_tokens.expected == pytest.approx(10 * 4 * 25, rel=0.01)


def test_calls_that_hang_on_answers_lie_between_none_and_all() -> None:
    found = totals([stratum(100, [100] * 100, more=1.0)], [KIND], CERTAIN, PACE)
    assert 95 < found.calls.low < 110
    assert 190 < found.calls.high < 205
    seen = totals([stratum(100, [100] * 100, more=1.0)], [KIND], replace(CERTAIN, more=(300.0, 700.0)), PACE)
    assert 126 < seen.calls.low < 130 < seen.calls.high < 134


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        (Pace(60, 10**9, 1000), 100.0),
        (Pace(10**6, 15_000, 1000), 60.0),
        (Pace(10**6, 10**9, 10), 10.0),
    ],
)
def test_the_time_is_that_of_the_tightest_limit(pace: Pace, seconds: float) -> None:
    found = totals([stratum(100, [100] * 100)], [KIND], CERTAIN, pace)
    assert found.seconds.expected == pytest.approx(seconds, rel=0.01)


@settings(max_examples=25, deadline=None)
@given(
    prompts=st.lists(st.floats(1, 1e5), min_size=1, max_size=20),
    unmeasured=st.integers(0, 1000),
    replies=st.lists(st.integers(0, 5000), max_size=30),
    again=st.tuples(st.integers(0, 20), st.integers(0, 100)),
)
def test_every_interval_holds_its_expectation_and_is_never_negative(
    prompts: list[float], unmeasured: int, replies: list[int], again: tuple[int, int]
) -> None:
    experience = Experience(completions={("row", ("total", "city")): replies}, again=again)
    documents = stratum(len(prompts) + unmeasured, prompts)
    found = totals([documents], [KIND], experience, PACE)
    assert found == totals([documents], [KIND], experience, PACE)
    assert found.cost is not None
    for figure in (found.calls, found.prompt_tokens, found.completion_tokens, found.tokens, found.cost, found.seconds):
        assert 0 <= figure.low * 0.999 <= figure.expected <= figure.high * 1.001 + 1e-9
