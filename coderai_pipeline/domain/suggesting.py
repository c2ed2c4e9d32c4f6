"""Variables proposed from what repeats in documents: labels with their values, and dates and amounts that the same word leads in.

No model takes part. Where labels stand is found in `labelled`; whether a proposal is a valid codebook is checked where it is made.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Codebook, Variable, VariableType
from coderai_pipeline.domain.codebook_rules import CONDITION_WORDS, RESERVED_NAMES
from coderai_pipeline.domain.labelled import Labelled, folded_label, labelled_values
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.values import Conventions, Reading
from coderai_pipeline.domain.values.absence import is_absent
from coderai_pipeline.domain.values.booleans import read_boolean
from coderai_pipeline.domain.values.dates import find_dates, read_date
from coderai_pipeline.domain.values.locations import country_name
from coderai_pipeline.domain.values.numbers import find_numbers, read_number
from coderai_pipeline.domain.wording import short

FEWEST_DOCUMENTS = 2
FEWEST_SHARE = 0.15
MOST_SUGGESTIONS = 30
MOST_CATEGORIES = 12
MOST_QUOTES = 3
CHARACTERS, PROSE_CHARACTERS = 50_000, 5_000
"""Of each document, searched for labels, and for dates and amounts without one."""

_ANY = Variable(name="any", type=VariableType.BOOLEAN)
_MOST = 0.8
_NAME = 32
_CURRENCY = re.compile(r"[A-Z]{3}|[$€£¥₹₽]")
_LEAD = re.compile(r"([^\W\d_]{4,})\W+(?:[^\W\d_]{1,3}\W+){0,2}$")
_IDENTIFIER = re.compile(r"\b(?:no|nr|id|number|nummer|num[eé]ro|n[uú]mero|code|phone|tel|fax|zip|plz|номер)\b|[#№]")
_PLACE = re.compile(
    r"\b(?:place|city|town|country|location|(?:unfall|wohn|geburts|tat|stand|ereignis|tagungs)?ort|stadt|land|lieu|ville|pays|lugar|ciudad|pa[ií]s|город|место|страна)\b"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A document to make proposals from. text: what the model may see of it."""

    key: str
    source: str
    text: str
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A variable as codebook.yaml would hold it, or its name and what changes (lists: what is added); why; and passages that
    show it: (document's source, quote)."""

    variable: Mapping[str, JsonValue]
    why: str
    quotes: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return str(self.variable.get("name"))


@dataclass(frozen=True, slots=True)
class _Stated:
    """One label's value in one document."""

    sample: Sample
    found: Labelled


def suggest(samples: Sequence[Sample], codebook: Codebook, project: Project) -> list[Suggestion]:
    """What repeats in at least two documents and 15 % of them, most frequent first; what the codebook has is left out."""
    known = {form for variable in codebook.variables for form in _forms(variable)}
    taken = {variable.name for variable in codebook.variables}
    found: list[Suggestion] = []
    for stated in [*_by_label(samples), *_by_lead(samples)]:
        if folded_label(stated[0].found.label) in known or len({_folded(one) for one in stated}) == 1:
            continue
        found.append(_suggestion(stated, len(samples), project, taken))
        taken.add(found[-1].name)
    return found[:MOST_SUGGESTIONS]


def suggest_labels(samples: Sequence[Sample], variable: Variable) -> Suggestion | None:
    """Labels of the documents that share a word with the variable's names and that it does not know; None = there are none."""
    forms = _forms(variable)
    words = {word for form in forms for word in form.split() if len(word) > 3}
    new = [one for one in _by_label(samples) if words & set(folded_label(one[0].found.label).split())]
    new = [one for one in new if folded_label(one[0].found.label) not in forms]
    if not new:
        return None
    labels: list[JsonValue] = [one[0].found.label for one in new]
    told = "; ".join(f'"{one[0].found.label}" in {_documents(one)} of {len(samples)} documents' for one in new)
    return Suggestion({"name": variable.name, "labels": labels}, told, _quotes([one for group in new for one in group]))


def suggest_categories(samples: Sequence[Sample], variable: Variable) -> Suggestion | None:
    """The variable as a category of the few values that its labels have in the documents; None where they are not few."""
    forms = _forms(variable)
    stated = [one for sample in samples for one in _stated(sample) if folded_label(one.found.label) in forms]
    held = {normalised(category.value) for category in variable.categories}
    values = [value for value in _few_values(stated) if normalised(value) not in held]
    if not values:
        return None
    listed: list[JsonValue] = [{"value": value} for value in values]
    counts = Counter(_folded(one) for one in stated)
    told = ", ".join(f"{value} ({counts[normalised(value)]})" for value in values)
    changes: dict[str, JsonValue] = {"name": variable.name, "type": "category", "categories": listed}
    return Suggestion(changes, f"values in {_documents(stated)} of {len(samples)} documents: {told}", _quotes(stated))


def safe_name(label: str, taken: Iterable[str], kind: str) -> str:
    """A variable's name made of a label; of `kind` where the label has no Latin letters. Never one that a codebook refuses."""
    plain = re.sub(r"[^a-z0-9]+", "_", normalised(label)).strip("_")
    plain = re.sub(r"^[0-9_]+", "", plain)[:_NAME].rstrip("_")
    used = {*taken, *RESERVED_NAMES, *CONDITION_WORDS}
    base = plain if len(plain) > 1 else f"{kind}_stated"
    names = (base, *(f"{base[: _NAME - len(str(number)) - 1]}_{number}" for number in range(2, len(used) + 3)))
    return next(name for name in names if name not in used)


def _forms(variable: Variable) -> set[str]:
    return {folded_label(form) for form in (variable.name, variable.label, *variable.labels) if form}


def _stated(sample: Sample) -> Iterator[_Stated]:
    return (_Stated(sample, found) for found in labelled_values(sample.text[:CHARACTERS]))


def _by_label(samples: Sequence[Sample]) -> list[list[_Stated]]:
    groups: dict[str, list[_Stated]] = {}
    for sample in samples:
        for one in _stated(sample):
            groups.setdefault(folded_label(one.found.label), []).append(one)
    return _repeated((group for label, group in groups.items() if label), len(samples))


def _by_lead(samples: Sequence[Sample]) -> list[list[_Stated]]:
    """Dates and amounts of money in running text, grouped by the word that leads them in."""
    groups: dict[tuple[str, str], list[_Stated]] = {}
    for sample in samples:
        labelled = {one.found.quote for one in _stated(sample)}
        for line in sample.text[:PROSE_CHARACTERS].splitlines():
            if line.strip() in labelled:
                continue
            for kind, lead, value in _led_in(line, sample.conventions):
                found = Labelled(f"{lead} ({kind})", value, line.strip())
                groups.setdefault((kind, normalised(lead)), []).append(_Stated(sample, found))
    return _repeated(groups.values(), len(samples))


def _led_in(line: str, conventions: Conventions) -> Iterator[tuple[str, str, str]]:
    """(date or amount, the word of at least four letters before it, the value)."""
    dates = [(span, "date") for span, one in find_dates(line, conventions) if one.precision in ("day", "minute")]
    numbers = ((span, one.unit or "") for span, one in find_numbers(line, conventions))
    amounts = [(span, "amount") for span, unit in numbers if _CURRENCY.fullmatch(unit)]
    for span, kind in (*dates, *amounts):
        if lead := _LEAD.search(line[max(0, span.start - 60) : span.start]):
            yield kind, lead[1], span.of(line)


def _repeated(groups: Iterable[list[_Stated]], samples: int) -> list[list[_Stated]]:
    fewest = max(FEWEST_DOCUMENTS, FEWEST_SHARE * samples)
    kept = [group for group in groups if _documents(group) >= fewest]
    return sorted(kept, key=_documents, reverse=True)


def _documents(stated: Sequence[_Stated]) -> int:
    return len({one.sample.key for one in stated})


def _folded(one: _Stated) -> str:
    return normalised(one.found.value)


def _suggestion(stated: Sequence[_Stated], samples: int, project: Project, taken: Iterable[str]) -> Suggestion:
    forms = Counter(one.found.label for one in stated)
    label, *others = (form for form, _ in forms.most_common())
    kind, details = _kind(stated, label)
    several = len({(one.sample.key, _folded(one)) for one in stated}) > 1.5 * _documents(stated)
    is_led = stated[0].found.label.endswith((" (date)", " (amount)"))
    variable: dict[str, JsonValue] = {
        "name": safe_name(label, taken, kind),
        "label": label,
        "type": kind.value,
        "instructions": _instructions(label, is_led),
        **({"labels": [*others]} if others else {}),
        **details,
    }
    if project.unit.rows == "many" and not several:
        variable["level"] = "document"
    elif project.unit.rows == "one" and several:
        variable["if_multiple"] = "all"
    return Suggestion(variable, f"in {_documents(stated)} of {samples} documents", _quotes(stated))


def _instructions(label: str, is_led: bool) -> str:
    word, _, kind = label.rpartition(" (")
    return f'The {kind.rstrip(")")} after the word "{word}".' if is_led else f'As stated beside "{label}".'


def _kind(stated: Sequence[_Stated], label: str) -> tuple[VariableType, dict[str, JsonValue]]:
    """The type that nearly all values read as, and what goes with it."""
    named = normalised(label)
    if _share(stated, _is_date) >= _MOST:
        return VariableType.DATE, {}
    if _share(stated, _is_number) >= _MOST and not _identify(stated, named):
        return VariableType.NUMBER, _unit(stated)
    if _share(stated, _is_boolean) >= _MOST:
        return VariableType.BOOLEAN, {}
    if _PLACE.search(named) or _share(stated, _is_country) >= _MOST:
        return VariableType.LOCATION, {}
    if values := _few_values(stated):
        categories: list[JsonValue] = [{"value": value} for value in values]
        is_open = len({_folded(one) for one in stated}) > len(values)
        return VariableType.CATEGORY, {"categories": categories, **({"allow_other": True} if is_open else {})}
    return VariableType.TEXT, {}


def _share(stated: Sequence[_Stated], reads: Callable[[str, Conventions], bool]) -> float:
    """Of the values that state something."""
    telling = [one for one in stated if not is_absent(one.found.value, _ANY)]
    return sum(reads(one.found.value, one.sample.conventions) for one in telling) / max(1, len(telling))


def _is_date(value: str, conventions: Conventions) -> bool:
    reading = read_date(value, conventions)
    if not isinstance(reading, Reading):
        return False
    return reading.precision != "year" or re.fullmatch(r"(?:19|20)\d\d", value) is not None


def _is_number(value: str, conventions: Conventions) -> bool:
    return isinstance(read_number(value, conventions), Reading) and _around_number(value, conventions) is not None


def _around_number(value: str, conventions: Conventions) -> str | None:
    """The words beside a value's only number, such as its unit; None where it holds none, or several, or more than two words."""
    spans = [span for span, _ in find_numbers(value, conventions)]
    if len(spans) != 1:
        return None
    words = re.findall(r"\w+", f"{value[: spans[0].start]} {value[spans[0].end :]}")
    return " ".join(words) if len(words) <= 2 else None


def _is_boolean(value: str, conventions: Conventions) -> bool:
    reading = read_boolean(value, conventions)
    return isinstance(reading, Reading) and not reading.change


def _is_country(value: str, conventions: Conventions) -> bool:
    return country_name(value, conventions) is not None


def _identify(stated: Sequence[_Stated], named: str) -> bool:
    """Whether numbers are names of things: so labelled, with leading zeros, long and all of one length, or each with other
    words (12 Main Street)."""
    values = [one.found.value.strip() for one in stated]
    lengths = {len(value) for value in values}
    around = {_around_number(one.found.value, one.sample.conventions) for one in stated} - {None, ""}
    return (
        len(around) > max(2, len(values) / 2)
        or _IDENTIFIER.search(named) is not None
        or any(re.match(r"0\d", value) for value in values)
        or (len(lengths) == 1 and min(lengths) >= 5 and all(value.isdecimal() for value in values))
    )


def _unit(stated: Sequence[_Stated]) -> dict[str, JsonValue]:
    readings = [read_number(one.found.value, one.sample.conventions) for one in stated]
    units = Counter(one.unit for one in readings if isinstance(one, Reading) and one.unit)
    unit, number = units.most_common(1)[0] if units else ("", 0)
    return {"unit": unit} if number >= _MOST * len(stated) else {}


def _few_values(stated: Sequence[_Stated]) -> list[str]:
    """The values as most often written, where they are few and come again; [] where they are as many as documents."""
    spelled: dict[str, Counter[str]] = {}
    for one in stated:
        spelled.setdefault(_folded(one), Counter())[one.found.value.strip()] += 1
    again = [forms for forms in spelled.values() if forms.total() > 1]
    is_short = all(len(value) <= 40 for forms in again for value in forms)
    if len(stated) < 4 or not 2 <= len(again) <= MOST_CATEGORIES or not is_short or len(spelled) > len(stated) / 2:
        return []
    return [forms.most_common(1)[0][0] for forms in sorted(again, key=lambda forms: -forms.total())]


def _quotes(stated: Sequence[_Stated]) -> tuple[tuple[str, str], ...]:
    """From different documents where there are some."""
    first = {one.sample.key: one for one in reversed(stated)}
    return tuple((one.sample.source, short(one.found.quote)) for one in [*reversed(first.values())][:MOST_QUOTES])
