"""Whether a quote holds the value it is given for, and finding a value in a text when no quote was given.

Where the quote stands in the document is in `grounding`.
"""

import re
from functools import lru_cache

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.name_forms import holds_form
from coderai_pipeline.domain.normalised_text import normalised, squeezed
from coderai_pipeline.domain.values import Conventions, Reading
from coderai_pipeline.domain.values.dates import find_dates
from coderai_pipeline.domain.values.digits import ascii_digits
from coderai_pipeline.domain.values.locations import country_code, find_locations, names_of
from coderai_pipeline.domain.values.measures import conversion
from coderai_pipeline.domain.values.number_forms import unit_after
from coderai_pipeline.domain.values.number_words import magnitude_in
from coderai_pipeline.domain.values.numbers import find_numbers, find_sums
from coderai_pipeline.domain.values.spelled import find_spelled
from coderai_pipeline.domain.wording import short

# A text of more words is a summary in the reply's own words; its quote is where it comes from and need not hold it.
LONGEST_LITERAL_WORDS = 12
LIKENESS = 85.0


def supports(reading: Reading, quote: str, variable: Variable, conventions: Conventions) -> bool:
    """Whether the quote contains the value where it should; categories and yes/no may be inferred from it."""
    return not objection(reading, quote, variable, conventions)


def objection(reading: Reading, quote: str, variable: Variable, conventions: Conventions) -> str:
    """Why a quote does not hold a value, or holds it in an ambiguous form; "" if it does."""
    match variable.type:
        case VariableType.CATEGORY | VariableType.BOOLEAN:
            return ""
        case VariableType.NUMBER:
            return _number_objection(reading, quote, variable, conventions)
        case VariableType.DATE:
            return _date_objection(reading, quote, conventions)
        case VariableType.LOCATION:
            held = _names_place(str(reading.value), quote, conventions)
        case VariableType.TEXT:
            held = _holds_text(str(reading.value), quote, conventions.language)
    if not held:
        return f'the quote does not contain "{short(str(reading.value))}"'
    return f'the quote denies "{short(str(reading.value))}"' if _is_denied(str(reading.value), quote, variable) else ""


def stated(reading: Reading, quote: str, variable: Variable, conventions: Conventions) -> Reading | None:
    """The reading in the quote that the value rests on: with the unit, and the precision, that the document states."""
    if variable.type is VariableType.NUMBER:
        return next(
            (
                found
                for found in _numbers(quote, conventions, variable.unit)
                if _same_number(found, reading, variable, conventions)
            ),
            None,
        )
    if variable.type is VariableType.DATE:
        return next((found for _, found in find_dates(quote, conventions) if found.value == reading.value), None)
    return None


def states_unit(unit: str, quote: str, variable: Variable, conventions: Conventions) -> bool:
    """Whether some number of a quote has this unit."""
    return any(found.unit == unit for found in _numbers(quote, conventions, variable.unit))


def locate_value(reading: Reading, text: str, variable: Variable, conventions: Conventions) -> Span | None:
    """Where a number or date first stands in a text, in whatever form it is written."""
    if variable.type is VariableType.NUMBER:
        spans = (span for span, found in find_numbers(text, conventions) if found.value == reading.value)
    elif variable.type is VariableType.DATE:
        spans = (span for span, found in find_dates(text, conventions) if found.value == reading.value)
    else:
        return None
    return next(spans, None)


# A word for not directly before a value, or with one word between; where words are not spaced, a character.
_DENIED = re.compile(
    r"(?:\b(?:not|no|non|never|without|nicht|kein\w*|ohne|nie|pas|sans|jamais|sin|nunca|не|нет|без)|n['’]t) "
    r"(?!(?:only|just|nur|seulement|solo|только) )(?:\w+ )?$|\b(?:ليس|ليست|غير|لا|لم|لن|بدون) $|[不没沒無无未非]$"
)


_DENIED_WITHIN = 30


def _is_denied(value: str, quote: str, variable: Variable) -> bool:
    """Whether the quote says a value of nowhere but to deny it. Of text, names and numbers are not looked at: `No. 12`, and
    `did not see John`, which denies the seeing."""
    if variable.type is VariableType.TEXT and (value[:1].isupper() or any(char.isdigit() for char in value)):
        return False
    wanted, there = normalised(value).strip(" .,;:"), normalised(quote)
    at = there.find(wanted) if wanted else -1
    is_said = at >= 0
    while at >= 0:
        if not _DENIED.search(there, max(0, at - _DENIED_WITHIN), at):
            return False
        at = there.find(wanted, at + 1)
    return is_said


