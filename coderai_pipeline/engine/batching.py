"""Batch mode: the calls of a project go through the provider's Batch API, and a run settles what has come back.

Between submitting and collecting nothing is kept in a process: tickets, their requests and what stayed without a reply are
files in the project's `state/batches`. The Batch API itself is in `extractors.batch`.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.chunks import split_further
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.errors import BudgetExhausted, ContextTooLong
from coderai_pipeline.domain.fingerprints import work_fingerprint
from coderai_pipeline.domain.prompts import render
from coderai_pipeline.domain.replies import ParsedReply
from coderai_pipeline.engine.askers import TRIES, Awaited, Heard, Question, Waiting, best_of, held_replies, recall_from
from coderai_pipeline.engine.backlog import SAMPLE
from coderai_pipeline.engine.due import due_documents
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import list_inbox
from coderai_pipeline.engine.run import Scope, plan
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.batch import Batch, BatchTicket, collected_at, open_tickets
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import make_client, require_key
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject

CALLS_A_BATCH = 5_000
BYTES_A_BATCH = 48 * 1024 * 1024
"""Of the texts sent; what JSON adds to them stays below the provider's 200 MB."""

_FOLDER = "batches"


@dataclass(frozen=True, slots=True)
class BatchAsker:
    """Hears what the archive holds and sends nothing: a question without a reply leaves its document open.

    found: is told each request that has to be submitted. insist: requests that were given up are submitted once more.
    """

    archive: ReplyArchive
    unanswered: "Unanswered"
    found: Callable[[CallRequest], None] | None = None
    insist: bool = False
    name: str = "openai"
    pays: bool = True

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        yield from ()
        heard: list[Heard] = []
        awaited = sum(self._hear(document, question, heard) for question in questions)
        if awaited:
            raise Awaited(f"waiting for the batch ({awaited} {'call' if awaited == 1 else 'calls'})")
        return heard

    def recall(self, question: Question, call_id: str) -> Heard | None:
        return recall_from(self.archive, question, call_id)

    def _hear(self, document: Document, question: Question, heard: list[Heard]) -> int:
        """Adds what is heard; gives the number of calls that have to be waited for."""
        request = render(question.ask, document, question.chunk, question.hints)
        tried, due = held_replies(self.archive, question, request)
        batches, why = self.unanswered.about(call_id(due)) if due is not None else (0, "")
        if "context_length_exceeded" in why and (halves := _halves(document, question)):
            return sum(self._hear(document, half, heard) for half in halves)
        if due is None or (not self.insist and (len(tried) >= TRIES or batches >= TRIES)):
            unheard = Heard(question, ParsedReply(), f"no reply in {batches} batches: {why}")
            heard.append(best_of(question, tried) if tried else unheard)
            return 0
        if self.found is not None:
            self.found(due)
        return 1


def _halves(document: Document, question: Question) -> list[Question]:
    try:
        return [replace(question, chunk=half) for half in split_further(question.chunk, document)]
    except ContextTooLong:
        return []


