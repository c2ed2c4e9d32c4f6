"""What a run is going to take: the requests that it would send are made and counted, earlier calls tell the rest.

The statistics are in `domain.forecast`. Nothing is sent, and nothing is stored.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.domain.fingerprints import work_fingerprint
from coderai_pipeline.domain.forecast import Experience, Figure, Kind, Pace, Stratum, Totals, totals
from coderai_pipeline.engine.due import DueDocument, due_documents
from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import Entry, Listing, list_inbox, read_options, take_in
from coderai_pipeline.engine.report import duration
from coderai_pipeline.engine.request_counts import CountedRequests, RequestCounter
from coderai_pipeline.engine.run import SETTLING_S, Plan, Scope, plan
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.readers import Reader
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import LoadedProject

T = TypeVar("T")

MEASURED = 500
"""Documents whose requests are made and counted; of more, a seeded subset stands for all."""
TRIED = 40
"""Unread documents that are read to see what they take; and documents extracted earlier, to learn from."""
SECONDS_TO_READ = 20.0

UNKNOWN = "not known before documents are read; `coderai forecast` reads some of them to tell"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next run takes. documents: that it would extract. unread: of these, not read yet.

    measured: of these, documents whose requests were counted. stand_ins: documents read earlier that stand for the unread
    where none of those was measured. makes_calls: False = nothing is asked of a model. held: requests of the measured that the archive answers. learned_from: replies that
    the forecast rests on. tokens_left: of the budget. notes: what a person should know, a sentence each.
    """

    documents: int
    unread: int
    measured: int
    stand_ins: int
    makes_calls: bool
    held: int
    learned_from: int
    totals: Totals
    currency: str
    unpriced: tuple[str, ...]
    tokens_left: int
    batch: bool
    notes: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the calls were counted, or there are none; False = nothing is read that could stand for the unread."""
        return bool(self.measured or self.stand_ins or not self.makes_calls or not self.documents)

    @property
    def fits(self) -> bool:
        """Whether the budget holds even the upper end of the interval."""
        return self.totals.tokens.high <= self.tokens_left


@dataclass(frozen=True, slots=True)
class Counted:
    """The requests of documents, one item each: read and due; unread, tried now; and those that stand for unread ones."""

    known: Sequence[CountedRequests] = ()
    read: Sequence[CountedRequests] = ()
    stand_ins: Sequence[CountedRequests] = ()


def forecast(
    loaded: LoadedProject,
    scope: Scope | None = None,
    *,
    measured: int = MEASURED,
    tried: int = TRIED,
    seed: int = 0,
    wait_s: float = SETTLING_S,
) -> Forecast:
    """The forecast of a run of this scope (default: everything that is missing or stale).

    wait_s: how long to wait for files that have just been dropped, as the run will.
    """
    blocks = BlockStore(loaded.folder.state)
    held = Held.load(blocks)
    listing = list_inbox(loaded.folder, loaded.project, held.documents, wait_s=wait_s)
    scope = scope or Scope()
    todo = plan(loaded, held, listing, scope, work_fingerprint(loaded.project, loaded.codebook))
    fresh = todo.chosen & set(todo.to_read)
    unread = [entry for entry in listing.entries if entry.key in fresh]
    if loaded.project.extractor.name == "rules":
        return _forecast(loaded, todo, RequestCounter(loaded), Counted(), Experience(), len(unread))
    chance = random.Random(f"{seed}:{loaded.id}")  # noqa: S311 - the same documents every time
    counter = RequestCounter(loaded, retry_failed=scope.retry_failed)
    chosen = _some(chance, todo.to_extract, measured)
    known = counter.count(due_documents(blocks, {key: todo.to_extract[key] for key in chosen}))
    read = counter.count(_read_now(loaded, listing, held, _some(chance, unread, tried)))
    standing = [] if read or not unread else _some(chance, _standing(held, listing, fresh), measured)
    stand_ins = counter.count_anew(due_documents(blocks, {key: held.documents[key] for key in standing}))
    experience = _experience(loaded, blocks, held, _some(chance, held.settlements, TRIED))
    return _forecast(loaded, todo, counter, Counted(known, read, stand_ins), experience, len(unread))


def forecast_for_run(loaded: LoadedProject, scope: Scope) -> Forecast:
    """The same for the metadata of a run that is about to begin: of bounded cost, and nothing is read for it."""
    return forecast(loaded, scope, measured=100, tried=0, wait_s=0)


def stated(made: Forecast) -> dict[str, str]:
    """The forecast for people, in order: what -> expected (low to high)."""
    totals, cost = made.totals, made.totals.cost
    unread = f", {made.unread:,} of them not read yet" if made.unread else ""
    shown = {"documents": f"{made.documents:,} to extract{unread}"}
    ending = {"budget": f"{made.tokens_left:,} tokens left", "notes": "; ".join(made.notes)}
    if not made.is_known:
        return {**shown, "calls, tokens, cost and time": UNKNOWN, **ending}
    shown |= {
        "calls": _number(totals.calls),
        "prompt tokens": _number(totals.prompt_tokens),
        "completion tokens": _number(totals.completion_tokens),
    }
    if cost is not None:
        shown["cost"] = f"{cost.expected:.4g} {made.currency} ({cost.low:.4g} to {cost.high:.4g})"
    if not made.batch:
        low, high = duration(totals.seconds.low), duration(totals.seconds.high)
        shown["time"] = f"{duration(totals.seconds.expected)} ({low} to {high}) at the limits"
    return {**shown, **ending}


def _number(figure: Figure) -> str:
    return f"{figure.expected:,.0f} ({figure.low:,.0f} to {figure.high:,.0f})"


def _forecast(
    loaded: LoadedProject,
    todo: Plan,
    counter: RequestCounter,
    counted: Counted,
    experience: Experience,
    unread: int,
) -> Forecast:
    extractor, limits = loaded.project.extractor, loaded.project.limits
    kinds = list(counter.kinds.values())
    groups = [(len(todo.to_extract), counted.known), (unread, counted.read or counted.stand_ins)]
    strata = [_stratum(documents, measured, kinds) for documents, measured in groups if documents]
    pace = Pace(limits.requests_per_minute, limits.tokens_per_minute, limits.in_flight)
    made = Forecast(
        documents=len(todo.to_extract) + unread,
        unread=unread,
        measured=len(counted.known) + len(counted.read),
        stand_ins=len(counted.stand_ins),
        makes_calls=extractor.name != "rules",
        held=counter.held,
        learned_from=sum(len(tokens) for tokens in experience.completions.values()),
        totals=totals(strata, kinds, experience, pace),
        currency=extractor.currency,
        unpriced=tuple(sorted({kind.model for kind in kinds if kind.prices is None})),
        tokens_left=_tokens_left(loaded),
        batch=extractor.batch,
        notes=(),
    )
    return replace(made, notes=(*_left_out(todo.listing), *_notes(made)))


def _left_out(listing: Listing) -> Iterator[str]:
    if listing.unsettled:
        yield f"{len(listing.unsettled)} files are still being written and not counted: {', '.join(listing.unsettled[:5])}"
    if listing.surplus:
        yield f"{len(listing.surplus)} documents are over the limit and not counted; raise limits.documents in project.yaml"


def _notes(made: Forecast) -> Iterator[str]:
    if not made.makes_calls:
        yield "the extractor `rules` makes no calls: it costs nothing"
        return
    if not made.is_known:
        yield f"{made.unread} documents are not read yet, so that nothing is known of them: this counts none of their calls"
    elif made.stand_ins:
        yield f"{made.stand_ins} documents read earlier stand for {made.unread} that are not read yet"
    counted = made.documents - made.unread if made.stand_ins else made.documents
    if 0 < made.measured < counted:
        yield f"{made.measured} of {counted} documents were measured and stand for all"
    if not made.learned_from and made.documents:
        yield "nothing has been extracted yet: the length of replies is a rough guess until a sample has run"
    if made.unpriced:
        yield f"no cost: extractor.prices in project.yaml has no price for {', '.join(made.unpriced)}"
    if made.batch:
        yield "batch mode: half the price; replies come within 24 hours, and the time is not forecast"
    tokens = made.totals.tokens
    if tokens.low > made.tokens_left:
        yield f"it will not fit: about {tokens.expected:,.0f} tokens, {made.tokens_left:,} left of limits.tokens"
    elif not made.fits:
        yield f"it may not fit: up to {tokens.high:,.0f} tokens, {made.tokens_left:,} left of limits.tokens"


def _tokens_left(loaded: LoadedProject) -> int:
    limit, account = loaded.project.limits.tokens, loaded.folder.state / "budget"
    if not account.exists():
        return limit
    with closing(TokenBudget(account, limit)) as budget:
        return budget.left()


def _some(chance: random.Random, things: Iterable[T], at_most: int) -> list[T]:
    known = list(things)
    return known if len(known) <= at_most else chance.sample(known, at_most)


def _standing(held: Held, listing: Listing, fresh: Container[str]) -> list[str]:
    """Documents in the inbox that were read, extracted or not: what unread ones are likely to be like."""
    return [entry.key for entry in listing.entries if entry.key in held.documents and entry.key not in fresh]


def _read_now(loaded: LoadedProject, listing: Listing, held: Held, entries: Sequence[Entry]) -> Iterator[DueDocument]:
    """Documents that no run has read yet. OCR takes longer than people wait for a forecast: scans stand back."""
    if not entries:
        return
    options = read_options(loaded.project)
    wanted = {entry.key for entry in entries}
    standing = [held.documents[e.key] for e in listing.entries if e.key in held.documents and e.key not in wanted]
    with Reader(replace(options, ocr=False, seconds=min(options.seconds, SECONDS_TO_READ))) as reader:
        for taken in take_in(entries, standing, reader):
            if not (options.ocr and taken.document.status is DocumentStatus.NEEDS_OCR):
                yield DueDocument(taken.document, taken.text_sha256, {}, ())


def _stratum(documents: int, counted: Sequence[CountedRequests], kinds: Sequence[Kind]) -> Stratum:
    at = {kind: position for position, kind in enumerate(kinds)}
    sums = np.zeros((4, len(counted), len(kinds)))
    for row, one in enumerate(counted):
        for first, requests in ((0, one.sure), (2, one.possible)):
            for kind, tokens in requests.values():
                sums[first, row, at[kind]] += 1
                sums[first + 1, row, at[kind]] += tokens
    calls, prompt, possible_calls, possible_prompt = sums
    return Stratum(documents, calls, prompt, possible_calls - calls, possible_prompt - prompt)


_CALL_COLUMNS = (
    "call_id", "document", "mode", "variables", "ask_fingerprints", "input_tokens", "output_tokens", "cached_tokens",
    "seconds", "problem",
)  # fmt: skip


def _experience(loaded: LoadedProject, blocks: BlockStore, held: Held, documents: Sequence[str]) -> Experience:
    """What the calls of these documents, extracted earlier, show."""
    rows = {row["call_id"]: row for row in blocks.rows_of("calls", documents, _CALL_COLUMNS)}
    usable = [row for row in rows.values() if not row["problem"]]
    if not usable:
        return Experience()
    completions: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for row in usable:
        completions[row["mode"], tuple(row["variables"])].append(row["output_tokens"])
    counted, more = _compared(loaded, blocks, held, documents, rows)
    prompt = sum(row["input_tokens"] for row in usable)
    return Experience(
        completions=completions,
        counted=[tokens for tokens, _ in counted],
        billed=[billed for _, billed in counted],
        more=more,
        again=(len(rows) - len(usable), len(usable)),
        seconds=[row["seconds"] for row in usable],
        cached_share=min(1.0, sum(row["cached_tokens"] for row in usable) / prompt) if prompt else 0.0,
    )


def _compared(
    loaded: LoadedProject,
    blocks: BlockStore,
    held: Held,
    documents: Sequence[str],
    rows: Mapping[str, Mapping[str, Any]],
) -> tuple[list[tuple[int, int]], tuple[float, float]]:
    """Earlier calls made once more, as if nothing were held: prompt tokens (counted, billed) of each; and of the calls that
    hang on earlier answers how many were made and how many were not."""
    records = {key: held.documents[key] for key in documents if key in held.documents}
    counter = RequestCounter(loaded, from_nothing=True)
    pairs: list[tuple[int, int]] = []
    made = possible = 0.0
    calls_of: Counter[str] = Counter(row["document"] for row in rows.values() if not row["problem"])
    for due in due_documents(blocks, records):
        (counted,) = counter.count([replace(due, cells={}, calls=())])
        known = [(tokens, rows[identity]) for identity, (_, tokens) in counted.sure.items() if identity in rows]
        pairs.extend((tokens, row["input_tokens"]) for tokens, row in known)
        if len(known) == len(counted.sure) and len(counted.possible) > len(counted.sure):
            extra = len(counted.possible) - len(counted.sure)
            made += min(extra, max(0, calls_of[due.document.key] - len(counted.sure)))
            possible += extra
    return pairs, (made, possible - made)
