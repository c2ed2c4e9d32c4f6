"""Places: text as written, except that a value which is a country's name gets that country's usual name.

Only exact names, three-letter codes and a few known short forms count; nothing is matched by likeness.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.locale_data import territory_names
from coderai_pipeline.domain.values.text import read_text

_ALIASES = {
    "US": "usa|u.s|the united states of america|u.s.a|u.s|united states of america|the united states|the us|the usa|estados unidos de america|сша|أمريكا|美国|美國|eeuu|ee. uu|ee.uu|etats-unis",
    "GB": "uk|u.k|great britain|britain|the united kingdom|the uk|united kingdom of great britain and northern ireland|großbritannien",
    "AE": "uae|u.a.e|the united arab emirates",
    "NL": "holland|the netherlands",
    "CZ": "czech republic|the czech republic|tschechische republik",
    "RU": "russian federation|the russian federation|российская федерация|рф",
    "CD": "democratic republic of the congo|the democratic republic of the congo|dr congo|drc|d.r. congo|congo-kinshasa|demokratische republik kongo|république démocratique du congo|rdc",
    "CG": "republic of the congo|the republic of the congo|congo-brazzaville",
    "IE": "republic of ireland|the republic of ireland",
    "MK": "fyrom|former yugoslav republic of macedonia|the former yugoslav republic of macedonia",
    "KR": "republic of korea|south korea|한국|대한민국",
    "KP": "north korea|dprk",
    "CN": "people's republic of china|prc",
    "DE": "federal republic of germany|bundesrepublik deutschland|brd",
    "XK": "republic of kosovo|kosova",
    "TR": "turkey",
    "CI": "ivory coast",
    "MM": "burma",
    "VA": "vatican",
    "PH": "the philippines",
    "SZ": "swaziland",
    "TL": "east timor",
    "CV": "cabo verde",
    "BO": "plurinational state of bolivia|bolivia (plurinational state of)",
    "VE": "bolivarian republic of venezuela|venezuela (bolivarian republic of)",
    "IR": "islamic republic of iran|iran (islamic republic of)",
    "SA": "kingdom of saudi arabia",
    "TH": "ประเทศไทย|kingdom of thailand",
    "JP": "日本国",
    "VN": "viet nam|socialist republic of vietnam",
}  # fmt: skip
# Shared by several places, so that they name none of them outright.
_SHARED = frozenset({"congo", "kongo", "конго", "الكونغو", "刚果"})
_LANGUAGES = (
    *("en", "de", "fr", "es", "ru", "ar", "zh", "pt", "it", "nl", "pl", "tr", "ro", "el", "vi", "th", "hi", "ja", "ko"),
    *("uk", "he", "fa", "sv", "cs", "hu", "id"),
)
_INFLECTING = ("ru", "uk", "bg", "sr", "pl", "cs", "ar")


def read_location(written: JsonValue, conventions: Conventions) -> Reading | Unread:
    """A place; a country gets the usual name in the project's language, and the change says so."""
    reading = read_text(written, conventions)
    if isinstance(reading, Unread) or not isinstance(reading.value, str):
        return reading
    name = country_name(reading.value, conventions)
    if name is None or name == reading.value:
        return reading
    return Reading(name, change=f'"{reading.value}" is the country {name}')


def find_locations(text: str, conventions: Conventions) -> Iterator[tuple[Span, Reading]]:
    """The countries a passage names, each as written; other places cannot be told from other words."""
    for match in _country_pattern().finditer(text):
        reading = read_location(match[0], conventions)
        if isinstance(reading, Reading):
            yield Span(match.start(), match.end()), reading


def country_name(written: str, conventions: Conventions) -> str | None:
    """The usual name of the country that a text names and nothing else; None if it names none."""
    code = country_code(written, conventions.language)
    return _territories(conventions.language).get(code) if code else None


def country_code(written: str, language: str = "en") -> str | None:
    """ISO 3166-1 alpha-2 code of the country a text names outright (XK for Kosovo)."""
    text = written.strip()
    if re.fullmatch(r"[A-Z]{3}", text):
        import pycountry

        country = pycountry.countries.get(alpha_3=text)
        if country is not None:
            return str(country.alpha_2)
    if text == "US":
        return text
    name = normalised(text).strip(" .\"'")
    return None if name in _SHARED else _countries(language).get(name)


@lru_cache(maxsize=512)
def names_of(code: str) -> tuple[tuple[str, str], ...]:
    """A country's names, normalised, in the languages that write them in several forms, each with its language."""
    named = ((language, territory_names(language).get(code)) for language in _INFLECTING)
    return tuple((language, normalised(name)) for language, name in named if name)


@lru_cache(maxsize=32)
def _countries(language: str) -> Mapping[str, str]:
    """Names of countries as `normalised` gives them -> code."""
    import pycountry

    names: dict[str, str] = {}
    for spoken in dict.fromkeys((language, *_LANGUAGES)):
        for code, name in _territories(spoken).items():
            names.setdefault(normalised(name), code)
    for country in pycountry.countries:
        fields = (country.name, getattr(country, "official_name", None), getattr(country, "common_name", None))
        names |= {normalised(name): country.alpha_2 for name in fields if name and normalised(name) not in names}
    for code, aliases in _ALIASES.items():
        names |= {normalised(alias): code for alias in aliases.split("|")}
    return names


@lru_cache(maxsize=32)
def _territories(language: str) -> Mapping[str, str]:
    """Alpha-2 code -> the country's usual name in a language, from CLDR; without regions and groups of countries."""
    names = territory_names(language)
    return {code: name for code, name in names.items() if re.fullmatch(r"[A-Z]{2}", code) and code not in _NO_COUNTRY}


_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


def _capitalised(alias: str) -> str:
    """An alias as running text writes it: short ones in capitals, small words small."""
    if len(alias.replace(".", "").replace(" ", "")) <= 4:
        return alias.upper()
    return " ".join(word if word in _SMALL_WORDS else word.title() for word in alias.split())


_SMALL_WORDS = frozenset({"of", "the", "and", "de", "du"})


@lru_cache(maxsize=1)
def _country_pattern() -> re.Pattern[str]:
    names: set[str] = {"US"}
    for aliases in _ALIASES.values():
        names |= {_capitalised(alias) for alias in aliases.split("|")}
    for spoken in _LANGUAGES:
        names |= {name for name in _territories(spoken).values() if len(name) > 2 or not name.isascii()}
    spaced = sorted((name for name in names if name < "\u0e00"), key=len, reverse=True)
    unspaced = sorted((name for name in names if name >= "\u0e00"), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spaced))})(?!\w)|{'|'.join(map(re.escape, unspaced))}")
