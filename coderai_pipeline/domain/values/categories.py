"""Snapping what a reply says to one of a variable's categories, saying what was done; never guessing between two.

Splitting a list of categories is here too; what a category that does not snap means for the cell is in `settling`.
"""

import re
from collections.abc import Iterator

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values import Reading, Unread
from coderai_pipeline.domain.wording import short

CUT_OFF = 80.0
MARGIN = 8.0


def read_category(written: JsonValue, variable: Variable) -> Reading | Unread:
    """One category: as written, but for case and accents, by keyword or description, or the only one spelt nearly so."""
    text = _as_text(written)
    if text is None:
        return Unread("no category is given" if written is None else "a list or an object is not one category")
    value = exact_category(written, variable)
    if value is not None:
        return Reading(value, change="" if value == text else f'"{short(text)}" taken as "{value}"')
    value = _by_beginning(text, variable) or _by_singular(text, variable) or _by_spelling(text, variable)
    if value is not None:
        return Reading(value, change=f'"{short(text)}" taken as "{value}"')
    if variable.allow_other:
        return Reading(text, change=f'"{short(text)}" is not among the categories; kept as another')
    return Unread(f'"{short(text)}" is not among the categories ({_listed(variable)})')


def exact_category(written: JsonValue, variable: Variable) -> str | None:
    """The category that a text names outright: its value, one of its keywords, or its description."""
    text = _as_text(written)
    if text is None:
        return None
    if any(category.value == text for category in variable.categories):
        return text
    folded = _folded(text)
    for names in (_values, _keywords, _descriptions):
        matches = {value for name, value in names(variable) if name == folded}
        if len(matches) == 1:
            return matches.pop()
    return None


def split_categories(text: str, variable: Variable) -> list[str]:
    """The parts of a list written as text; what names one category is not divided (`Law, order`)."""
    for mark in _BETWEEN:
        parts = [part.strip() for part in mark.split(text) if part.strip()]
        if exact_category(text, variable) is None and len(parts) > 1:
            return [one for part in parts for one in split_categories(part, variable)]
    parts = _AND.split(text)
    return parts if all(exact_category(each, variable) for each in parts) else [text.strip()]


# Marks between the parts of a list, those first that seldom stand within one.
_BETWEEN = (re.compile(r"[;|\n；]"), re.compile(r"[,，、]|\s/\s"))
_AND = re.compile(r"\s+(?:and|und|et|y|и|و|&)\s+|和|与")
_NEGATION = re.compile(r"(?:not|no|non|un|in|il|im|ir|dis|anti|nicht|kein\w*|sin|sans|не|нет|غير|لا|非|不|无|未)[\s-]*")


def _as_text(written: JsonValue) -> str | None:
    if isinstance(written, bool):
        return "yes" if written else "no"
    if isinstance(written, int | float):
        return f"{written:g}"
    return written.strip() if isinstance(written, str) else None


def _values(variable: Variable) -> Iterator[tuple[str, str]]:
    return ((_folded(category.value), category.value) for category in variable.categories)


def _keywords(variable: Variable) -> Iterator[tuple[str, str]]:
    return ((_folded(word), category.value) for category in variable.categories for word in category.keywords)


def _descriptions(variable: Variable) -> Iterator[tuple[str, str]]:
    return ((_folded(category.description), category.value) for category in variable.categories if category.description)


def _by_beginning(text: str, variable: Variable) -> str | None:
    """`riot: a violent crowd`, `riot (violent)`, `2. riot`: the category before a pause or after its number."""
    head = _folded(re.split(r"\s[-–—]\s|[:(（：]", text, maxsplit=1)[0])
    tail = _folded(re.sub(r"^\s*(?:\d{1,3}|[A-Za-z])[.)]\s+", "", text))
    matches = {value for name, value in _values(variable) if name in (head, tail)}
    return matches.pop() if len(matches) == 1 else None


def _by_singular(text: str, variable: Variable) -> str | None:
    """`rallies`: the plural of one category's name or keyword."""
    folded = _folded(text)
    forms = {re.sub(r"ies$", "y", folded), re.sub(r"(?<=s|x|z|h)es$", "", folded), re.sub(r"s$", "", folded)} - {folded}
    matches = {value for names in (_values, _keywords) for name, value in names(variable) if name in forms}
    return matches.pop() if len(matches) == 1 else None


_SHORTEST_MISSPELT = 5
"""Shorter words are too near to other words: four, for."""


def _by_spelling(text: str, variable: Variable) -> str | None:
    """The nearest spelling where it is near, no other category is nearly as near, and it is not the opposite."""
    from rapidfuzz import fuzz

    folded = _folded(text)
    if len(folded) < _SHORTEST_MISSPELT:
        return None
    best: dict[str, float] = {}
    for name, value in (*_values(variable), *_keywords(variable)):
        score = 0.0 if _is_another_word(folded, name) else fuzz.ratio(folded, name)
        best[value] = max(best.get(value, 0.0), score)
    ranked = sorted(best.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < CUT_OFF:
        return None
    return ranked[0][0] if len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= MARGIN else None


def _is_another_word(first: str, second: str) -> bool:
    """Different numbers, or one the end of the other (illegal, legal; female, male): near in spelling, not in sense."""
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return True
    shorter, longer = sorted((first, second), key=len)
    return longer.endswith(shorter) or bool(_NEGATION.match(longer)) != bool(_NEGATION.match(shorter))


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", normalised(text)).split())


def _listed(variable: Variable) -> str:
    shown = ", ".join(category.value for category in variable.categories[:8])
    return shown + (", ..." if len(variable.categories) > 8 else "")
