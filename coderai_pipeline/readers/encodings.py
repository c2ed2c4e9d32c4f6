"""Bytes -> text: byte order mark, then strict UTF-8, then what the file declares, then detection.

What is odd in a text once it is decoded is in `text`.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from coderai_pipeline.readers.windows_text import is_windows_text

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
    "ansi_x3.4-1968": "cp1252", "ansi_x3.110-1983": "cp1252", "unknown-8bit": "cp1252",
    "windows-31j": "cp932", "ms932": "cp932", "x-windows-949": "cp949", "x-gbk": "gb18030", "cp936": "gb18030",
    "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "iso-8859-6-i": "iso8859-6", "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ce": "mac-latin2", "x-mac-greek": "mac-greek", "x-mac-turkish": "mac-turkish", "x-euc-jp": "euc_jp",
    "x-euc-tw": "big5hkscs", "x-big5": "big5hkscs", "x-cp1250": "cp1250", "x-cp1251": "cp1251", "x-cp1252": "cp1252",
}  # fmt: skip
"""Names that files give too narrowly -> the superset that browsers and mail programs read them by."""
_WIDE = ("utf-16", "utf16", "utf_16", "utf-32", "utf32", "utf_32", "ucs-2", "ucs-4", "unicode")
_USUAL_PER_BROKEN = 4
"""Characters of UTF-8 for one that is not, from which a file is taken for UTF-8 that does not say so."""
_SAMPLE = 200_000
_GUESS = 0.3
_IN_USE = re.compile(r"windows|iso-|koi8|utf|big5|gb|euc|hz|cp(874|932|949)$|johab|tis", re.I)
"""Encodings of the web. Others are code pages of DOS, of mainframes and of the old Mac, and parts of ISO 8859 that hardly anybody used."""
_PART_OF_ISO = re.compile(r"iso-?8859", re.I)
_CONTROLS = re.compile(rb"[\x80-\x9f]")
"""In all parts of ISO 8859."""


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
    if is_utf8(data) and not _is_escaped(data):
        return Decoded(data.decode("utf-8"), "utf-8")
    says_so = (declared or "").strip("\"' ").lower() in ("utf-8", "utf8")
    if mended := _mostly_utf8(data, 1 if says_so else _USUAL_PER_BROKEN):
        return mended
    if declared and (text := decode_as(data, declared)) is not None:
        return Decoded(text, declared.lower())
    return _detected(data)


def decode_as(data: bytes, declared: str) -> str | None:
    """The text in the declared encoding or the superset people mean by it; None where it is not in that encoding."""
    name = declared.strip().strip("\"'").lower()
    if name.startswith(_WIDE) and not looks_wide(data) and data.count(b"\0") == 0 and _is_mostly_ascii(data):
        return None
    for candidate in dict.fromkeys((_WIDER.get(name, name), name)):
        try:
            return data.decode(candidate)
        except (LookupError, UnicodeError, ValueError):
            continue
    return None


def has_one_byte(name: str) -> bool:
    """Whether an encoding has one byte a character; False also where it is not known."""
    try:
        return len(bytes(range(256)).decode(_WIDER.get(name, name), "replace")) == 256
    except (LookupError, ValueError):
        return False


def is_known(name: str) -> bool:
    try:
        codecs.lookup(_WIDER.get(name.strip().lower(), name.strip()))
    except (LookupError, ValueError):
        return False
    return True


def looks_wide(data: bytes) -> bool:
    """Whether the NULs in the data are those of UTF-16 or UTF-32 text, not of a binary file."""
    return data.startswith(tuple(mark for mark, _ in _MARKS[1:])) or _wide_without_mark(data) is not None


def _is_mostly_ascii(data: bytes) -> bool:
    return len(data) - len(data.translate(None, bytes(range(128)))) > 0.8 * len(data)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_escaped(data: bytes) -> bool:
    """ISO-2022-JP, -KR and HZ are ASCII bytes; their escapes give them away."""
    return b"\x1b$" in data or b"\x1b(" in data


def _wide_without_mark(data: bytes) -> str | None:
    """UTF-32 or UTF-16 by where its NULs stand: in the upper bytes of each character."""
    sample = data[: min(4096, len(data)) // 4 * 4]
    if not sample or b"\0" not in sample:
        return None
    count = len(sample) // 4
    first, second, third, fourth = (sample[at::4].count(0) / count for at in range(4))
    if fourth == 1 and third > 0.95 and first < 0.2:
        return "utf-32-le"
    if first == 1 and second > 0.95 and fourth < 0.2:
        return "utf-32-be"
    even, odd = (first + third) / 2, (second + fourth) / 2
    little, big = "utf-16-le", "utf-16-be"
    if min(even, odd) < 0.05 and max(even, odd) > 0.4:
        likely = little if odd > even else big
        return None if _is_controls(sample.decode(likely, "replace")) else likely
    if _is_narrow(sample):
        return None
    orders = (little, big) if odd > even else (big, little)
    return next((order for order in orders if _is_prose(sample.decode(order, "replace")[:-1])), None)


def _is_narrow(sample: bytes) -> bool:
    """Whether bytes read as UTF-8 with nothing odd but NULs."""
    if not any(is_utf8(sample[: len(sample) - cut]) for cut in range(4)):  # its last character may be divided
        return False
    return not any(sample.count(control) for control in range(1, 32) if control not in b"\t\n\r\f\x1b")


def _is_controls(text: str) -> bool:
    """Whether characters are too often controls for a text: small whole numbers of two or four bytes look like that."""
    return sum(one < " " and not one.isspace() for one in text) > 0.02 * len(text)


def _is_prose(text: str) -> bool:
    """Whether nearly all is letters, digits, spaces and punctuation: hardly ever true of bytes misread as wide."""
    plain = sum(one.isalnum() or one.isspace() or unicodedata.category(one)[0] in "PM" for one in text)
    return plain > 0.97 * len(text)


def _forgiving(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        warning = f"marked as {encoding}, but byte {error.start} is not; such places were replaced by U+FFFD"
        return Decoded(data.decode(encoding, "replace"), encoding, warning)


def _mostly_utf8(data: bytes, whole_per_broken: int) -> Decoded | None:
    """UTF-8 with a few broken places: cut in the middle of a character, or with a line in another encoding."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - broken
    if not broken or _is_escaped(data) or whole < whole_per_broken * broken:
        return None
    return Decoded(text, "utf-8", f"UTF-8 with {broken} broken places, which were replaced by U+FFFD")


def _detected(data: bytes) -> Decoded:
    import chardet

    sample = data[:_SAMPLE]
    found = chardet.detect(sample)
    encoding, confidence = found["encoding"] or "cp1252", float(found["confidence"] or 0)
    if encoding.lower() in ("utf-8", "ascii"):
        encoding = "cp1252"
    elif _is_doubtful(sample, encoding, confidence) and is_windows_text(sample):
        encoding = "cp1252"  # a euro sign or a few umlauts are no evidence of anything rarer
    text = decode_as(data, encoding)
    if text is None:
        text = data.decode("cp1252", "replace")
    return Decoded(text, encoding.lower(), f"encoding not stated; read as {encoding} (confidence {confidence:.0%})")


def _is_doubtful(sample: bytes, encoding: str, confidence: float) -> bool:
    """Whether a guess rests on little, or would make controls of what has letters on Windows."""
    has_one_sign = len(set(sample.translate(None, bytes(range(128))))) == 1
    if confidence < _GUESS and (has_one_sign or not _IN_USE.match(encoding)):
        return True
    return _PART_OF_ISO.match(encoding) is not None and _CONTROLS.search(sample) is not None