def _number_objection(reading: Reading, quote: str, variable: Variable, conventions: Conventions) -> str:
    found = _numbers(quote, conventions, variable.unit)
    same = [each for each in found if _same_number(each, reading, variable, conventions)]
    if same:
        return "" if any(not each.ambiguous for each in same) else same[0].ambiguous
    if (
        float(reading.value) < 0
        and "(" in quote
        and any(_close(float(each.value), -float(reading.value)) for each in found)
    ):
        return ""
    for each in found:
        if each.ambiguous and isinstance(each.value, float) and _is_other_reading(each, reading):
            return each.ambiguous
    if reading.value == 0 and _NONE.search(normalised(quote)):
        return ""
    shown = ", ".join(f"{each.value:.15g}" for each in found[:4])
    return f"the quote does not contain {reading.value:.15g}" + (f" but {shown}" if shown else "")


_NONE = re.compile(
    r"\b(?:no|none|nobody|zero|without|kein\w*|ohne|niemand|aucun\w*|sans|personne|ningun\w*|sin|nadie|нет|без|ни|никто|لا|لم|بدون)\b|无|没有|未"
)


@lru_cache(maxsize=64)
def _numbers(quote: str, conventions: Conventions, unit: str) -> tuple[Reading, ...]:
    """The numbers of a quote in digits, those of several parts as one, then those in words. Asked for whether it holds a value, and then for its unit."""
    found = [reading for _, reading in find_numbers(quote, conventions)]
    found += find_sums(quote, conventions, unit)
    for language in dict.fromkeys((conventions.language, "en")):
        spelled = find_spelled(quote, language)
        found += (Reading(float(value), unit=unit_after(quote, span.end, language)[0]) for span, value in spelled)
    return tuple(found)


def _same_number(found: Reading, reading: Reading, variable: Variable, conventions: Conventions) -> bool:
    """Equal as read, or as counted in the variable's unit (1.2 where the unit is millions, 1500 m for 1.5 km)."""
    value, wanted = float(found.value), float(reading.value)
    factor = scale_of(variable.unit, conventions.language)
    counted = conversion(found.unit, variable.unit)
    return (
        _close(value, wanted)
        or (factor != 1 and _close(value / factor, wanted))
        or (counted is not None and _close(value * float(counted), wanted))
    )


@lru_cache(maxsize=256)
def scale_of(unit: str, language: str) -> float:
    """The magnitude that a unit counts in: a million for `million EUR` and `EUR m`; 1 for `EUR` and `cases per million`."""
    return float(magnitude_in(unit, language))


def _close(first: float, second: float) -> bool:
    return abs(first - second) <= 1e-9 * max(abs(first), abs(second), 1e-300)


def _is_other_reading(found: Reading, reading: Reading) -> bool:
    """The reading that an ambiguous number did not get: minus (500), or 1.234 for 1234."""
    value, wanted = float(found.value), float(reading.value)
    return _close(value, -wanted) or _close(value, wanted * 1000)


def _date_objection(reading: Reading, quote: str, conventions: Conventions) -> str:
    """The quote must give at least the value's precision; a day and month the other way round is an ambiguous date."""
    wanted, objection = str(reading.value), f"the quote does not contain the date {reading.value}"
    if wanted.replace("-", "") in re.findall(r"\d+", ascii_digits(quote)) and reading.precision == "day":
        return ""
    for _, found in find_dates(quote, conventions):
        value = str(found.value)
        if value == wanted or (value.startswith(wanted) and value[len(wanted)] in "-T"):
            return found.ambiguous
        if found.ambiguous and wanted in found.ambiguous:
            objection = found.ambiguous
    return objection


def _names_place(value: str, quote: str, conventions: Conventions) -> bool:
    if _holds_text(value, quote, conventions.language):
        return True
    code = country_code(value, conventions.language)
    if code is None:
        return False
    words = re.findall(r"\w+", normalised(quote))
    if any(holds_form(name, words, language) for language, name in names_of(code)):
        return True
    return country_code(quote.strip(" .,;:()"), conventions.language) == code or any(
        country_code(span.of(quote), conventions.language) == code for span, _ in find_locations(quote, conventions)
    )


def _holds_text(value: str, quote: str, language: str) -> bool:
    """Literally after evening out, or but for a few letters or an ending, or in another order (Smith, John)."""
    if len(value.split()) > LONGEST_LITERAL_WORDS:
        return True
    wanted, there = normalised(value).strip(" .,;:"), normalised(quote)
    if squeezed(wanted) in squeezed(there):
        return True
    if any(run not in re.findall(r"\d+", there) for run in re.findall(r"\d+", wanted)):
        return False
    words = re.findall(r"\w+", wanted)
    if words and holds_form(" ".join(words), re.findall(r"\w+", there), language):
        return True
    from rapidfuzz import fuzz

    return len(wanted) >= 8 and len(there) >= len(wanted) * 0.7 and fuzz.partial_ratio(wanted, there) >= LIKENESS
