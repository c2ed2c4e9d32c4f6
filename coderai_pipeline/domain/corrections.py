"""Corrections: what a reviewer wrote as the right value -> a value of the variable's type, or why it cannot be taken.

The readers are those of settling; but a correction has no document to prove it, so that whatever could mean two things is
handed back instead of flagged.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from coderai_pipeline.domain.cells import JsonValue, Scalar, Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.validation import validated
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.absence import is_absent
from coderai_pipeline.domain.values.categories import exact_category, split_categories
from coderai_pipeline.domain.values.measures import conversion, is_measure
from coderai_pipeline.domain.values.number_words import ISO_CODES
from coderai_pipeline.domain.values.reading import read_value

NO_VALUE = "(no value)"
"""What a reviewer writes where the document does not state the variable."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why a correction cannot be taken, and what to write instead."""

    reason: str


def read_correction(
    written: JsonValue, variable: Variable, conventions: Conventions, document: Conventions | None = None
) -> Value | NotTaken:
    """The value that a reviewer means; None = no value. document: how the document itself writes numbers and dates, where
    that may be another way than the project's; what would then be another value is not taken."""
    if _says_no_value(written, variable):
        return None
    read = _read(written, variable, conventions)
    if document is not None and document != conventions and isinstance(written, str) and not isinstance(read, NotTaken):
        other = _read(written, variable, document)
        if not isinstance(other, NotTaken) and other != read:
            return NotTaken(f'"{written}" reads differently in the language of the document; {_plainly(variable)}')
    return read


def _says_no_value(written: JsonValue, variable: Variable) -> bool:
    if isinstance(written, str) and written.strip().casefold() == NO_VALUE:
        return True
    return is_absent(written, variable)


def _read(written: JsonValue, variable: Variable, conventions: Conventions) -> Value | NotTaken:
    values: list[Scalar] = []
    for part in _parts(written, variable):
        read = _read_one(part, variable, conventions)
        if isinstance(read, NotTaken):
            return read
        values.append(read)
    if not variable.takes_many:
        return values[0] if len(values) == 1 else NotTaken("several values, where the variable takes one")
    if len(values) > variable.max_values:
        return NotTaken(f"{len(values)} values, more than max_values ({variable.max_values})")
    return tuple(dict.fromkeys(values))


def _parts(written: JsonValue, variable: Variable) -> Iterator[JsonValue]:
    if isinstance(written, list):
        yield from (part for item in written for part in _parts(item, variable))
    elif isinstance(written, str) and variable.takes_many and variable.type is VariableType.CATEGORY:
        yield from split_categories(written, variable)
    elif isinstance(written, str) and variable.takes_many:
        yield from (part.strip() for part in re.split(r"[;\n；]", written) if part.strip())
    else:
        yield written


def _read_one(part: JsonValue, variable: Variable, conventions: Conventions) -> Scalar | NotTaken:
    if isinstance(part, float) and not math.isfinite(part):
        return NotTaken(f"{part} is not a number")
    if variable.type is VariableType.CATEGORY and not variable.allow_other and exact_category(part, variable) is None:
        allowed = ", ".join(category.value for category in variable.categories)
        return NotTaken(f'"{part}" is not one of the categories; write one of: {allowed}')
    read = read_value(part, variable, conventions)
    if isinstance(read, Unread):
        return NotTaken(f"{read.reason}; {_plainly(variable)}")
    if read.ambiguous:
        return NotTaken(f"{read.ambiguous}; {_plainly(variable)}")
    read = _in_unit(read, variable)
    if isinstance(read, NotTaken):
        return read
    reading, breaches = validated(read, variable)
    return NotTaken("; ".join(breaches)) if breaches else reading.value


def _in_unit(read: Reading, variable: Variable) -> Reading | NotTaken:
    """The number in the variable's unit. A number without a unit is taken to be in it."""
    wanted, stated = variable.unit, read.unit
    if not isinstance(read.value, float) or not stated or not wanted or stated == wanted:
        return read
    factor = conversion(stated, wanted) if is_measure(stated) and is_measure(wanted) else None
    if factor is not None:
        return Reading(float(Fraction(repr(read.value)) * factor))
    is_other = is_measure(stated) or stated in ISO_CODES or stated == "%"
    if is_other and stated not in wanted.split():
        return NotTaken(f"is in {stated}, wanted in {wanted}; write the number in {wanted}")
    return read


_PLAIN_FORMS = {
    VariableType.NUMBER: "write the number in digits, without thousands separators",
    VariableType.DATE: "write the date as 2024-03-05, 2024-03 or 2024",
    VariableType.BOOLEAN: "write yes or no",
}


def _plainly(variable: Variable) -> str:
    return _PLAIN_FORMS.get(variable.type, "write it in other words")
