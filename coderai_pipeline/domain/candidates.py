"""One answer -> candidates: parsed, coerced to the variable's type, snapped, validated and grounded, each change recorded.

What all candidates of a cell come to together is in `settling`; the readers of each type are in `values`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

from coderai_pipeline.domain.cells import Answer, Evidence, Grounding, JsonValue
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Document, Page, Span
from coderai_pipeline.domain.grounding import ground, page_of
from coderai_pipeline.domain.merging import Candidate
from coderai_pipeline.domain.normalised_text import NormalisedText
from coderai_pipeline.domain.support import locate_value, objection, scale_of, stated, states_unit
from coderai_pipeline.domain.validation import validated
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.absence import is_absent
from coderai_pipeline.domain.values.categories import split_categories
from coderai_pipeline.domain.values.measures import conversion, is_measure
from coderai_pipeline.domain.values.number_words import ISO_CODES, holds_magnitude
from coderai_pipeline.domain.values.reading import read_value
from coderai_pipeline.domain.wording import denies, short, shown_json


@dataclass(frozen=True, eq=False, slots=True)
class SettleContext:
    """What settling knows of the document. chunks: span of each chunk by its index; empty = the whole document was
    asked. near: evidence of the same entity, to which the nearest of several occurrences is taken."""

    conventions: Conventions
    text: NormalisedText
    pages: tuple[Page, ...] = ()
    chunks: Mapping[int, Span] = field(default_factory=lambda: MappingProxyType({}))
    near: Span | None = None

    @classmethod
    def of(
        cls, document: Document, conventions: Conventions, chunks: Mapping[int, Span] | None = None
    ) -> "SettleContext":
        return cls(conventions, NormalisedText.of(document.text), document.pages, chunks or {})


def consider(answer: Answer, variable: Variable, context: SettleContext) -> tuple[Candidate, ...]:
    """One answer -> a candidate per value it gives, or one that says nothing is stated."""
    confidence, change = _confidence(answer.confidence)
    changes = (change,) if change else ()
    parts = _parts(answer.value, variable)
    given = [
        (part, quotes)
        for part, quotes in zip(parts, _quotes(answer, len(parts)), strict=True)
        if not is_absent(part, variable, quotes[0])
    ]
    if not given:
        return (_absent(answer, confidence, changes),)
    return tuple(
        min(
            (_candidate(part, quote, answer, confidence, changes, variable, context) for quote in quotes),
            key=lambda candidate: len(candidate.problems),
        )
        for part, quotes in given
    )


def _parts(value: JsonValue, variable: Variable) -> list[JsonValue]:
    """The values an answer gives: the items of a list, the `value` of an object, the parts of a list written as text."""
    if isinstance(value, list):
        return [part for item in value for part in _parts(item, variable)]
    if isinstance(value, dict) and (inner := _within(value, variable)) is not None:
        return _parts(inner, variable)
    if isinstance(value, str) and variable.type is VariableType.CATEGORY and variable.allow_multiple:
        return list(split_categories(value, variable))
    if isinstance(value, str) and variable.takes_many:
        return [part.strip() for part in re.split(r"[;\n；]", value) if part.strip()] or [value]
    return [value]


def _within(value: Mapping[str, JsonValue], variable: Variable) -> JsonValue:
    """The value that an object wraps, with its unit; None where it is no such object."""
    for key in ("value", "amount", variable.name, variable.type.value, "answer"):
        inner = value.get(key)
        if inner is not None:
            unit = value.get("unit") or value.get("currency")
            return (
                f"{shown_json(inner)} {unit}"
                if isinstance(unit, str) and isinstance(inner, str | float | int)
                else inner
            )
    return None


_MOST_QUOTES = 5
_AROUND = 40
"""Characters on either side of a passage that was found but for a few letters."""


def _quotes(answer: Answer, parts: int) -> list[tuple[str | None, ...]]:
    """The quotes of each part, of which the one that shows it best is taken: its own where there are as many quotes as
    parts, else all of the answer."""
    if len(answer.quotes) == parts:
        return [(quote,) for quote in answer.quotes]
    return [answer.quotes[:_MOST_QUOTES] or (answer.quote,)] * parts


def _confidence(given: float | None) -> tuple[float | None, str]:
    """Confidence as 0-1: percentages are divided, what is out of range is left out; either is said."""
    if given is None:
        return None, ""
    if isinstance(given, bool) or not math.isfinite(given) or not 0 <= given <= 100:
        return None, f"confidence {given} is not between 0 and 1; left out"
    if given > 1:
        return given / 100, f"confidence {given:g} taken as {given / 100:g}"
    return float(given), ""


def _absent(answer: Answer, confidence: float | None, changes: tuple[str, ...]) -> Candidate:
    written = "" if answer.value is None else shown_json(answer.value)
    if written and written not in ("[]", "{}"):
        changes = (*changes, f'"{short(written)}" says that nothing is stated')
    return Candidate(None, written, answer.call_id, answer.chunk, confidence=confidence, changes=changes)


def _candidate(
    part: JsonValue,
    quote: str | None,
    answer: Answer,
    confidence: float | None,
    changes: tuple[str, ...],
    variable: Variable,
    context: SettleContext,
) -> Candidate:
    """Coerce, snap, validate and ground one value."""
    written = shown_json(part)
    read = read_value(part, variable, context.conventions)
    evidence, quote_change, quote_problem = _evidence(quote, answer.chunk, part, read, variable, context)
    if isinstance(read, Unread):
        # A category that does not snap is kept as written: its type holds it, and a person can see what was said.
        kept = written if variable.type is VariableType.CATEGORY and isinstance(part, str) else None
        return Candidate(
            kept,
            written,
            answer.call_id,
            answer.chunk,
            confidence=confidence,
            evidence=evidence,
            changes=tuple(filter(None, (*changes, quote_change))),
            problems=(read.reason, *filter(None, [quote_problem])),
        )
    quoted = _quoted(evidence, context)
    read, converted = _converted(read, quoted, variable, context.conventions)
    read, scaled = _in_unit(read, part, quoted, variable, context.conventions)
    reading, breaches = validated(read, variable)
    unit, other_unit = _unit(reading, quoted, variable, context.conventions)
    missing = quote_problem or _objection(reading, evidence, quoted, variable, context)
    problems = tuple(dict.fromkeys(filter(None, (reading.ambiguous, *breaches, other_unit, missing))))
    return Candidate(
        reading.value,
        written,
        answer.call_id,
        answer.chunk,
        precision=reading.precision,
        unit=unit,
        confidence=confidence,
        evidence=evidence,
        changes=tuple(filter(None, (*changes, reading.change, converted, scaled, quote_change))),
        problems=problems,
    )


def _evidence(
    quote: str | None,
    chunk: int,
    part: JsonValue,
    read: Reading | Unread,
    variable: Variable,
    context: SettleContext,
) -> tuple[Evidence | None, str, str]:
    """Evidence, what was changed to get it, and what is wrong with it."""
    within = context.chunks.get(chunk)
    if quote and quote.strip():
        evidence = ground(quote, context.text, context.near, within, context.pages)
        absent = evidence.grounding is Grounding.ABSENT
        return evidence, "", "the quote is not in the document" if absent else ""
    if variable.type in (VariableType.CATEGORY, VariableType.BOOLEAN):
        return None, "", "no quote was given"
    located = _locate(part, read, variable, context, within)
    if located is None:
        return None, "", "no quote was given and the value does not stand in the document"
    return located, "no quote was given; the value itself was looked for in the document", ""


def _locate(
    part: JsonValue, read: Reading | Unread, variable: Variable, context: SettleContext, within: Span | None
) -> Evidence | None:
    """The value itself as evidence: as the reply writes it, else in whatever form the document writes it."""
    if isinstance(part, str) and part.strip():
        evidence = ground(part, context.text, context.near, within, context.pages)
        if evidence.grounding in (Grounding.EXACT, Grounding.NORMALISED, Grounding.AMBIGUOUS):
            return evidence
    if isinstance(read, Unread):
        return None
    window = within or Span(0, len(context.text.original))
    span = locate_value(read, window.of(context.text.original), variable, context.conventions)
    if span is None:
        return None
    start, end = window.start + span.start, window.start + span.end
    quote = context.text.original[start:end]
    return Evidence(quote, Grounding.NORMALISED, start, end, page_of(start, context.pages))


def _objection(
    reading: Reading, evidence: Evidence | None, quoted: str, variable: Variable, context: SettleContext
) -> str:
    """Why the evidence does not hold the value. What counts are the document's own words; of a text also those just around
    the passage found, which may be a little shorter than the reply's copy of it."""
    why = objection(reading, quoted, variable, context.conventions) if quoted else ""
    if evidence is None or evidence.start is None or evidence.end is None:
        return why
    if why and variable.type in (VariableType.TEXT, VariableType.LOCATION):
        if evidence.grounding is not Grounding.FUZZY:
            return objection(reading, evidence.quote, variable, context.conventions)
        around = context.text.original[max(0, evidence.start - _AROUND) : evidence.end + _AROUND]
        return objection(reading, around, variable, context.conventions)
    if evidence.grounding is Grounding.FUZZY and denies(evidence.quote.casefold()) != denies(quoted.casefold()):
        return "the quote differs from the document in a negation"
    return why


