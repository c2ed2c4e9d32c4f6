"""Chance-corrected agreement and its intervals: Cohen's kappa, Krippendorff's alpha, and a bootstrap over documents.

Everything takes weights with a row a resample, so that an interval costs one matrix product; which cells are compared is
decided in `quality`.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.agreement import wilson_interval

Scale: TypeAlias = Literal["nominal", "ordinal", "interval"]
Numbers: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Numbers], Numbers]
"""Weights (resamples x units) -> the statistic of each resample, NaN where it is not defined."""

RESAMPLES = 1_000
_FEWEST_RESAMPLES = 200
_MOST_NUMBERS = 2_000_000
"""Weights held at once."""
_MOST_WORK = 2_000_000_000
"""Multiplications that an interval may take before there are fewer resamples."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic and its 95 % interval; None where it is not defined for so little, or so uniform, data."""

    value: float | None
    low: float | None = None
    high: float | None = None


def share(hits: Sequence[bool], weights: Numbers | None = None) -> Estimate:
    """A proportion with Wilson's interval. With weights 1/pi it is the Hajek estimator, the ratio of two Horvitz-Thompson
    totals (Hajek 1971), and the interval rests on Kish's effective number, (sum w)^2 / sum w^2 (Kish 1965)."""
    if not len(hits):
        return Estimate(None)
    right = np.asarray(hits, dtype=float)
    weighing = np.ones(len(right)) if weights is None else weights
    effective = float(weighing.sum() ** 2 / (weighing**2).sum())
    value = float((right * weighing).sum() / weighing.sum())
    low, high = wilson_interval(value * effective, effective)
    return Estimate(value, low, high)


def share_of_all(hits: int, total: int) -> Estimate:
    """A plain proportion with Wilson's interval."""
    return Estimate(hits / total, *wilson_interval(hits, total)) if total else Estimate(None)


