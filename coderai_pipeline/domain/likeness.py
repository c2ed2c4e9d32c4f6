"""Whether two passages that are spelt nearly alike also say the same, or one has another name, number or a denial in it.

Both are normalised as in `normalised_text`. Where passages that are spelt alike stand is found in `grounding`.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from coderai_pipeline.domain.normalised_text import look_alike
from coderai_pipeline.domain.values.digits import WORD
from coderai_pipeline.domain.values.locale_data import month_names
from coderai_pipeline.domain.values.number_words import magnitude_of
from coderai_pipeline.domain.values.spelled import find_spelled
from coderai_pipeline.domain.wording import denials

LIKENESS = 66.7
"""Per cent of their letters that two spellings of one word share at least."""

# Scripts without spaces character by character, others word by word.
_TOKEN = re.compile(rf"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff]|\d+|{WORD}")
# What makes a word its opposite: in front of it, and within a Turkish verb.
_OPPOSITE = re.compile(r"(?:un|in|il|im|ir|dis|non|anti|α|ne|не)")
_WITHIN_VERB = re.compile(r"ma|me|mi|mu|maz|mez")
# Signs of Chinese and Japanese that say another thing when they change: numbers, directions, more and less, yes and no.
_TELLING = frozenset("一二三四五六七八九十百千万亿兆上下前后左右东西南北内外大小多少高低升降增减买卖胜负输赢否赞反")
_SIMPLIFIED = str.maketrans("萬億後東內減買賣勝負輸贏贊兩両", "万亿后东内减买卖胜负输赢赞二二") | {ord("两"): "二"}


def says_the_same(quote: str, passage: str) -> bool:
    """Letters may differ and words be left out, but no word may be another one, and what is denied must be so in both."""
    if denials(quote) != denials(passage):
        return False
    mine, theirs = _TOKEN.findall(quote), _TOKEN.findall(passage)
    for kind, start, end, low, high in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        first, second = mine[start:end], theirs[low:high]
        if kind != "replace" or _is_cut_off(first, second, opens=start == 0, closes=end == len(mine)):
            continue
        if not _are_spellings_of(first, second):
            return False
    return True


def _is_cut_off(first: Sequence[str], second: Sequence[str], *, opens: bool, closes: bool) -> bool:
    """Whether a quote begins or ends within a word of the passage."""
    shorter, longer = sorted(("".join(first), "".join(second)), key=len)
    if _is_opposite(shorter, longer):
        return False
    if (closes and longer.startswith(shorter)) or (opens and longer.endswith(shorter)):
        return True
    return opens and len(first) == 1 and second[0].endswith(first[0])  # the words after it are left out


def _are_spellings_of(first: Sequence[str], second: Sequence[str]) -> bool:
    """Word by word where there are as many, else all of them together, as when a space is lost."""
    if len(first) == len(second) and any(len(word) > 1 for word in first):
        return all(one == other or _is_spelling_of(one, other) for one, other in zip(first, second, strict=True))
    return _is_spelling_of("".join(first), "".join(second))


def _is_spelling_of(first: str, second: str) -> bool:
    """Whether two words are one, spelt otherwise."""
    shorter, longer = sorted((first, second), key=len)
    if _is_telling(first, second):
        return False
    if (len(shorter) <= 1 and len(longer) <= 1) or (len(shorter) <= 2 and len(longer) <= 3):
        return True  # one character misread, or a small word: a, an, the
    if _without_marks(first) == _without_marks(second):
        return True
    if _is_opposite(shorter, longer) or _is_another_figure(first, second):
        return False
    from rapidfuzz import fuzz

    misread = tuple(look_alike(word).replace("rn", "m").replace("vv", "w") for word in (first, second))
    return any(
        fuzz.ratio(one, other) >= LIKENESS and not _begins_otherwise(one, other)
        for one, other in ((first, second), misread)
    )


def _is_telling(first: str, second: str) -> bool:
    """`上升` and `下降`: each sign in the other's place, and one of them changes what is said."""
    pairs = zip(first.translate(_SIMPLIFIED), second.translate(_SIMPLIFIED), strict=False)
    return any(one != other and (one in _TELLING or other in _TELLING) for one, other in pairs)


def _begins_otherwise(first: str, second: str) -> bool:
    """`increased` and `decreased`, `southern` and `northern`: slips of the hand seldom change how a word begins, and more with it.

    Not asked of scripts that write particles attached to the words.
    """
    if first[0] == second[0] or max(first[0], second[0]) >= "\u0590" or sorted(first) == sorted(second):
        return False
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(first, second) > 1


def _without_marks(word: str) -> str:
    """Only the letters of a script that writes vowels as marks on them."""
    return "".join(char for char in word if char.isalnum())


def _is_opposite(shorter: str, longer: str) -> bool:
    """`legal` and `illegal`, `yaralandı` and `yaralanmadı`."""
    if longer.endswith(shorter):
        return _OPPOSITE.fullmatch(longer.removesuffix(shorter)) is not None
    return any(longer[: m.start()] + longer[m.end() :] == shorter for m in _WITHIN_VERB.finditer(longer))


def _is_another_figure(first: str, second: str) -> bool:
    """Two months, magnitudes or numbers in words: March and May, million and billion, six and sixty."""
    months = month_names("en")
    both = months.get(first), months.get(second)
    if None not in both and both[0] != both[1]:
        return True
    factors = magnitude_of(first, "en"), magnitude_of(second, "en")
    if None not in factors and factors[0] != factors[1]:
        return True
    spelled = [[value for _, value in find_spelled(word, "en")] for word in (first, second)]
    return all(spelled) and spelled[0] != spelled[1]
