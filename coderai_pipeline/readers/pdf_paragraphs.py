"""Where paragraphs end: what stands between two lines that are read one after the other.

The order of the lines is from `pdf_layout`; words that are parted by a hyphen are joined in `pdf_sheet`.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import sub
from statistics import median_low

from coderai_pipeline.readers.pdf_lines import AnyLine, Extents, Region, extents_of

PARAGRAPH = "\n\n"
LINE = "\n"
SPACE = " "
_ENDS_SENTENCE = frozenset('.!?:;…。！？；؟۔।"”»')
_SMALLER, _LARGER = 0.8, 1.25
"""Lines whose heights differ by more are set in another size."""
_GAP_IN_PROSE = 2.5
"""Heights of the line: a wider gap is no stretched space, but stands between a label and an amount."""
_AMOUNT = re.compile(r"\d+(?:,\d+)*%?")
"""A number inside a sentence; one with a full stop or a bracket may head a clause."""
_BULLETS = frozenset("•‣◦▪▫■□●○–—*➢►✓-")


def separators(region: Region, extents: Extents, first_widths: Sequence[float], firsts: Sequence[str]) -> list[str]:
    """What stands after each line but the last of a region: a space within a paragraph, a line break, or a paragraph break.

    extents: of its lines. first_widths, firsts: the width and text of each line's first word.
    """
    lines = region.lines
    if len(lines) < 2:
        return []
    lefts, tops, rights, bottoms = extents
    ends = _ends_of_blocks(tops, bottoms, [line.is_row for line in lines])
    result: list[str] = []
    for start, end in pairwise([0, *ends, len(lines)]):
        if start:
            result.append(LINE if lines[start - 1].is_row and lines[start].is_row else PARAGRAPH)
        block = slice(start, end)
        edges = lefts[block], rights[block]
        result += _within(lines[block], edges, region.right, first_widths[block], firsts[block])
    return result


def _ends_of_blocks(tops: Sequence[float], bottoms: Sequence[float], rows: Sequence[bool]) -> list[int]:
    """Where a line does not follow the one above evenly, in the same size, as prose follows prose."""
    heights = list(map(sub, bottoms, tops))
    pitches = list(map(sub, bottoms[1:], bottoms))
    height = median_low(heights)
    least, most = -0.5 * height, 1.3 * min(median_low(pitches), 2.1 * height)
    alike = max(heights) < _LARGER * min(heights) and True not in rows
    if alike and least <= min(pitches) and max(pitches) <= most:
        return []
    return [
        index
        for index, (pitch, above, below) in enumerate(zip(pitches, heights, heights[1:], strict=False), start=1)
        if not least <= pitch <= most
        or not _SMALLER * above < below < _LARGER * above
        or rows[index - 1]
        or rows[index]
    ]


def runs_on(region: Region, text: str, below: Region, following: str) -> bool:
    """Whether the paragraph at the end of a column or page goes on in the region below.

    text: of the region's last line. following: the first word below. After the end of a sentence only the indents of
    the other paragraphs tell.
    """
    last, first = region.lines[-1], below.lines[0]
    ratio = (first.y1 - first.y0) / ((last.y1 - last.y0) or 1.0)
    if last.is_row or first.is_row or not _SMALLER < ratio < _LARGER or following[0] in _BULLETS:
        return False
    is_full = len(region.lines) > 1 and last.x1 > region.right - 0.12 * (region.right - last.x0)
    if text[-1] in _ENDS_SENTENCE:
        return is_full and _begins_flush(below) and (_indents(below) or _indents(region))
    if following[0].isdigit():
        return is_full and _AMOUNT.fullmatch(following) is not None
    return following[0].islower() or is_full


def _begins_flush(region: Region) -> bool:
    first = region.lines[0]
    return len(region.lines) > 1 and first.x0 - min(line.x0 for line in region.lines) < 0.3 * (first.y1 - first.y0)


def _indents(region: Region) -> bool:
    """Whether paragraphs of a region begin with an indent and none is set apart: a line between two that start further left."""
    lines = region.lines
    lefts, _, _, _ = extents_of(lines)
    left = min(lefts)
    return max(lefts) - left > 1.0 and any(
        before.x0 - left < 1.0 and after.x0 - left < 1.0 and 0.5 < (line.x0 - left) / ((line.y1 - line.y0) or 1.0) < 4.0
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False)
        if line.y1 - before.y1 < 1.1 * (after.y1 - line.y1)
    )


def _within(
    block: Sequence[AnyLine],
    edges: tuple[Sequence[float], Sequence[float]],
    right: float,
    first_widths: Sequence[float],
    firsts: Sequence[str],
) -> list[str]:
    """Separators inside a block of evenly spaced lines: prose is joined where the next word would not have fitted.

    edges: the left and the right one of each line. right: where the region's full lines end.
    """
    count = len(block) - 1
    if count < 1:
        return []
    height = block[0].y1 - block[0].y0
    space = 0.4 * height
    lefts, rights = edges
    edge = max(rights) if count > 1 else right
    if edge - min(lefts) < 0.5 * (right - lefts[0]):
        edge = right
    widest = _GAP_IN_PROSE * height
    full = [
        edge - end < width + space and line.widest_gap < widest
        for end, width, line in zip(rights, first_widths[1:], block, strict=False)
    ]
    if sum(full) < 0.6 * count or (count > 1 and abs(lefts[2] - lefts[1]) > 1.0 and _is_flush_right(lefts, rights)):
        return [LINE] * count
    indent = 1.5 * space
    return [
        SPACE
        if fits and -indent <= below - left <= indent and following[0] not in _BULLETS
        else _after(block, index, fits, space, following)
        for index, (fits, left, below, following) in enumerate(zip(full, lefts, lefts[1:], firsts[1:], strict=False))
    ]


def _is_flush_right(lefts: Sequence[float], rights: Sequence[float]) -> bool:
    """Whether lines end together and no two begin together, as those of a letterhead on the right do."""
    begin = sorted(lefts)
    return max(rights) - min(rights) < 1.0 and all(right - left > 1.0 for left, right in pairwise(begin))


def _after(block: Sequence[AnyLine], index: int, full: bool, space: float, following: str) -> str:
    if not full or (following[0] in _BULLETS and not following[1:2].isdigit()):
        return LINE
    line, below = block[index], block[index + 1]
    if abs(below.x0 - line.x0) <= 1.5 * space:
        return SPACE
    if below.x0 > line.x0:
        returns = index + 2 < len(block) and below.x0 - block[index + 2].x0 > 1.5 * space
        return LINE if returns and not _starts_block(block, index) else SPACE
    return LINE if index and abs(block[index - 1].x0 - line.x0) < space else SPACE


def _starts_block(block: Sequence[AnyLine], index: int) -> bool:
    """A drop or hanging first line: what is indented after it belongs to it."""
    return index == 0 and len(block) > 2 and abs(block[2].x0 - block[1].x0) < 1.0
