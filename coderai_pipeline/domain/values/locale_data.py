"""What CLDR says of a language or locale: decimal and grouping marks, month names, magnitudes, the usual order of day and month.

Babel's data files are read when first asked for and kept; nothing else of Babel is used.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from coderai_pipeline.domain.values.digits import WORD

# Whose month names are always known, whatever the project's language: documents cite dates in other tongues.
COMMON_LANGUAGES = ("en", "de", "fr", "es", "ru", "ar", "pt", "it", "nl", "pl", "tr", "uk", "ro", "el", "hi", "th")
# Spellings that CLDR does not list.
_SPELT_OTHERWISE = {"sept": 9, "maerz": 3, "setiembre": 9, "мае": 5, "травні": 5, "jaenner": 1, "janner": 1, "feber": 2}
# Case forms and spellings in scripts or languages whose names CLDR gives in one or two cases only.
_OTHER_FORMS = (
    "styczniu lutym marcu kwietniu maju czerwcu lipcu sierpniu wrześniu październiku listopadzie grudniu",
    "lednu únoru březnu dubnu květnu červnu červenci srpnu září říjnu listopadu prosinci",
    "ιανουάριο φεβρουάριο μάρτιο απρίλιο μάιο ιούνιο ιούλιο αύγουστο σεπτέμβριο οκτώβριο νοέμβριο δεκέμβριο",
    "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितम्बर अक्तूबर नवम्बर दिसम्बर",
)
_ARABIC_CALENDARS = ("ar_SY", "ar_MA", "ar_DZ")


@lru_cache(maxsize=64)
def number_marks(locale: str) -> tuple[str, str]:
    """Decimal mark and grouping mark in Latin digits: (".", ",") for en, (",", ".") for de. Spaces come as " "."""
    symbols = _data(locale)["number_symbols"]
    latin = symbols.get("latn", {})
    group = str(latin.get("group", ","))
    return str(latin.get("decimal", ".")), " " if group.isspace() else group


@lru_cache(maxsize=64)
def date_order_of(locale: str) -> Literal["DMY", "MDY", "YMD"]:
    """The order in which the locale writes short dates."""
    pattern = str(_data(locale)["date_formats"]["short"].pattern)
    letters = "".join(letter for letter in pattern.upper() if letter in "DMY")
    order = "".join(dict.fromkeys(letters))
    return order if order in ("DMY", "MDY", "YMD") else "DMY"


@lru_cache(maxsize=64)
def month_names(language: str) -> Mapping[str, int]:
    """Month names and abbreviations as `folded_name` gives them -> 1-12, in this language and the common ones.

    Where two languages share a name, this language's reading is the one kept.
    """
    locales = (language, *COMMON_LANGUAGES, *_ARABIC_CALENDARS)
    names: dict[str, int] = {}
    for locale in locales:
        for name, month in _months(locale):
            names.setdefault(name, month)
    forms = {folded_name(name): month for each in _OTHER_FORMS for month, name in enumerate(each.split(), start=1)}
    return {**_SPELT_OTHERWISE, **forms, **names}


@lru_cache(maxsize=16_384)
def folded_name(name: str) -> str:
    """A name as it is looked up: case, diacritics (Arabic hamza included) and a final full stop set aside."""
    decomposed = unicodedata.normalize("NFKD", name.strip().rstrip(".").casefold()).replace("ı", "i")
    return "".join(char for char in decomposed if not unicodedata.combining(char) and char not in "\u0640\u200e\u200f")


@lru_cache(maxsize=64)
def magnitude_words(language: str) -> Mapping[str, int]:
    """Words that stand for a power of ten, as `10 million` is abbreviated: case folded, without a full stop -> factor.

    Single letters and phrases are left out.
    """
    words: dict[str, int] = {}
    for forms in dict(_data(language)["compact_decimal_formats"]).values():
        for patterns in dict(forms).values():
            for power, pattern in dict(patterns).items():
                if match := _MAGNITUDE.fullmatch(str(getattr(pattern, "pattern", pattern)).replace("'", "")):
                    words[unicodedata.normalize("NFC", match["word"].casefold().rstrip("."))] = int(power) // 10 ** (
                        len(match["zeros"]) - 1
                    )
    return words


_MAGNITUDE = re.compile(rf"(?P<zeros>0+)\s?(?P<word>(?!.\.?$){WORD}\.?)")


def _months(locale: str) -> Iterator[tuple[str, int]]:
    months = _data(locale)["months"]
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for month, name in dict(months[context][width]).items():
                folded = folded_name(str(name))
                if not folded.isdecimal() and len(folded) > 1 and not folded[0].isdecimal():
                    yield folded, int(month)


@lru_cache(maxsize=64)
def _data(locale: str) -> Mapping[str, Any]:
    from babel import localedata

    candidates = (locale, locale.split("_")[0], "en")
    known = next(name for name in candidates if localedata.exists(name))
    return _resolved(localedata.load(known))


def territory_names(language: str) -> Mapping[str, str]:
    """Territory code (ISO 3166-1 alpha-2, or UN M.49 for regions) -> its usual name in a language."""
    return {str(code): str(name) for code, name in dict(_data(language)["territories"]).items()}


def _resolved(data: Any) -> Mapping[str, Any]:
    """Babel's view of its data in which aliases are followed; its stubs ask for a type that its own loader does not give."""
    from babel.localedata import LocaleDataDict

    return LocaleDataDict(data)
