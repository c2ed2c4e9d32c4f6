"""One run over a project: plan what is missing, read and extract it as a stream, store it as it is done.

How one document is extracted is in `extraction`; what is told on the way is in `report`.
"""

import hashlib
import math
import os
import threading
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from queue import Empty, SimpleQueue

from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.held import Held, HeldCall, HeldDocument, held_calls, held_cells, stored_documents
from coderai_pipeline.engine.intake import Listing, Taken, list_inbox, read_options, take_in, unread
from coderai_pipeline.engine.report import Begun, Event, Planned, Stored, Summary
from coderai_pipeline.engine.store import DOCUMENTS, Finished, Store
from coderai_pipeline.engine.telling import Telling
from coderai_pipeline.engine.work import HeldCells, Steps
from coderai_pipeline.readers import Reader
from coderai_pipeline.storage.blocks import SCHEMAS, BlockStore, start_after
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject

SETTLING_S = 10.0
"""How long a run waits for files of the inbox that are still being written."""

HELD_AT_ONCE = 200
"""Documents whose held cells and calls are looked up together."""

AFTER_OUTAGE_S = 600.0
"""How long no run starts by itself after one that the provider's outage ended; twice as long after each further one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents a run is about.

    documents: keys or sources asked for; None = all. sample: so many, chosen by `seed`; None = no sample. top_up: what is
    extracted already counts towards the sample, so that new documents do not make it grow.
    retry_failed: documents that could not be read are read again,
    those whose extraction failed are asked again. extract: False = only read.
    """

    documents: tuple[str, ...] | None = None
    sample: int | None = None
    seed: int = 0
    top_up: bool = False
    retry_failed: bool = False
    extract: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do: entries to read, and held documents to extract without reading them again."""

    listing: Listing
    to_read: tuple[str, ...]
    to_extract: dict[str, HeldDocument]
    chosen: frozenset[str]
    missing: tuple[str, ...]


def plan(loaded: LoadedProject, held: Held, listing: Listing, scope: Scope, work_fingerprint: str) -> Plan:
    """The difference between what is wanted and what is held."""
    chosen = choose(listing, scope, held.settlements)
    fresh = {entry.key for entry in unread(listing, held, read_options(loaded.project))}
    if scope.retry_failed:
        fresh |= {key for key in chosen if _is_unreadable(held.documents.get(key))}
    present = {entry.key for entry in listing.entries}
    unchanged = chosen - fresh
    due = {
        record.key: record
        for record in held.documents.values()
        if scope.extract and record.key in unchanged and _is_due(record, held, scope, work_fingerprint)
    }
    gone = [record.source for record in held.documents.values() if record.key not in present and not record.removed]
    to_read = tuple(
        entry.key for entry in listing.entries if entry.key in fresh and _in_scope(entry.key, chosen, scope)
    )
    return Plan(listing, to_read, due, chosen, tuple(gone))


def choose(listing: Listing, scope: Scope, settled: Container[str] = ()) -> frozenset[str]:
    """The documents that may be extracted: those named, or the sample, or all.

    A sample holds the documents whose SHA-256 of seed and key is smallest, so that the same seed chooses the same ones.
    """
    keys = [entry.key for entry in listing.entries]
    if scope.documents is not None:
        named = set(scope.documents)
        keys = [entry.key for entry in listing.entries if named & {entry.key, entry.source, entry.file}]
    if scope.sample is not None:
        rank = {key: hashlib.sha256(f"{scope.seed}:{key}".encode("utf-8", "surrogatepass")).digest() for key in keys}
        keys = sorted(keys, key=lambda key: (scope.top_up and key not in settled, rank[key]))[: scope.sample]
    return frozenset(keys)


def _in_scope(key: str, chosen: frozenset[str], scope: Scope) -> bool:
    return scope.documents is None or key in chosen


def _is_unreadable(record: HeldDocument | None) -> bool:
    return record is not None and not record.status.is_readable and record.duplicate_of is None


def _is_due(record: HeldDocument, held: Held, scope: Scope, work_fingerprint: str) -> bool:
    if not record.status.is_readable or record.removed:
        return False
    return _is_unsettled(held, record.key, record.text_sha256, scope, work_fingerprint)


def _is_unsettled(held: Held, key: str, text_sha256: str, scope: Scope, work_fingerprint: str) -> bool:
    settlement = held.settlements.get(key)
    if settlement is None or settlement.outcome == "open":
        return True
    if (settlement.work_fingerprint, settlement.text_sha256) != (work_fingerprint, text_sha256):
        return True
    return scope.retry_failed and settlement.outcome == "failed"


def work(loaded: LoadedProject, scope: Scope, extractions: Extractions, run_id: str) -> Iterator[Event]:
    """Does what is missing and tells it as it goes; ends with the summary. The caller holds the project's lock.

    However it ends (paused, killed, an error), everything told as `Stored` is in place, and nothing is half written.
    """
    Control(loaded.folder.state).let_go()
    held = Held.load(BlockStore(loaded.folder.state))
    start_after(held.newest_version)
    listing = list_inbox(loaded.folder, loaded.project, held.documents, wait_s=SETTLING_S)
    todo = plan(loaded, held, listing, scope, extractions.work_fingerprint)
    run = _Run(loaded, scope, todo, held, extractions, run_id)
    with run.telling.of_run(run.summary):
        yield run.summary.planned
        yield from run.events()
    yield run.summary


def _planned(todo: Plan, scope: Scope) -> Planned:
    to_extract = len(todo.to_extract) + sum(1 for key in todo.to_read if scope.extract and key in todo.chosen)
    return Planned(
        keys=tuple(entry.key for entry in todo.listing.entries),
        to_read=len(todo.to_read),
        to_extract=to_extract,
        unsettled=todo.listing.unsettled,
        surplus=todo.listing.surplus,
        missing=todo.missing,
    )


@dataclass(slots=True)
class _InWork:
    """A document in work: its extraction, paused at what it waits for. `left`: how many futures it still waits for."""

    finished: Finished
    steps: Steps
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Due:
    """A document that comes to the run, with what is already held of it. steps: None = nothing to extract."""

    finished: Finished
    steps: Steps | None


def _begun(group: Sequence[_Due]) -> Begun:
    only_read = [due.finished.document for due in group if due.steps is None]
    return Begun(
        tuple(due.finished.document.key for due in group),
        frozenset(document.key for document in only_read if document.status.is_readable),
    )


@dataclass(frozen=True, slots=True)
class _Fed:
    """There is no further document; error: what ended the feeding early."""

    error: BaseException | None = None


class _Run:
    """The stream. A thread feeds documents as they are read; this one advances those whose replies have come, and stores."""

    def __init__(
        self, loaded: LoadedProject, scope: Scope, todo: Plan, held: Held, extractions: Extractions, run_id: str
    ) -> None:
        self._loaded, self._scope, self._extractions, self._todo, self._held = loaded, scope, extractions, todo, held
        self._options = read_options(loaded.project)
        self._blocks = BlockStore(loaded.folder.state)
        self._store = Store(self._blocks, run_id, self._options)
        self._control = Control(loaded.folder.state)
        self._queue: SimpleQueue[_Due | _InWork | _Fed] = SimpleQueue()
        self._places = threading.Semaphore(extractions.documents_at_once)
        self._stopping = threading.Event()
        self._counting = threading.Lock()
        self._in_work = 0
        self._failures_in_a_row = 0
        self._entries = {entry.key: entry for entry in todo.listing.entries}
        self._looked = self._started = time.monotonic()
        self.telling = Telling(loaded, run_id)
        self.summary = Summary(_planned(todo, scope))

    def events(self) -> Iterator[Event]:
        self._heed_pause()
        feeder = threading.Thread(target=self._feed, name="documents", daemon=True)
        feeder.start()
        begun: list[_Due] = []
        fed = False
        try:
            while not fed or self._in_work:
                item = self._next()
                if isinstance(item, _Fed):
                    fed = True
                    if item.error is not None:
                        raise item.error
                elif isinstance(item, _Due):
                    begun.append(item)
                    self._begin(item)
                elif item is not None:
                    self._advance(item)
                if begun and (len(begun) >= DOCUMENTS or item is None or fed or self._store.is_due):
                    yield _begun(begun)
                    begun = []
                if self._store.is_due:
                    yield self._stored()
                self._look_around()
            if begun:
                yield _begun(begun)
            yield self._stored()
            for kind in SCHEMAS:
                self._blocks.compact(kind)
        finally:
            self._stopping.set()
            self._store.flush()
            feeder.join(timeout=10)

    def _next(self) -> _Due | _InWork | _Fed | None:
        try:
            return self._queue.get(timeout=0.25)
        except Empty:
            return None

    def _begin(self, due: _Due) -> None:
        if due.steps is None:
            self._finish(due.finished)
            return
        self._in_work += 1
        self._advance(_InWork(due.finished, due.steps))

    def _advance(self, one: _InWork) -> None:
        """Runs an extraction until it waits again, or to its end."""
        try:
            with self.telling.within(one.finished.document.key):
                futures = next(one.steps)
        except StopIteration as end:
            self._in_work -= 1
            self._finish(replace(one.finished, extracted=end.value))
            return
        one.left = len(futures)
        for future in futures:
            future.add_done_callback(lambda _: self._arrived(one))

    def _arrived(self, one: _InWork) -> None:
        with self._counting:
            one.left -= 1
            if one.left:
                return
        self._queue.put(one)

    def _finish(self, finished: Finished) -> None:
        self._places.release()
        self._store.add(finished)
        extracted = finished.extracted
        self.telling.settled(finished.document.key, extracted and extracted.settlement)
        if extracted is None:
            return
        if extracted.stop and not self.summary.stopped:
            wait_s = AFTER_OUTAGE_S * 2 ** self._interruptions(finished)
            self._control.hold_back(extracted.stop, math.inf if extracted.needs_person else wait_s)
            self._stop(extracted.stop)
        self._failures_in_a_row = self._failures_in_a_row + 1 if extracted.settlement.outcome == "failed" else 0
        if self._failures_in_a_row >= self._loaded.project.limits.failures_in_a_row and not self.summary.stopped:
            why = f"{self._failures_in_a_row} documents failed in a row, the last: {extracted.settlement.reason}"
            self._control.pause(why)
            self._stop(f"paused: {why}")

    def _stored(self) -> Stored:
        reports = self._store.flush()
        for report in reports:
            self.summary.add(report)
        self.summary.seconds = time.monotonic() - self._started
        return Stored(reports)

    def _look_around(self) -> None:
        """Once a second: has somebody paused the project?"""
        if time.monotonic() - self._looked >= 1.0:
            self._looked = time.monotonic()
            self._heed_pause()

    def _heed_pause(self) -> None:
        if (why := self._control.paused) and not self.summary.stopped:
            self._stop(f"paused: {why}")

    def _stop(self, why: str) -> None:
        self.summary.stopped = self.summary.stopped or why
        self._stopping.set()

    def _feed(self) -> None:
        error: BaseException | None = None
        try:
            for due in self._due():
                while not self._places.acquire(timeout=0.25):
                    if self._stopping.is_set():
                        return
                if self._stopping.is_set():
                    return
                if due.steps is None or os.path.lexists(self._entries[due.finished.document.key].path):
                    self._queue.put(due)
                else:  # removed while it was queued: it costs nothing, and the next listing no longer has it
                    self._places.release()
        except BaseException as caught:  # noqa: BLE001 - handed to the thread that can raise it
            error = caught
        finally:
            self._queue.put(_Fed(error))

    def _due(self) -> Iterator[_Due]:
        """New and changed documents as they are read, then held ones whose cells are missing or stale."""
        known: list[Finished] = []
        for taken in self._taken():
            self.telling.read(taken)
            finished = Finished(taken.document, taken.entry.file, taken.text_sha256, taken)
            if not self._wants(taken):
                yield _Due(finished, None)
            elif self._is_known(taken):
                known.append(finished)
            else:
                yield _Due(finished, self._steps(finished))
            if len(known) >= HELD_AT_ONCE:
                yield from self._with_what_is_held(known)
                known = []
        yield from self._with_what_is_held(known)
        stored = self._stored_documents()
        while group := list(islice(stored, HELD_AT_ONCE)):
            yield from self._with_what_is_held(group)

    def _with_what_is_held(self, group: Sequence[Finished]) -> Iterator[_Due]:
        keys = [finished.document.key for finished in group]
        cells, calls = held_cells(self._blocks, keys), held_calls(self._blocks, keys)
        for finished in group:
            key = finished.document.key
            yield _Due(finished, self._steps(finished, cells.get(key), calls.get(key)))

    def _is_known(self, taken: Taken) -> bool:
        """Whether the same text was extracted under the same key, so that its cells and calls may still serve."""
        settlement = self._held.settlements.get(taken.document.key)
        return settlement is not None and settlement.text_sha256 == taken.text_sha256

    def _taken(self) -> Iterator[Taken]:
        wanted = set(self._todo.to_read)
        if not wanted:
            return
        entries = [entry for entry in self._todo.listing.entries if entry.key in wanted]
        present = {entry.key for entry in self._todo.listing.entries}
        standing = [record for record in self._held.documents.values() if record.key in present - wanted]
        with Reader(self._options) as reader:
            yield from take_in(entries, standing, reader)

    def _wants(self, taken: Taken) -> bool:
        document = taken.document
        if not (self._scope.extract and document.status.is_readable and document.key in self._todo.chosen):
            return False
        fingerprint = self._extractions.work_fingerprint
        return _is_unsettled(self._held, document.key, taken.text_sha256, self._scope, fingerprint)

    def _stored_documents(self) -> Iterator[Finished]:
        versions = {key: record.version for key, record in self._todo.to_extract.items()}
        for document in stored_documents(self._blocks, versions):
            record = self._todo.to_extract[document.key]
            yield Finished(document, record.file, record.text_sha256)

    def _steps(
        self, finished: Finished, cells: HeldCells | None = None, calls: Sequence[HeldCall] | None = None
    ) -> Steps:
        return self._extractions.of_document(
            finished.document,
            finished.text_sha256,
            cells or {},
            calls or (),
            retry_failed=self._scope.retry_failed,
            interruptions=self._interruptions(finished),
        )

    def _interruptions(self, finished: Finished) -> int:
        """Runs in a row that had no reply at this very text and work."""
        held = self._held.settlements.get(finished.document.key)
        wanted = self._extractions.work_fingerprint, finished.text_sha256
        return held.interruptions if held and (held.work_fingerprint, held.text_sha256) == wanted else 0
