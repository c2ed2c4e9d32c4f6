"""Refines one variable: writes candidates from half of the judged documents, extracts the other half with each, compares.

What candidates may say is in `domain.refinement`, how they compare in `domain.refinement_scores`; taking one over is in
`applying`. Everything asked goes through the archive and the budget, so that it is paid for once.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Codebook, Example, Variable
from coderai_pipeline.domain.conditions import parse
from coderai_pipeline.domain.errors import ProviderError
from coderai_pipeline.domain.feedback_patterns import Mistake, patterns
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.domain.prompts import prompt_text, prompt_version
from coderai_pipeline.domain.refinement import (
    FEW_CELLS,
    Candidate,
    Refused,
    Wording,
    halves,
    pinned,
    read_candidates,
    refusal,
    request,
    runs_of_words,
)
from coderai_pipeline.domain.refinement_scores import Found, Refinement, RefusedCandidate, Score, ScoredCandidate, score
from coderai_pipeline.domain.reply_json import json_in
from coderai_pipeline.engine.askers import ModelAsker
from coderai_pipeline.engine.due import DueDocument
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.refinement_evidence import Evidence, gather
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.engine.work import Extracted, Steps
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.storage.blocks import BlockStore, next_version
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.refinements import keep_refinement, now

if TYPE_CHECKING:
    import openai

NO_MODEL = (
    "the local rules follow no instructions and no examples, so that no other wording can be tried with them; what they look "
    "for stands under `labels`, `where` and `categories`, and the mistakes above say what is amiss"
)
AT_ONCE = 64
"""Documents extracted at the same time."""


def refine(
    loaded: LoadedProject,
    name: str,
    run_id: str,
    *,
    seed: int = 0,
    make_client: "Callable[[], openai.OpenAI] | None" = None,
    patience: Patience | None = None,
) -> Refinement:
    """Candidates for a variable, compared with its present wording; kept, and shown among the prompts.

    Raises NotRefinable where there is too little feedback, and whatever ends a run: MissingKey, ProjectBusy, a used budget.
    """
    evidence = gather(loaded, name)
    if loaded.project.extractor.name == "rules":
        found = _found(loaded, evidence, "nothing was compared", notes=(NO_MODEL,))
    else:
        at_once = loaded.project.extractor.model_copy(update={"batch": False})
        loaded = replace(loaded, project=loaded.project.model_copy(update={"extractor": at_once}))
        control = Control(loaded.folder.state)
        with control.extracting(run_id), open_extractions(loaded, make_client, patience) as extractions:
            found = _Refining(loaded, evidence, extractions, run_id, seed).refine()
    keep_refinement(loaded.folder, found)
    return found


def _found(loaded: LoadedProject, evidence: Evidence, split: str, **more: Any) -> Refinement:
    variable = evidence.variable
    return Refinement(
        variable=variable.name,
        prompt_version=prompt_version(loaded.project, loaded.codebook, variable),
        made_at=now(),
        judged=len(evidence.judged),
        patterns=tuple(pattern.stated for pattern in patterns(evidence.mistakes)),
        split=split,
        **more,
    )


@dataclass(slots=True)
class _Refining:
    loaded: LoadedProject
    evidence: Evidence
    extractions: Extractions
    run_id: str
    seed: int
    calls: int = 0
    tokens: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])

    def refine(self) -> Refinement:
        parts = halves(self.evidence.documents, self.seed)
        crosses = len(self.evidence.judged) < FEW_CELLS
        directions = [(0, 1), (1, 0)] if crosses else [(0, 1)]
        written = [one for writing, scoring in directions for one in self._write(parts, writing, scoring, crosses)]
        present = self._extract(self.evidence.variable, [key for _, side in directions for key in parts[side]])
        scored = self._scored(written, parts, present)
        split = (
            f"few cells: each half of {len(self.evidence.documents)} documents scored what was written from the other"
            if crosses
            else f"written from {len(parts[0])} documents, scored on {len(parts[1])} others"
        )
        refused = tuple(
            RefusedCandidate(one.origin, one.reason, one.wording.instructions or "") for one in self.refused
        )
        notes = () if scored else ("no candidate was left to compare",)
        return _found(
            self.loaded, self.evidence, split, candidates=scored, refused=refused, notes=notes,
            calls=self.calls, tokens=self.tokens,
        )  # fmt: skip

    def _write(self, parts: Sequence[frozenset[str]], writing: int, scoring: int, crosses: bool) -> list[Candidate]:
        """The candidates that one half gives, those apart that are refused."""
        mistakes, variable = self.evidence.mistakes_in(parts[writing]), self.evidence.variable
        if not mistakes:
            return []
        held_out = runs_of_words(self.evidence.documents[key].document.text for key in parts[scoring])
        told = runs_of_words(text for one in self.evidence.mistakes for text in (one.passage, one.judgement.note))
        kept: list[Candidate] = []
        for one in self._asked(mistakes, writing, 1 if crosses else 2):
            reason = one.reason if isinstance(one, Refused) else refusal(one, variable, held_out | told)
            if reason:
                self.refused.append(Refused(one.origin, one.wording, reason))
            elif isinstance(one, Candidate):
                kept.append(one)
        example = _pinned_beside(mistakes, variable, writing, held_out)
        return [*kept, example] if example else kept

    def _asked(self, mistakes: Sequence[Mistake], half: int, number: int) -> list[Candidate | Refused]:
        """What the model writes."""
        asker = self.extractions.method.asker
        assert isinstance(asker, ModelAsker), "rules are not asked for words"
        asked = request(self.evidence.variable, mistakes, self.loaded.project, number)
        reply = asker.provider.submit(asked).result()
        if not reply.from_archive:
            self.calls += 1
            self.tokens += reply.input_tokens + reply.output_tokens
        found = json_in(reply.text)
        if not found or reply.finish_reason != "stop":
            return [Refused("model", Wording(), f"the reply cannot be read: {reply.text[:100]}")]
        given = list(read_candidates(found[0].value, self.evidence.variable, half))
        return given[:number] or [Refused("model", Wording(), "the reply holds no candidate")]

    def _scored(
        self, written: Sequence[Candidate], parts: Sequence[frozenset[str]], present: Found
    ) -> tuple[ScoredCandidate, ...]:
        """Those of the model one by one; the pinned ones of both halves as one, each half's cells by the other's examples."""
        made: list[tuple[Candidate, Found, list[Judgement]]] = []
        for one in written:
            scoring = parts[1 - one.written_from]
            found = self._extract(one.wording.applied_to(self.evidence.variable), scoring)
            made.append((one, found, self.evidence.judged_in(scoring)))
        pins = [entry for entry in made if entry[0].origin == "pinned"]
        single = [entry for entry in made if entry[0].origin != "pinned"]
        if pins:
            single.append(self._together(pins))
        return tuple(
            self._as_kept(number, one, score(judged, present, found, self.evidence.variable, self.seed))
            for number, (one, found, judged) in enumerate(single, start=1)
        )

    def _together(
        self, pins: Sequence[tuple[Candidate, Found, list[Judgement]]]
    ) -> tuple[Candidate, Found, list[Judgement]]:
        """With both halves the candidate's examples come from all documents; its score is that of the way they are chosen."""
        found = {place: value for _, of_half, _ in pins for place, value in of_half.items()}
        judged = [one for _, _, of_half in pins for one in of_half]
        whole = pinned(self.evidence.mistakes, self.evidence.variable, -1) if len(pins) > 1 else pins[0][0]
        assert whole is not None, "what could be pinned of a half can be pinned of all"
        return whole, found, judged

    def _as_kept(self, number: int, one: Candidate, result: Score | None) -> ScoredCandidate:
        wording = one.wording
        return ScoredCandidate(
            number=number,
            origin=one.origin,
            why=one.why,
            instructions=wording.instructions,
            descriptions=dict(wording.descriptions),
            examples=[as_written(example) for example in wording.examples],
            score=result,
            diff=self._diff(wording),
        )

    def _diff(self, wording: Wording) -> str:
        project, codebook, variable = self.loaded.project, self.loaded.codebook, self.evidence.variable
        before, after = (
            prompt_text(project, codebook, one).splitlines() for one in (variable, wording.applied_to(variable))
        )
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))
        return "\n".join(line for line in lines[2:] if not line.startswith("@@"))

    def _extract(self, variable: Variable, keys: Iterable[str]) -> Found:
        """The variable's cells in these documents, asked in these words alone; whatever else it needs is taken as held."""
        method = self.extractions.method
        needed = _with_what_it_needs(self.loaded, variable)
        arm = Extractions.of(method.project, needed, method.asker)
        due = [_without(self.evidence.documents[key], variable.name) for key in keys]
        found: dict[tuple[str, str], Any] = {}
        for first in range(0, len(due), AT_ONCE):
            group = due[first : first + AT_ONCE]
            for one, extracted in zip(group, _run_all([one.steps(arm) for one in group]), strict=True):
                self._account(one, extracted)
                cells = [cell for cell in extracted.settlement.cells if cell.variable == variable.name]
                found |= {(cell.document, cell.entity): cell.value for cell in cells if cell.status != "failed"}
        return found

    def _account(self, due: DueDocument, extracted: Extracted) -> None:
        """Writes down what was paid, so that the next extraction finds it. Raises where no more can be asked."""
        about = {"version": next_version(), "run_id": self.run_id}
        BlockStore(self.loaded.folder.state).append("calls", [{**row, **about} for row in extracted.calls])
        self.calls += extracted.settlement.calls
        self.tokens += extracted.settlement.input_tokens + extracted.settlement.output_tokens
        if extracted.stop:
            raise ProviderError(
                f"stopped at {due.document.key}: {extracted.stop}; what was asked is kept, refine again"
            )


