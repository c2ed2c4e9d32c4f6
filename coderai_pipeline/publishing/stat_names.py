"""Names and labels that SPSS and Stata take: variable names within their rules, each once, and texts within their bytes."""

import re
from collections.abc import Set as AbstractSet

SPSS_WORDS = frozenset({"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"})
STATA_WORDS = frozenset(
    {"_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "_n", "long", "_pi", "_pred", "_rc",
     "_skip", "str", "strl", "using", "with"}
)  # fmt: skip
_STATA_STRING = re.compile(r"str\d+")
_LONGEST_ENDING = 11
_MARK = "..."


def free_name(wanted: str, longest: int, taken: AbstractSet[str]) -> str:
    """The name, changed where it has to be: letters, digits and _ alone, `longest` characters, no reserved word, none of `taken`.

    taken: names in use, in lower case.
    """
    legal = re.sub(r"\W", "_", wanted)
    if not legal[:1].isalpha():
        legal = f"v{legal}"
    name, number = _shortened(legal, longest), 1
    while _is_refused(name.lower()) or name.lower() in taken:
        ending = "_" if number == 1 else f"_{number}"
        name, number = _shortened(legal, longest - len(ending)) + ending, number + 1
    return name


def within(text: str, most_bytes: int) -> str:
    """The text, cut where it has more bytes of UTF-8, never within a character; a cut shows."""
    if len(text) * 4 <= most_bytes or len(text.encode()) <= most_bytes:
        return text
    return text.encode()[: most_bytes - len(_MARK)].decode(errors="ignore") + _MARK


def _shortened(name: str, longest: int) -> str:
    """Of at most so many characters, and as many bytes: both programs count either. The last word of a long name stays."""
    if len(name.encode()) <= longest:
        return name
    ending = name[name.rfind("_") :] if 0 < len(name) - name.rfind("_") <= _LONGEST_ENDING else ""
    return name.encode()[: longest - len(ending.encode())].decode(errors="ignore") + ending


def _is_refused(name: str) -> bool:
    return name in SPSS_WORDS or name in STATA_WORDS or _STATA_STRING.fullmatch(name) is not None
