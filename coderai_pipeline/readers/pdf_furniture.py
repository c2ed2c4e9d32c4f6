"""Running headers, footers and page numbers: what repeats at the edges of a document's pages.

Finding them takes all pages; taking their words out of the text is in `pdf_text`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coderai_pipeline.readers.pdf_words import PageWords

_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxl]{1,7}|[IVXL]{1,7}")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}
_ZONE = 0.12
"""Part of the page's height, at the top and at the bottom, in which running lines are looked for."""
_AGREE = 0.8
_EDGES = 5
"""Fragments looked at per edge of a page."""


class EdgeLine(NamedTuple):
    """A fragment near the top or bottom of a page."""

    page: int
    fragment: int
    y: float
    text: str
    top: bool


@dataclass(slots=True)
class Furniture:
    """fragments: page -> the fragments that are no part of its text. header, footer: what they said, each once."""

    fragments: dict[int, set[int]] = field(default_factory=lambda: defaultdict[int, set[int]](set))
    header: list[str] = field(default_factory=list[str])
    footer: list[str] = field(default_factory=list[str])


def find_furniture(edges: Iterable[EdgeLine], page_count: int) -> Furniture:
    """Lines that stand at the same height on several pages with the same words and, at most, numbers that count the pages."""
    groups: dict[tuple[bool, int, str], list[EdgeLine]] = defaultdict(list)
    for line in edges:
        groups[line.top, round(line.y / 4), _fold(line.text)].append(line)
    found = Furniture()
    needed = 2 if page_count <= 4 else 3
    for (top, _, _), lines in groups.items():
        if len({line.page for line in lines}) >= needed and _numbers_follow_pages(lines):
            for line in lines:
                found.fragments[line.page].add(line.fragment)
            said = found.header if top else found.footer
            if lines[0].text not in said:
                said.append(lines[0].text)
    return found


def edge_lines(page: PageWords) -> list[EdgeLine]:
    """The outermost fragments of a page, at most five at each edge."""
    _, tops, _, bottoms = page.fragment_boxes()
    middles: list[float] = ((tops + bottoms) / 2).tolist()
    highest, lowest = _ZONE * page.height, (1 - _ZONE) * page.height
    at_top = sorted([(y, number) for number, y in enumerate(middles) if y < highest])
    at_bottom = sorted([(-y, number) for number, y in enumerate(middles) if y > lowest])
    if not at_top and not at_bottom:
        return []
    texts, starts = page.words(), page.starts.tolist()
    return [
        EdgeLine(page.number, number, middles[number], " ".join(texts[starts[number] : starts[number + 1]]), top)
        for top, edge in ((True, at_top), (False, at_bottom))
        for _, number in edge[:_EDGES]
    ]


def _fold(text: str) -> str:
    return "#" if _ROMAN.fullmatch(text) else _DIGITS.sub("#", text)


def _numbers(text: str) -> list[int]:
    if _ROMAN.fullmatch(text):
        return [_roman(text.lower())]
    return [int(digits[:18]) for digits in _DIGITS.findall(text)]


def _roman(text: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _numbers_follow_pages(lines: Sequence[EdgeLine]) -> bool:
    """Each number in the line is the same on all pages or grows with them: an invoice number on top of a page does neither."""
    rows = [_numbers(line.text) for line in lines]
    for position in range(min(map(len, rows))):
        constant = Counter(row[position] for row in rows)
        counting = Counter(row[position] - line.page for row, line in zip(rows, lines, strict=True))
        if max(*constant.values(), *counting.values()) < _AGREE * len(lines):
            return False
    return True


def kept_in_metadata(furniture: Furniture) -> Mapping[str, str]:
    """`page_header` and `page_footer`, where there are any."""
    said = {"page_header": furniture.header, "page_footer": furniture.footer}
    return {key: "\n".join(lines) for key, lines in said.items() if lines}