def _quoted(evidence: Evidence | None, context: SettleContext) -> str:
    """What the document says at the evidence; the document's own words count, not the reply's copy of them."""
    if evidence is None or evidence.start is None or evidence.end is None:
        return ""
    return context.text.original[evidence.start : evidence.end]


def _converted(read: Reading, quoted: str, variable: Variable, conventions: Conventions) -> tuple[Reading, str]:
    """A measure in the unit wanted: 1.5 km is 1500 where metres are wanted. Where the reply gives no unit, its number is
    taken for the one in the quote, if it is the same."""
    if not isinstance(read.value, float) or not is_measure(variable.unit):
        return read, ""
    unit = read.unit
    if unit is None and (there := stated(read, quoted, variable.model_copy(update={"unit": ""}), conventions)):
        unit = there.unit
    factor = conversion(unit, variable.unit)
    if factor is None or factor == 1:
        return read, ""
    value = float(Fraction(repr(read.value)) * factor)
    return replace(read, value=value, unit=variable.unit), f"{read.value:.15g} {unit} are {value:.15g} {variable.unit}"


def _in_unit(
    read: Reading, part: JsonValue, quoted: str, variable: Variable, conventions: Conventions
) -> tuple[Reading, str]:
    """A number written out with its magnitude, counted in the unit wanted: 1.2 million is 1.2 where the unit is `million EUR`."""
    factor = scale_of(variable.unit, conventions.language) if variable.type is VariableType.NUMBER else 1.0
    if factor == 1 or not isinstance(read.value, float):
        return read, ""
    source = part if isinstance(part, str) else quoted
    spelled_out = holds_magnitude(source, conventions.language)
    if not spelled_out or (
        not isinstance(part, str)
        and stated(read, quoted, variable.model_copy(update={"unit": ""}), conventions) is None
    ):
        return read, ""
    value = read.value / factor
    return replace(read, value=value), f"{read.value:.15g} counted in {variable.unit}: {value:.15g}"


def _unit(reading: Reading, quoted: str, variable: Variable, conventions: Conventions) -> tuple[str | None, str]:
    """The unit as the document states it, and the objection where it is another currency or scale than the one wanted."""
    if variable.type is not VariableType.NUMBER:
        return None, ""
    in_quote = stated(reading, quoted, variable, conventions) if quoted else None
    unit = (in_quote.unit if in_quote else None) or reading.unit
    is_other = reading.unit in ISO_CODES and unit in ISO_CODES and unit != reading.unit
    if is_other and states_unit(reading.unit or "", quoted, variable, conventions):
        unit, is_other = reading.unit, False
    if unit and is_measure(unit) and is_measure(variable.unit):
        known = conversion(unit, variable.unit) is not None
        return (variable.unit, "") if known else (unit, f"stated in {unit}, wanted in {variable.unit}")
    wanted = next((word for word in variable.unit.split() if word in ISO_CODES or word == "%"), None)
    if unit and wanted and unit != wanted and (unit in ISO_CODES or unit == "%"):
        return unit, f"stated in {unit}, wanted in {wanted}"
    return unit, f"stated in {unit}, answered in {reading.unit}" if is_other else ""
