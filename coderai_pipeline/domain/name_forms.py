"""Names in their several forms: as they are compared with each other, and as a sentence writes them.

Whether a quote holds a value is decided in `support`, which rows are one entity in `entities`.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import TypeAlias

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.codebook import VariableType

Part: TypeAlias = str | float | bool | tuple[str, ...] | None

_INFLECTED = re.compile(r"[\u0400-\u04ff]+")
_INFLECTING = frozenset({"pl", "cs", "sk", "hr", "sr", "bs", "sl", "lt", "lv"})
"""Languages that inflect names in Latin letters. In Cyrillic letters nearly all do."""

_SHORTEST_STEM = 4
_NAMED = re.compile(r"|а|я|й|ь|о|е|ы|и|a|e|o|y|i|as|is|us|s")
_INFLECTED_ENDING = re.compile(
    r"|а|я|у|ю|е|и|і|ї|ы|о|й|ь|ом|ем|им|ым|ой|ей|ою|ею|ів|ов|ев|ам|ям|ах|ях|ами|ями|ові|еві|ові"
    r"|a|e|i|u|y|o|ie|iu|em|om|owi|ach|ami|ou|ze|as|os|oje|uje|s"
)
_CLITICS = re.compile(r"[وف]?(?:لل(?=..)|[بكل])?")


def holds_form(name: str, words: list[str], language: str) -> bool:
    """Whether each word of a normalised name is among the words, in one form or another."""
    return all(any(_is_form(part, word, language) for word in words) for part in name.split())


def _is_form(name: str, word: str, language: str) -> bool:
    if name == word:
        return True
    if "\u0600" <= name[0] <= "\u06ff":
        return _is_with_clitics(name, word)
    if not (_INFLECTED.fullmatch(name) or language in _INFLECTING):
        return False
    shorter = min(len(name), len(word))
    stem = next((at for at in range(shorter) if name[at] != word[at]), shorter)
    return (
        stem >= _SHORTEST_STEM
        and _NAMED.fullmatch(name, stem) is not None
        and _INFLECTED_ENDING.fullmatch(word, stem) is not None
    )


def _is_with_clitics(name: str, word: str) -> bool:
    """`مصر` in `بمصر`, and `العراق` in `وللعراق`, where the article loses a letter."""
    if not word.endswith(name.removeprefix("ال")):
        return False
    before = word.removesuffix(name.removeprefix("ال"))
    return _CLITICS.fullmatch(before.removesuffix("ال")) is not None and ("ل" in before or not name.startswith("ال"))


def comparable(value: Value, kind: VariableType) -> Part:
    """The form in which values that name something are compared; None = not stated."""
    if isinstance(value, tuple):
        return tuple(sorted(str(comparable(item, kind)) for item in value)) or None
    if not isinstance(value, str):
        return value
    if kind is VariableType.DATE:
        return value.strip().casefold() or None
    if kind is VariableType.LOCATION:
        parts = _CITY_OF.sub("", _IN_BRACKETS.sub(r", \1", value)).split(",")
        return ", ".join(_spelled_out(words, _PLACES) for part in parts if (words := _words(part))) or None
    return _spelled_out(_words(_as_spoken(value.replace("&", " and "))), _FIRMS) or None


# Abbreviations within names, by what they stand for: first in a name (St. Paul), elsewhere (Main St.).
_PLACES = {"st": ("saint", "street"), "ste": ("sainte", "suite"), "mt": ("mount", "mt"), "ft": ("fort", "ft")} | {
    word: (full, full)
    for word, full in {"sankt": "saint", "ave": "avenue", "rd": "road", "blvd": "boulevard", "str": "strasse"}.items()
}
_FIRMS = {
    word: (word, full)
    for word, full in {"ltd": "limited", "corp": "corporation", "inc": "incorporated", "co": "company"}.items()
} | {
    word: (full, word)
    for word, full in {
        "st": "saint",
        "gen": "general",
        "col": "colonel",
        "capt": "captain",
        "lt": "lieutenant",
        "maj": "major",
    }.items()
}
LEGAL_FORMS = frozenset(
    [
        "limited",
        "corporation",
        "incorporated",
        "company",
        "ag",
        "gmbh",
        "kg",
        "ohg",
        "plc",
        "llc",
        "llp",
        "na",
        "sa",
        "sas",
        "sarl",
        "spa",
        "srl",
        "bv",
        "nv",
        "ltda",
        "sl",
        "oy",
        "ab",
        "aps",
        "bhd",
        "ооо",
        "ао",
        "пао",
    ]
)
"""What may follow the name of a firm, as `comparable` gives it."""
_IN_BRACKETS = re.compile(r"\s*[(（]([^()（）]*)[)）]")
_CITY_OF = re.compile(r"^\s*(?:the\s+)?(?:city|town|village) of (?=\w)", re.IGNORECASE)


def _spelled_out(words: str, abbreviations: Mapping[str, tuple[str, str]]) -> str:
    """`st paul` as `saint paul`, `acme ltd` as `acme limited`."""
    parts = words.split()
    known = (abbreviations.get(word, (word, word)) for word in parts)
    return " ".join(first if at == 0 and len(parts) > 1 else later for at, (first, later) in enumerate(known))


COURTESIES = frozenset(["mr", "mrs", "ms", "miss", "herr", "frau", "mme", "mlle", "sr", "sra"])
"""Titles that tell a man from a woman, kept before a last name alone."""
_TITLES = re.compile(
    r"^(?:(?:dr|doctor|prof|professor|sir|ing|hon|judge|president|senator|sen|governor|gov)\.?\s+|д-р\s+|проф\.\s*"
    r"|(?:(?:mr|mrs|ms|miss|herr|frau|mme|mlle|sr|sra)\.?|г-(?:н|жа))\s+(?=\S+\s+\S))+(?=\S)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^the\s+(?=\S+\s+\S)", re.IGNORECASE)
_FORM_BEHIND = re.compile(
    r",\s*(?=(?:inc|ltd|llc|llp|corp|plc|limited|incorporated|s\.?a|s\.?l|n\.?a|gmbh|ag|co)\b\.?\s*$)", re.IGNORECASE
)
_LAST_NAME_FIRST = re.compile(r"([^\W\d_][^\d,]{0,40}),\s*([^\W\d_][^\d,]{0,40})")


def _as_spoken(name: str) -> str:
    """A name without its title and with the last name last: `Smith, Dr. John` as `John Smith`."""
    name = _FORM_BEHIND.sub(" ", _without_its_initials(_ARTICLE.sub("", name.strip())))
    turned = _LAST_NAME_FIRST.fullmatch(name.strip())
    if turned and len(turned[1].split()) <= 3 and len(turned[2].split()) <= 3:
        name = f"{_TITLES.sub('', turned[2].strip())} {turned[1]}"
    return _TITLES.sub("", name.strip())


def _without_its_initials(name: str) -> str:
    """`African National Congress (ANC)` without what it is called for short."""
    short = re.search(r"\s*\(([A-Z]{2,8})\)$", name)
    if short is None:
        return name
    initials = "".join(word[0] for word in re.findall(r"\w+", name[: short.start()]) if word[0].isupper())
    return name[: short.start()] if initials == short[1] else name


# Accents of Latin, Greek and Cyrillic letters and the vowel points of Arabic and Hebrew are often left out in writing;
# the marks of other scripts are letters.
_ACCENT = re.compile(
    r"(?<=[A-Za-z\u0370-\u03ff\u0400-\u04ff])[\u0300-\u036f]+|[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]"
)


def _words(text: str) -> str:
    """Lower case, without accents and punctuation, one space between words."""
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold())).replace("ı", "i")
    kept = (" " if unicodedata.category(character)[0] in "PSZC" else character for character in plain)
    return " ".join("".join(kept).split())
