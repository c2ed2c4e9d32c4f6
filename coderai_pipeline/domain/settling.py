"""Settling: from an answer to what a cell says, in a fixed order, each step recording what it changed.

`candidates.consider` takes one answer as far as it goes by itself: parse, coerce, snap, validate, ground. Here all answers of
a cell are taken together: merging over chunks (`merging`), several values, confidence threshold, default. Conditions are
asked before (`conditions`), and a failed call never comes here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coderai_pipeline.domain.candidates import SettleContext, consider
from coderai_pipeline.domain.cells import Answer, CellStatus, Evidence, Scalar, Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.merging import Candidate, Group, Merged, best, equal_values, merge
from coderai_pipeline.domain.wording import short, shown

__all__ = ["Outcome", "SettleContext", "compare_readers", "consider", "decide", "settle"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a cell says. The fields are those of `cells.Cell`."""

    status: CellStatus
    reason: str
    value: Value = None
    precision: str | None = None
    unit: str | None = None
    confidence: float | None = None
    evidence: Evidence | None = None
    changes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()


def settle(answers: Sequence[Answer], variable: Variable, context: SettleContext) -> Outcome:
    """All answers of one cell -> what the cell says."""
    candidates = [candidate for answer in answers for candidate in consider(answer, variable, context)]
    return decide(candidates, variable)


def decide(candidates: Sequence[Candidate], variable: Variable) -> Outcome:
    """All candidates of one cell -> what the cell says."""
    if not candidates:
        return Outcome(CellStatus.FAILED, "no answer was received for this variable")
    given = [candidate for candidate in candidates if not candidate.is_absent]
    if not given:
        return _not_stated(candidates, variable)
    merged = merge(given, variable)
    return _after_threshold(_chosen(merged, variable, candidates), variable)


def compare_readers(first: Outcome, second: Outcome, variable: Variable) -> Outcome:
    """The first reader's outcome in the light of a second reader's. The second never replaces a value."""
    unheard = (CellStatus.FAILED, CellStatus.SKIPPED, CellStatus.ABSENT)
    if second.value is None or second.status in unheard or first.status is CellStatus.FAILED:
        return first
    other = shown(second.value)
    if first.value is None or first.status is CellStatus.ABSENT:
        reason = (
            f"{first.reason}; the second reader found {other}" if first.reason else f"the second reader found {other}"
        )
        return replace(first, status=CellStatus.FLAGGED, reason=reason, alternatives=(*first.alternatives, other))
    if equal_values(first.value, second.value, variable):
        raised = None if first.confidence is None else first.confidence + (1 - first.confidence) / 2
        return replace(first, confidence=raised, changes=(*first.changes, "the second reader agrees"))
    return _flagged(
        replace(
            first,
            confidence=None if first.confidence is None else first.confidence / 2,
            alternatives=tuple(dict.fromkeys((*first.alternatives, other))),
        ),
        f"the second reader found {other}",
    )


def _not_stated(candidates: Sequence[Candidate], variable: Variable) -> Outcome:
    """Every answer says that nothing is stated: the default, shown as such, and a flag where a value is required."""
    reason = "required, but not stated" if variable.required else "not stated"
    value = _as_value(variable.default, variable)
    given = [candidate.confidence for candidate in candidates if candidate.confidence is not None]
    return Outcome(
        CellStatus.FLAGGED if variable.required else CellStatus.ABSENT,
        reason if value is None else f"{reason}; default used",
        value,
        confidence=min(given) if given else None,
        changes=tuple(dict.fromkeys(change for candidate in candidates for change in candidate.changes)),
        call_ids=tuple(dict.fromkeys(candidate.call_id for candidate in candidates)),
    )


def _chosen(merged: Merged, variable: Variable, candidates: Sequence[Candidate]) -> Outcome:
    """Which of the values given the cell has, by `if_multiple`."""
    if not merged.groups:
        return _unread(merged.unread, candidates)
    taken, reason, change = _taken(merged.groups, variable)
    lead = taken[0].lead
    rest = [group.value for group in merged.groups if group not in taken]
    unread = [f'"{short(each.written)}" could not be read: {each.problems[0]}' for each in merged.unread]
    reasons = dict.fromkeys(
        filter(None, (reason, *(problem for group in taken for problem in group.lead.problems), *unread))
    )
    changes = (*(each for group in taken for each in group.lead.changes), *_further_evidence(taken[1:]), change)
    confidences = [group.confidence for group in taken if group.confidence is not None]
    call_ids = (lead.call_id, *(candidate.call_id for candidate in candidates))
    return Outcome(
        CellStatus.FLAGGED if reasons else CellStatus.EXTRACTED,
        "; ".join(reasons),
        _value_of(taken, variable),
        lead.precision,
        lead.unit,
        min(confidences) if confidences else None,
        lead.evidence,
        tuple(dict.fromkeys(filter(None, changes))),
        tuple(dict.fromkeys([*map(shown, rest), *(each.written for each in merged.unread)])),
        tuple(dict.fromkeys(call_ids)),
    )


