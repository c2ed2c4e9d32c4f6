"""How every document of a project stands now: settled, in trouble and why, or still to be done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import Listing
from coderai_pipeline.engine.run import Scope, choose


@dataclass(frozen=True, slots=True)
class Standing:
    """One document. state: settled, duplicate, not read (the document's status says why), failed, open or waiting.

    counts: cell status -> number; empty where it was not extracted.
    """

    key: str
    source: str
    state: str
    why: str
    counts: Mapping[str, int]

    @property
    def is_settled(self) -> bool:
        return self.state in ("settled", "duplicate")


def standings(listing: Listing, held: Held, scope: Scope, work_fingerprint: str) -> Iterator[Standing]:
    """The documents that a run of this scope is about, in the inbox's order."""
    chosen = choose(listing, scope, held.settlements)
    for entry in listing.entries:
        if entry.key in chosen:
            yield _standing(entry.key, entry.source, held, work_fingerprint)


def _standing(key: str, source: str, held: Held, work_fingerprint: str) -> Standing:
    record = held.documents.get(key)
    if record is None:
        return Standing(key, source, "waiting", "not read yet", {})
    if record.duplicate_of is not None:
        return Standing(key, source, "duplicate", record.reason, {})
    if not record.status.is_readable:
        return Standing(key, source, str(record.status), record.reason, {})
    settlement = held.settlements.get(key)
    if settlement is None:
        return Standing(key, source, "waiting", "not extracted yet", {})
    if (settlement.work_fingerprint, settlement.text_sha256) != (work_fingerprint, record.text_sha256):
        return Standing(key, source, "open", "the codebook or the document has changed since", settlement.counts)
    return Standing(key, source, settlement.outcome, settlement.reason, settlement.counts)