@dataclass(slots=True)
class Unanswered:
    """Calls that came back from batches without a reply: call id -> (how many batches, why the last time)."""

    path: Path
    calls: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    @classmethod
    def load(cls, state: Path) -> "Unanswered":
        path = state / _FOLDER / "unanswered.json"
        held: Mapping[str, Sequence[object]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return cls(path, {name: (int(str(batches)), str(why)) for name, (batches, why) in held.items()})

    def about(self, call_id: str) -> tuple[int, str]:
        return self.calls.get(call_id, (0, ""))

    def note(self, answered: Sequence[str], without: Mapping[str, str]) -> None:
        for name in answered:
            self.calls.pop(name, None)
        for name, why in without.items():
            self.calls[name] = self.about(name)[0] + 1, why
        unfinished = self.path.with_suffix(f".{os.getpid()}.unfinished")
        unfinished.write_text(json.dumps(self.calls, ensure_ascii=False), "utf-8")
        unfinished.replace(self.path)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submission sent. stopped: why not everything, "" = everything."""

    tickets: tuple[BatchTicket, ...]
    stopped: str = ""

    @property
    def calls(self) -> int:
        return sum(len(ticket.call_ids) for ticket in self.tickets)


@dataclass(frozen=True, slots=True)
class Collection:
    """What came back. open: batches still under way. ended: those collected now. without: why calls got no reply -> how many."""

    open: tuple[BatchTicket, ...] = ()
    ended: tuple[BatchTicket, ...] = ()
    answered: int = 0
    without: Mapping[str, int] = field(default_factory=dict[str, int])


def submit(loaded: LoadedProject, scope: Scope) -> Submitted:
    """Submits the calls that a run of this scope would make of the documents read, and that are not under way already.

    The caller holds the project's lock. Raises MissingKey and ProviderError; what was submitted before stays submitted.
    """
    sent: list[BatchTicket] = []
    with _open(loaded) as batch:
        under_way = {name for ticket in batch.tickets() for name in ticket.call_ids}
        try:
            sent.extend(batch.submit(requests) for requests in _files(_requests(loaded, scope, under_way)))
        except BudgetExhausted as error:
            return Submitted(tuple(sent), str(error))
    return Submitted(tuple(sent))


def collect(loaded: LoadedProject) -> Collection:
    """Asks after every batch under way and puts the replies of those that ended into the archive.

    Raises MissingKey and ProviderError; what was collected before stays collected.
    """
    archive = ReplyArchive(loaded.folder.state / "replies")
    unanswered = Unanswered.load(loaded.folder.state)
    still: list[BatchTicket] = []
    ended: list[BatchTicket] = []
    answered, without = 0, Counter[str]()
    with _open(loaded) as batch:
        for ticket in [batch.poll(ticket) for ticket in batch.tickets()]:
            if not ticket.is_ended:
                still.append(ticket)
                continue
            collected = batch.collect(ticket, archive)
            unanswered.note(collected.answered, collected.open)
            ended.append(ticket)
            answered += len(collected.answered)
            without.update(collected.open.values())
    return Collection(tuple(still), tuple(ended), answered, without)


def tickets(loaded: LoadedProject) -> tuple[BatchTicket, ...]:
    """The batches whose replies are not collected, oldest first; the server is not asked."""
    return tuple(open_tickets(loaded.folder.state / _FOLDER))


Step = Literal["extract", "submit_batch", ""]


def next_step(loaded: LoadedProject) -> tuple[Step, Scope]:
    """The run that a project in batch mode needs now: settle what has come back, submit what is due, or none.

    Worked out from what is there alone: replies collected after the last settlement are news for the documents due.
    """
    control = Control(loaded.folder.state)
    scope = Scope(sample=None if control.acceptance else SAMPLE, top_up=True)
    blocks = BlockStore(loaded.folder.state)
    held = Held.load(blocks)
    listing = list_inbox(loaded.folder, loaded.project, held.documents)
    todo = plan(loaded, held, listing, scope, work_fingerprint(loaded.project, loaded.codebook))
    if control.held_back or not (todo.to_read or todo.to_extract):
        return "", scope
    settled_at = max((settlement.version for settlement in held.settlements.values()), default=0)
    if todo.to_extract and collected_at(loaded.folder.state / _FOLDER) > settled_at:
        return "extract", scope
    return ("submit_batch" if todo.to_read or not tickets(loaded) else ""), scope


def _requests(loaded: LoadedProject, scope: Scope, under_way: set[str]) -> Iterator[CallRequest]:
    blocks = BlockStore(loaded.folder.state)
    held = Held.load(blocks)
    listing = list_inbox(loaded.folder, loaded.project, held.documents)
    found: dict[str, CallRequest] = {}
    asker = BatchAsker(
        ReplyArchive(loaded.folder.state / "replies"),
        Unanswered.load(loaded.folder.state),
        lambda request: found.update({call_id(request): request}),
        insist=scope.retry_failed,
    )
    extractions = Extractions.of(loaded.project, loaded.codebook, asker)
    todo = plan(loaded, held, listing, scope, extractions.work_fingerprint)
    seen = set(under_way)
    for due in due_documents(blocks, todo.to_extract):
        for _ in due.steps(extractions, retry_failed=scope.retry_failed):
            pass
        yield from (request for name, request in found.items() if name not in seen)
        seen.update(found)
        found.clear()


def _files(requests: Iterator[CallRequest]) -> Iterator[list[CallRequest]]:
    """The requests in groups that make one batch each: of one model, and of bounded size."""
    groups: dict[str, list[CallRequest]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    for request in requests:
        size = len(json.dumps(request.schema, default=dict)) + sum(
            len(m.content.encode("utf-8", "replace")) for m in request.messages
        )
        if groups[request.model] and (
            len(groups[request.model]) >= CALLS_A_BATCH or sizes[request.model] + size > BYTES_A_BATCH
        ):
            yield groups.pop(request.model)
            sizes[request.model] = 0
        groups[request.model].append(request)
        sizes[request.model] += size
    yield from groups.values()


@contextmanager
def _open(loaded: LoadedProject) -> Generator[Batch]:
    extractor, state = loaded.project.extractor, loaded.folder.state
    key = require_key(extractor)
    budget = TokenBudget(state / "budget", loaded.project.limits.tokens)
    with closing(budget), make_client(extractor, key) as client:
        yield Batch(extractor, client, key, budget, state / _FOLDER)
