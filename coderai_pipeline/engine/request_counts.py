"""The requests that documents would take, made and counted without being sent: what a forecast is built on.

They come from the same steps as a run's own (`extraction`), taken with an asker that hears nothing.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from coderai_pipeline.domain.asks import Ask
from coderai_pipeline.domain.cells import Answer, CallRequest
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.forecast import Kind
from coderai_pipeline.domain.prompts import render
from coderai_pipeline.domain.replies import ParsedReply
from coderai_pipeline.engine.askers import Heard, Question, Waiting, best_of, held_replies, recall_from
from coderai_pipeline.engine.due import DueDocument
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.work import Method
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.budget import estimate
from coderai_pipeline.extractors.prices import price_of
from coderai_pipeline.storage.projects import LoadedProject

ROWS_EXPECTED = 3.0
"""Entities a document is taken to hold where the project does not say how many to expect."""


@dataclass(slots=True)
class CountedRequests:
    """The requests of one document. sure: those that it takes; possible: those if its conditions hold and it has entities.

    Each by call id, with its kind and its prompt tokens."""

    sure: dict[str, tuple[Kind, int]]
    possible: dict[str, tuple[Kind, int]]


class RequestCounter:
    """Goes through documents as a run does, with askers that make each request, count it, and hear nothing."""

    def __init__(self, loaded: LoadedProject, *, retry_failed: bool = False, from_nothing: bool = False) -> None:
        """from_nothing: as if the archive were empty."""
        self.kinds: dict[tuple[str, tuple[str, ...], str], Kind] = {}
        self.held = 0
        self._loaded, self._project, self._retry_failed = loaded, loaded.project, retry_failed
        archive = None if from_nothing else ReplyArchive(loaded.folder.state / "replies")
        self._sure, self._possible = _Asker(self, archive), _Asker(self, archive, supposing=True)
        method = Method.of(loaded.project, loaded.codebook, self._sure)
        # A second reader would read every document for nothing.
        plain = loaded.project.extractor.model_copy(update={"second_reader": None})
        method = replace(method, project=loaded.project.model_copy(update={"extractor": plain}))
        supposing = replace(method, asker=self._possible, conditions={})
        self._extractions = Extractions(method, 1), Extractions(supposing, 1)
        self._is_certain = not method.conditions and loaded.project.unit.rows == "one"

    def count(self, documents: Iterable[DueDocument]) -> list[CountedRequests]:
        return [self._count(due) for due in documents]

    def count_anew(self, documents: Iterable[DueDocument]) -> list[CountedRequests]:
        """The same, as if nothing were held of these documents."""
        counter = RequestCounter(self._loaded, from_nothing=True)
        counter.kinds = self.kinds
        return counter.count(replace(due, cells={}, calls=()) for due in documents)

    def kind_of(self, ask: Ask, request: CallRequest) -> Kind:
        key = ask.mode, ask.names, ask.model
        if key not in self.kinds:
            self.kinds[key] = self._kind(ask, request)
        return self.kinds[key]

    def _count(self, due: DueDocument) -> CountedRequests:
        if not due.document.status.is_readable:
            return CountedRequests({}, {})
        sure = self._asked(self._sure, due, self._extractions[0])
        self.held += self._sure.held
        return CountedRequests(
            sure, sure if self._is_certain else self._asked(self._possible, due, self._extractions[1])
        )

    def _asked(self, asker: "_Asker", due: DueDocument, extractions: Extractions) -> dict[str, tuple[Kind, int]]:
        asker.asked, asker.held = {}, 0
        for _ in due.steps(extractions, retry_failed=self._retry_failed):
            pass
        return asker.asked

    def _kind(self, ask: Ask, request: CallRequest) -> Kind:
        extractor = self._project.extractor
        rows = float(self._project.unit.expected or ROWS_EXPECTED)
        answers = len(ask.document_variables) + rows * (len(ask.row_variables) + (ask.mode == "identify"))
        price = price_of(extractor.prices, ask.model)
        prices = None
        if price is not None:
            cached = price.input if price.cached_input is None else price.cached_input
            share = 0.5 if extractor.batch else 1.0
            prices = price.input * share, cached * share, price.output * share
        schema_tokens = estimate(request).prompt - estimate(replace(request, schema={})).prompt
        return Kind(ask.mode, ask.names, ask.model, answers, schema_tokens, prices)


@dataclass(slots=True)
class _Asker:
    """Makes and counts requests. supposing: hears of entities where they are looked for, so that filling them is counted."""

    counter: RequestCounter
    archive: ReplyArchive | None
    supposing: bool = False
    name: str = "openai"
    pays: bool = True
    asked: dict[str, tuple[Kind, int]] = field(default_factory=dict[str, tuple[Kind, int]])
    held: int = 0
    _seen: set[str] = field(default_factory=set[str])

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        yield from ()
        return [self._hear(document, question) for question in questions]

    def recall(self, question: Question, call_id: str) -> Heard | None:
        return recall_from(self.archive, question, call_id) if self.archive else None

    def _hear(self, document: Document, question: Question) -> Heard:
        request = render(question.ask, document, question.chunk, question.hints)
        tried, due = held_replies(self.archive, question, request) if self.archive else ((), request)
        if due is None:
            self.held += 1
            return best_of(question, tried)
        identity = call_id(due)
        if identity not in self._seen:
            self._seen.add(identity)
            self.asked[identity] = self.counter.kind_of(question.ask, due), estimate(due).prompt
        return Heard(question, self._supposed(question) if self.supposing else ParsedReply())

    def _supposed(self, question: Question) -> ParsedReply:
        if question.ask.mode not in ("rows", "identify"):
            return ParsedReply()
        keys = question.ask.project.unit.key
        row = tuple(Answer(key, f"entity {question.chunk.index}", None, None, "") for key in keys)
        return ParsedReply(rows=(row,))
