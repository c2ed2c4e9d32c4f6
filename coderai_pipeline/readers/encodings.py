"""Bytes -> text: byte order mark, then strict UTF-8, then what the file declares, then detection.

What is odd in a text once it is decoded is in `text`.
"""

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16-LE, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDER = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030", "gbk": "gb18030", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "shift_jis": "cp932", "shift-jis": "cp932",
    "sjis": "cp932", "x-sjis": "cp932", "big5": "big5hkscs", "x-user-defined": "cp1252", "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8", "cp-850": "cp850", "macintosh": "mac-roman", "x-mac-roman": "mac-roman",
    "ansi_x3.4-1968": "cp1252",
}  # fmt: skip
"""Names that files give too narrowly -> the superset that browsers and mail programs read them by."""
_SAMPLE = 200_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and the name of its encoding. warning: "" where nothing about the decoding needs saying."""

    text: str
    encoding: str
    warning: str = ""


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text of a file; `declared` is the encoding that it says it has."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _forgiving(data[len(mark) :], encoding)
    if wide := _wide_without_mark(data):
        return _forgiving(data, wide)
    if _is_utf8(data) and not _is_escaped(data):
        return Decoded(data.decode("utf-8"), "utf-8")
    if declared and (text := decode_as(data, declared)) is not None:
        return Decoded(text, declared.lower())
    return _detected(data)


def decode_as(data: bytes, declared: str) -> str | None:
    """The text in the declared encoding or the superset people mean by it; None where it is not in that encoding."""
    name = declared.strip().strip("\"'").lower()
    for candidate in dict.fromkeys((_WIDER.get(name, name), name)):
        try:
            return data.decode(candidate)
        except (LookupError, UnicodeError, ValueError):
            continue
    return None


def is_known(name: str) -> bool:
    try:
        codecs.lookup(_WIDER.get(name.strip().lower(), name.strip()))
    except (LookupError, ValueError):
        return False
    return True


def looks_wide(data: bytes) -> bool:
    """Whether the NULs in the data are those of UTF-16 or UTF-32 text, not of a binary file."""
    return data.startswith(tuple(mark for mark, _ in _MARKS[1:])) or _wide_without_mark(data) is not None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_escaped(data: bytes) -> bool:
    """ISO-2022-JP, -KR and HZ are ASCII bytes; their escapes give them away."""
    return b"\x1b$" in data or b"\x1b(" in data


def _wide_without_mark(data: bytes) -> str | None:
    sample = data[:4096]
    if len(sample) < 4 or len(data) % 2:
        return None
    even, odd = sample[::2], sample[1::2]
    half = len(odd)
    if odd.count(0) > half * 0.4 and even.count(0) < half * 0.05:
        return "utf-16-le"
    if even.count(0) > half * 0.4 and odd.count(0) < half * 0.05:
        return "utf-16-be"
    return None


def _forgiving(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        warning = f"marked as {encoding}, but byte {error.start} is not; such places were replaced by U+FFFD"
        return Decoded(data.decode(encoding, "replace"), encoding, warning)


def _detected(data: bytes) -> Decoded:
    import chardet

    found = chardet.detect(data[:_SAMPLE])
    encoding, confidence = found["encoding"] or "cp1252", float(found["confidence"] or 0)
    if encoding.lower() in ("utf-8", "ascii"):
        return _mostly_utf8(data)
    text = decode_as(data, encoding)
    if text is None:
        text = data.decode("cp1252", "replace")
    return Decoded(text, encoding.lower(), f"encoding not stated; read as {encoding} (confidence {confidence:.0%})")


def _mostly_utf8(data: bytes) -> Decoded:
    text = data.decode("utf-8", "replace")
    warning = f"UTF-8 with {text.count(chr(0xFFFD))} broken places, which were replaced by U+FFFD"
    return Decoded(text, "utf-8", warning)