def _unread(unread: Sequence[Candidate], candidates: Sequence[Candidate]) -> Outcome:
    """Something is stated, but none of it can be read as the variable's type: no value, and why."""
    lead = unread[0]
    return Outcome(
        CellStatus.FLAGGED,
        "; ".join(dict.fromkeys(problem for each in unread for problem in each.problems)),
        confidence=lead.confidence,
        evidence=lead.evidence,
        changes=lead.changes,
        alternatives=tuple(dict.fromkeys(each.written for each in unread)),
        call_ids=tuple(dict.fromkeys((lead.call_id, *(candidate.call_id for candidate in candidates)))),
    )


_JOINABLE = (VariableType.TEXT, VariableType.LOCATION, VariableType.CATEGORY)


def _taken(groups: Sequence[Group], variable: Variable) -> tuple[list[Group], str, str]:
    """The groups whose values the cell takes, why it is flagged, and what was done."""
    if len(groups) == 1:
        return [groups[0]], "", ""
    listed = "; ".join(shown(group.value) for group in groups)
    if variable.takes_many or (variable.if_multiple == "join" and variable.type in _JOINABLE):
        taken = list(groups[: variable.max_values])
        too_many = f"{len(groups)} values, more than max_values ({variable.max_values}); the first are kept"
        return taken, too_many if len(groups) > variable.max_values else "", f"{len(taken)} values kept"
    if variable.if_multiple in ("first", "last"):
        sound = [group for group in groups if not group.lead.problems] or list(groups)
        place = 0 if variable.if_multiple == "first" else -1
        which = "in the document" if sound[place] is groups[place] else "without a fault"
        return [sound[place]], "", f"{len(groups)} values ({listed}); the {variable.if_multiple} {which} taken"
    if variable.if_multiple == "join":
        return [best(groups)], f"several values ({listed}); a {variable.type} cannot be joined", ""
    return [best(groups)], f"several values: {listed}", ""


def _value_of(taken: Sequence[Group], variable: Variable) -> Value:
    values = tuple(group.value for group in taken)
    if variable.takes_many:
        return values
    return values[0] if len(values) == 1 else "; ".join(shown(value) for value in values)


def _further_evidence(groups: Sequence[Group]) -> list[str]:
    """Where the second and later of several values stand; a cell has room for the first one's evidence."""
    further: list[str] = []
    for group in groups:
        evidence = group.lead.evidence
        if evidence is not None:
            place = f"[{evidence.start}, {evidence.end})" if evidence.start is not None else "not found"
            further.append(f'{shown(group.value)}: "{short(evidence.quote)}", {evidence.grounding}, {place}')
    return further


def _after_threshold(outcome: Outcome, variable: Variable) -> Outcome:
    """What becomes of a value whose confidence is under the threshold, or is not given where one is asked for."""
    threshold = variable.confidence_threshold
    if (
        threshold is None
        or outcome.value is None
        or (outcome.confidence is not None and outcome.confidence >= threshold)
    ):
        return outcome
    if outcome.confidence is None:
        return (
            outcome
            if variable.if_uncertain == "keep"
            else _flagged(outcome, f"no confidence was given; {threshold:g} is asked for")
        )
    why = f"confidence {outcome.confidence:.2f} is under {threshold:g}"
    if variable.if_uncertain == "keep":
        return replace(outcome, reason="; ".join(filter(None, (outcome.reason, f"{why}; kept"))))
    if variable.if_uncertain == "flag":
        return _flagged(outcome, why)
    withheld = replace(
        outcome, value=None, precision=None, unit=None, alternatives=(shown(outcome.value), *outcome.alternatives)
    )
    if variable.if_uncertain == "null" or variable.default is None:
        return _flagged(withheld, f"{why}; value left out")
    return _flagged(replace(withheld, value=_as_value(variable.default, variable)), f"{why}; default used")


def _flagged(outcome: Outcome, reason: str) -> Outcome:
    return replace(outcome, status=CellStatus.FLAGGED, reason="; ".join(filter(None, (outcome.reason, reason))))


def _as_value(configured: Scalar | None, variable: Variable) -> Value:
    return (configured,) if configured is not None and variable.takes_many else configured
