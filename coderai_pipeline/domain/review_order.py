"""Which cells a person should look at first: flagged and uncertain ones, and an audit sample drawn by chance.

Looking at doubtful cells mends the dataset; only the sample, whose chances are known, says how good the dataset is.
"""

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.cells import CellStatus

AUDIT_SAMPLE = 50
UNCERTAIN_BELOW = 0.7
"""Confidence under which a cell is looked at, where its variable has no threshold of its own."""

ANSWERED = (CellStatus.EXTRACTED, CellStatus.ABSENT, CellStatus.FLAGGED, CellStatus.VALIDATED, CellStatus.CORRECTED)
"""What an audit is about: skipped cells were never asked, failed ones have no answer."""

JUDGED = (CellStatus.VALIDATED, CellStatus.CORRECTED)


@dataclass(frozen=True, slots=True)
class ReviewableCell:
    """What of a cell decides whether it is looked at. threshold: its variable's `confidence_threshold`."""

    document: str
    entity: str
    variable: str
    status: CellStatus
    confidence: float | None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """A cell to look at, and why. inclusion_probability: of a cell drawn into the audit sample, else None."""

    cell: ReviewableCell
    why: str
    inclusion_probability: float | None = None


def review_order(
    cells: Sequence[ReviewableCell], *, sample: int = AUDIT_SAMPLE, seed: int = 0, blind: bool = False
) -> list[Pick]:
    """The cells to look at that nobody has judged yet: the audit sample in the order of chance, then failed and flagged
    cells, then uncertain ones, the least certain first. blind: the sample alone, since to be flagged tells of the value."""
    drawn = audit_sample(cells, sample, seed)
    picks: list[tuple[tuple[float, ...], Pick]] = []
    for number, cell in enumerate(cells):
        chance = drawn.get(number)
        why = ["audit sample"] if chance is not None else []
        doubt = "" if blind else _doubt(cell)
        if cell.status not in JUDGED and (why or doubt):
            place = (0.0, _lot(cell, seed)) if why else _urgency(cell)
            picks.append((place, Pick(cell, "; ".join([*why, *filter(None, [doubt])]), chance)))
    return [pick for _, pick in sorted(picks, key=lambda placed: placed[0])]


def audit_sample(cells: Sequence[ReviewableCell], size: int, seed: int) -> dict[int, float]:
    """Position of each cell drawn -> its inclusion probability.

    Simple random sampling without replacement in each variable: of N_h cells n_h are drawn, each with the chance n_h/N_h
    (Cochran, Sampling Techniques, 1977, chapter 5). Where the sample is smaller than the number of variables V, as many
    variables are drawn first, and one cell of each: the chance is size/V * 1/N_h. Each cell has a lot of its own (Ohlsson's
    permanent random numbers, 1995), so that the sample stays nearly the same while documents are added.
    """
    strata: dict[str, list[int]] = defaultdict(list)
    for number, cell in enumerate(cells):
        if cell.status in ANSWERED:
            strata[cell.variable].append(number)
    if not strata or size <= 0:
        return {}
    first_stage = min(1.0, size / len(strata))
    if first_stage < 1:
        chosen = random.Random(f"{seed}").sample(sorted(strata), size)  # noqa: S311 (a sample, not a secret)
        strata = {variable: strata[variable] for variable in chosen}
    sizes = _allocation({variable: len(members) for variable, members in strata.items()}, size)
    return {
        number: first_stage * sizes[variable] / len(members)
        for variable, members in strata.items()
        for number in sorted(members, key=lambda one: _lot(cells[one], seed))[: sizes[variable]]
    }


def _allocation(strata: Mapping[str, int], size: int) -> dict[str, int]:
    """Cells to draw of each variable: one at least, the rest in proportion to their number, by largest remainder."""
    total = sum(strata.values())
    if size >= total:
        return dict(strata)
    rest = size - len(strata)
    shares = {variable: rest * (count - 1) / max(1, total - len(strata)) for variable, count in strata.items()}
    sizes = {variable: 1 + math.floor(share) for variable, share in shares.items()}
    by_remainder = sorted(strata, key=lambda variable: (math.floor(shares[variable]) - shares[variable], variable))
    for variable in by_remainder[: size - sum(sizes.values())]:
        sizes[variable] += 1
    return sizes


def _lot(cell: ReviewableCell, seed: int) -> float:
    """A number from 0 to 1 that belongs to the cell, the same at every draw with this seed."""
    named = "\x1f".join((str(seed), cell.variable, cell.document, cell.entity))
    return int.from_bytes(hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def _doubt(cell: ReviewableCell) -> str:
    if cell.status in (CellStatus.FLAGGED, CellStatus.FAILED):
        return str(cell.status)
    least = UNCERTAIN_BELOW if cell.threshold is None else cell.threshold
    is_uncertain = cell.status is CellStatus.EXTRACTED and cell.confidence is not None and cell.confidence < least
    return "low confidence" if is_uncertain else ""


def _urgency(cell: ReviewableCell) -> tuple[float, ...]:
    is_flagged = cell.status in (CellStatus.FLAGGED, CellStatus.FAILED)
    return (1.0 if is_flagged else 2.0, 1.0 if cell.confidence is None else cell.confidence)
