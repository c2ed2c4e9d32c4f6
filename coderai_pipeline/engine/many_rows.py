"""Documents that hold many rows: find the entities, join those that are the same, fill their variables.

The joining is in `domain.entities`; document-level variables go the way of `extraction`, or ride along where entities are looked for.
"""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.asks import Mode
from coderai_pipeline.domain.cells import Answer, Cell
from coderai_pipeline.domain.chunks import Chunk
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.entities import Entity, FoundRow, join
from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.prompts import EntityHint
from coderai_pipeline.domain.replies import Row
from coderai_pipeline.domain.settling import settle
from coderai_pipeline.engine.askers import Heard, Waiting
from coderai_pipeline.engine.document_level import extract_document_level, settle_document_level
from coderai_pipeline.engine.settled import cell_of, failed, skipped
from coderai_pipeline.engine.work import Work

FINDING: tuple[Mode, ...] = ("rows", "identify")


@dataclass(frozen=True, slots=True)
class _Found:
    """The entities of a document and what they were found by. covered: variables answered where they were found."""

    heard: Sequence[Heard]
    rows: Sequence[FoundRow]
    answers: Sequence[Row]
    entities: Sequence[Entity]
    covered: frozenset[str]

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
    for wave in work.method.waves:
        of_document = [variable for variable in wave if work.method.level(variable) == "document"]
        of_entities = [variable for variable in wave if work.method.level(variable) == "entity"]
        due = [variable for variable in of_entities if not work.keep(variable)]
        if due and found is None:
            found = yield from _find(work, of_document, of_entities)
            work.entities = [_entity_row(entity, found) for entity in found.entities]
            due = [variable for variable in of_entities if variable.name not in work.kept]
        yield from extract_document_level(work, [v for v in of_document if v.name not in work.cells])
        if found is not None:
            yield from _fill(work, found, due)


def _find(
    work: Work, of_document: Sequence[Variable], of_entities: Sequence[Variable]
) -> Generator[Waiting, None, _Found]:
    """The entities: from replies held if they are still what would be asked, else asked now, with everything due in one pass."""
    method = work.method
    keys = [variable for variable in method.codebook.asked if variable.name in method.project.unit.key]
    for mode in FINDING:
        covered = [v for v in of_entities if v not in keys and work.recalled((*keys, v), mode) is not None]
        heard = work.recalled((*keys, *covered), mode) if keys or covered else None
        if heard is not None:
            return _joined(work, heard, keys, [*keys, *covered])
    for variable in of_entities:  # entities found anew may be others than those held
        work.kept.pop(variable.name, None)
    riding = [variable for variable in of_document if work.applies(variable) and not work.keep(variable)]
    asks = method.finding_asks([*riding, *of_entities])
    heard = yield from work.hear([work.question(ask, chunk) for ask in asks for chunk in work.chunks])
    asked = {name for ask in asks for name in ask.names}
    settle_document_level(work, [variable for variable in riding if variable.name in asked], heard)
    in_asks = [variable for variable in method.codebook.asked if variable.name in asked]
    return _joined(work, heard, keys, [variable for variable in in_asks if method.level(variable) == "entity"])


def _joined(work: Work, heard: Sequence[Heard], keys: Sequence[Variable], covered: Sequence[Variable]) -> _Found:
    rows: list[FoundRow] = []
    answers: list[Row] = []
    for one in heard:
        if one.problem:
            work.unread.append(f"part {one.question.chunk.index + 1} could not be searched: {one.problem}")
        quotes = one.parsed.row_quotes or (None,) * len(one.parsed.rows)
        for row, quote in zip(one.parsed.rows, quotes, strict=True):
            rows.append(_found_row(work, one, row, quote, keys))
            answers.append(row)
    names = frozenset(variable.name for variable in covered)
    return _Found(heard, rows, answers, join(rows, keys), names)


def _found_row(work: Work, heard: Heard, row: Row, quote: str | None, keys: Sequence[Variable]) -> FoundRow:
    chunk = heard.question.chunk
    settled = {
        key.name: settle([answer], key, work.context) for key in keys for answer in row if answer.variable == key.name
    }
    evidence = [
        outcome.evidence for outcome in settled.values() if outcome.evidence and outcome.evidence.start is not None
    ]
    passage = ground(quote, work.context.text, within=chunk.span) if quote else next(iter(evidence), None)
    span = None
    if passage is not None and passage.start is not None and passage.end is not None:
        span = Span(passage.start, passage.end)
    shown = quote or (passage.quote if passage else None)
    return FoundRow(chunk.index, {name: o.value for name, o in settled.items()}, shown, span, chunk.span.start)


def _fill(work: Work, found: _Found, variables: Sequence[Variable]) -> Generator[Waiting, None, None]:
    """Settles entity-level variables: those answered where the entities were found, and the others by asking for each entity."""
    if not found.entities and work.unread:
        for variable in variables:
            work.cells[variable.name] = [failed(work, variable, "; ".join(work.unread))]
        return
    later = [variable for variable in variables if variable.name not in found.covered]
    applying = {v.name: [e for e in found.entities if work.applies(v, e.id)] for v in variables}
    heard = yield from _ask_for_entities(
        work, found, later, {id_ for v in later for id_ in (e.id for e in applying[v.name])}
    )
    for variable in variables:
        applies = {entity.id for entity in applying[variable.name]}
        work.cells[variable.name] = [
            _entity_cell(work, found, heard, entity, variable)
            if entity.id in applies
            else skipped(work, variable, entity.id)
            for entity in found.entities
        ]


def _ask_for_entities(
    work: Work, found: _Found, variables: Sequence[Variable], entities: set[str]
) -> Generator[Waiting, None, list[Heard]]:
    def hints_of(chunk: Chunk) -> tuple[EntityHint, ...]:
        return tuple(EntityHint(e.id, e.key, e.quote) for e in found.mentioned_in(chunk) if e.id in entities)

    if not variables or not entities:
        return []
    recalled: list[Heard] = []
    due: list[Variable] = []
    for variable in variables:
        held = work.recalled((variable,), "fill", found.chunks, hints_of)
        recalled.extend(held or ())
        if held is None:
            due.append(variable)
    asks = work.method.asks((variable.name for variable in due), entities_known=True)
    heard = yield from work.hear(
        [work.question(ask, chunk, hints_of(chunk)) for ask in asks for chunk in found.chunks if hints_of(chunk)]
    )
    return recalled + heard


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
