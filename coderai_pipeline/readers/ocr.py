"""Reads a scanned page with Tesseract where it is installed: words, boxes and confidences, through the same layout as other pages.

Which pages need it is decided in `pdf`.
"""

import csv
import io
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.mupdf import Box, Page, draw
from coderai_pipeline.readers.pdf_words import PageWords, from_boxes

_TESSERACT = "tesseract"
_DPI = 300
_LONGEST_EDGE = 6000
"""Pixels: a large sheet is drawn coarser, so that memory stays bounded."""
_LEAST_QUALITY, _GOOD_QUALITY = 0.6, 0.8
"""Mean confidence of a page's words: below the first most words hold errors, below the second some do."""
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
        if tool is None:
            return found
        seconds = min(_SECONDS_A_PAGE, self.deadline - monotonic())
        if seconds < _LEAST_SECONDS:
            return found
        scale = min(_DPI / 72, _LONGEST_EDGE / max(page.rect.width, page.rect.height, 1.0))
        image = draw(page, scale, grey=True).tobytes("png")
        try:
            table = _run(tool[0], tool[1], image, round(scale * 72), seconds)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError, OSError) as error:
            self.trouble[found.number + 1] = type(error).__name__
            return found
        return self._page(table, scale, found)

    def warnings(self) -> list[str]:
        """What a person should know of the text that was read."""
        _, used, missing = (
            language_for(self.language) or ("", "", "") if self.read_pages or self.empty_pages else ("", "", "")
        )
        warnings: list[str] = []
        if self.read_pages:
            warnings.append(f"{len(self.read_pages)} scanned page(s) read by OCR ({used}): the text may hold errors")
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

    def _page(self, table: str, scale: float, found: PageWords) -> PageWords:
        words, confidences = _words(table, scale)
        if not words:
            self.empty_pages.append(found.number + 1)
            return found
        self.read_pages.append(found.number + 1)
        page = from_boxes(found.number, found.width, found.height, words)
        page.ocr_quality = sum(confidences) / len(confidences)
        page.status = DocumentStatus.READY if page.ocr_quality >= _LEAST_QUALITY else DocumentStatus.GARBLED
        if page.ocr_quality < _GOOD_QUALITY:
            self.poor_pages.append(found.number + 1)
        return page


def _run(binary: str, languages: str, image: bytes, dpi: int, seconds: float) -> str:
    command = [binary, "stdin", "stdout", "-l", languages, "--dpi", str(max(dpi, 70)), "--psm", "3", "tsv"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(  # noqa: S603  a fixed command; the image goes in by pipe
        command, input=image, capture_output=True, timeout=seconds, check=True, env=environment
    )
    return done.stdout.decode("utf-8", "replace")


@lru_cache(maxsize=16)
def language_for(language: str) -> tuple[str, str, str] | None:
    """Tesseract, the language it will read with and the one it lacks ("" if none); None where it cannot read at all."""
    binary = shutil.which(_TESSERACT)
    installed = _installed(binary) if binary else frozenset[str]()
    wanted = _CODES.get(language, language)
    usable = [code for code in (wanted, "eng") if code in installed]
    if not binary or not installed - {"osd"}:
        return None
    chosen = usable[0] if usable else min(installed - {"osd"})
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
