"""Which language a text is in. Which language a project expects is in its settings; nothing here changes that."""

import functools
from typing import Any, cast

_LANGUAGES = (
    "af", "am", "ar", "as", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et",
    "eu", "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk",
    "km", "kn", "ko", "ku", "ky", "lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "ne", "nl", "no", "or",
    "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr",
    "ug", "uk", "ur", "vi", "xh", "zh", "zu",
)  # fmt: skip
"""Living languages in which documents are written today; leaves out Latin, Esperanto and near-twins such as nb and nn,
which short texts are mistaken for."""

_MIN_LETTERS = 20
_SAMPLE = 4000


def detect_language(text: str) -> str | None:
    """ISO 639-1 code of the language of most of the text; None where there are too few letters to tell."""
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < _MIN_LETTERS:
        return None
    language, _ = _identifier().classify(sample)
    return str(language)


def _sample(text: str) -> str:
    """The start of the text, and of a long one also its middle: boilerplate stands at the ends."""
    if len(text) <= _SAMPLE:
        return text
    middle = len(text) // 2
    return text[: _SAMPLE // 2] + "\n" + text[middle : middle + _SAMPLE // 2]


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = cast("Any", LanguageIdentifier).from_model_file(MODEL_FILE)
    identifier.set_languages(list(_LANGUAGES))
    return identifier
