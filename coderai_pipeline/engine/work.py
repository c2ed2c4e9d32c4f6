"""What one document's extraction knows: the run's method, what is held of the document, and what was settled so far.

The order in which things are asked is in `extraction` and `many_rows`.
"""

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from coderai_pipeline.domain.asks import Ask, Mode, level_of, parameters_of, plan_asks
from coderai_pipeline.domain.cells import Answer, Cell, CellStatus, Reply, Value
from coderai_pipeline.domain.chunks import Chunk, split
from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.codebook_rules import order
from coderai_pipeline.domain.conditions import Condition, parse
from coderai_pipeline.domain.conventions import conventions_of
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.fingerprints import Definition, definitions, work_fingerprint
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.prompts import EntityHint, prompt_version
from coderai_pipeline.domain.retrieval import relevant_chunks
from coderai_pipeline.domain.settling import SettleContext
from coderai_pipeline.engine.askers import Asker, Heard, Question, Waiting
from coderai_pipeline.engine.held import HeldCall
from coderai_pipeline.engine.recall import ROW_MODES, Recall, mark_of
from coderai_pipeline.engine.report import Settlement
from coderai_pipeline.extractors import rules

HeldCells: TypeAlias = Mapping[str, Sequence[tuple[Cell, str]]]
"""Variable -> its current cells, each with the hash of the text it was read from."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the extraction of a document gives to the store. calls, entities: block rows without document and version.

    stop: why the whole run has to stop, "" = it does not. needs_person: it would stop again until somebody does something.
    """

    settlement: Settlement
    work_fingerprint: str
    chunks: tuple[Chunk, ...]
    calls: tuple[Mapping[str, Any], ...] = ()
    entities: tuple[Mapping[str, Any], ...] = ()
    stop: str = ""
    needs_person: bool = False


Steps: TypeAlias = Generator[Waiting, None, Extracted]


@dataclass(frozen=True, slots=True)
class Method:
    """What is the same for all documents of a run, worked out once."""

    project: Project
    codebook: Codebook
    asker: Asker
    waves: tuple[tuple[Variable, ...], ...]
    conditions: Mapping[str, Condition]
    definitions: Mapping[str, Definition]
    prompt_versions: Mapping[str, str]
    work_fingerprint: str
    _asks: dict[tuple[frozenset[str], bool], tuple[Ask, ...]] = field(default_factory=dict[Any, Any])

    @classmethod
    def of(cls, project: Project, codebook: Codebook, asker: Asker) -> "Method":
        asked = codebook.asked
        return cls(
            project,
            codebook,
            asker,
            order(codebook),
            {variable.name: parse(variable.depends_on) for variable in asked if variable.depends_on},
            definitions(project, codebook),
            {variable.name: prompt_version(project, codebook, variable) for variable in asked},
            work_fingerprint(project, codebook),
        )

    def asks(self, names: Iterable[str], *, entities_known: bool = False) -> tuple[Ask, ...]:
        """Planned once for each set of variables: requests of the same ask share their constant part."""
        wanted = frozenset(names), entities_known
        if wanted not in self._asks:
            self._asks[wanted] = plan_asks(self.project, self.codebook, wanted[0], entities_known=entities_known)
        return self._asks[wanted]

    def finding_asks(self, variables: Sequence[Variable]) -> tuple[Ask, ...]:
        """The asks that look for entities. Where asking costs nothing, one ask takes in what later waves need as well."""
        if self.asker.pays:
            return tuple(
                ask for ask in self.asks(variable.name for variable in variables) if ask.mode in ("rows", "identify")
            )
        entity_level = [variable for variable in self.codebook.asked if self.level(variable) == "entity"]
        together = [variable for variable in self.codebook.asked if variable in variables or variable in entity_level]
        return (self.recalling(together, "rows"),)

    def level(self, variable: Variable) -> str:
        return level_of(variable, self.project)

    @property
    def keys(self) -> tuple[Variable, ...]:
        """The variables that tell two entities of a document apart."""
        return tuple(variable for variable in self.codebook.asked if variable.name in self.project.unit.key)

    def recalling(self, variables: Sequence[Variable], mode: Mode) -> Ask:
        """An ask by which a reply paid for earlier is read again; it is never sent."""
        return Ask(self.project, tuple(variables), mode, "", parameters_of(self.project, tuple(variables)))