def as_written(example: Example) -> dict[str, JsonValue]:
    """An example as codebook.yaml holds it."""
    value = list(example.value) if isinstance(example.value, tuple) else example.value
    return {"source_text": example.source_text, "value": cast("JsonValue", _plain(value))}


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _pinned_beside(
    mistakes: Sequence[Mistake], variable: Variable, half: int, held_out: set[tuple[str, ...]]
) -> Candidate | None:
    """Examples whose passages the scoring documents do not hold as well, such as lines of a form that all share."""
    own = [one for one in mistakes if not runs_of_words([one.passage]) & held_out]
    return pinned(own, variable, half)


def _with_what_it_needs(loaded: LoadedProject, variable: Variable) -> Codebook:
    """The variable, the keys that tell rows apart, and what their conditions ask about."""
    names: set[str] = set()
    due = [variable.name, *loaded.project.unit.key]
    while due:
        name = due.pop()
        if name not in names:
            names.add(name)
            condition = loaded.codebook[name].depends_on
            due.extend(parse(condition).names if condition else ())
    kept = (variable if one.name == variable.name else one for one in loaded.codebook.variables if one.name in names)
    return loaded.codebook.model_copy(update={"variables": tuple(kept)})


def _without(due: DueDocument, name: str) -> DueDocument:
    """As if the variable had never been asked: it is asked alone in each wording, so that nothing else differs."""
    cells = {variable: held for variable, held in due.cells.items() if variable != name}
    calls = [
        replace(call, asked={one: print_ for one, print_ in call.asked.items() if one != name}) for call in due.calls
    ]
    return replace(due, cells=cells, calls=calls)


def _run_all(steps: Sequence[Steps]) -> list[Extracted]:
    """Takes extractions to their ends, all of them under way at once."""
    ended: dict[int, Extracted] = {}
    open_ = list(enumerate(steps))
    while open_:
        waiting: list[tuple[int, Steps, Sequence[Any]]] = []
        for number, one in open_:
            try:
                waiting.append((number, one, next(one)))
            except StopIteration as end:
                ended[number] = end.value
        for _, _, futures in waiting:
            wait(futures)
        open_ = [(number, one) for number, one, _ in waiting]
    return [ended[number] for number in range(len(steps))]
