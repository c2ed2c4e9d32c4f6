"""Whether a person can see a piece of text on a PDF page: asked only of text set without ink or in a light colour, or
over which something was drawn (`pdf_covered`).

Text off the page or of no size is told from its box in `pdf_page`.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Box, Page, Record, Word, draw, grey_values, moved

_WITHOUT_INK_OR_LIGHT = re.compile(b'size:[^;"]*"|color:#[ef].[ef].[ef]')
_SPAN, _BLACK = b"font-size:", b"pt;color:#000000"
_FILLED_OR_STROKED = 16 | 32
"""`char_flags` of a span in MuPDF's text dictionary."""
_LIGHT = 0xE0
_DPI = 96
_LONGEST_EDGE = 4000
"""Pixels; a poster is drawn coarser, not larger."""
_VISIBLE_CONTRAST = 12
"""Least difference of grey (0-255) between text and its ground that a person would notice."""


def may_be_unseen(html: bytes) -> bool:
    """Whether any text has no ink or a light colour: MuPDF's HTML leaves out the colour of text that is not painted.

    It costs a third of the text dictionary, which is asked only where this says so.
    """
    return html.count(_SPAN) != html.count(_BLACK) and _WITHOUT_INK_OR_LIGHT.search(html) is not None


def _span_is_suspect(span: Record) -> bool:
    """Whether a span has no ink of its own, or a colour that white paper swallows."""
    color = int(span["color"])
    light = min(color >> 16 & 255, color >> 8 & 255, color & 255) >= _LIGHT
    return light or not span["alpha"] or not int(span["char_flags"]) & _FILLED_OR_STROKED


class Ink:
    """A page as drawn, once, and only if asked: white text on a dark ground shows there, and so does a scanned word
    under its invisible OCR layer."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._grey: NDArray[np.uint8] | None = None
        self._scale = 0.0

    def why_unseen(self, span: Record) -> str:
        """Why nothing shows where the span stands; "" if something does."""
        x0, y0, x1, y1 = span["bbox"]
        quarter = (y1 - y0) / 4
        # Over the middle of the box, where its letters would be and its neighbours' are not.
        if self.shows((x0, y0 + quarter, x1, y1 - quarter)):
            return ""
        inkless = not span["alpha"] or not int(span["char_flags"]) & _FILLED_OR_STROKED
        return "invisible" if inkless else "white"

    def shows(self, box: Box) -> bool:
        """Whether anything stands out in a part of the page (in the coordinates of its text)."""
        grey = self._drawn()
        x0, y0, x1, y1 = (max(0, int(edge * self._scale)) for edge in moved(box, self._page.rotation_matrix))
        part = grey[y0 : y1 + 1, x0 : x1 + 1]
        return bool(part.size) and int(part.max()) - int(part.min()) >= _VISIBLE_CONTRAST

    def _drawn(self) -> NDArray[np.uint8]:
        if self._grey is None:
            width, height = self._page.rect.width, self._page.rect.height
            self._scale = min(_DPI / 72, _LONGEST_EDGE / max(width, height, 1.0))
            self._grey = grey_values(draw(self._page, self._scale, grey=True))
        return self._grey


def unseen(ink: Ink, lines: Mapping[tuple[int, int], Record], words: Sequence[Word]) -> dict[int, str]:
    """Words set without ink or in a light colour, where nothing shows on the drawn page."""
    suspects = {key: [span for span in line["spans"] if _span_is_suspect(span)] for key, line in lines.items()}
    hidden: dict[int, str] = {}
    for index, word in enumerate(words):
        for span in suspects.get((word[5], word[6]), ()):
            if _inside(word, span["bbox"]):
                why = ink.why_unseen(span)
                if why:
                    hidden[index] = why
                break
    return hidden


def _inside(word: Word, bbox: Box) -> bool:
    x, y = (word[0] + word[2]) / 2, (word[1] + word[3]) / 2
    return bbox[0] - 0.1 <= x <= bbox[2] + 0.1 and bbox[1] - 0.1 <= y <= bbox[3] + 0.1
