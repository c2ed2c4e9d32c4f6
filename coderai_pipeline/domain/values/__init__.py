"""Typed readers: how a number, date, boolean, category or place written in a document or reply becomes a value.

One module a type. Each reads one written value (`read_...`) and finds all of its kind in a passage (`find_...`).
"""

from dataclasses import dataclass
from typing import Literal

from coderai_pipeline.domain.cells import Scalar


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the documents write dates and numbers. locale: a CLDR name such as `de_AT`."""

    language: str = "en"
    locale: str = "en"
    date_order: Literal["DMY", "MDY", "YMD"] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A written value, read. precision: of a date (year, month, day, minute). unit: of a number, as written or as ISO
    currency code. change: what was done to the written form, "" if nothing worth saying. ambiguous: why a second
    reading is as good, "" if none is; the value is then the likelier one and its cell is flagged."""

    value: Scalar
    precision: str | None = None
    unit: str | None = None
    change: str = ""
    ambiguous: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A written value that cannot be read as its type, and why in one sentence."""

    reason: str
