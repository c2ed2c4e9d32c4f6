"""A name in the form that a sentence gives it: its grammatical case, or the small words that Arabic writes to it.

Whether a quote holds a value is decided in `support`.
"""

import re

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
