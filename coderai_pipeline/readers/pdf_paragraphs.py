"""Where paragraphs end: what stands between two lines that are read one after the other.

The order of the lines is from `pdf_layout`; words that are parted by a hyphen are joined in `pdf_text`.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

from coderai_pipeline.readers.pdf_layout import Line, Region

PARAGRAPH = "\n\n"
LINE = "\n"
SPACE = " "
_ENDS_SENTENCE = frozenset('.!?:;…。！？；؟۔।"”»')
_SMALLER, _LARGER = 0.8, 1.25
"""Lines whose heights differ by more are set in another size."""
_GAP_IN_PROSE = 2.5
"""Heights of the line: a wider gap is no stretched space, but stands between a label and an amount."""
_BULLETS = frozenset("•‣◦▪▫■□●○–—*➢►✓-")


def separators(lines: Sequence[Line], right: float, first_widths: Sequence[float], firsts: Sequence[str]) -> list[str]:
    """What stands after each line but the last of a region: a space within a paragraph, a line break, or a paragraph break.

    right: where the region's full lines end. first_widths, firsts: the width and text of each line's first word.
    """
    if len(lines) < 2:
        return []
    pitches = [below.y1 - line.y1 for line, below in pairwise(lines)]
    heights = [line.y1 - line.y0 for line in lines]
    height = median_low(heights)
    leading = min(median_low(pitches), 2.1 * height)
    result: list[str] = []
    start = 0
    for index, pitch in enumerate(pitches):
        ratio = heights[index + 1] / (heights[index] or 1.0)
        if not -0.5 * height <= pitch <= 1.3 * leading or not _SMALLER < ratio < _LARGER or _is_row(lines, index):
            result += _within(lines, start, index + 1, right, first_widths, firsts)
            result.append(LINE if lines[index].is_row and lines[index + 1].is_row else PARAGRAPH)
            start = index + 1
    return result + _within(lines, start, len(lines), right, first_widths, firsts)


def runs_on(region: Region, text: str, below: Line, following: str) -> bool:
    """Whether the paragraph at the end of a column or page goes on in the first line of the next.

    text: of the region's last line. following: the first word of the line below.
    """
    last = region.lines[-1]
    ratio = (below.y1 - below.y0) / ((last.y1 - last.y0) or 1.0)
    if last.is_row or below.is_row or not _SMALLER < ratio < _LARGER:
        return False
    if text[-1] in _ENDS_SENTENCE or following[0] in _BULLETS or following[0].isdigit():
        return False
    if following[0].islower():
        return True
    return len(region.lines) > 1 and last.x1 > region.right - 0.12 * (region.right - last.x0)


def _is_row(lines: Sequence[Line], index: int) -> bool:
    return lines[index].is_row or lines[index + 1].is_row


def _within(
    lines: Sequence[Line], start: int, end: int, right: float, first_widths: Sequence[float], firsts: Sequence[str]
) -> list[str]:
    """Separators inside a block of evenly spaced lines: prose is joined where the next word would not have fitted."""
    count = end - start - 1
    if count < 1:
        return []
    block = lines[start:end]
    height = block[0].y1 - block[0].y0
    space = 0.4 * height
    edge = max([line.x1 for line in block]) if count > 1 else right
    if edge - min([line.x0 for line in block]) < 0.5 * (right - block[0].x0):
        edge = right
    full = [
        edge - block[i].x1 < first_widths[start + i + 1] + space and block[i].widest_gap < _GAP_IN_PROSE * height
        for i in range(count)
    ]
    if sum(full) < 0.6 * count:
        return [LINE] * count
    return [_after(block, i, full[i], space, firsts[start + i + 1]) for i in range(count)]


def _after(block: Sequence[Line], index: int, full: bool, space: float, following: str) -> str:
    if not full or (following[0] in _BULLETS and not following[1:2].isdigit()):
        return LINE
    line, below = block[index], block[index + 1]
    if abs(below.x0 - line.x0) <= 1.5 * space:
        return SPACE
    if below.x0 > line.x0:
        returns = index + 2 < len(block) and below.x0 - block[index + 2].x0 > 1.5 * space
        return LINE if returns and not _starts_block(block, index) else SPACE
    return LINE if index and abs(block[index - 1].x0 - line.x0) < space else SPACE


def _starts_block(block: Sequence[Line], index: int) -> bool:
    """A drop or hanging first line: what is indented after it belongs to it."""
    return index == 0 and len(block) > 2 and abs(block[2].x0 - block[1].x0) < 1.0
