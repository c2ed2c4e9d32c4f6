"""How good the cells of a variable are: measures with intervals, from cells whose true value is known and from all cells.

Each measure says on how many cells it rests and which. Agreement statistics are in `reliability`, verdicts in `judgements`,
calibration of confidence in `calibration`, thresholds in `thresholds`.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from coderai_pipeline.domain.agreement import GoldCell, comparable, same_value
from coderai_pipeline.domain.calibration import calibration
from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.judgements import Judgement, as_gold, forms_of, still_says
from coderai_pipeline.domain.quality_scales import BETWEEN_VALUES, NOT_STATED, Compared, labels, numbered, numeric
from coderai_pipeline.domain.reliability import (
    Estimate,
    Numbers,
    Statistic,
    cohens_kappa,
    estimate,
    krippendorffs_alpha,
    share,
    share_of_all,
)

NOT_USED = "feedback_not_used"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about one variable.

    of: what of it, such as a category or a range of confidence; "" = the variable as a whole. value, low, high: None where
    it is not defined for these cells. n: cells that it rests on. source: feedback, gold, reviewers or cells. basis: which
    cells those are, in words.
    """

    variable: str
    name: str
    of: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    source: str
    basis: str

    @property
    def stated(self) -> str:
        """`0.83 (0.61-0.94, n = 18)`: never a number without its n, and without its interval only where it says so."""
        if self.value is None:
            return f"not defined (n = {self.n})"
        known = self.low is not None and self.high is not None
        interval = f"{self.low:.2f}-{self.high:.2f}" if known else "no interval"
        return f"{self.value:.2f} ({interval}, n = {self.n})"


@dataclass(frozen=True, slots=True)
class Counts:
    """All cells of a variable. asked: without those whose condition does not hold. with_value: a value from the document.
    grounded: those whose quote was found."""

    asked: int
    empty: int
    flagged: int
    failed: int
    with_value: int
    grounded: int


def compare_gold(gold: GoldCell, cell: Cell) -> Compared:
    right = same_value(gold.expected, cell.value, cell.type)
    return Compared(gold.document, gold.expected, cell.value, right, cell.confidence)


def compare_judged(judgement: Judgement, cell: Cell) -> Compared | None:
    """None where nothing follows for the value that the cell holds now: another one was found to be wrong."""
    drawn = judgement.inclusion_probability
    if judgement.has_truth:
        gold = as_gold(judgement)
        right = same_value(gold.expected, cell.value, cell.type)
        return Compared(cell.document, gold.expected, cell.value, right, cell.confidence, drawn)
    if still_says(judgement, cell):
        return Compared(cell.document, None, cell.value, False, cell.confidence, drawn)
    return None


def measures(variable: Variable, compared: Sequence[Compared], source: str) -> Iterator[Measure]:
    """Everything that can be said from cells with known truth. Where some were drawn at random, from these alone, each
    weighing 1 / inclusion probability; else from all, and the basis says that nobody knows what they stand for."""
    drawn = [one for one in compared if one.inclusion_probability]
    used = drawn or list(compared)
    if not used:
        return
    group = _Group(variable, used, source, _basis(used, len(compared), source, bool(drawn)))
    yield group.share("accuracy", used, [one.is_right for one in used])
    yield from calibration_measures(group)
    known = [one for one in used if one.expected is not None]
    if known:
        yield from _presence(group, known)
        yield from _values(group, known)
        yield from _chance_corrected(group, known)
        if variable.type is VariableType.CATEGORY:
            yield from _per_category(group, known)


def rates(variable: str, counts: Counts) -> Iterator[Measure]:
    """What can be said from all cells without knowing what is true."""
    asked = "all cells asked for"
    for name, hits, total, basis in (
        ("null_rate", counts.empty, counts.asked, asked),
        ("flag_rate", counts.flagged, counts.asked, asked),
        ("failure_rate", counts.failed, counts.asked, asked),
        ("grounding_rate", counts.grounded, counts.with_value, "all values taken from a document"),
    ):
        found = share_of_all(hits, total)
        yield Measure(variable, name, "", found.value, found.low, found.high, total, "cells", basis)


