"""What one document's extraction knows: the run's method, what is held of the document, and what was settled so far.

The order in which things are asked is in `extraction` and `many_rows`.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from coderai_pipeline.domain.asks import Ask, Mode, level_of, parameters_of, plan_asks
from coderai_pipeline.domain.cells import Answer, Cell, CellStatus, Value
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
from coderai_pipeline.engine.report import Settlement
from coderai_pipeline.extractors import rules

HeldCells: TypeAlias = Mapping[str, Sequence[tuple[Cell, str]]]
"""Variable -> its current cells, each with the hash of the text it was read from."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the extraction of a document gives to the store. calls, entities: block rows without document and version.

    stop: why the whole run has to stop, "" = it does not.
    """

    settlement: Settlement
    work_fingerprint: str
    chunks: tuple[Chunk, ...]
    calls: tuple[Mapping[str, Any], ...] = ()
    entities: tuple[Mapping[str, Any], ...] = ()
    stop: str = ""


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

    def recalling(self, variables: Sequence[Variable], mode: Mode) -> Ask:
        """An ask by which a reply paid for earlier is read again; it is never sent."""
        return Ask(self.project, tuple(variables), mode, "", parameters_of(self.project, tuple(variables)))


ROW_MODES: tuple[Mode, ...] = ("row", "rows", "identify")
"""How a document-level variable may have been asked."""


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
        self.entities: list[Mapping[str, Any]] = []
        """Block rows of the entities found."""
        self.unread: list[str] = []
        """Parts of the document in which entities could not be looked for, and why."""
        self._held_cells, self._held_calls, self._retry_failed = held_cells, held_calls, retry_failed
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
        return replace(self._context, chunks=self._asked if len(self._asked) > 1 else {})

    def applies(self, variable: Variable, entity: str = "") -> bool:
        """Whether the variable's condition holds, by the values settled so far."""
        condition = self.method.conditions.get(variable.name)
        return condition is None or condition.holds(self.values(entity))

    def keep(self, variable: Variable) -> bool:
        """Keeps the held cells of a variable if they are what would be settled now; False = it is due."""
        held = [cell for cell, _ in self._held_cells.get(variable.name, ())]
        if not held or not self._are_current(variable) or any(cell.status is CellStatus.SKIPPED for cell in held):
            return False
        self.kept[variable.name] = held
        return True

    def skip(self, variable: Variable, cell: Cell) -> None:
        """Records that a variable was not asked, unless that is what is held."""
        held = [cell for cell, _ in self._held_cells.get(variable.name, ())]
        if [one.status for one in held] == [CellStatus.SKIPPED] and self._are_current(variable):
            self.kept[variable.name] = held
        else:
            self.cells[variable.name] = [cell]

    def _are_current(self, variable: Variable) -> bool:
        wanted = self.method.definitions[variable.name]
        return not self._is_retried(variable) and all(
            (cell.ask_fingerprint, cell.settle_fingerprint, text) == (wanted.ask, wanted.settle, self.text_sha256)
            for cell, text in self._held_cells.get(variable.name, ())
        )

    def _is_retried(self, variable: Variable) -> bool:
        held = self._held_cells.get(variable.name, ())
        return self._retry_failed and any(cell.status is CellStatus.FAILED for cell, _ in held)

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
        due: list[Variable] = []
        for variable in variables:
            found = next((held for mode in ROW_MODES if (held := self.recalled((variable,), mode)) is not None), None)
            if found is None:
                due.append(variable)
            else:
                recalled.extend(found)
        asks = self.method.asks(variable.name for variable in due)
        heard = yield from self.hear([self.question(ask, chunk) for ask in asks for chunk in self.relevant(ask)])
        return recalled + heard

    def question(self, ask: Ask, chunk: Chunk, hints: tuple[EntityHint, ...] = ()) -> Question:
        return Question(ask, chunk, hints, fresh=any(self._is_retried(variable) for variable in ask.variables))

    def hear(self, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        if not questions:
            return []
        heard = yield from self.method.asker.hear(self.document, questions)
        self.heard.extend(heard)
        self._asked.update((one.question.chunk.index, one.question.chunk.span) for one in heard)
        return heard

    def recalled(
        self,
        variables: Sequence[Variable],
        mode: Mode,
        chunks: Sequence[Chunk] | None = None,
        hints_of: Callable[[Chunk], tuple[EntityHint, ...]] | None = None,
    ) -> list[Heard] | None:
        """What held replies say of the variables, about all that is to be asked; None where any of it would be asked.

        hints_of: the entities asked about in a chunk (`fill`); chunks without any are not asked.
        """
        if not self._held_calls or any(self._is_retried(variable) for variable in variables):
            return None
        ask = self.method.recalling(variables, mode)
        heard: list[Heard] = []
        for chunk in self.relevant(ask) if chunks is None else chunks:
            hints = hints_of(chunk) if hints_of else ()
            if hints_of and not hints:
                continue
            calls = self._known(variables, mode, chunk, {hint.id for hint in hints})
            for call in calls:
                part = replace(chunk, index=call.chunk, span=Span(call.start, call.end))
                one = self.method.asker.recall(Question(ask, part, hints), call.call_id)
                if one is None:
                    return None
                heard.append(one)
            if not calls:
                return None
        self._asked.update((one.question.chunk.index, one.question.chunk.span) for one in heard)
        return heard

    def _known(self, variables: Sequence[Variable], mode: str, chunk: Chunk, entities: Set[str]) -> list[HeldCall]:
        """Usable replies to this very question about the whole chunk, or about parts that together cover it; [] = none."""
        wanted = {variable.name: self.method.definitions[variable.name].ask for variable in variables}
        calls = [
            call
            for call in self._held_calls
            if call.mode == mode
            and call.text_sha256 == self.text_sha256
            and wanted.items() <= call.asked.items()
            and entities <= set(call.entities)
        ]
        whole = [call for call in calls if (call.start, call.end) == (chunk.span.start, chunk.span.end)]
        return whole[-1:] or _covering(calls, chunk.span)

    def relevant(self, ask: Ask) -> tuple[Chunk, ...]:
        """The chunks that an ask is put to: all, or where the project says so those that can hold one of its variables."""
        limit = self.method.project.extractor.relevant_chunks
        if limit is None or len(self.chunks) <= limit or ask.mode in ("rows", "identify"):
            return self.chunks
        chosen = {
            position
            for variable in ask.variables
            for position in relevant_chunks(self.chunks, self.document, variable, limit)
        }
        return tuple(self.chunks[position] for position in sorted(chosen))

    def second_reading(self, variables: Sequence[Variable]) -> Mapping[str, Answer]:
        """What the local rules read, where the project wants a second reader."""
        if self.method.project.extractor.second_reader != "rules":
            return {}
        whole = Span(0, len(self.document.text))
        read = rules.answer(variables, self.document, whole, conventions_of(self.method.project, self.document))
        return {answer.variable: answer for answer in read if answer.value is not None}


def _covering(calls: Sequence[HeldCall], span: Span) -> list[HeldCall]:
    """The latest calls about parts that together cover a span; [] where they leave a gap."""
    parts = {(call.start, call.end): call for call in calls if span.start <= call.start and call.end <= span.end}
    chosen: list[HeldCall] = []
    reached = span.start
    for (start, end), call in sorted(parts.items(), key=lambda part: (part[0][0], -part[0][1])):
        if start <= reached < end:
            chosen.append(call)
            reached = end
    return chosen if reached >= span.end else []
