"""Running headers, footers and page numbers: what repeats at the edges of a document's pages.

Finding them takes all pages, of which `pdf_edges` tells the lines at the edges; taking their words out of the text is in
`pdf_text`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from statistics import median_low

from coderai_pipeline.readers.pdf_edges import PAGE_NUMBER, SAME_ROW, EdgeLine
from coderai_pipeline.readers.pdf_words import PageWords

_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxl]{1,7}|[IVXL]{1,7}")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}
_HEIGHT = attrgetter("y")
_AGREE = 0.8
_FEW_PAGES = 4
"""Pages up to which two that agree make a running line, and on which copies are looked for."""
_SAME_PAGE, _NUMBERS_OF_A_FORM = 0.96, 8
"""Part of its words that a copy shares, and words with digits that it holds, as bills and forms do."""
_CLAUSE = re.compile(r"\(?\d+[.)]")
_MOST_PAGES = 0.6
"""Part of the pages on which a line that changes its words must stand to be a running one."""
_MOST_SEARCHED = 60
"""Titles, those of the first pages, that are looked for in the whole text: a document has fewer, and each search reads all of it."""
_UNDER_A_HEAD = 2.5
"""Heights of a row of a table within which the next follows."""
_IN_COLUMNS = 0.6
"""Part of a row's cells that must stand under one cell each."""
_LEAST_CELLS = 3
_PROSE = 0.8
"""Part of its width that two pieces of a row fill where they are lines in two columns."""


@dataclass(slots=True)
class Furniture:
    """fragments: page -> the fragments that are no part of its text. header, footer: what they said, each once."""

    fragments: dict[int, set[int]] = field(default_factory=lambda: defaultdict[int, set[int]](set))
    header: list[str] = field(default_factory=list[str])
    footer: list[str] = field(default_factory=list[str])


def find_furniture(edges: Sequence[EdgeLine], pages: Sequence[PageWords]) -> Furniture:
    """Lines that repeat at one height with, at most, numbers that count the pages; page numbers; titles of sections beside them."""
    needed = 2 if len(pages) <= _FEW_PAGES else 3
    copies = _copies(pages) if 1 < len(pages) <= _FEW_PAGES else set[int]()
    edges = [line for line in edges if line.page not in copies] if copies else edges
    lone = _lone_numbers([line for line in edges if line.is_lone_number], needed)
    edges = [line for line in edges if not line.is_lone_number]
    outer = _without_clause_numbers([line for line in edges if not line.beyond])
    lines = _repeated(outer, needed)
    lines |= _page_numbers(outer, lines, len(pages), needed)
    cells = _in_tables(edges, lines)
    lines -= cells
    lines |= _running_titles([line for line in outer if line not in cells] if cells else outer, lines, pages)
    lines |= lone
    found = Furniture()
    said: set[tuple[bool, str]] = set()
    for line in sorted(lines):
        found.fragments[line.page].add(line.fragment)
        if (line.top, folded := _fold(line.text)) not in said:
            said.add((line.top, folded))
            (found.header if line.top else found.footer).append(line.text)
    return found


def _copies(pages: Sequence[PageWords]) -> set[int]:
    """Pages that say what an earlier one says, as of an invoice for each side: what repeats there is no running line."""
    said = [(page.number, Counter(page.texts.split("\n"))) for page in pages]
    return {
        number
        for at, (number, words) in enumerate(said)
        if sum(any(map(str.isdigit, word)) for word in words) >= _NUMBERS_OF_A_FORM
        and any(
            (words & earlier).total() > _SAME_PAGE * max(words.total(), earlier.total()) for _, earlier in said[:at]
        )
    }


def _without_clause_numbers(lines: Sequence[EdgeLine]) -> Sequence[EdgeLine]:
    """Lines without numbers such as `2.` or `(3)` that stand before a text."""
    numbers = {line for line in lines if _CLAUSE.fullmatch(line.text)}
    if not numbers:
        return lines
    by_page = _by_page(lines)
    clauses = {line for line in numbers if any(o.x0 > line.x1 for o in _beside(line, by_page[line.page]))}
    return [line for line in lines if line not in clauses]


def _repeated(edges: Iterable[EdgeLine], needed: int) -> set[EdgeLine]:
    groups: dict[tuple[bool, int, str], list[EdgeLine]] = defaultdict(list)
    for line in edges:
        groups[_place(line)].append(line)
    return {
        line
        for lines in groups.values()
        if len({line.page for line in lines}) >= needed and _numbers_follow_pages(lines)
        for line in lines
    }


def _page_numbers(edges: Sequence[EdgeLine], repeated: Set[EdgeLine], page_count: int, needed: int) -> set[EdgeLine]:
    """Lines that say nothing but a number that grows with the pages, wherever on the edge; `page 1 of 1` on one page too."""
    found: set[EdgeLine] = set()
    counting: dict[int, list[EdgeLine]] = defaultdict(list)
    for line in edges:
        if match := PAGE_NUMBER.fullmatch(line.text):
            number, of = int(match[1]), int(match[2] or 0)
            counting[number - line.page].append(line)
            if (number, of) == (line.page + 1, page_count) and (page_count > 1 or not _beside(line, edges)):
                found.add(line)
    by_page = _by_page(edges)
    for same in counting.values():
        # The number of a clause stands beside its text.
        lines = [line for line in same if all(other in repeated for other in _beside(line, by_page[line.page]))]
        if len({line.page for line in lines}) >= needed:
            found.update(lines)
    return found


