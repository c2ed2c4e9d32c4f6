"""Agreement statistics give the values that are published for known data, and their intervals behave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.reliability import (
    Scale,
    cohens_kappa,
    estimate,
    krippendorffs_alpha,
    mcnemar,
    share,
)

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", data of section C (four observers, missing values).
FOUR_OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
UNITS = [
    values
    for unit in zip(*FOUR_OBSERVERS, strict=True)
    if len(values := [float(value) for value in unit if value is not None]) > 1
]


def once(units: object) -> np.ndarray:
    return np.ones((1, len(units)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(scale: Scale, published: float) -> None:
    assert krippendorffs_alpha(UNITS, scale)(once(UNITS))[0] == pytest.approx(published, abs=5e-4)


def test_alpha_of_two_observers_as_published() -> None:
    # Section B of the same paper: 12 units, five categories, 0.692; section A: ten binary units, 0.095.
    pairs = [[float(ord(one)), float(ord(other))] for one, other in zip("aabbdcccedda", "babbbccceddd", strict=True)]
    assert krippendorffs_alpha(pairs, "nominal")(once(pairs))[0] == pytest.approx(0.692, abs=5e-4)
    binary = [[float(one), float(other)] for one, other in zip("0100000010", "1110010000", strict=True)]
    assert krippendorffs_alpha(binary, "nominal")(once(binary))[0] == pytest.approx(0.095, abs=5e-4)


def test_kappa_of_the_textbook_table() -> None:
    # 50 applications judged by two readers: both yes 20, both no 15, otherwise 5 and 10; observed 0.7, by chance 0.5.
    judged = [(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 15
    kappa = cohens_kappa([one for one, _ in judged], [other for _, other in judged], 2)
    assert kappa(once(judged))[0] == pytest.approx(0.4)
    found = estimate(kappa, [str(number) for number in range(50)], np.ones(50))
    assert found.low is not None
    assert found.high is not None
    assert 0.1 < found.low < 0.4 < found.high < 0.7


def test_weighted_kappa_forgives_neighbours_and_equals_the_plain_one_for_two_categories() -> None:
    near, far = (
        cohens_kappa([0, 1, 2, 0], [0, 1, 2, 1], 3, is_ordinal=True),
        cohens_kappa([0, 1, 2, 0], [0, 1, 2, 2], 3, is_ordinal=True),
    )
    assert near(np.ones((1, 4)))[0] > far(np.ones((1, 4)))[0]
    plain, weighted = (cohens_kappa([0, 1, 1, 0], [0, 1, 0, 0], 2, is_ordinal=how) for how in (False, True))
    assert plain(np.ones((1, 4)))[0] == pytest.approx(weighted(np.ones((1, 4)))[0])


@settings(max_examples=15)
@given(
    st.lists(st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0]), min_size=2, max_size=4), min_size=2, max_size=8),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_a_weight_counts_a_unit_that_many_times(units: list[list[float]], scale: Scale) -> None:
    weights = np.arange(1.0, len(units) + 1)
    repeated = [unit for unit, times in zip(units, weights, strict=True) for _ in range(int(times))]
    weighted = krippendorffs_alpha(units, scale)(weights[None, :])[0]
    spelled_out = krippendorffs_alpha(repeated, scale)(once(repeated))[0]
    assert weighted == pytest.approx(spelled_out, nan_ok=True)


def test_data_without_variation_have_no_alpha_and_no_kappa_rather_than_a_perfect_one() -> None:
    alike = [[1.0, 1.0]] * 5
    for scale in ("nominal", "ordinal", "interval"):
        assert estimate(krippendorffs_alpha(alike, scale), list("abcde"), np.ones(5)).value is None
    assert estimate(cohens_kappa([0] * 5, [0] * 5, 1), list("abcde"), np.ones(5)).value is None


def test_shares_by_wilson_and_weighted_by_hajek() -> None:
    # Newcombe (1998), table I: 81 of 263, 0.2553 to 0.3662.
    found = share([True] * 81 + [False] * 182)
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    weighted = share([True, False], np.array([3.0, 1.0]))
    assert weighted.value == 0.75
    assert share([]).value is None


def test_one_document_gives_no_interval() -> None:
    found = estimate(lambda weights: weights.mean(axis=1), ["a", "a", "a"], np.ones(3))
    assert (found.value, found.low) == (1.0, None)


def test_mcnemar_is_the_exact_binomial_test() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(6, 0) == pytest.approx(2 / 64)
    assert mcnemar(5, 5) == 1
