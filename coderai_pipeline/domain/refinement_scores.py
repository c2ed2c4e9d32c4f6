"""How candidates compare with the present wording on held-out cells: the same cells, both really extracted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coderai_pipeline.domain.agreement import same_value
from coderai_pipeline.domain.cells import JsonValue, Value
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.domain.reliability import estimate, mcnemar

SIGNIFICANT = 0.05

CellOf = tuple[str, str]
"""Document, entity."""
Found = Mapping[CellOf, Value]
"""What an extraction gave; a cell that is lacking was not found."""


@dataclass(frozen=True, slots=True)
class Score:
    """cells: held-out cells with a known right value. present, candidate: how many of them each gets right. gained, lost:
    those that only the candidate, or only the present wording, gets right. difference: of the two shares, with a 95 %
    interval by a paired bootstrap over documents (None where all of them gain alike). p: McNemar's exact test over documents,
    each counting for the wording that gets more of its cells right: cells of one document are not independent."""

    cells: int
    present: int
    candidate: int
    gained: int
    lost: int
    difference: float
    low: float | None
    high: float | None
    p: float

    @property
    def stated(self) -> str:
        """Numbers with their n, and whether anything can be concluded from them."""
        known = self.low is not None and self.high is not None
        interval = f"{self.low:+.2f} to {self.high:+.2f}" if known else "no interval"
        counts = f"{self.candidate} of {self.cells} held-out cells right, {self.present} with the present wording"
        return f"{counts}; difference {self.difference:+.2f} ({interval}), p = {self.p:.2g}"

    @property
    def verdict(self) -> str:
        """Better or worse only where the interval, if there is one, and the test agree that it is no chance."""
        if self.p < SIGNIFICANT and self.gained > self.lost and (self.low is None or self.low > 0):
            return "better"
        if self.p < SIGNIFICANT and self.gained < self.lost and (self.high is None or self.high < 0):
            return "worse"
        return "no clear difference"


def score(
    judged: Sequence[Judgement], present: Found, candidate: Found, variable: Variable, seed: int = 0
) -> Score | None:
    """Both wordings on the cells whose right value is known; None where there are none."""
    known = [one for one in judged if one.has_truth]
    if not known:
        return None
    before, after = ([_is_right(one, found, variable) for one in known] for found in (present, candidate))
    gains = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    found = estimate(
        lambda weights: (weights @ gains) / weights.sum(axis=1),
        [one.document for one in known],
        np.ones(len(known)),
        seed=seed,
    )
    gained, lost = int((gains > 0).sum()), int((gains < 0).sum())
    return Score(
        cells=len(known),
        present=sum(before),
        candidate=sum(after),
        gained=gained,
        lost=lost,
        difference=float(gains.mean()),
        low=found.low,
        high=found.high,
        p=_p_over_documents([one.document for one in known], gains.tolist()),
    )


def _p_over_documents(documents: Sequence[str], gains: Sequence[float]) -> float:
    net: Counter[str] = Counter()
    for document, gain in zip(documents, gains, strict=True):
        net[document] += int(gain)
    return mcnemar(sum(gain > 0 for gain in net.values()), sum(gain < 0 for gain in net.values()))


def _is_right(one: Judgement, found: Found, variable: Variable) -> bool:
    place = (one.document, one.entity)
    return place in found and same_value(one.expected, found[place], str(variable.type))


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate as it is kept and shown. instructions: None = as they are; examples: as codebook.yaml holds them.
    score: None where no held-out cell has a known right value. diff: of the prompt's wording, line by line."""

    number: int
    origin: str
    why: str
    instructions: str | None
    descriptions: Mapping[str, str]
    examples: Sequence[Mapping[str, JsonValue]]
    score: Score | None
    diff: str


@dataclass(frozen=True, slots=True)
class RefusedCandidate:
    """A candidate that was not scored, why, and what it would have said."""

    origin: str
    reason: str
    instructions: str


@dataclass(frozen=True, slots=True)
class Refinement:
    """What a refinement found; nothing is changed by it. prompt_version: of the wording that candidates were compared
    with. split: how cells were divided into writing and scoring. calls, tokens: what it took and had not been paid for."""

    variable: str
    prompt_version: str
    made_at: str
    judged: int
    patterns: Sequence[str]
    split: str
    candidates: Sequence[ScoredCandidate] = ()
    refused: Sequence[RefusedCandidate] = ()
    notes: Sequence[str] = ()
    calls: int = 0
    tokens: int = 0

    def candidate(self, number: int) -> ScoredCandidate | None:
        return next((one for one in self.candidates if one.number == number), None)
