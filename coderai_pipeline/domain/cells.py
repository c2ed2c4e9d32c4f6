"""Answers, cells and their evidence: the vocabulary shared by settling, merging, storage and publishing.

How an answer becomes a cell is in `settling`; how cells of many rows are told apart is in `entities`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | float | bool
"""Text, category, location and date (ISO 8601, reduced precision allowed) are str; number is float; boolean is bool."""

Value: TypeAlias = Scalar | tuple[Scalar, ...] | None
"""A settled value: a scalar, several scalars where the variable takes several, or None = no value (see the reason)."""

JsonValue: TypeAlias = "str | float | int | bool | list[JsonValue] | dict[str, JsonValue] | None"


class CellStatus(StrEnum):
    EXTRACTED = "extracted"
    ABSENT = "absent"
    SKIPPED = "skipped"
    FLAGGED = "flagged"
    FAILED = "failed"
    VALIDATED = "validated"
    CORRECTED = "corrected"


class Grounding(StrEnum):
    """How well a quote was found in the document's text."""

    EXACT = "exact"
    NORMALISED = "normalised"
    FUZZY = "fuzzy"
    AMBIGUOUS = "ambiguous"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reply says of one variable (of one entity), nothing settled yet.

    value: as the reply gives it, None = the reply says it is not stated. confidence: 0-1, None = not given.
    call_id: the reply it came from. chunk: index of the chunk that was asked.
    """

    variable: str
    value: JsonValue
    quote: str | None
    confidence: float | None
    call_id: str
    chunk: int = 0
    quotes: tuple[str, ...] = ()
    """All quotes where the reply gives several, `quote` first; in the order of the values where there are as many."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The quote that proves a value. start/end: half-open span in the document's text; None = not located.

    page: 1-based, None where the document has no pages or the quote was not located.
    """

    quote: str
    grounding: Grounding
    start: int | None = None
    end: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """The settled answer for document x entity x variable.

    entity: "" for document-level cells, else the entity's id within the document ("1", "2", ...).
    reason: "" only when the status is `extracted` with nothing to say. precision: of a date (year, month, day, minute), or None.
    unit: of a number as the document states it ("EUR", "%", "kg"), or None. confidence: 0-1 or None.
    changes: what settling changed, in order, one sentence each. alternatives: other values the document supports.
    call_ids: the replies that it rests on, first the one that gave the value. tokens and cost: this cell's share of
    those calls; cost in the currency of the project's price table, None where no price is known. seconds: of the calls.
    ask_fingerprint: everything that decides what the model is asked. settle_fingerprint: also what decides how the
    answer is settled (validation, default, thresholds). A cell is current when both are the ones wanted.
    """

    document: str
    entity: str
    variable: str
    type: str
    status: CellStatus
    reason: str
    value: Value = None
    precision: str | None = None
    unit: str | None = None
    confidence: float | None = None
    evidence: Evidence | None = None
    changes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    prompt_version: str = ""
    extractor: str = ""
    model: str = ""
    call_ids: tuple[str, ...] = ()
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    cost: float | None = None
    seconds: float = 0.0
    ask_fingerprint: str = ""
    settle_fingerprint: str = ""
    raw_reply: str | None = None
    """The reply's text, bounded, where it could not be read; otherwise None (the archive has it)."""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One request to a provider, complete: its id is the SHA-256 over all fields but `purpose`.

    messages: system first. schema: strict JSON Schema of the reply. parameters: temperature, seed, max_output_tokens, ...
    purpose: document, chunk and variables, for logs and the calls table; it decides nothing.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, JsonValue]
    model: str
    parameters: Mapping[str, float | int | str]
    purpose: "CallPurpose"


@dataclass(frozen=True, slots=True)
class CallPurpose:
    document: str
    chunk: int
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider sent for one call.

    finish_reason: stop, length, content_filter, refusal. attempts: HTTP requests made for it, 0 when `from_archive`.
    seconds: from sending to the whole reply. cost: in the price table's currency, None where no price is known.
    """

    call_id: str
    text: str
    finish_reason: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    started_at: datetime
    seconds: float
    cost: float | None
    attempts: int
    from_archive: bool = False
