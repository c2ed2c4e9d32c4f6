"""Documents that hold many rows: find the entities, join those that are the same, fill their variables.

The joining is in `domain.entities`; document-level variables go the way of `extraction`, or ride along where entities are looked for.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

from coderai_pipeline.domain.cells import Answer, Cell, Evidence, Grounding
from coderai_pipeline.domain.chunks import Chunk
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.entities import Entity, FoundRow, join
from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.prompts import EntityHint
from coderai_pipeline.domain.replies import Row
from coderai_pipeline.domain.settling import settle
from coderai_pipeline.engine.askers import Heard, Question, Waiting
from coderai_pipeline.engine.document_level import extract_document_level, settle_document_level
from coderai_pipeline.engine.recall import FINDING, ROW_MODES
from coderai_pipeline.engine.settled import cell_of, failed, not_asked
from coderai_pipeline.engine.work import Work


@dataclass(frozen=True, slots=True)
class _Found:
    """The entities of a document and what they were found by.

    covered: variables answered where they were found. is_new: something was asked for it, so that they may be others
    than those whose cells are held.
    """

    heard: Sequence[Heard]
    rows: Sequence[FoundRow]
    answers: Sequence[Row]
    entities: Sequence[Entity]
    covered: frozenset[str]
    is_new: bool

    @property
    def chunks(self) -> list[Chunk]:
        return list({one.question.chunk.index: one.question.chunk for one in self.heard}.values())

    def mentioned_in(self, chunk: Chunk) -> list[Entity]:
        return [e for e in self.entities if any(self.rows[mention].chunk == chunk.index for mention in e.mentions)]

    def near(self, entity: Entity) -> Span | None:
        return self.rows[entity.mentions[0]].span

    def answers_of(self, entity: Entity, variable: Variable) -> list[Answer]:
        mentions = (self.answers[mention] for mention in entity.mentions)
        return [answer for row in mentions for answer in row if answer.variable == variable.name]


def extract_rows(work: Work) -> Generator[Waiting, None, None]:
    """Settles every variable that is due, wave by wave; entities are looked for once, when the first of theirs is due."""
    found: _Found | None = None
    settled: list[Variable] = []
    entities_stand = _entities_stand(work)
    for wave in work.method.waves:
        of_document = [variable for variable in wave if work.method.level(variable) == "document"]
        of_entities = [variable for variable in wave if work.method.level(variable) == "entity"]
        due = [variable for variable in of_entities if not (entities_stand and work.keep(variable))]
        if due and found is None:
            found = yield from _find(work, of_document, [*settled, *of_entities])
            work.entities = [_entity_row(entity, found) for entity in found.entities]
            if found.is_new:
                entities_stand = False
                due = [*settled, *of_entities]
                for variable in due:
                    work.kept.pop(variable.name, None)
        yield from extract_document_level(work, [v for v in of_document if v.name not in work.cells])
        if found is not None:
            yield from _fill(work, found, due)
        settled += of_entities


def _entities_stand(work: Work) -> bool:
    """Whether the entities are those whose cells are held: the keys are settled as they would be, from every chunk."""
    keys = work.method.keys
    return all(work.is_current(key) for key in keys) and all(
        work.recall.known(keys, FINDING, chunk) for chunk in work.chunks
    )


def _find(
    work: Work, of_document: Sequence[Variable], of_entities: Sequence[Variable]
) -> Generator[Waiting, None, _Found]:
    """The entities: from held replies where they are still what would be asked, from the other chunks asked for now."""
    keys = work.method.keys
    held, covered = _recalled(work, keys)
    missing = [chunk for chunk in work.chunks if chunk.index not in held]
    # Document-level variables ride along only where every chunk is asked; half of their answers would be no answer.
    riding = [v for v in of_document if not held and work.applies(v) and not work.keep(v) and _is_unheard(work, v)]
    asks = work.method.finding_asks([*riding, *of_entities]) if missing else ()
    asked = {name for ask in asks for name in ask.names}
    heard = yield from work.hear([Question(ask, chunk) for ask in asks for chunk in missing])
    settle_document_level(work, [variable for variable in riding if variable.name in asked], heard)
    if missing:
        in_asks = [v for v in work.method.codebook.asked if v.name in asked and work.method.level(v) == "entity"]
        covered = [variable for variable in in_asks if not held or variable in covered]
    recalled = [one for of_chunk in held.values() for one in of_chunk]
    found = _joined(work, [*recalled, *heard], keys, [*keys, *covered])
    return replace(found, is_new=bool(missing))


def _recalled(work: Work, keys: Sequence[Variable]) -> tuple[dict[int, list[Heard]], list[Variable]]:
    """What held replies say of the entities, by chunk, and the variables beside the keys that all of them answer."""
    there = [chunk for chunk in work.chunks if work.recall.known(keys, FINDING, chunk)]
    covered: list[Variable] = []
    for variable in work.method.codebook.asked:  # of later waves, too
        # One reply of each chunk has to answer them together: the rows of two need not be the same.
        together = (*keys, *covered, variable)
        is_candidate = variable not in keys and work.method.level(variable) == "entity"
        if is_candidate and all(work.recall.known(together, FINDING, chunk) for chunk in there):
            covered.append(variable)
    calls = {chunk.index: work.recall.known((*keys, *covered), FINDING, chunk) for chunk in there}
    held: dict[int, list[Heard]] = {}
    for chunk in there:
        heard = work.heard_again(calls[chunk.index], [*keys, *covered], chunk)
        if heard is not None:
            held[chunk.index] = heard
    return held, covered


def _is_unheard(work: Work, variable: Variable) -> bool:
    return not all(work.recall.known((variable,), ROW_MODES, chunk) for chunk in work.chunks)


def _joined(work: Work, heard: Sequence[Heard], keys: Sequence[Variable], covered: Sequence[Variable]) -> _Found:
    rows: list[FoundRow] = []
    answers: list[Row] = []
    for one in heard:
        if one.problem:
            work.unread.append(f"part {one.question.chunk.number} could not be searched: {one.problem}")
        quotes = one.parsed.row_quotes or (None,) * len(one.parsed.rows)
        for row, quote in zip(one.parsed.rows, quotes, strict=True):
            rows.append(_found_row(work, one, row, quote, keys))
            answers.append(row)
    names = frozenset(variable.name for variable in covered)
    return _Found(heard, rows, answers, join(rows, keys), names, is_new=False)


def _found_row(work: Work, heard: Heard, row: Row, quote: str | None, keys: Sequence[Variable]) -> FoundRow:
    chunk = heard.question.chunk
    settled = {
        key.name: settle([answer], key, work.context) for key in keys for answer in row if answer.variable == key.name
    }
    passage = _passage(work, row, quote, chunk.span)
    span = None
    if passage is not None and passage.start is not None and passage.end is not None:
        span = Span(passage.start, passage.end)
    shown = quote or (passage.quote if passage else None)
    return FoundRow(chunk.index, {name: o.value for name, o in settled.items()}, shown, span, chunk.span.start)


def _passage(work: Work, row: Row, quote: str | None, within: Span) -> Evidence | None:
    """Where a row stands: at its own quote, else at the first quote of its answers. One that stands several times does
    not tell this row from another, so a quote that stands once comes before it, or says which of the places is meant."""
    quotes = [*filter(None, (quote, *(answer.quote for answer in row)))]
    found: Evidence | None = None
    for one in quotes:
        evidence = ground(one, work.context.text, within=within)
        if evidence.start is None or evidence.end is None:
            continue
        if evidence.grounding is not Grounding.AMBIGUOUS:
            anchor = Span(evidence.start, evidence.end)
            return ground(quote, work.context.text, anchor, within) if quote and found else evidence
        found = found or evidence
    return found


def _fill(work: Work, found: _Found, variables: Sequence[Variable]) -> Generator[Waiting, None, None]:
    """Settles entity-level variables: those answered where the entities were found, and the others by asking for each entity."""
    if not found.entities and work.unread:
        for variable in variables:
            work.cells[variable.name] = [failed(work, variable, "; ".join(work.unread))]
        return
    applying = {v.name: [e for e in found.entities if work.applies(v, e.id)] for v in variables}
    later = [variable for variable in variables if variable.name not in found.covered]
    heard = yield from _ask_for_entities(work, found, later, applying)
    for variable in variables:
        applies = {entity.id for entity in applying[variable.name]}
        work.cells[variable.name] = [
            _entity_cell(work, found, heard, entity, variable)
            if entity.id in applies
            else not_asked(work, variable, entity.id)
            for entity in found.entities
        ]


def _ask_for_entities(
    work: Work, found: _Found, variables: Sequence[Variable], applying: Mapping[str, Sequence[Entity]]
) -> Generator[Waiting, None, list[Heard]]:
    """What is said of the entities in each chunk that mentions them: from held replies, else asked now."""
    recalled: list[Heard] = []
    questions: list[Question] = []
    for chunk in found.chunks if variables else ():
        hints = {entity.id: EntityHint(entity.id, entity.key, entity.quote) for entity in found.mentioned_in(chunk)}
        due: list[Variable] = []
        due_ids: set[str] = set()
        for variable in variables:
            about = [hints[entity.id] for entity in applying[variable.name] if entity.id in hints]
            heard, unheard = work.recalled_of_entities(variable, chunk, about)
            recalled.extend(heard)
            if unheard:
                due.append(variable)
                due_ids.update(hint.id for hint in unheard)
        asks = work.method.asks((variable.name for variable in due), entities_known=True)
        wanted = tuple(hint for hint in hints.values() if hint.id in due_ids)
        questions.extend(Question(ask, chunk, wanted) for ask in asks)
    return recalled + (yield from work.hear(questions))


def _entity_cell(work: Work, found: _Found, filled: Sequence[Heard], entity: Entity, variable: Variable) -> Cell:
    if variable.name in found.covered:
        chunks = {found.rows[mention].chunk for mention in entity.mentions}
        heard = [one for one in found.heard if one.question.chunk.index in chunks]
        answers = found.answers_of(entity, variable)
    else:
        heard = [one for one in filled if any(hint.id == entity.id for hint in one.question.hints)]
        answers = [answer for one in heard for answer in _filled(one, entity.id, variable)]
    return cell_of(work, variable, answers, heard, entity=entity.id, near=found.near(entity))


def _filled(heard: Heard, entity: str, variable: Variable) -> list[Answer]:
    rows = zip(heard.parsed.row_ids, heard.parsed.rows, strict=False)
    return [answer for row_id, row in rows if row_id == entity for answer in row if answer.variable == variable.name]


def _entity_row(entity: Entity, found: _Found) -> dict[str, object]:
    near = found.near(entity)
    mentions = [
        {
            "part": found.rows[m].chunk,
            "quote": found.rows[m].quote,
            "start": span.start if (span := found.rows[m].span) else None,
        }
        for m in entity.mentions
    ]
    reasons = [reason for reason in (*entity.reasons, entity.note) if reason]
    return {
        "entity": entity.id,
        "start": near.start if near else None,
        "quote": entity.quote,
        "mentions": json.dumps(mentions, ensure_ascii=False),
        "joined": reasons,
    }
