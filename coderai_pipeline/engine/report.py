"""What a run tells while it works: documents begun, documents stored, how far it is, how it ended.

Made by `run.work`; `defs` turns them into Dagster events, the command line into a progress bar.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.documents import Document


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the extraction of one document ended.

    outcome: settled, failed (some cells failed for good) or open (broken off; the next run goes on with it).
    counts: cell status -> number, over all current cells of the document. wanted: cells that the codebook asks for.
    cells: those this run settled. calls: replies this run rests on that were paid for in it. cost: of those that have a
    price. unpriced: how many of the calls have none.
    """

    outcome: str
    reason: str
    fingerprint: str
    """Of the document's text and everything that decided its cells."""
    counts: Mapping[str, int]
    wanted: int
    entities: int
    cells: tuple[Cell, ...]
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    unpriced: int = 0
    seconds: float = 0.0
    awaited: bool = False
    """Open only because replies come later, through a batch."""


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """One document that a run has finished with.

    file: path below the inbox. read: whether it was read now. settlement: None where it was not extracted.
    """

    document: Document
    file: str
    duplicate_of: str | None
    text_sha256: str
    read: bool
    chunks: int
    settlement: Settlement | None

    @property
    def trouble(self) -> str:
        """Why the document is not settled, in a sentence; "" when it is, or when its replies are awaited."""
        if not self.document.status.is_readable:
            return "" if self.duplicate_of else f"{self.document.status}: {self.document.reason}"
        if self.settlement is not None and self.settlement.outcome != "settled" and not self.settlement.awaited:
            return self.settlement.reason
        return ""


@dataclass(frozen=True, slots=True)
class Planned:
    """How much there is to do, known once at the start."""

    keys: tuple[str, ...] = ()
    """Of all documents that the inbox offers."""
    to_read: int = 0
    to_extract: int = 0
    unsettled: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    waiting: int = 0
    """Readable documents left alone because the sample has not been accepted."""


@dataclass(frozen=True, slots=True)
class Begun:
    """These documents are being worked on from now. only_read: those of them that have a text which is not extracted now,
    since the sample does not hold them or nothing of theirs is missing."""

    documents: tuple[str, ...]
    only_read: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """These documents are done, and what came of them is in place."""

    reports: tuple[DocumentReport, ...]


@dataclass(slots=True)
class Summary:
    """How a run ended; also its running total."""

    planned: Planned = field(default_factory=Planned)
    done: int = 0
    read: int = 0
    extracted: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    """Document status -> number, of the documents read in this run."""
    cells: Counter[str] = field(default_factory=Counter[str])
    """Cell status -> number, of the documents extracted in this run."""
    troubles: dict[str, str] = field(default_factory=dict[str, str])
    """Document source -> why it is not settled."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    unpriced: int = 0
    """Calls whose model has no price; `cost` is that of the others."""
    seconds: float = 0.0
    stopped: str = ""
    """Why the run stopped before everything was done (paused, budget, outage); "" when it did not."""

    def add(self, report: DocumentReport) -> None:
        self.done += 1
        if report.read:
            self.read += 1
            self.statuses[str(report.document.status)] += 1
        if report.trouble:
            self.troubles[report.document.source] = report.trouble
        if report.settlement is not None:
            self._add_settlement(report.settlement)

    def _add_settlement(self, settlement: Settlement) -> None:
        self.extracted += 1
        self.cells.update(settlement.counts)
        self.calls += settlement.calls
        self.input_tokens += settlement.input_tokens
        self.output_tokens += settlement.output_tokens
        self.unpriced += settlement.unpriced
        if settlement.cost is not None:
            self.cost = (self.cost or 0.0) + settlement.cost

    @property
    def rate(self) -> float:
        """Documents a second so far."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def total(self) -> int:
        """Documents that the run works on, as far as is known."""
        return max(self.planned.to_read, self.planned.to_extract, self.done)

    @property
    def remaining_s(self) -> float | None:
        """Seconds left at the pace so far of whatever takes longer, reading or extracting; None while there is no pace."""
        parts = ((self.planned.to_read, self.read), (self.planned.to_extract, self.extracted))
        if any(total and not done for total, done in parts):
            return None
        return max((max(0, total - done) / done * self.seconds for total, done in parts if total), default=None)


Event = Planned | Begun | Stored | Summary


def progress_line(summary: Summary, currency: str = "", in_flight: int | None = None) -> str:
    """How far a run is, in one line, what people ask first standing first. in_flight: calls under way, None = not known."""
    done, total = summary.done, summary.total
    if done == total:
        parts = [f"{counted(done, 'document')} done in {duration(summary.seconds)}"]
    else:
        parts = [f"{done:,} of {total:,} documents ({done * 100 // total} %)"]
    if done < total and summary.remaining_s is not None and not summary.stopped:
        parts.append(f"{duration(summary.remaining_s)} left")
    parts.append(f"{len(summary.troubles):,} not settled")
    parts.append(f"{counted(summary.cells.get('flagged', 0), 'cell')} flagged")
    if done:
        parts.append(_pace(summary.rate))
    if in_flight is not None:
        parts.append(f"{counted(in_flight, 'call')} in flight")
    if summary.calls:
        parts.append(counted(summary.calls, "call"))
        parts.append(f"{summary.input_tokens + summary.output_tokens:,} tokens")
    if summary.cost is not None:
        parts.append(spent(summary.cost, currency, summary.unpriced))
    return " · ".join(parts)


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def money(amount: float, currency: str) -> str:
    """Two digits that say something, however small the amount."""
    return f"{amount:,.2f} {currency}".rstrip() if amount >= 1 else f"{amount:.2g} {currency}".rstrip()


def spent(cost: float, currency: str, unpriced: int) -> str:
    """What calls cost, and how many of them are not in it."""
    return money(cost, currency) + (f" and {counted(unpriced, 'call')} without a price" if unpriced else "")


def _pace(a_second: float) -> str:
    for unit, times in (("second", 1), ("minute", 60)):
        if a_second * times >= 1:
            return f"{a_second * times:.1f} a {unit}"
    return f"{a_second * 3600:.1f} an hour"
