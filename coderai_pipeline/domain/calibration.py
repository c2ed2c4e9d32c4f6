"""Whether a confidence of 0.9 is right nine times in ten: reliability table, expected calibration error, Brier score."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from coderai_pipeline.domain.reliability import Estimate, Numbers, estimate, share

BINS = 10
"""Of equal width."""


def calibration(
    confidences: Sequence[float], right: Sequence[bool], documents: Sequence[str], weights: Numbers, seed: int
) -> Iterator[tuple[str, str, Estimate, int]]:
    """(measure, range of confidence, estimate, n): the two scores, then for each range in use its mean confidence and the
    share of right cells in it. Nothing where no cell has a confidence."""
    if not confidences:
        return
    stated, hits = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    members = (bins[:, None] == np.arange(BINS)[None, :]).astype(float)
    found = estimate(partial(_brier, stated, hits), documents, weights, seed=seed)
    yield "brier_score", "", found, len(stated)
    found = estimate(partial(_expected_error, stated, hits, members), documents, weights, seed=seed, width=BINS)
    yield "expected_calibration_error", "", found, len(stated)
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            name = f"{number / BINS:.1f}-{(number + 1) / BINS:.1f}"
            mean = float((stated[inside] * weights[inside]).sum() / weights[inside].sum())
            yield "mean_confidence", name, Estimate(mean), int(inside.sum())
            yield "accuracy_at_confidence", name, share(list(hits[inside] > 0), weights[inside]), int(inside.sum())


def _brier(stated: Numbers, hits: Numbers, weights: Numbers) -> Numbers:
    """Mean squared distance of confidence and outcome (Brier 1950)."""
    return (weights @ (stated - hits) ** 2) / weights.sum(axis=1)


def _expected_error(stated: Numbers, hits: Numbers, members: Numbers, weights: Numbers) -> Numbers:
    """Sum over bins of share x |mean confidence - accuracy| (Naeini, Cooper and Hauskrecht 2015)."""
    gaps = np.abs(weights @ (members * (stated - hits)[:, None]))
    return gaps.sum(axis=1) / weights.sum(axis=1)
