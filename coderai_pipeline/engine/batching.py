"""Batch mode: the calls of a project go through the provider's Batch API, and a run settles what has come back.

Between submitting and collecting nothing is kept in a process: tickets, their requests and what stayed without a reply are
files in the project's `state/batches`. The Batch API itself is in `extractors.batch`, how replies are heard in `batch_asker`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.errors import BudgetExhausted, ProviderError
from coderai_pipeline.domain.fingerprints import work_fingerprint
from coderai_pipeline.engine.backlog import SAMPLE
from coderai_pipeline.engine.batch_asker import FOLDER, BatchAsker, Unanswered
from coderai_pipeline.engine.due import due_documents
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import list_inbox
from coderai_pipeline.engine.run import Scope, plan
from coderai_pipeline.engine.session import SHARED_FOLDER
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.batch import Batch
from coderai_pipeline.extractors.batch_tickets import CANCELLED, BatchTicket, TicketFolder
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import make_client, require_key
from coderai_pipeline.extractors.formats import formats_of
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.telemetry import logs
from coderai_pipeline.telemetry.about import About, current

CALLS_A_BATCH = 5_000
BYTES_A_BATCH = 48 * 1024 * 1024
"""Of the texts sent; what JSON adds to them stays below the provider's 200 MB."""


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
            for requests in _files(_requests(loaded, scope, under_way)):
                sent.append(batch.submit(requests))
                _tell(loaded, "batch submitted", sent[-1])
        except BudgetExhausted as error:
            logs.tell("budget reached", _about(loaded), {"reason": str(error)}, logs.ERROR)
            return Submitted(tuple(sent), str(error))
    return Submitted(tuple(sent))


def collect(loaded: LoadedProject) -> Collection:
    """Asks after every batch under way and puts the replies of those that ended into the archive.

    Raises MissingKey and ProviderError, the latter after all batches were asked after: one of them holds up no other.
    """
    archive = ReplyArchive(loaded.folder.state / "replies")
    unanswered = Unanswered.load(loaded.folder.state)
    came = _Coming()
    with _open(loaded) as batch:
        for ticket in batch.tickets():
            try:
                came.take(loaded, batch, ticket, archive, unanswered)
            except ProviderError as error:
                came.trouble = came.trouble or error
    if came.trouble is not None:
        raise came.trouble
    return Collection(tuple(came.open), tuple(came.ended), came.answered, came.without)


@dataclass(slots=True)
class _Coming:
    """A collection while it is made."""

    open: list[BatchTicket] = field(default_factory=list[BatchTicket])
    ended: list[BatchTicket] = field(default_factory=list[BatchTicket])
    answered: int = 0
    without: Counter[str] = field(default_factory=Counter[str])
    trouble: ProviderError | None = None

    def take(
        self,
        loaded: LoadedProject,
        batch: Batch,
        ticket: BatchTicket,
        archive: ReplyArchive,
        unanswered: Unanswered,
    ) -> None:
        ticket = batch.poll(ticket)
        if not ticket.is_ended:
            self.open.append(ticket)
            return
        collected = batch.collect(ticket, archive)
        # That somebody cancelled a batch says nothing of its calls.
        unanswered.note(collected.answered, {} if ticket.status == CANCELLED else collected.open)
        self.ended.append(ticket)
        _tell(loaded, "batch collected", ticket, answered=len(collected.answered), unanswered=len(collected.open))
        self.answered += len(collected.answered)
        self.without.update(collected.open.values())


def cancel(loaded: LoadedProject, by: str) -> tuple[BatchTicket, ...]:
    """Asks the server to end every batch under way; those it had begun, as they stand now. What they hold is collected as
    ever, and the project is held back: its calls are not submitted again until somebody runs or resumes it.

    Raises MissingKey and ProviderError.
    """
    Control(loaded.folder.state).hold_back(f"its batches were cancelled {by}")
    with _open(loaded) as batch:
        asked = [batch.cancel(ticket) for ticket in batch.tickets()]
    return tuple(ticket for ticket in asked if ticket is not None)


def tickets(loaded: LoadedProject) -> tuple[BatchTicket, ...]:
    """The batches whose replies are not collected, oldest first; the server is not asked."""
    return tuple(_kept(loaded).open())


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
    if todo.to_extract and _kept(loaded).collected_at() > settled_at:
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


def _tell(loaded: LoadedProject, event: str, ticket: BatchTicket, **counts: int) -> None:
    ids = {"batch": ticket.batch, "status": ticket.status, "calls": len(ticket.call_ids)}
    logs.tell(event, _about(loaded), {**ids, **counts})


def _about(loaded: LoadedProject) -> About:
    return replace(current(), project=loaded.id, shows_text=loaded.project.privacy.show_text)


def _kept(loaded: LoadedProject) -> TicketFolder:
    return TicketFolder(loaded.folder.state / FOLDER)


@contextmanager
def _open(loaded: LoadedProject) -> Generator[Batch]:
    extractor, state = loaded.project.extractor, loaded.folder.state
    key = require_key(extractor)
    budget = TokenBudget(state / "budget", loaded.project.limits.tokens)
    with closing(budget), make_client(extractor, key) as client:
        formats = formats_of(extractor, loaded.folder.path.parent / SHARED_FOLDER, str(client.base_url))
        yield Batch(extractor, client, key, budget, state / FOLDER, formats)