class Work:
    """One document being extracted."""

    def __init__(
        self,
        method: Method,
        document: Document,
        text_sha256: str,
        held_cells: HeldCells,
        held_calls: Sequence[HeldCall],
        *,
        retry_failed: bool,
    ) -> None:
        self.method, self.document, self.text_sha256 = method, document, text_sha256
        self.chunks = split(document)
        self.cells: dict[str, list[Cell]] = {}
        """Variable -> the cells settled now."""
        self.kept: dict[str, list[Cell]] = {}
        """Variable -> the held cells that are still current."""
        self.heard: list[Heard] = []
        self.replies: dict[str, Reply] = {}
        """Call id -> the reply, of those heard now and of those read again."""
        self.entities: list[Mapping[str, Any]] = []
        """Block rows of the entities found."""
        self.unread: list[str] = []
        """Parts of the document in which entities could not be looked for, and why."""
        self.recall = Recall.of(method, document, text_sha256, held_calls)
        self._held_cells, self._retry_failed = held_cells, retry_failed
        self._relevant: dict[str, set[int]] = {}
        """Variable -> indexes of the chunks that can hold it; filled where the project asks these alone."""
        self._asked: dict[int, Span] = {}
        """Span of each chunk that was asked, or that a held reply was about, by its index."""
        self._started = time.monotonic()
        self._context: SettleContext | None = None

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    @property
    def context(self) -> SettleContext:
        """Made when the first answer is settled: a document whose cells are all held needs none."""
        if self._context is None:
            self._context = SettleContext.of(self.document, conventions_of(self.method.project, self.document), {})
        return replace(self._context, chunks=self._asked) if len(self._asked) > 1 else self._context

    def held(self, variable: str) -> list[Cell]:
        """The cells of a variable that earlier runs left."""
        return [cell for cell, _ in self._held_cells.get(variable, ())]

    def applies(self, variable: Variable, entity: str = "") -> bool:
        """Whether the variable's condition holds, by the values settled so far."""
        condition = self.method.conditions.get(variable.name)
        return condition is None or condition.holds(self.values(entity))

    def keep(self, variable: Variable) -> bool:
        """Keeps the held cells of a variable if they are what would be settled now; False = it is due."""
        held = self.held(variable.name)
        skips_wrongly = any((cell.status is CellStatus.SKIPPED) == self.applies(variable, cell.entity) for cell in held)
        if not held or skips_wrongly or not self.is_current(variable):
            return False
        self.kept[variable.name] = held
        return True

    def leave_out(self, variable: Variable, cell: Cell) -> None:
        """Records why a variable was not asked, unless that is what is held."""
        held = self.held(variable.name)
        if [(one.status, one.reason) for one in held] == [(cell.status, cell.reason)] and self.is_current(variable):
            self.kept[variable.name] = held
        else:
            self.cells[variable.name] = [cell]

    def is_current(self, variable: Variable) -> bool:
        """Whether cells are held that were asked and settled as they would be now, and are not to be asked again."""
        wanted = self.method.definitions[variable.name]
        held = self._held_cells.get(variable.name, ())
        if not held or (self._retry_failed and any(cell.status is CellStatus.FAILED for cell, _ in held)):
            return False
        return all(
            (cell.ask_fingerprint, cell.settle_fingerprint, text) == (wanted.ask, wanted.settle, self.text_sha256)
            for cell, text in held
        )

    def failed_parents(self, variable: Variable, entity: str = "") -> list[str]:
        """Variables that the variable's condition asks about and whose cells failed: whether it holds is not known."""
        condition = self.method.conditions.get(variable.name)
        failed = {
            cell.variable
            for cell in self.all_cells()
            if cell.status is CellStatus.FAILED and cell.entity in ("", entity)
        }
        return sorted(failed & set(condition.names)) if condition else []

    def all_cells(self) -> list[Cell]:
        known = {**self.kept, **self.cells}
        return [cell for cells in known.values() for cell in cells]

    @property
    def wanted_cells(self) -> int:
        """One for each document-level variable, and one for each entity and entity-level variable."""
        levels = [self.method.level(variable) for variable in self.method.codebook.asked]
        cells = self.all_cells()
        rows = {cell.entity for cell in cells if self.method.level(self.method.codebook[cell.variable]) == "entity"}
        return levels.count("document") + len(rows) * levels.count("entity")

    def values(self, entity: str = "") -> dict[str, Value]:
        """The values settled or kept so far that hold for an entity (or, "", for the document)."""
        return {cell.variable: cell.value for cell in self.all_cells() if cell.entity in ("", entity)}

    def answers(self, variables: Sequence[Variable]) -> Generator[Waiting, None, list[Heard]]:
        """Document-level answers: from replies paid for earlier where they answer this very question, else asked now."""
        recalled: list[Heard] = []
        questions: list[Question] = []
        for chunk in self.chunks:
            heard, due = self.recalled(variables, ROW_MODES, chunk)
            recalled.extend(heard)
            asks = self.method.asks(variable.name for variable in due)
            questions.extend(Question(ask, chunk) for ask in asks if self._is_relevant(chunk, ask))
        return recalled + (yield from self.hear(questions))

    def hear(self, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        if not questions:
            return []
        heard = yield from self.method.asker.hear(self.document, questions)
        self.heard.extend(heard)
        self._note_asked(heard)
        return heard

    def recalled(
        self, variables: Sequence[Variable], modes: Sequence[Mode], chunk: Chunk
    ) -> tuple[list[Heard], list[Variable]]:
        """What held replies say of the variables in a chunk, and the variables that would be asked."""
        calls = {variable.name: self.recall.known((variable,), modes, chunk) for variable in variables}
        heard: list[Heard] = []
        due = {name for name, known in calls.items() if not known}
        for known in {tuple(call.call_id for call in known): known for known in calls.values() if known}.values():
            together = [variable for variable in variables if calls[variable.name] == known]
            found = self.heard_again(known, together, chunk)
            heard.extend(found or ())
            due.update(variable.name for variable in together if found is None)
        return heard, [variable for variable in variables if variable.name in due]

    def recalled_of_entities(
        self, variable: Variable, chunk: Chunk, hints: Sequence[EntityHint]
    ) -> tuple[list[Heard], list[EntityHint]]:
        """What held replies say of a variable of these entities, and the entities that would be asked about."""
        calls = {hint.id: self.recall.known((variable,), ("fill",), chunk, mark_of(hint)) for hint in hints}
        heard: list[Heard] = []
        due = {entity for entity, known in calls.items() if not known}
        for known in {tuple(call.call_id for call in known): known for known in calls.values() if known}.values():
            together = tuple(hint for hint in hints if calls[hint.id] == known)
            found = self.heard_again(known, (variable,), chunk, together)
            heard.extend(found or ())
            due.update(hint.id for hint in together if found is None)
        return heard, [hint for hint in hints if hint.id in due]

    def heard_again(
        self, calls: Sequence[HeldCall], variables: Sequence[Variable], chunk: Chunk, hints: tuple[EntityHint, ...] = ()
    ) -> list[Heard] | None:
        heard = self.recall.heard(calls, variables, chunk, hints)
        self._note_asked(heard or ())
        return heard

    def _note_asked(self, heard: Iterable[Heard]) -> None:
        for one in heard:
            self._asked[one.question.chunk.index] = one.question.chunk.span
            self.replies.update({one.reply.call_id: one.reply} if one.reply else {})

    def _is_relevant(self, chunk: Chunk, ask: Ask) -> bool:
        """Whether an ask is put to a chunk: always, or where the project says so if it can hold one of the variables."""
        limit = self.method.project.extractor.relevant_chunks
        if limit is None or len(self.chunks) <= limit:
            return True
        for variable in ask.variables:
            if variable.name not in self._relevant:
                self._relevant[variable.name] = {
                    self.chunks[position].index
                    for position in relevant_chunks(self.chunks, self.document, variable, limit)
                }
        return any(chunk.index in self._relevant[variable.name] for variable in ask.variables)

    def second_reading(self, variables: Sequence[Variable]) -> Mapping[str, Answer]:
        """What the local rules read, where the project wants a second reader."""
        if self.method.project.extractor.second_reader != "rules":
            return {}
        whole = Span(0, len(self.document.text))
        read = rules.answer(variables, self.document, whole, conventions_of(self.method.project, self.document))
        return {answer.variable: answer for answer in read if answer.value is not None}
