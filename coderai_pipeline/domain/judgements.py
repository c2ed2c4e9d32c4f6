"""What people have said of cells: verdicts of reviewers, and the true value that counts where several have spoken.

Feedback files and the rows they become are read at the edge; what the truth is used for is in `quality` and `refinement`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from coderai_pipeline.domain.agreement import GoldCell, same_value
from coderai_pipeline.domain.cells import Cell, Scalar, Value
from coderai_pipeline.domain.feedback import Verdict

Place: TypeAlias = tuple[str, str, str]
"""Document, entity, variable."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One reviewer's verdict on one cell.

    judged: the value that the cell held. corrected: the right value, where `is_corrected`; None = no value is right.
    inclusion_probability: 0-1 where the cell was drawn at random to be reviewed, None where it was picked for its doubts.
    text_sha256: of the document's text as it was. confidence: the cell's, as it was judged.
    """

    document: str
    entity: str
    variable: str
    verdict: Verdict
    judged: Value
    reviewer: str
    version: int
    corrected: Value = None
    is_corrected: bool = False
    inclusion_probability: float | None = None
    text_sha256: str = ""
    prompt_version: str = ""
    confidence: float | None = None
    quote: str | None = None
    note: str = ""

    @property
    def place(self) -> Place:
        return self.document, self.entity, self.variable

    @property
    def has_truth(self) -> bool:
        """Whether the right value is known, and not only that the judged one is wrong."""
        return self.is_corrected or self.verdict is Verdict.CORRECT

    @property
    def truth(self) -> Value:
        """The right value, None = no value. Only where `has_truth`."""
        return self.corrected if self.is_corrected else self.judged

    @property
    def expected(self) -> tuple[str, ...]:
        """The right value in the form in which gold files state it."""
        return forms_of(self.truth)


def latest_of_each(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Each reviewer's latest verdict on each cell, older ones first."""
    latest: dict[tuple[Place, str], Judgement] = {}
    for one in judgements:
        before = latest.get((one.place, one.reviewer))
        if before is None or before.version <= one.version:
            latest[one.place, one.reviewer] = one
    return sorted(latest.values(), key=lambda one: one.version)


def that_count(judgements: Iterable[Judgement]) -> dict[Place, Judgement]:
    """The latest verdict on each cell over all reviewers. That a cell was drawn at random stays true whoever speaks last."""
    counting: dict[Place, Judgement] = {}
    for one in latest_of_each(judgements):
        before = counting.get(one.place)
        drawn = one.inclusion_probability
        if before is not None and drawn is None:
            one = replace(one, inclusion_probability=before.inclusion_probability)
        counting[one.place] = one
    return counting


def said_twice(judgements: Iterable[Judgement]) -> dict[Place, list[Judgement]]:
    """The cells that two reviewers or more have judged as the same value, with each one's latest verdict."""
    by_cell: dict[tuple[Place, Value], list[Judgement]] = {}
    for one in latest_of_each(judgements):
        by_cell.setdefault((one.place, one.judged), []).append(one)
    return {place: said for (place, _), said in by_cell.items() if len(said) > 1}


def as_gold(judgement: Judgement) -> GoldCell:
    return GoldCell(judgement.document, judgement.entity, judgement.variable, judgement.expected)


def is_about(judgement: Judgement, texts: Mapping[str, str]) -> bool:
    """Whether the document's text is still the one that was judged. texts: document -> SHA-256 of its present text."""
    return not judgement.text_sha256 or texts.get(judgement.document) == judgement.text_sha256


def still_says(judgement: Judgement, cell: Cell) -> bool:
    """Whether the cell holds the value that was judged."""
    return same_value(forms_of(judgement.judged), cell.value, cell.type)


def forms_of(value: Value) -> tuple[str, ...]:
    """A settled value as gold files write it; () = no value."""
    if value is None or value == ():
        return ()
    return ("; ".join(_form(part) for part in (value if isinstance(value, tuple) else (value,))),)


def reviewers(judgements: Sequence[Judgement]) -> list[str]:
    return sorted({one.reviewer for one in judgements})


def _form(value: Scalar) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else f"{value:.15g}" if isinstance(value, float) else str(value)
    )