def _lone_numbers(lines: Sequence[EdgeLine], needed: int) -> set[EdgeLine]:
    """Those that grow with the pages and stand at one height."""
    counting: dict[tuple[bool, int], list[EdgeLine]] = defaultdict(list)
    for line in lines:
        if match := PAGE_NUMBER.fullmatch(line.text):
            counting[line.top, int(match[1]) - line.page].append(line)
    found: set[EdgeLine] = set()
    for same in counting.values():
        usual = median_low(map(_HEIGHT, same))
        level = [line for line in same if abs(line.y - usual) < line.height]
        if len(level) >= needed:
            found.update(level)
    return found


def _in_tables(edges: Iterable[EdgeLine], found: Set[EdgeLine]) -> set[EdgeLine]:
    """Cells of tables that reach the edge of a page: what is the same on each page may be their header, or a value."""
    cells: set[EdgeLine] = set()
    for lines in _by_page(edges).values():
        for top in (True, False):
            here = [line for line in lines if line.top is top]
            block = _outer_rows_of_table(_rows(here) if len(here) >= _LEAST_CELLS else [], top=top)
            if not all(line in found for line in block):
                cells.update(block)
    if not cells:
        return cells
    places = {_place(line) for line in cells}
    return cells | {line for line in found if _place(line) in places}


def _place(line: EdgeLine) -> tuple[bool, int, str]:
    return line.top, round(line.y / 4), _fold(line.text)


def _outer_rows_of_table(rows: Sequence[Sequence[EdgeLine]], *, top: bool) -> list[EdgeLine]:
    """The pieces of the rows that follow each other in columns up to the inner part of the page; [] where none do.

    A letterhead has columns too, and ends before.
    """
    block: list[EdgeLine] = []
    for above, below in reversed(list(pairwise(rows))) if top else pairwise(rows):
        if not _stand_in_columns(above, below):
            break
        block += [*above, *below]
    return block


def _rows(lines: Iterable[EdgeLine]) -> list[list[EdgeLine]]:
    rows: list[list[EdgeLine]] = []
    for line in sorted(lines, key=_HEIGHT):
        if rows and line.y - rows[-1][0].y < SAME_ROW * line.height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _stand_in_columns(row: Sequence[EdgeLine], below: Sequence[EdgeLine]) -> bool:
    """Whether a row follows at once, most of its pieces under one other each of the row above, and is no prose in columns."""
    if min(len(row), len(below)) < 2 or below[0].y - row[0].y > _UNDER_A_HEAD * row[0].height:
        return False
    if len(below) == 2 and _filled(below) > _PROSE:
        return False
    above = [[line.fragment for line in row if line.x0 < piece.x1 and piece.x0 < line.x1] for piece in below]
    alone = {over[0] for over in above if len(over) == 1}
    return len(alone) >= max(2, _IN_COLUMNS * len(below))


def _filled(row: Sequence[EdgeLine]) -> float:
    """Which part of a row's width is written on."""
    width = max(line.x1 for line in row) - min(line.x0 for line in row)
    return sum(line.x1 - line.x0 for line in row) / (width or 1.0)


def _running_titles(edges: Iterable[EdgeLine], found: Set[EdgeLine], pages: Sequence[PageWords]) -> set[EdgeLine]:
    """Lines that name the section: beside other furniture, or at one height on most pages; they stand elsewhere too."""
    heights: dict[tuple[bool, int], list[EdgeLine]] = defaultdict(list)
    for line in edges:
        if line not in found:
            heights[line.top, round(line.y / 4)].append(line)
    furnished = _by_page(found)
    titles = {line for lines in heights.values() if _is_running(lines, len(pages)) for line in lines}
    titles |= {line for lines in heights.values() for line in lines if _beside(line, furnished[line.page])}
    times = Counter(line.text.casefold() for line in sorted(titles))
    once = [text for text, number in times.items() if number == 1][:_MOST_SEARCHED]
    elsewhere = _said_elsewhere(once, pages) if once else set[str]()
    return {line for line in titles if times[text := line.text.casefold()] > 1 or text in elsewhere}


def _said_elsewhere(texts: Iterable[str], pages: Sequence[PageWords]) -> set[str]:
    """Of lines that stand on one page's edge, those whose words also stand somewhere else in the document."""
    said = "\n\n".join(f"\n{page.texts}\n" for page in pages).casefold()
    words = {text: "\n" + text.replace(" ", "\n") + "\n" for text in texts}
    return {text for text, found in words.items() if said.find(found, said.find(found) + 1) >= 0}


def _is_running(lines: Sequence[EdgeLine], page_count: int) -> bool:
    """Whether lines at one height stand on most pages, and more than half of them on several."""
    if len({line.page for line in lines}) < max(3, _MOST_PAGES * page_count):
        return False
    said = Counter(line.text for line in lines)
    return 2 * sum(count for count in said.values() if count > 1) > len(lines)


def _by_page(lines: Iterable[EdgeLine]) -> defaultdict[int, list[EdgeLine]]:
    pages = defaultdict[int, list[EdgeLine]](list)
    for line in lines:
        pages[line.page].append(line)
    return pages


def _beside(line: EdgeLine, lines: Iterable[EdgeLine]) -> list[EdgeLine]:
    """Those of the same page's lines that stand on one row with it."""
    return [other for other in lines if other is not line and abs(other.y - line.y) < SAME_ROW * line.height]


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
