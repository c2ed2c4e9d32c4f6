"""Options with boxes to tick, as forms have them: `[ ] Routine  [X] Emergency`, `Yes ☒  No ☐`. Which of them are ticked.

What an option means for a variable is read in `rules_values`.
"""

import re
from collections.abc import Sequence

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.extractors.rules_layout import stripped

_BOX = re.compile(r"\[[ \t]?[xX✓✔]?[ \t]?\]|\([ \t]{0,3}[xX✓✔]?[ \t]{0,3}\)|[☐☑☒✓✔□■⊠🗹🗷]")
_BOX_BEFORE = re.compile(rf"({_BOX.pattern})[ \t]*$")
_EMPTY = re.compile(r"\W{2,}|[☐□]")


def ticked_options(text: str, region: Span) -> list[Span] | None:
    """The options whose box is ticked, without their boxes; None where the region has no boxes.

    Boxes stand before their options, or behind them where the region ends with a box and does not begin with one.
    """
    boxes = list(_BOX.finditer(text, region.start, region.end))
    if not boxes:
        return None
    inner = stripped(text, region, "|")
    behind = boxes[-1].end() == inner.end and boxes[0].start() > inner.start
    options = _before(boxes, inner) if behind else _after(boxes, inner)
    return [
        stripped(text, option, "|,;/")
        for box, option in zip(boxes, options, strict=True)
        if not _EMPTY.fullmatch(box[0])
    ]


def is_ticked(text: str, line_start: int, start: int) -> bool | None:
    """Whether the box before what starts there is ticked; None where there is none."""
    box = _BOX_BEFORE.search(text, line_start, start)
    return None if box is None else not _EMPTY.fullmatch(box[1])


def without_boxes(text: str) -> str:
    return _BOX.sub("", text)


def _before(boxes: Sequence[re.Match[str]], inner: Span) -> list[Span]:
    starts = [inner.start, *(box.end() for box in boxes[:-1])]
    return [Span(start, box.start()) for start, box in zip(starts, boxes, strict=True)]


def _after(boxes: Sequence[re.Match[str]], inner: Span) -> list[Span]:
    ends = [*(box.start() for box in boxes[1:]), inner.end]
    return [Span(box.end(), max(end, box.end())) for box, end in zip(boxes, ends, strict=True)]
