"""Sets a scanned page upright before it is read: the tilt of a sheet that lay askew, and the quarter turns of one that lay on its side.

The reading itself is in `ocr`.
"""

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Page, draw, grey_values

_DPI = 100
_LONGEST_EDGE = 2000
"""Pixels of the drawing on which the tilt is measured."""
_STRIPS = 32
_MOST_DEGREES, _STEP = 5.0, 0.1
_LEAST_DEGREES = 0.5
"""A smaller tilt does less harm than drawing a coarse scan anew; of a sheet two degrees askew Tesseract can lose a third in silence."""
_CLEARLY = 1.1
"""How much sharper lines must stand out when the page is turned."""


def tilt_of(page: Page, turned: int = 0) -> float:
    """By how many degrees clockwise the page must be turned for its lines to run level; 0.0 where they do, or none are seen.

    turned: degrees clockwise by which it is turned already.
    """
    scale = min(_DPI / 72, _LONGEST_EDGE / max(page.rect.width, page.rect.height, 1.0))
    # numpy turns counterclockwise.
    grey = np.rot90(grey_values(draw(page, scale, grey=True)), -turned // 90)
    strips = [part.sum(1, dtype=np.float64) for part in np.array_split(_dark(grey), _STRIPS, axis=1)]
    middles = (np.arange(_STRIPS) + 0.5) * grey.shape[1] / _STRIPS - grey.shape[1] / 2
    angles = np.arange(-_MOST_DEGREES, _MOST_DEGREES + _STEP / 2, _STEP)
    sharpness = np.array([_sharpness(strips, np.rint(np.tan(np.radians(angle)) * middles)) for angle in angles])
    best = int(sharpness.argmax())
    level = float(sharpness[int(np.abs(angles).argmin())])
    is_askew = abs(angles[best]) >= _LEAST_DEGREES and sharpness[best] > _CLEARLY * level
    return float(angles[best]) if is_askew else 0.0


def _dark(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Ink, as what is darker than half way between the page's ground and its black."""
    return grey < (float(np.median(grey)) + float(grey.min())) / 2


def _sharpness(strips: list[NDArray[np.float64]], shifts: NDArray[np.float64]) -> float:
    """How clearly lines stand apart when strips of the page are moved up and down as turning it would."""
    profile = sum(np.roll(strip, int(shift)) for strip, shift in zip(strips, shifts.tolist(), strict=True))
    return float((np.diff(profile) ** 2).sum())
