"""Reads a page with Tesseract where it is installed: words, boxes and confidences, through the same layout as other pages.

Which pages need it is decided in `pdf`.
"""

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.mupdf import Box, Matrix, Page, draw, draw_turned
from coderai_pipeline.readers.ocr_upright import tilt_of
from coderai_pipeline.readers.pdf_letters import is_numbered_glyphs
from coderai_pipeline.readers.pdf_words import PageWords, from_boxes

_TESSERACT = "tesseract"
_DPI = 300
_LONGEST_EDGE = 6000
"""Pixels: a large sheet is drawn coarser, so that memory stays bounded."""
_LEAST_QUALITY, _GOOD_QUALITY = 0.6, 0.8
"""Mean confidence of a page's words: below the first most words hold errors, below the second some do."""
_ORIENTATION = "osd"
"""Tesseract's data for telling which side of a page is up."""
_ROTATE = re.compile(r"Rotate: (90|180|270)")
_SHORT_WORD = 3
_SECONDS_A_PAGE = 60.0
_LEAST_SECONDS = 5.0
_CODES = {
    "af": "afr", "ar": "ara", "az": "aze", "be": "bel", "bg": "bul", "bn": "ben", "bs": "bos", "ca": "cat", "cs": "ces",
    "cy": "cym", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est", "eu": "eus", "fa": "fas",
    "fi": "fin", "fr": "fra", "ga": "gle", "gl": "glg", "gu": "guj", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun",
    "hy": "hye", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "kk": "kaz", "km": "khm", "kn": "kan",
    "ko": "kor", "la": "lat", "lt": "lit", "lv": "lav", "mk": "mkd", "ml": "mal", "mr": "mar", "ms": "msa", "mt": "mlt",
    "my": "mya", "ne": "nep", "nl": "nld", "no": "nor", "nb": "nor", "nn": "nor", "pa": "pan", "pl": "pol", "pt": "por",
    "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sq": "sqi", "sr": "srp", "sv": "swe", "sw": "swa", "ta": "tam",
    "te": "tel", "th": "tha", "tr": "tur", "uk": "ukr", "ur": "urd", "uz": "uzb", "vi": "vie", "zh": "chi_sim",
}  # fmt: skip
"""ISO 639-1 -> Tesseract; three-letter codes are taken as they are."""


@dataclass(slots=True)
class Scanner:
    """Reads pages in a language (ISO 639) until the deadline (of `time.monotonic`); remembers what is worth a warning.

    Tesseract is looked for when the first page needs it.
    """

    language: str
    deadline: float
    read_pages: list[int] = field(default_factory=list[int])
    empty_pages: list[int] = field(default_factory=list[int])
    poor_pages: list[int] = field(default_factory=list[int])
    trouble: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def is_there(self) -> bool:
        return language_for(self.language) is not None

    def read(self, page: Page, found: PageWords) -> PageWords:
        """The page as Tesseract reads it; `found` as it was where it cannot be read, or not in time."""
        tool = language_for(self.language)
        if tool is None or self.deadline - monotonic() < _LEAST_SECONDS:
            return found
        try:
            seen = self._look(page, tool, 0)
            turn = _turn_of(page, tool[0], self._seconds()) if _may_lie_on_its_side(seen) else 0
            if turn and self.deadline - monotonic() > _LEAST_SECONDS:
                seen = max(seen, self._look(page, tool, turn), key=lambda reading: reading.quality)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError, OSError) as error:
            self.trouble[found.number + 1] = type(error).__name__
            return found
        return self._page(seen, found)

    def _seconds(self) -> float:
        return min(_SECONDS_A_PAGE, self.deadline - monotonic())

    def _look(self, page: Page, tool: tuple[str, str, str], turn: int) -> "_Reading":
        """The page as it is read when turned by so many degrees clockwise, and straightened."""
        scale = min(_DPI / 72, _LONGEST_EDGE / max(page.rect.width, page.rect.height, 1.0))
        degrees = turn + tilt_of(page, turn)
        pixmap, back = draw_turned(page, scale, degrees)
        arguments = ["-l", tool[1], "--dpi", str(max(round(scale * 72), 70)), "--psm", "3", "tsv"]
        table = _run(tool[0], arguments, pixmap.tobytes("png"), self._seconds())
        return _reading(table, scale, (pixmap.width / scale, pixmap.height / scale), back if degrees else None)

    def warnings(self) -> list[str]:
        """What a person should know of the text that was read."""
        _, used, missing = (
            language_for(self.language) or ("", "", "") if self.read_pages or self.empty_pages else ("", "", "")
        )
        warnings: list[str] = []
        if self.read_pages:
            warnings.append(f"{len(self.read_pages)} page(s) read by OCR ({used}): the text may hold errors")
        if missing:
            warnings.append(f"OCR used {used}, for Tesseract lacks {missing}: install its language data and read again")
        if self.poor_pages:
            warnings.append(
                f"OCR is unsure of page {', '.join(map(str, self.poor_pages))}: compare it with the original"
            )
        if self.empty_pages:
            warnings.append(f"OCR found no word on page {', '.join(map(str, self.empty_pages))}")
        warnings += [f"page {number}: OCR failed ({what})" for number, what in self.trouble.items()]
        return warnings

    def _page(self, seen: "_Reading", found: PageWords) -> PageWords:
        if not seen.words:
            self.empty_pages.append(found.number + 1)
            return found
        if found.status is DocumentStatus.GARBLED and _makes_no_sense(seen):
            return found
        self.read_pages.append(found.number + 1)
        size = seen.size if seen.back else (found.width, found.height)
        page = from_boxes(found.number, *size, seen.words)
        page.back = seen.back
        page.ocr_quality = seen.quality
        page.status = DocumentStatus.READY if seen.quality >= _LEAST_QUALITY else DocumentStatus.GARBLED
        if seen.quality < _GOOD_QUALITY:
            self.poor_pages.append(found.number + 1)
        return page


