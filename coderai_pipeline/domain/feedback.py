"""Feedback: what a reviewer said of a cell, and what the cell says from then on.

Reading what a reviewer wrote as a value is in `corrections`; which cells are worth looking at in `review_order`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from coderai_pipeline.domain.cells import CellStatus, Value
from coderai_pipeline.domain.wording import sentences, short, shown


class Verdict(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    PARTIALLY_CORRECT = "partially_correct"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One reviewer's word on one cell.

    judged_value, judged_status, text_sha256, prompt_version, confidence, quote: the cell as it was judged, and the hash of
    the text it was read from. corrected_value: what it should hold (None = no value), where `is_corrected`.
    inclusion_probability: the chance (0-1) with which the cell came into its audit sample, None where it was not drawn.
    is_blind: the reviewer did not see the model's value. file, row: where it was written, the header being row 1.
    """

    feedback_id: str
    document: str
    entity: str
    variable: str
    verdict: Verdict
    judged_value: Value
    judged_status: CellStatus
    corrected_value: Value = None
    is_corrected: bool = False
    note: str = ""
    reviewer: str = ""
    text_sha256: str = ""
    prompt_version: str = ""
    confidence: float | None = None
    quote: str | None = None
    inclusion_probability: float | None = None
    is_blind: bool = False
    file: str = ""
    row: int | None = None

    @property
    def by(self) -> str:
        return f"by {self.reviewer}" if self.reviewer else "by a reviewer"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a cell says. is_corrected: the value is a person's, and the evidence and confidence were the model's."""

    status: CellStatus
    reason: str
    value: Value
    is_corrected: bool = False


@dataclass(frozen=True, slots=True)
class Extracted:
    """The cell as the extractor left it. is_same_row: it belongs to the row of the document that was judged; an
    extraction numbers the rows of a document anew."""

    standing: Standing
    quote: str | None
    text_sha256: str
    is_same_row: bool = True


def reviewed(cell: Extracted, feedback: Feedback) -> Standing:
    """What the cell says in the light of the newest feedback on it."""
    holds_judged = same_value(cell.standing.value, feedback.judged_value)
    if feedback.is_corrected:
        return _corrected(cell, feedback)
    if feedback.verdict is not Verdict.CORRECT:
        return (
            flagged(cell.standing, _said_wrong(feedback))
            if holds_judged and _still_there(cell, feedback)
            else cell.standing
        )
    if cell.standing.status is CellStatus.FAILED or not holds_judged:
        return flagged(
            cell.standing,
            f"was confirmed as {_named(feedback.judged_value)} {feedback.by}, now {_named(cell.standing.value)}",
        )
    if not _still_there(cell, feedback):
        return flagged(cell.standing, f"was confirmed {feedback.by} {_elsewhere(cell, feedback)}; look at it again")
    return _validated(cell, f"confirmed {feedback.by}")


def same_value(first: Value, second: Value) -> bool:
    """Whether two values are the same; several values regardless of order, a number never a yes or no."""
    return _comparable(first) == _comparable(second)


def flagged(standing: Standing, why: str) -> Standing:
    """A failed cell stays one: that somebody judged an earlier value does not mend it."""
    status = CellStatus.FAILED if standing.status is CellStatus.FAILED else CellStatus.FLAGGED
    return replace(standing, status=status, reason=sentences(why, standing.reason))


def _corrected(cell: Extracted, feedback: Feedback) -> Standing:
    value = feedback.corrected_value
    if not _still_there(cell, feedback):
        where = _elsewhere(cell, feedback)
        return flagged(cell.standing, f"was corrected to {_named(value)} {feedback.by} {where}; look at it again")
    if same_value(cell.standing.value, value) and cell.standing.status is not CellStatus.FAILED:
        return _validated(cell, f"as corrected {feedback.by}")
    reason = f"corrected {feedback.by}, was {_named(feedback.judged_value)}"
    return Standing(CellStatus.CORRECTED, reason, value, is_corrected=True)


def _still_there(cell: Extracted, feedback: Feedback) -> bool:
    """Whether the feedback is about this text and row; the same value from the same words of a changed text is."""
    if cell.text_sha256 == feedback.text_sha256 and cell.is_same_row:
        return True
    is_quoted_alike = bool(feedback.quote) and cell.quote == feedback.quote
    if cell.text_sha256 == feedback.text_sha256:
        return is_quoted_alike
    return is_quoted_alike and not feedback.is_corrected and same_value(cell.standing.value, feedback.judged_value)


def _elsewhere(cell: Extracted, feedback: Feedback) -> str:
    if cell.text_sha256 != feedback.text_sha256:
        return "on an earlier text of the document"
    return "on what may have been another row of the document"


def _said_wrong(feedback: Feedback) -> str:
    verdict = "incorrect" if feedback.verdict is Verdict.INCORRECT else "partly correct"
    return f"judged {verdict} {feedback.by}" + (f": {short(feedback.note)}" if feedback.note else "")


def _validated(cell: Extracted, by: str) -> Standing:
    return Standing(CellStatus.VALIDATED, sentences(by, cell.standing.reason), cell.standing.value)


def _named(value: Value) -> str:
    return short(shown(value)) or "no value"


def _comparable(value: Value) -> object:
    if isinstance(value, tuple):
        return sorted(repr(_comparable(each)) for each in value)
    return (type(value).__name__, value) if isinstance(value, bool | str) else value
