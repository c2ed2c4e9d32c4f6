"""Plain text -> document: decoded, line ends made one kind, oddities reported.

Markdown's headings are in `markdown`, encodings in `encodings`.
"""

import itertools
import re
from array import array

import numpy as np

from coderai_pipeline.domain.documents import DocumentStatus, EvidenceMap
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.readers.normalise import is_blank

_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\x1b[()][0AB]|\x1a\Z")
"""Colours and titles that a terminal acts on and does not show; a DOS file's mark of its end."""
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BIDI_OVERRIDE = re.compile("[\u202d\u202e]")
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")


def read(data: bytes, options: ReadOptions) -> Content:
    """Text as the file has it: only NULs, terminal codes and other line ends than \\n are changed."""
    decoded = decode(data)
    text, warnings = cleaned(decoded.text)
    if is_blank(text):
        raise NotReadable(DocumentStatus.NO_TEXT, "holds no text, only white space")
    if decoded.warning:
        warnings.insert(0, decoded.warning)
    return Content(text, warnings=warnings, places=line_places(text))


def cleaned(text: str) -> tuple[str, list[str]]:
    """Text without NULs and terminal codes and with \\n line ends, and what was odd in it, one sentence each."""
    warnings: list[str] = []
    if nuls := text.count("\0"):
        text = text.replace("\0", "")
        warnings.append(f"{nuls} NUL characters were left out")
    if "\x1b" in text or text.endswith("\x1a"):
        text, count = _TERMINAL.subn("", text)
        warnings += [f"{count} control sequences of a terminal were left out"] * bool(count)
    if "\r" in text:
        warnings += _mixed_line_ends(text)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, warnings + oddities(text)


def oddities(text: str) -> list[str]:
    """Characters that a person does not see but a program does: they stay in the text."""
    warnings: list[str] = []
    if text.isascii():
        return warnings
    if marks := len(_BIDI.findall(text)):
        override = "; among them overrides, which can show text in another order" if _BIDI_OVERRIDE.search(text) else ""
        warnings.append(f"{marks} marks of writing direction (bidi) in the text{override}")
    if marks := len(_ZERO_WIDTH.findall(text)):
        warnings.append(f"{marks} zero-width characters in the text")
    return warnings


def line_places(text: str) -> EvidenceMap:
    """One place a line that holds something: `line 12`."""
    starts, ends = array("i"), array("i")
    paths: list[str] = []
    start = 0
    for number in itertools.count(1):
        end = text.find("\n", start)
        last = end < 0
        end = len(text) if last else end
        if end > start:
            starts.append(start)
            ends.append(end)
            paths.append(f"line {number}")
        if last:
            break
        start = end + 1
    return EvidenceMap(
        np.array(starts, np.int32),
        np.array(ends, np.int32),
        np.zeros(len(starts), np.int32),
        np.zeros((0, 4), np.float32),
        tuple(paths),
    )


def _mixed_line_ends(text: str) -> list[str]:
    windows = text.count("\r\n")
    kinds = (windows, text.count("\r") - windows, text.count("\n") - windows)
    if sum(count > 0 for count in kinds) < 2:
        return []
    return ["mixed line ends (Windows, old Mac, Unix) were made one kind"]