def not_used(reasons: Mapping[str, int]) -> Iterator[Measure]:
    """Judged cells that could not be compared, by reason: nothing that people said is left out without a word."""
    for why, cells in reasons.items():
        if cells:
            yield Measure("", NOT_USED, why, None, None, None, cells, "feedback", why)


def between_reviewers(variable: str, said: Mapping[tuple[str, str, str], Sequence[Judgement]]) -> Iterator[Measure]:
    """How far reviewers who judged the same cells agree on what is true there: cells without any difference, and alpha."""
    if not said:
        return
    units = [[_position(judgement) for judgement in of_cell] for of_cell in said.values()]
    ratings = numbered(units)
    people = sorted({one.reviewer for of_cell in said.values() for one in of_cell})
    basis = f"cells judged by two or more of {len(people)} reviewers"
    found = share([len(set(unit)) == 1 for unit in units])
    yield Measure(
        variable, "reviewer_agreement", "", found.value, found.low, found.high, len(units), "reviewers", basis
    )
    documents = [document for document, _, _ in said]
    alpha = estimate(
        krippendorffs_alpha(ratings, "nominal"), documents, np.ones(len(units)), seed=_seed(variable), width=len(units)
    )
    yield Measure(variable, "reviewer_alpha", "", alpha.value, alpha.low, alpha.high, len(units), "reviewers", basis)


@dataclass(frozen=True, slots=True)
class _Group:
    """The cells that measures of one variable rest on, and how they are named."""

    variable: Variable
    cells: Sequence[Compared]
    source: str
    basis: str

    def measure(self, name: str, found: Estimate, n: int, of: str = "") -> Measure:
        return Measure(self.variable.name, name, of, found.value, found.low, found.high, n, self.source, self.basis)

    def share(self, name: str, cells: Sequence[Compared], hits: Sequence[bool], of: str = "") -> Measure:
        return self.measure(name, share(hits, weights_of(cells)), len(cells), of)

    def bootstrapped(
        self, name: str, cells: Sequence[Compared], statistic: Statistic, of: str = "", width: int = 4
    ) -> Measure:
        documents = [one.document for one in cells]
        seed = _seed(f"{self.variable.name} {name} {of}")
        return self.measure(
            name, estimate(statistic, documents, weights_of(cells), seed=seed, width=width), len(cells), of
        )

    def precision_recall(
        self,
        cells: Sequence[Compared],
        hit: Sequence[bool],
        found: Sequence[bool],
        true: Sequence[bool],
        kind: str,
        of: str,
    ) -> Iterator[Measure]:
        """Precision: hits among what was found; recall: among what is true; F1: their harmonic mean
        (van Rijsbergen 1979), 2 hits / (found + true)."""
        for name, among in (("precision", found), ("recall", true)):
            chosen = [one for one, is_in in zip(cells, among, strict=True) if is_in]
            hits = [is_hit for is_hit, is_in in zip(hit, among, strict=True) if is_in]
            yield self.share(f"{kind}_{name}", chosen, hits, of)
        yield self.bootstrapped(f"{kind}_f1", cells, partial(_f1, _column(hit), _column(found) + _column(true)), of)


def weights_of(cells: Sequence[Compared]) -> Numbers:
    """1 / inclusion probability (Horvitz and Thompson 1952), scaled to a mean of 1; equal where nothing was drawn."""
    weights = np.array([1 / (one.inclusion_probability or 1) for one in cells])
    return weights / weights.mean() if len(weights) else weights


def calibration_measures(group: _Group) -> Iterator[Measure]:
    rated = [one for one in group.cells if one.confidence is not None]
    confidences = [one.confidence or 0.0 for one in rated]
    documents = [one.document for one in rated]
    right = [one.is_right for one in rated]
    seed = _seed(group.variable.name)
    for name, of, found, n in calibration(confidences, right, documents, weights_of(rated), seed):
        yield group.measure(name, found, n, of)


def _presence(group: _Group, known: Sequence[Compared]) -> Iterator[Measure]:
    """Whether a value is given where the document states one, right or wrong."""
    found = [one.found is not None for one in known]
    true = [bool(one.expected) for one in known]
    both = [is_found and is_true for is_found, is_true in zip(found, true, strict=True)]
    yield from group.precision_recall(known, both, found, true, "presence", "")