@dataclass(frozen=True, slots=True)
class _Reading:
    """words: boxes in points of the drawing, texts, numbers of lines. quality: mean confidence. back: to the page, None = as it is."""

    words: list[tuple[Box, str, int]]
    quality: float
    size: tuple[float, float]
    back: Matrix | None


def _reading(table: str, scale: float, size: tuple[float, float], back: Matrix | None) -> _Reading:
    words, confidences = _words(table, scale)
    return _Reading(words, sum(confidences) / max(len(confidences), 1), size, back)


def _makes_no_sense(seen: _Reading) -> bool:
    """Whether a page whose letters nobody knows also shows none: its font was not kept, and another drew what its codes mean."""
    return seen.quality < _LEAST_QUALITY or is_numbered_glyphs("\n".join(text for _, text, _ in seen.words))


def _may_lie_on_its_side(seen: _Reading) -> bool:
    """Whether few words make sense, or most run up or down the page."""
    long = [x1 - x0 < y1 - y0 for (x0, y0, x1, y1), text, _ in seen.words if len(text) > _SHORT_WORD]
    return seen.quality < _LEAST_QUALITY or 2 * sum(long) > len(long)


def _turn_of(page: Page, binary: str, seconds: float) -> int:
    """Degrees clockwise that set the page upright, as Tesseract tells; 0 where it cannot or lacks its `osd` data."""
    if _ORIENTATION not in _installed(binary) or seconds < _LEAST_SECONDS:
        return 0
    scale = min(_DPI / 72, _LONGEST_EDGE / max(page.rect.width, page.rect.height, 1.0))
    image = draw(page, scale, grey=True).tobytes("png")
    try:
        said = _run(binary, ["-l", _ORIENTATION, "--psm", "0"], image, seconds)
    except subprocess.CalledProcessError:
        return 0
    match = _ROTATE.search(said)
    return int(match[1]) if match else 0


def _run(binary: str, arguments: Sequence[str], image: bytes, seconds: float) -> str:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(  # noqa: S603  a fixed command; the image goes in by pipe
        [binary, "stdin", "stdout", *arguments],
        input=image,
        capture_output=True,
        timeout=seconds,
        check=True,
        env=environment,
    )
    return done.stdout.decode("utf-8", "replace")


@lru_cache(maxsize=16)
def language_for(language: str) -> tuple[str, str, str] | None:
    """Tesseract, the language it will read with and the one it lacks ("" if none); None where it cannot read at all."""
    binary = shutil.which(_TESSERACT)
    installed = _installed(binary) if binary else frozenset[str]()
    wanted = _CODES.get(language, language)
    usable = [code for code in (wanted, "eng") if code in installed]
    if not binary or not installed - {_ORIENTATION}:
        return None
    chosen = usable[0] if usable else min(installed - {_ORIENTATION})
    return binary, chosen, "" if chosen == wanted else wanted


def _installed(binary: str) -> frozenset[str]:
    try:
        done = subprocess.run(  # noqa: S603  as above
            [binary, "--list-langs"], capture_output=True, timeout=20, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError, OSError):
        return frozenset()
    return frozenset(line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if line.strip())


def _words(table: str, scale: float) -> tuple[list[tuple[Box, str, int]], list[float]]:
    """Words of a TSV table with their boxes in points, and their confidences 0-1."""
    words: list[tuple[Box, str, int]] = []
    confidences: list[float] = []
    lines: dict[tuple[str, ...], int] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = "".join((row.get("text") or "").split())
        if row["level"] != "5" or not text:
            continue
        line = lines.setdefault((row["block_num"], row["par_num"], row["line_num"]), len(lines))
        left, top, width, height = (int(row[key]) / scale for key in ("left", "top", "width", "height"))
        words.append(((left, top, left + width, top + height), text, line))
        confidences.append(max(float(row["conf"]), 0.0) / 100)
    return words, confidences
