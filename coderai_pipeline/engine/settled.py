"""From what was heard to cells: settling, failures, skipped variables, and each cell's share of the calls' tokens and cost.

The rules of settling are in `domain.settling`; when a variable is asked at all is decided in `extraction`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from coderai_pipeline.domain.cells import Answer, Cell, CellStatus, Reply
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.settling import Outcome, compare_readers, settle
from coderai_pipeline.engine.askers import Heard

if TYPE_CHECKING:
    from coderai_pipeline.engine.extraction import Work

RAW_CHARACTERS = 4_000


def cell_of(
    work: "Work",
    variable: Variable,
    answers: Sequence[Answer],
    heard: Sequence[Heard],
    *,
    entity: str = "",
    near: Span | None = None,
    second: Answer | None = None,
) -> Cell:
    """The cell that answers settle to. heard: everything that was heard of the variable, troubles included."""
    context = replace(work.context, near=near) if near else work.context
    heard = [one for one in heard if variable.name in one.question.ask.names]
    answered = {answer.call_id for answer in answers}
    troubles = [trouble for one in heard if (trouble := _trouble(one, variable, answered))]
    outcome = settle(answers, variable, context) if answers else Outcome(CellStatus.FAILED, "")
    if second is not None and answers:
        outcome = compare_readers(outcome, settle([second], variable, context), variable)
    outcome = _with_troubles(outcome, troubles)
    raw = next((one.raw for one in heard if one.raw), None) if outcome.status is CellStatus.FAILED else None
    return _cell(work, variable, outcome, entity, [one for one in heard if one.reply], raw)


def not_asked(work: "Work", variable: Variable, entity: str = "") -> Cell:
    """The cell of a variable whose condition does not hold, or of which that cannot be known."""
    if failed_parents := work.failed_parents(variable, entity):
        names = " and ".join(failed_parents)
        return failed(work, variable, f"not asked: it depends on {names}, which failed", entity)
    values = work.values(entity)
    empty = [name for name in work.method.conditions[variable.name].names if values.get(name) is None]
    since = f", {' and '.join(empty)} having no value" if empty else ""
    outcome = Outcome(CellStatus.SKIPPED, f"not asked: {variable.depends_on} does not hold{since}")
    return _cell(work, variable, outcome, entity, [], None)


def failed(work: "Work", variable: Variable, why: str, entity: str = "") -> Cell:
    return _cell(work, variable, Outcome(CellStatus.FAILED, why), entity, [], None)


def _trouble(heard: Heard, variable: Variable, answered: Set[str]) -> str:
    """Why a question about the variable gave no answer to it; "" where it did. answered: replies that answer the very
    cell; that they leave out another row's is no trouble of it."""
    where = f"part {heard.question.chunk.number}: " if heard.question.chunk.index else ""
    if heard.problem:
        return f"{where}{heard.problem}"
    if variable.name in heard.parsed.missing and not (heard.reply and heard.reply.call_id in answered):
        return f"{where}the reply does not answer this variable"
    return ""


def _with_troubles(outcome: Outcome, troubles: Sequence[str]) -> Outcome:
    """What could not be heard is never taken for what is not stated."""
    if not troubles:
        return (
            outcome
            if outcome.reason or outcome.status is not CellStatus.FAILED
            else replace(outcome, reason="no answer was received for this variable")
        )
    why = "; ".join(dict.fromkeys(troubles))
    if outcome.value is None or outcome.status is CellStatus.ABSENT:
        return Outcome(CellStatus.FAILED, why, call_ids=outcome.call_ids)
    reason = f"{outcome.reason}; {why}" if outcome.reason else why
    return replace(outcome, status=CellStatus.FLAGGED, reason=reason)


def _cell(
    work: "Work", variable: Variable, outcome: Outcome, entity: str, heard: Sequence[Heard], raw: str | None
) -> Cell:
    method = work.method
    fingerprints = method.definitions[variable.name]
    replies = {one.reply.call_id: one.reply for one in heard if one.reply}
    return Cell(
        document=work.document.key,
        entity=entity,
        variable=variable.name,
        type=str(variable.type),
        status=outcome.status,
        reason=outcome.reason,
        value=outcome.value,
        precision=outcome.precision,
        unit=outcome.unit,
        confidence=outcome.confidence,
        evidence=outcome.evidence,
        changes=outcome.changes,
        alternatives=outcome.alternatives,
        prompt_version=method.prompt_versions[variable.name],
        extractor=method.asker.name,
        model=next((reply.model for reply in replies.values()), ""),
        call_ids=tuple(call_id for call_id in dict.fromkeys((*outcome.call_ids, *replies)) if call_id in replies),
        ask_fingerprint=fingerprints.ask,
        settle_fingerprint=fingerprints.settle,
        raw_reply=raw[:RAW_CHARACTERS] if raw else None,
    )


def share_calls(work: "Work") -> None:
    """Gives each cell settled now its share of the calls that it rests on: one part in the number of cells that do, or, where
    it rested on them before, the share that it had.

    A call that no cell rests on (a part without entities, a reply that was not used) stands in the calls alone.
    """
    resting = Counter(call_id for cell in work.all_cells() for call_id in cell.call_ids)
    for variable, cells in work.cells.items():
        held = {cell.entity: cell for cell in work.held(variable)}
        work.cells[variable] = [
            _with_share(cell, held.get(cell.entity), work.replies, resting) if cell.call_ids else cell for cell in cells
        ]


def _with_share(cell: Cell, held: Cell | None, replies: Mapping[str, Reply], resting: Mapping[str, int]) -> Cell:
    if held is not None and set(held.call_ids) == set(cell.call_ids):
        return replace(
            cell,
            input_tokens=held.input_tokens,
            output_tokens=held.output_tokens,
            cost=held.cost,
            seconds=held.seconds,
        )
    shared = [(replies[call_id], 1 / resting[call_id]) for call_id in cell.call_ids]
    costs = [reply.cost * share for reply, share in shared if reply.cost is not None]
    return replace(
        cell,
        input_tokens=sum(reply.input_tokens * share for reply, share in shared),
        output_tokens=sum(reply.output_tokens * share for reply, share in shared),
        cost=sum(costs) if costs else None,
        seconds=sum(reply.seconds * share for reply, share in shared),
    )
