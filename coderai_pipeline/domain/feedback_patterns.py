"""What goes wrong with a variable, told from feedback: which kind of mistake each wrong cell is, and how often each comes.

What is made of the patterns is in `refinement`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.agreement import comparable
from coderai_pipeline.domain.cells import Scalar, Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.conventions import conventions_of
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.feedback import Verdict
from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.domain.normalised_text import NormalisedText
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.values.dates import find_dates
from coderai_pipeline.domain.values.numbers import find_numbers
from coderai_pipeline.domain.wording import shown

PASSAGE_CHARACTERS = 300
_AROUND = 110

_SAYS = {
    "missed": "the document states a value and none was given",
    "invented": "a value was given where the document states none",
    "confused": "another category was given than the right one",
    "too_long": "more words were given than belong to the value",
    "too_short": "words that belong to the value were left out",
    "lacks_some": "of several values some were left out",
    "adds_some": "of several values some are wrong",
    "date_precision": "the date is right but more or less exact than it should be",
    "format": "the digits are right, but not the order of magnitude or the unit",
    "another_of_several": "another value of the document was given than the one that is meant",
    "other": "another value was given",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A cell that was judged wrong, and what is right, with the passage that shows it ("" = not found)."""

    judgement: Judgement
    kind: str
    detail: str
    passage: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Mistakes of one kind. detail: for confusions, what was taken for what; else ""."""

    kind: str
    detail: str
    cells: int

    @property
    def stated(self) -> str:
        what = f"{self.detail}: " if self.detail else ""
        return f"{self.cells} x {self.kind.replace('_', ' ')}: {what}{_SAYS[self.kind]}"


def mistake_of(judgement: Judgement, variable: Variable, document: Document, project: Project) -> Mistake | None:
    """None where the cell was right, or where nobody said what is."""
    if judgement.verdict is Verdict.CORRECT or not judgement.has_truth:
        return None
    kind = kind_of(judgement.judged, judgement.truth, variable, document.text)
    detail = f"{_named(judgement.truth)} coded as {_named(judgement.judged)}" if kind == "confused" else ""
    return Mistake(judgement, kind, detail, passage_of(judgement, variable, document, project))


def patterns(mistakes: Iterable[Mistake]) -> list[Pattern]:
    """The kinds of mistakes, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for one in mistakes:
        counts[one.kind, one.detail] = counts.get((one.kind, one.detail), 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Pattern(kind, detail, cells) for (kind, detail), cells in ordered]


def kind_of(judged: Value, truth: Value, variable: Variable, text: str = "") -> str:
    """Which kind of mistake it is to take `truth` for `judged`. text: of the document."""
    if judged is None or truth is None:
        return "missed" if judged is None else "invented"
    if isinstance(judged, tuple) or isinstance(truth, tuple):
        given, right = _as_set(judged, variable), _as_set(truth, variable)
        return "lacks_some" if given < right else "adds_some"
    if variable.type in (VariableType.CATEGORY, VariableType.BOOLEAN):
        return "confused"
    one, other = comparable(judged, str(variable.type)), comparable(truth, str(variable.type))
    return _kind_of_scalar(one, other, variable) or ("another_of_several" if _stands(judged, truth, text) else "other")


def passage_of(judgement: Judgement, variable: Variable, document: Document, project: Project) -> str:
    """The sentence or line that shows what is right; the judged cell's quote where the right value is not found."""
    span = _span_of(judgement.truth, variable, document, project)
    if span is None and judgement.quote:
        found = ground(judgement.quote, NormalisedText.of(document.text))
        span = Span(found.start, found.end) if found.start is not None and found.end is not None else None
    return _around(document.text, span) if span else ""


def _kind_of_scalar(judged: str, truth: str, variable: Variable) -> str:
    if variable.type is VariableType.DATE:
        return "date_precision" if judged.startswith(truth) or truth.startswith(judged) else ""
    if variable.type is VariableType.NUMBER:
        return "format" if _digits(judged) == _digits(truth) else ""
    if truth in judged:
        return "too_long"
    return "too_short" if judged in truth else ""


def _span_of(value: Value, variable: Variable, document: Document, project: Project) -> Span | None:
    first = value[0] if isinstance(value, tuple) and value else value
    if first is None or isinstance(first, bool | tuple):
        return None
    find = {VariableType.NUMBER: find_numbers, VariableType.DATE: find_dates}.get(variable.type)
    if find is not None:
        found_values = find(document.text, conventions_of(project, document))
        return next((span for span, reading in found_values if reading.value == first), None)
    found = ground(str(first), NormalisedText.of(document.text))
    is_there = found.start is not None and found.end is not None and found.grounding != "fuzzy"
    return Span(found.start, found.end) if is_there else None  # pyright: ignore[reportArgumentType] - both are there


def _around(text: str, span: Span) -> str:
    """The lines or sentences that hold a span, and no more than fit beside others in a prompt."""
    start = max(text.rfind("\n", 0, span.start), text.rfind(". ", 0, span.start) + 1, span.start - _AROUND)
    ends = [end for mark in ("\n", ". ") if (end := text.find(mark, span.end)) >= 0]
    end = min([*(end + 1 for end in ends), span.end + _AROUND, len(text)])
    return " ".join(text[max(0, start) : end].split())[:PASSAGE_CHARACTERS]


def _stands(judged: Scalar, truth: Scalar, text: str) -> bool:
    folded = text.casefold()
    return all(shown(one).casefold() in folded for one in (judged, truth))


def _as_set(value: Value, variable: Variable) -> set[str]:
    parts: Sequence[Scalar] = value if isinstance(value, tuple) else () if value is None else (value,)
    return {comparable(part, str(variable.type)) for part in parts}


def _digits(number: str) -> str:
    plain = number.partition("e")[0].lstrip("-").replace(".", "")
    return plain.strip("0")


def _named(value: Value) -> str:
    return shown(value) or "nothing"
