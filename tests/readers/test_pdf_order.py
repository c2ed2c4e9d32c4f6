"""The order of a page's fragments, wherever they stand: none is lost, none is read twice. Pages made for a reader are in test_pdf_layout."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coderai_pipeline.readers.pdf_layout import reading_order
from coderai_pipeline.readers.pdf_lines import fragments_of
from coderai_pipeline.readers.pdf_pieces import join_pieces
from coderai_pipeline.readers.pdf_tables import Grid
from coderai_pipeline.readers.pdf_words import from_boxes

WIDTH = 595.0
LINE_HEIGHT = 10.0
_BOXES = st.tuples(
    st.integers(0, 4).map(lambda column: 20.0 + 110.0 * column),
    st.integers(0, 60).map(lambda step: 30.0 + 6.0 * step),
    st.sampled_from([12.0, 60.0, 95.0, 105.0, 215.0, 430.0]),
    st.sampled_from([LINE_HEIGHT, 1.3 * LINE_HEIGHT, 2.5 * LINE_HEIGHT]),
)


# x0, y0, x1, y1: rows of cells of many heights on both sides of what could be a gutter, under no line that runs across.
TABLE_ALONE = [
    (160, 325, 300, 340), (440, 240, 480, 256), (24, 150, 70, 170), (300, 390, 420, 410), (300, 156, 430, 170),
    (300, 320, 340, 330), (160, 190, 280, 204), (160, 210, 280, 230), (450, 300, 560, 310), (440, 280, 570, 300),
    (300, 280, 340, 300), (300, 260, 410, 280), (300, 300, 430, 316), (90, 190, 150, 200), (20, 185, 150, 200),
    (170, 150, 260, 170), (300, 190, 340, 200), (440, 150, 560, 170), (20, 260, 130, 280), (440, 210, 560, 230),
    (320, 210, 360, 230), (160, 268, 210, 280), (20, 300, 140, 310), (40, 280, 160, 300),
]  # fmt: skip


def _read(placed: Sequence[tuple[float, float, float, float]], grids: Sequence[Grid] = ()) -> list[int]:
    boxes = np.array(placed, np.float32).T
    fragments = fragments_of(boxes, np.full(len(placed), 4, np.int32), range(len(placed)))
    regions = reading_order(fragments, WIDTH, grids)
    return [number for region in regions for line in region.lines for cell in line.cells for number in cell]


@settings(max_examples=300, deadline=None)
@given(st.lists(_BOXES, min_size=1, max_size=60))
def test_every_fragment_is_read_once_wherever_it_stands(placed: list[tuple[float, float, float, float]]) -> None:
    boxes = [(x, y, x + width, y + height) for x, y, width, height in placed]
    assert Counter(_read(boxes)) == Counter(range(len(boxes)))


@st.composite
def _stacks(draw: st.DrawFn) -> list[tuple[float, float, float, float]]:
    """Blocks of lines below each other: on both sides of a gutter, on one of them, or across."""
    boxes: list[tuple[float, float, float, float]] = []
    y = 30.0
    for sides, lines in draw(
        st.lists(st.tuples(st.sampled_from(["left", "right", "both", "across"]), st.integers(1, 6)))
    ):
        for _ in range(lines):
            boxes += [(20.0, y, 280.0, y + LINE_HEIGHT)] if sides in ("left", "both") else []
            boxes += [(300.0, y, 560.0, y + LINE_HEIGHT)] if sides in ("right", "both") else []
            boxes += [(20.0, y, 560.0, y + LINE_HEIGHT)] if sides == "across" else []
            y += 12.0
        y += draw(st.sampled_from([0.0, 0.0, 20.0]))
    return boxes


@settings(max_examples=300, deadline=None)
@given(_stacks().filter(bool))
def test_every_line_is_read_once_however_columns_and_wide_lines_follow_each_other(
    placed: list[tuple[float, float, float, float]],
) -> None:
    assert Counter(_read(placed)) == Counter(range(len(placed)))


def _grid(x0: float, y0: float, wide: float, high: float, columns: int, rows: int) -> Grid:
    """wide, high: of a cell."""
    edges = tuple(x0 + wide * number for number in range(columns + 1))
    bands = tuple((y0 + high * row, y0 + high * (row + 1), edges) for row in range(rows))
    return Grid((x0, y0, edges[-1], bands[-1][1]), bands, (((x0, edges[-1]),),) * rows)


_TENS = [st.integers(least, most).map(lambda tens: 10.0 * tens) for least, most in ((0, 30), (0, 30), (3, 12), (2, 6))]
_GRIDS = st.builds(_grid, *_TENS, st.integers(1, 4), st.integers(1, 5))


@settings(max_examples=200, deadline=None)
@given(st.lists(_BOXES, min_size=1, max_size=40), st.lists(_GRIDS, min_size=1, max_size=4))
@example(
    [(x, y, 20.0, LINE_HEIGHT) for x in (10, 110, 140) for y in (10, 30, 50, 90, 150)],
    [_grid(105, 5, 30, 20, 2, 3), _grid(0, 0, 100, 70, 2, 3)],
)
def test_every_fragment_is_read_once_in_tables_that_stand_in_tables(
    placed: list[tuple[float, float, float, float]], grids: list[Grid]
) -> None:
    boxes = [(x, y, x + width, y + height) for x, y, width, height in placed]
    assert Counter(_read(boxes, grids)) == Counter(range(len(boxes)))


def test_a_table_that_alone_fills_a_page_is_read_across_and_comes_to_an_end() -> None:
    assert sorted(_read(TABLE_ALONE)) == list(range(len(TABLE_ALONE)))


def test_numbers_among_words_read_from_right_to_left_stand_where_they_are_seen():
    # As files write them: runs of words between numbers in any order.
    line = [
        ("2024", 100),
        ("\u05d1\u05e9\u05e0\u05ea", 140),
        ("\u05d4\u05d5\u05d2\u05e9\u05d5", 180),
        ("45", 220),
        ("\u05db\u05d9", 260),
    ]
    for order in ((0, 2, 1, 3, 4), (2, 1, 0, 3, 4), (4, 3, 2, 1, 0)):
        words = [((float(x), 50.0, x + 37.0, 62.0), text, 0) for text, x in (line[index] for index in order)]
        page = from_boxes(0, 400, 600, words)
        join_pieces(page)
        assert page.words() == [text for text, _ in reversed(line)]