def estimate(
    statistic: Statistic, documents: Sequence[str], weights: Numbers, *, seed: int = 0, width: int = 1
) -> Estimate:
    """The statistic with a percentile bootstrap interval (Efron and Tibshirani 1993, ch. 13). Whole documents are drawn,
    since cells of one document are not independent. No interval where every draw gives the same. width: multiplications for each unit of a resample."""
    value = _finite(statistic(weights[None, :])[0])
    of_document = np.unique(np.asarray(documents), return_inverse=True)[1]
    there_are = int(of_document.max(initial=-1)) + 1
    if value is None or there_are < 2:
        return Estimate(value)
    draws = max(_FEWEST_RESAMPLES, min(RESAMPLES, _MOST_WORK // max(1, len(weights) * width)))
    at_once = max(1, _MOST_NUMBERS // len(weights))
    random = np.random.default_rng(seed)
    found: list[Numbers] = []
    for first in range(0, draws, at_once):
        size = min(at_once, draws - first)
        times = random.multinomial(there_are, np.full(there_are, 1 / there_are), size=size)
        found.append(statistic(times[:, of_document] * weights))
    drawn = np.concatenate(found)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < draws / 2:
        return Estimate(value)
    low, high = np.percentile(drawn, [2.5, 97.5])
    # Cells that are all alike give draws that are all alike, which is no sign of certainty.
    return Estimate(value, float(low), float(high)) if high > low else Estimate(value)


def cohens_kappa(
    first: Sequence[int], second: Sequence[int], categories: int, *, is_ordinal: bool = False
) -> Statistic:
    """Cohen's kappa of two raters (Cohen 1960); of ordered categories weighted by the squared distance (Cohen 1968).

    1 - observed / expected disagreement, the latter from each rater's own margins.
    """
    distance = _distances(categories) if is_ordinal else 1 - np.eye(categories)
    one, other = _one_hot(first, categories), _one_hot(second, categories)
    observed = distance[list(first), list(second)] if len(first) else np.zeros(0)

    def kappa(weights: Numbers) -> Numbers:
        total = weights.sum(axis=1)
        expected = np.einsum("bc,cd,bd->b", weights @ one, distance, weights @ other)
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - (weights @ observed) * total / expected

    return kappa


def krippendorffs_alpha(ratings: Sequence[Sequence[float]], scale: Scale) -> Statistic:
    """Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"): 1 - observed / expected
    disagreement of the values paired within units. ratings: the values of each unit, in any order, at least two each;
    of nominal data numbers stand for names. A weight counts a unit that many times."""
    if scale == "interval":
        return _alpha_of_numbers(ratings)
    return _nominal_alpha(ratings) if scale == "nominal" else _ordinal_alpha(ratings)


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p of McNemar's test (McNemar 1947, in the binomial form): how likely so uneven a split of the
    cells on which two readers differ is, if both were equally good. 1 where they differ nowhere."""
    differing = gained + lost
    tail = sum(math.comb(differing, k) for k in range(min(gained, lost) + 1)) / 2**differing
    return min(1.0, 2 * tail)


def _nominal_alpha(ratings: Sequence[Sequence[float]]) -> Statistic:
    """Values that only one unit has need no column of their own: texts are nearly all different."""
    held = [Counter(unit) for unit in ratings]
    units_with = Counter(value for unit in held for value in unit)
    shared = _counts(held, [value for value, units in units_with.items() if units > 1])
    own = np.array([sum(n**2 for value, n in unit.items() if units_with[value] == 1) for unit in held], dtype=float)
    raters = np.array([unit.total() for unit in held], dtype=float)
    within = (raters**2 - (shared**2).sum(axis=1) - own) / (raters - 1)

    def alpha(weights: Numbers) -> Numbers:
        total = weights @ raters
        alike = ((weights @ shared) ** 2).sum(axis=1) + weights**2 @ own
        return _one_minus(weights @ within, total**2 - alike, total)

    return alpha


def _ordinal_alpha(ratings: Sequence[Sequence[float]]) -> Statistic:
    """The distance of two ranks is the number of values between them, the two themselves counting by half, squared."""
    counts = _counts([Counter(unit) for unit in ratings], sorted({value for unit in ratings for value in unit}))
    raters = counts.sum(axis=1)
    pairs = np.einsum("uc,uk->uck", counts, counts) - np.einsum("uc,ck->uck", counts, np.eye(counts.shape[1]))
    coincidences = (pairs / (raters - 1)[:, None, None]).reshape(len(counts), -1)

    def alpha(weights: Numbers) -> Numbers:
        margins = weights @ counts
        middles = np.cumsum(margins, axis=1) - margins / 2
        squared = (middles[:, :, None] - middles[:, None, :]) ** 2
        observed = ((weights @ coincidences).reshape(squared.shape) * squared).sum(axis=(1, 2))
        expected = np.einsum("bc,bck,bk->b", margins, squared, margins)
        return _one_minus(observed, expected, margins.sum(axis=1))

    return alpha


def _alpha_of_numbers(ratings: Sequence[Sequence[float]]) -> Statistic:
    """With squared differences the sums over pairs are sums of moments: sum (a-b)^2 = 2 n sum a^2 - 2 (sum a)^2."""
    flat = [value for unit in ratings for value in unit]
    centre = float(np.mean(flat)) if flat else 0.0
    centred = [np.asarray(unit, dtype=float) - centre for unit in ratings]
    raters = np.array([len(unit) for unit in centred], dtype=float)
    sums = np.array([unit.sum() for unit in centred])
    squares = np.array([(unit**2).sum() for unit in centred])
    within = 2 * (raters * squares - sums**2) / (raters - 1)

    def alpha(weights: Numbers) -> Numbers:
        total = weights @ raters
        expected = 2 * (total * (weights @ squares) - (weights @ sums) ** 2)
        return _one_minus(weights @ within, np.where(expected > 1e-12, expected, 0.0), total)

    return alpha


def _one_minus(observed: Numbers, expected: Numbers, total: Numbers) -> Numbers:
    """alpha = 1 - (observed / n) / (expected / (n (n - 1)))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - observed * (total - 1) / expected


def _counts(units: Sequence[Mapping[float, int]], values: Sequence[float]) -> Numbers:
    """How often each unit has each value; the others are left out."""
    places = {value: place for place, value in enumerate(values)}
    table = np.zeros((len(units), len(values)))
    for row, unit in enumerate(units):
        for value, times in unit.items():
            if value in places:
                table[row, places[value]] = times
    return table


def _distances(categories: int) -> Numbers:
    ranks = np.arange(categories)
    return ((ranks[:, None] - ranks[None, :]) / max(1, categories - 1)) ** 2


def _one_hot(labels: Sequence[int], categories: int) -> Numbers:
    table = np.zeros((len(labels), categories))
    table[np.arange(len(labels)), list(labels)] = 1
    return table


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
