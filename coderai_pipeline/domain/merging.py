"""Merging: which candidates of one cell say the same, and which of them speaks for the rest.

How a candidate comes about, and what several different values mean for the cell, is in `settling`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coderai_pipeline.domain.cells import Evidence, Scalar, Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.grounding import is_boundary
from coderai_pipeline.domain.name_forms import comparable
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values.locations import country_code
from coderai_pipeline.domain.values.measures import conversion
from coderai_pipeline.domain.wording import denies

MOST_CERTAIN = 0.99
_NAMING = (VariableType.TEXT, VariableType.LOCATION)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value that one answer gives. value: None = the answer says that nothing is stated, or (with problems) what it
    says could not be read; `written` is then all there is. problems: why the cell is flagged if this value is taken."""

    value: Scalar | None
    written: str
    call_id: str
    chunk: int = 0
    precision: str | None = None
    unit: str | None = None
    confidence: float | None = None
    evidence: Evidence | None = None
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_absent(self) -> bool:
        return self.value is None and not self.problems

    @property
    def is_located(self) -> bool:
        return self.evidence is not None and self.evidence.start is not None

    @property
    def place(self) -> tuple[float, int]:
        """Sorts by where it stands in the document; what was not located comes last."""
        start = self.evidence.start if self.evidence else None
        return (math.inf if start is None else start, self.chunk)


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates that say the same. lead: the one whose value, evidence and changes stand for all."""

    lead: Candidate
    members: tuple[Candidate, ...]

    @property
    def confidence(self) -> float | None:
        """Agreement raises: the chance that not all chunks are wrong, each counted once. 1 - (1-a)(1-b), at most 0.99."""
        by_chunk: dict[int, float] = {}
        for member in self.members:
            if member.confidence is not None:
                by_chunk[member.chunk] = max(by_chunk.get(member.chunk, 0.0), member.confidence)
        if len(by_chunk) < 2:
            return next(iter(by_chunk.values()), None)
        agreed = 1 - math.prod(1 - confidence for confidence in by_chunk.values())
        return max(*by_chunk.values(), min(agreed, MOST_CERTAIN))

    @property
    def value(self) -> Scalar:
        if self.lead.value is None:
            raise ValueError("a group has a value")
        return self.lead.value


@dataclass(frozen=True, slots=True)
class Merged:
    """groups: the different values, in the order in which they stand in the document. unread: what could not be read."""

    groups: tuple[Group, ...]
    unread: tuple[Candidate, ...]


def merge(given: Sequence[Candidate], variable: Variable) -> Merged:
    """Candidates that state something, grouped by what they say."""
    groups: list[list[Candidate]] = []
    readable = [candidate for candidate in given if candidate.value is not None]
    for candidate in sorted(readable, key=_fullness, reverse=True):
        home = next((group for group in groups if _agree(group[0], candidate, variable)), None)
        if home is None:
            groups.append([candidate])
        else:
            home.append(candidate)
    order = {id(candidate): number for number, candidate in enumerate(given)}
    groups.sort(key=lambda members: min((*member.place, order[id(member)]) for member in members))
    made = [_group(members) for members in groups]
    return Merged(tuple(made), tuple(candidate for candidate in given if candidate.value is None))


def best(groups: Sequence[Group]) -> Group:
    """The value best supported: without problems, located, said most often, most confident; the first of equals."""
    return max(
        groups,
        key=lambda group: (
            not group.lead.problems,
            group.lead.is_located,
            len({member.chunk for member in group.members}),
            group.confidence or 0.0,
        ),
    )


def equal_values(first: Value, second: Value, variable: Variable) -> bool:
    """Whether two settled values say the same; several values regardless of order."""
    mine, others = (value if isinstance(value, tuple) else (value,) for value in (first, second))
    if len(mine) != len(others):
        return False
    return all(any(_compatible(one, other, variable) for other in others) for one in mine if one is not None)


def _group(members: list[Candidate]) -> Group:
    """The fullest member leads: the whole date, the longer name; its own text says so where others were shorter."""
    lead = max(members, key=lambda member: (not member.problems, *_fullness(member)))
    shorter = dict.fromkeys(str(member.value) for member in members if str(member.value) != str(lead.value))
    notes = tuple(f'"{value}" agrees with it' for value in shorter)
    return Group(replace(lead, changes=(*lead.changes, *notes)) if notes else lead, tuple(members))


def _fullness(candidate: Candidate) -> tuple[int, bool, bool, float]:
    length = len(candidate.value) if isinstance(candidate.value, str) else 0
    return length, not candidate.problems, candidate.is_located, candidate.confidence or 0.0


def _agree(lead: Candidate, other: Candidate, variable: Variable) -> bool:
    if lead.value is None or other.value is None or _other_currency(lead, other):
        return False
    if _same(lead.value, other.value):
        return True
    # Two values of one answer are meant as two; of two chunks, a part of the other is the same thing said shorter.
    return lead.call_id != other.call_id and _compatible(lead.value, other.value, variable)


def _other_currency(lead: Candidate, other: Candidate) -> bool:
    return (
        isinstance(lead.value, float)
        and lead.unit is not None
        and other.unit is not None
        and lead.unit != other.unit
        and conversion(lead.unit, other.unit) != 1
    )


def _same(first: Scalar, second: Scalar) -> bool:
    if isinstance(first, str) and isinstance(second, str):
        return normalised(first) == normalised(second)
    if isinstance(first, bool) or isinstance(second, bool) or isinstance(first, str) or isinstance(second, str):
        return first is second
    return math.isclose(first, second, rel_tol=1e-9)


def _compatible(first: Scalar | None, second: Scalar | None, variable: Variable) -> bool:
    """Equal, or one the other at less precision (dates) or in fewer words (text, places)."""
    if first is None or second is None:
        return first is second
    if _same(first, second) or not (isinstance(first, str) and isinstance(second, str)):
        return _same(first, second)
    if variable.type in _NAMING and comparable(first, variable.type) == comparable(second, variable.type):
        return True
    shorter, longer = sorted((normalised(first), normalised(second)), key=len)
    if variable.type is VariableType.DATE:
        return longer.startswith(shorter) and longer[len(shorter) : len(shorter) + 1] in ("-", "t")
    if variable.type is VariableType.LOCATION:
        return _is_place_within(shorter, longer) and not _are_two_countries(str(first), str(second))
    if variable.type is VariableType.TEXT:
        at = longer.find(shorter)
        whole_words = at >= 0 and is_boundary(longer, at) and is_boundary(longer, at + len(shorter))
        return whole_words and not denies(longer.replace(shorter, " ", 1))
    return False


def _is_place_within(shorter: str, longer: str) -> bool:
    """`Paris` and `Paris, France`, `Berlin` and `Berlin Mitte`; not `Virginia` and `West Virginia`."""
    begins = longer.startswith(shorter) and is_boundary(longer, len(shorter))
    return begins or shorter in [part.strip() for part in longer.split(",")]


def _are_two_countries(first: str, second: str) -> bool:
    codes = country_code(first), country_code(second)
    return None not in codes and codes[0] != codes[1]
