"""Whole numbers built as the Chinese ones are: `三千五百万`, `ยี่สิบห้า`, `이십오`. Those of other languages are in `spelled`."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from coderai_pipeline.domain.documents import Span

LANGUAGES = ("zh", "ja", "th", "ko")
_LONGEST = 24
"""Characters of the longest number that is read."""


def find_in_steps(text: str, language: str) -> Iterator[tuple[Span, int]]:
    """Every number of a text that is spelled in digits and steps of ten."""
    return _like_chinese(text, language) if language in _SYLLABLES else _chinese(text)


_DIGITS = {char: at % 10 for at, char in enumerate("零一二三四五六七八九〇壹贰叁肆伍陆柒捌玖")} | {
    "两": 2,
    "兩": 2,
    "○": 0,
}
_STEPS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_CHINESE = re.compile(rf"[{''.join([*_DIGITS, *_STEPS, *_GROUPS])}]+")
_VAGUE_CHINESE = re.compile(r"[数數几幾半第点點\d]$")


def _chinese(text: str) -> Iterator[tuple[Span, int]]:
    for match in _CHINESE.finditer(text):
        if len(match[0]) > _LONGEST:
            continue
        vague = _VAGUE_CHINESE.search(text, 0, match.start()) or _SHORTENED.search(match[0])
        value = None if vague else _chinese_value(match[0])
        if value is not None and text[match.end() : match.end() + 1] not in (
            "多",
            "余",
            "几",
            "點",
            "点",
            "分",
            "年",
            "月",
            "半",
            "些",
        ):
            yield Span(match.start(), match.end()), value


# 一百二 is 120 in Chinese and 102 in Japanese.
_SHORTENED = re.compile(rf"[百佰千仟{''.join(_GROUPS)}][一二三四五六七八九壹贰叁肆伍陆柒捌玖两兩]$")


# 三五人 are three to five people.
_FEW = re.compile(r"一二|[二两]三|三四|三五|四五|五六|六七|七八|八九")


def _chinese_value(written: str) -> int | None:
    """`三千五百万` by its steps, `二〇二四` digit by digit; None where the two are mixed out of order."""
    if _FEW.fullmatch(written):
        return None
    if all(char in _DIGITS for char in written):
        return int("".join(str(_DIGITS[char]) for char in written))
    total = group = digit = 0
    last = 10**9
    for char in written:
        if char in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[char]
        elif char in _STEPS:
            if _STEPS[char] >= last:
                return None
            group, digit, last = group + (digit or 1) * _STEPS[char], 0, _STEPS[char]
        else:
            if not total and not group + digit:
                return None
            total, group, digit, last = (
                (total + group + digit) * _GROUPS[char]
                if _GROUPS[char] > 10**4
                else (total + (group + digit) * _GROUPS[char]),
                0,
                0,
                10**9,
            )
    return total + group + digit


# Numbers built as the Chinese ones are, syllable by syllable.
_SYLLABLES: Mapping[str, Mapping[str, str]] = {
    "th": dict(
        zip(
            ["ศูนย์", "หนึ่ง", "เอ็ด", "สอง", "ยี่", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า", "สิบ", "ร้อย", "พัน", "หมื่น"],
            "零一一二二三四五六七八九十百千万",
            strict=True,
        )
    ),
    "ko": dict(zip("영일이삼사오육칠팔구십백천만억", "零一二三四五六七八九十百千万亿", strict=True)),
}


def _like_chinese(text: str, language: str) -> Iterator[tuple[Span, int]]:
    """`ยี่สิบห้า`, `이십오`: in Korean only with a step in it, since its digits alone are syllables of other words."""
    syllables = _SYLLABLES[language]
    for match in _syllables(language).finditer(text):
        written = re.sub("|".join(syllables), lambda each: syllables[each[0]], match[0])
        value = _chinese_value(written) if len(written) <= _LONGEST else None
        stepless = language == "ko" and (len(written) < 2 or not any(step in written for step in "十百千万"))
        if value is not None and not stepless:
            yield Span(match.start(), match.end()), value


@lru_cache(maxsize=4)
def _syllables(language: str) -> re.Pattern[str]:
    """A run of number syllables, where no digit or larger step goes on with it."""
    return re.compile(rf"(?<!\d)(?:{'|'.join(_SYLLABLES[language])})+(?!\d|\s?แสน|\s?ล้าน|กว่า)")
