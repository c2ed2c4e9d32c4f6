"""Columns of a page: the white strip that parts them, and where lines run across it.

The order in which columns and lines are read is made in `pdf_layout`; whether fragments are a table's cells, too.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter, lt, sub
from statistics import median
from typing import NamedTuple

from coderai_pipeline.readers.pdf_lines import Fragment, one_below_another, parted_at, rows_of

_COUNT = itemgetter(1)
_STRIP = 0.9
"""White space, in heights of a line, that may part a table from columns of prose."""


class Gutter(NamedTuple):
    """The x of the white strip that parts two columns; runs of fragments, downwards, that cross it or keep to its sides;
    whether both sides are prose."""

    x: float
    bands: Sequence[tuple[bool, Sequence[Fragment]]]
    parts_prose: bool


def gutter_of(ordered: Sequence[Fragment]) -> Gutter | None:
    """None where lines are read across the whole width."""
    best, most = None, 0.0
    for x in _candidates(ordered):
        bands = _bands(ordered, x)
        score, parts_prose = _score(ordered, x, [band for across, band in bands if not across])
        if score is not None and (best is None or score > most):
            best, most = Gutter(x, bands, parts_prose), score
    return best


def _score(ordered: Sequence[Fragment], x: float, bands: Sequence[Sequence[Fragment]]) -> tuple[float | None, bool]:
    """How much speaks for columns that are parted at x, None where they are none, and whether they are prose. bands: those
    that keep to the sides."""
    crosses = sum(map(len, bands)) < len(ordered)
    crossing = sum([fragment.x0 < x < fragment.x1 for fragment in ordered]) if crosses else 0
    columns = _columns(bands, x)
    sides = sum(min(len(left), len(right)) for left, right in columns)
    if sides < 3 or sides < 2 * len(columns) or crossing > len(ordered) / 2:
        return None, False
    left, right = [f for left, _ in columns for f in left], [f for _, right in columns for f in right]
    are_prose = _is_prose(left) and _is_prose(right)
    if not are_prose and not _stand_apart(left, right):
        # A table between columns is no prose, and does not make those above and below a table.
        parts = _columns([part for band in bands for part in _at_gaps(band)], x)
        sides = sum(min(len(left), len(right)) for left, right in parts if _are_columns(left, right))
    return (sides - 2.0 * crossing if sides >= 3 else None), are_prose


def _bands(ordered: Sequence[Fragment], gutter: float) -> list[tuple[bool, Sequence[Fragment]]]:
    """Runs of fragments, downwards, that cross the gutter or keep to its sides."""
    crossing = [fragment[1] < gutter < fragment[4] for fragment in ordered]
    if True not in crossing:
        return [(False, ordered)]
    across = _whole_rows(ordered, crossing)
    changes = [index for index, (above, below) in enumerate(pairwise(across), start=1) if above is not below]
    return [(across[start], ordered[start:end]) for start, end in pairwise([0, *changes, len(ordered)])]


def _whole_rows(ordered: Sequence[Fragment], crossing: Sequence[bool]) -> list[bool]:
    """What stands on one line with a fragment that crosses the gutter is read with it."""
    across = list(crossing)
    for index in [index for index, crosses in enumerate(crossing) if crosses]:
        fragment = ordered[index]
        for step in (-1, 1):
            other = index + step
            while 0 <= other < len(ordered) and fragment.y0 < ordered[other].middle < fragment.y1:
                across[other] = True
                other += step
    return across


def zones(gutter: Gutter) -> list[tuple[bool, list[Fragment]]]:
    """Bands, and among those that keep to the sides the tables between columns, which are read across."""
    zones: list[tuple[bool, list[Fragment]]] = []
    for across, band in gutter.bands:
        parts = [band] if across else _at_gaps(band)
        for part in parts:
            reads_across = across or (len(parts) > 1 and _is_table(part, gutter.x))
            if zones and zones[-1][0] == reads_across:
                zones[-1][1].extend(part)
            else:
                zones.append((reads_across, list(part)))
    return zones


def _at_gaps(band: Sequence[Fragment]) -> list[Sequence[Fragment]]:
    """The band parted where a white strip as high as a line runs across all of it."""
    cuts = [0]
    bottom = band[0].y1
    for index, (_, _, _, y0, _, y1, _) in enumerate(band):
        if y0 > bottom and y0 - bottom > _STRIP * (y1 - y0):
            cuts.append(index)
        if y1 > bottom:
            bottom = y1
    return [band[start:end] for start, end in pairwise([*cuts, len(band)])]


def _is_table(part: Sequence[Fragment], gutter: float) -> bool:
    """Whether the lines on both sides are no prose, but stand side by side, in at least two rows."""
    sides = _columns([part], gutter)
    if not sides or min(map(len, sides[0])) < 2 or all(map(one_below_another, sides[0])) or _are_columns(*sides[0]):
        return False
    rows = rows_of(part)
    return 2 * sum(len(row) > 2 for row in rows) > len(rows)


def _columns(bands: Sequence[Sequence[Fragment]], x: float) -> list[tuple[list[Fragment], list[Fragment]]]:
    """What stands left and right of a gutter, in each band that has both."""
    return [(left, right) for left, right in (parted_at(x, band) for band in bands) if left and right]


def _candidates(ordered: Sequence[Fragment]) -> list[float]:
    """Middles of the widest gaps that recur between neighbours, the most frequent first."""
    _, x0, _, y0, x1, y1, _ = zip(*ordered, strict=True)
    reach = [bottom - 0.3 * (bottom - top) for top, bottom in zip(y0, y1, strict=True)]
    # A gutter is as wide as its narrowest gap: edges of the right side recur where lines are ragged.
    edges = [
        other_start if end < other_start else start
        for step in (1, 2, 3)
        if any(map(lt, y0[step:], reach))
        for start, end, down_to, other_start, top, other_end in zip(
            x0, x1, reach, x0[step:], y0[step:], x1[step:], strict=False
        )
        if top < down_to and (end < other_start or other_end < start)
    ]
    leftmost: dict[int, float] = {}
    counts: Counter[int] = Counter()
    for edge, count in Counter(edges).items():
        place = int(edge // 6)
        counts[place] += count
        leftmost[place] = min(edge, leftmost.get(place, edge))
    # What `most_common` gives, in a third of the time where there are few.
    return [leftmost[place] - 0.5 for place, _ in sorted(counts.items(), key=_COUNT, reverse=True)[:6]]


def _are_columns(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool:
    """Columns are read one after the other where both hold prose, or where their lines do not stand side by side."""
    return (_is_prose(left) and _is_prose(right)) or _stand_apart(left, right)


def _stand_apart(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool:
    fewer, more = sorted((left, right), key=len)
    height = median([fragment.y1 - fragment.y0 for fragment in fewer])
    middles = sorted(fragment.middle for fragment in more)
    shared = sum(any(abs(fragment.middle - middle) < 0.25 * height for middle in middles) for fragment in fewer)
    return len(fewer) >= 4 and shared < 0.4 * len(fewer)


def _is_prose(side: Sequence[Fragment]) -> bool:
    """Lines of several words, most of which fill their column."""
    _, x0, _, y0, x1, y1, words = zip(*side, strict=True)
    widths = list(map(sub, x1, x0))
    usual = median(widths)
    if usual < 0.6 * max(widths):
        return False
    height = median(map(sub, y1, y0))
    return usual >= 5 * height and (usual >= 8 * height or median(words) >= 3)