def _values(group: _Group, known: Sequence[Compared]) -> Iterator[Measure]:
    """Right values among those given (precision) and among those that the documents state (recall)."""
    found = [one.found is not None for one in known]
    true = [bool(one.expected) for one in known]
    right = [one.is_right and is_true for one, is_true in zip(known, true, strict=True)]
    yield from group.precision_recall(known, right, found, true, "value", "")


def _per_category(group: _Group, known: Sequence[Compared]) -> Iterator[Measure]:
    pairs = [labels(one, group.variable) for one in known]
    for category in group.variable.categories:
        wanted = comparable(category.value, "category")
        true = [wanted in expected for expected, _ in pairs]
        found = [wanted in given for _, given in pairs]
        if any(true) or any(found):
            both = [is_true and is_found for is_true, is_found in zip(true, found, strict=True)]
            yield from group.precision_recall(known, both, found, true, "category", category.value)


def _chance_corrected(group: _Group, known: Sequence[Compared]) -> Iterator[Measure]:
    variable = group.variable
    if variable.type in (VariableType.CATEGORY, VariableType.BOOLEAN):
        yield _kappa(group, known)
    scale = variable.measured_on
    if scale == "nominal":
        pairs = [labels(one, variable) for one in known]
        ratings = numbered([[BETWEEN_VALUES.join(one), BETWEEN_VALUES.join(other)] for one, other in pairs])
        rated: Sequence[Compared] = known
    else:
        numbers = [(one, numeric(one, variable)) for one in known]
        kept = [(one, pair) for one, pair in numbers if pair is not None]  # alpha passes over what one of two lacks
        rated, ratings = [one for one, _ in kept], [pair for _, pair in kept]
    if rated:
        alpha = krippendorffs_alpha(ratings, scale)
        yield group.bootstrapped(
            f"alpha_{scale}", rated, alpha, width=len({value for pair in ratings for value in pair})
        )


def _kappa(group: _Group, known: Sequence[Compared]) -> Measure:
    """Not stated counts as a category of its own; with an order of the categories, which it has no place in, the cells in
    which both state something are compared by weighted kappa."""
    variable = group.variable
    if variable.measured_on == "ordinal":
        ranked = [(one, pair) for one in known if (pair := numeric(one, variable)) is not None]
        first, second = ([int(pair[side]) for _, pair in ranked] for side in (0, 1))
        kappa = cohens_kappa(first, second, len(variable.categories), is_ordinal=True)
        return group.bootstrapped("kappa_weighted", [one for one, _ in ranked], kappa)
    pairs = [labels(one, variable) for one in known]
    numbers = numbered([[BETWEEN_VALUES.join(one), BETWEEN_VALUES.join(other)] for one, other in pairs])
    first, second = ([int(pair[side]) for pair in numbers] for side in (0, 1))
    categories = 1 + max((*first, *second), default=0)
    return group.bootstrapped("kappa", known, cohens_kappa(first, second, categories), width=2 * categories)


def _position(judgement: Judgement) -> str:
    """What a reviewer holds to be true of a cell, as a label."""
    if judgement.has_truth:
        return comparable(forms_of(judgement.truth)[0], "text") if judgement.expected else NOT_STATED
    return f"not {forms_of(judgement.judged)}"


def _f1(hit: Numbers, either: Numbers, weights: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * (weights @ hit) / (weights @ either)


def _column(flags: Sequence[bool]) -> Numbers:
    return np.asarray(flags, dtype=float)


def _basis(used: Sequence[Compared], judged: int, source: str, drawn: bool) -> str:
    if drawn:
        left = f"; {judged - len(used)} picked for their doubts left out" if judged > len(used) else ""
        return f"{len(used)} cells drawn at random, weighted by 1 / inclusion probability{left}"
    if source == "gold":
        return f"{len(used)} cells of gold files"
    return f"{len(used)} judged cells, none drawn at random: they say little of the cells that nobody picked"


def _seed(text: str) -> int:
    return zlib.crc32(text.encode())
