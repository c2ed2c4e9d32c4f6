"""What a file is, by its content; its suffix only breaks ties. Reading it is each format's own module."""

import io
import json
import re
import zipfile
import zlib
from pathlib import PurePath

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import NotReadable
from coderai_pipeline.readers.encodings import decode, looks_wide
from coderai_pipeline.readers.signatures import FOREIGN, Foreign

LOCKED_OFFICE = "locked office file"
"""An Office file under a password; what is in it is known once it is open."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD = 65_536
_FIRST_OBJECT = re.compile(rb"\s*(%[^\r\n]{0,200}[\r\n]+)?\s*\d+ \d+ obj\b")
_PIECES = 16
_MANY_GAPS = 50
_NUMBER_BYTES = 3
_TEXT_CONTROLS = b"\t\n\r\f\v\b\x0e\x0f\x1a\x1b"
"""White space, the shifts of ISO-2022, the end of a DOS file, and the start of a terminal's colours."""
_WORD_SUFFIXES = ("docx", "docm", "dotx", "dotm")
_ARCHIVE = Foreign("a ZIP archive", "unpack it and put the files in it into the inbox")
_UNKNOWN = Foreign("a binary file of a kind that is not known here", "convert it to PDF, .docx or text")
_WORD_TYPE = re.compile(rb"wordprocessingml|ms-word\.(document|template)")


def detect(data: bytes, name: str) -> str:
    """pdf, docx, html, xml, text, markdown, csv, xlsx, jsonl, parquet, eml, LOCKED_OFFICE; NotReadable otherwise."""
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    if not data.strip(b"\0 \t\r\n\f\v") or not data:
        raise NotReadable(DocumentStatus.NO_TEXT, "is empty" if not data else "holds no text, only white space or NULs")
    if _is_pdf(data):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _in_zip(data, suffix)
    if data.startswith(_OLE):
        return _in_ole(data)
    if data.startswith(b"PAR1"):
        return "parquet"
    if foreign := next((kind for kind in FOREIGN if kind.fits(data)), None):
        raise _unsupported(foreign)
    if is_binary(data):
        raise _refused(_UNKNOWN, suffix)
    return _in_text(_head_text(data), data, suffix)


def is_page(text: str) -> bool:
    """Whether a text begins like a web page, whatever it is called."""
    return bool(_HTML_START.match(text))


def is_xml(text: str, suffix: str) -> bool:
    """By its declaration or the name of its root; by its first sign, where it calls itself XML."""
    return bool(_XML_START.match(text)) or (suffix in _XML_SUFFIXES and text.lstrip()[:1] == "<")


def is_binary(data: bytes) -> bool:
    """By control characters that no text has. NULs alone, fewer than three in ten, are those of a damaged text, unless
    most stand next to one another but for a few bytes, as in tables of numbers."""
    if looks_wide(data):
        return False
    sample = _sample(data)
    nuls = sample.count(0)
    controls = sum(sample.count(byte) for byte in range(1, 32) if byte not in _TEXT_CONTROLS)
    if nuls > 0.3 * len(sample) or controls > 2 + 0.02 * len(sample):
        return True
    return nuls > 0 and (controls > 0.005 * len(sample) or _are_of_numbers(sample))


def _sample(data: bytes) -> bytes:
    """The beginning, and pieces from all over a longer file: what comes first may be words about numbers."""
    if len(data) <= 2 * _HEAD:
        return data[: 2 * _HEAD]
    step = len(data) // _PIECES
    return data[:_HEAD] + b"".join(data[at : at + _HEAD // _PIECES] for at in range(_HEAD, len(data), step))


def _are_of_numbers(sample: bytes) -> bool:
    between = [len(piece) for piece in sample.split(b"\0") if piece][1:-1]
    return len(between) >= _MANY_GAPS and sum(length <= _NUMBER_BYTES for length in between) > 0.5 * len(between)


def _is_pdf(data: bytes) -> bool:
    """The header may follow up to a kilobyte of other bytes, or be lost; text that merely mentions it has no objects."""
    at = data[:1024].find(b"%PDF-")
    if at > 0:
        return b" obj" in data or b"startxref" in data
    return at == 0 or (_FIRST_OBJECT.match(data) is not None and b"startxref" in data)


def _in_zip(data: bytes, suffix: str) -> str:
    names = _zip_names(data)
    if names is None:
        if b"word/" in data or suffix in _WORD_SUFFIXES:
            return "docx"
        if b"xl/" in data or suffix in ("xlsx", "xlsm"):
            return "xlsx"
        raise NotReadable(DocumentStatus.CORRUPT, "is a damaged ZIP archive; copy it again from where it came from")
    lower = {name.lower().replace("\\", "/").lstrip("/") for name in names}
    declared = _declared_types(data) if "[content_types].xml" in lower else b""
    if any(name.startswith("ppt/") for name in lower) or b"presentationml" in declared:
        raise _unsupported(Foreign("a PowerPoint presentation", "save it as PDF"))
    if "xl/workbook.bin" in lower:
        raise _unsupported(Foreign("a binary Excel workbook (.xlsb)", "save it as .xlsx"))
    # A Word file may declare a chart's workbook, never the other way round.
    if any(name.startswith("word/") for name in lower) or _WORD_TYPE.search(declared):
        return "docx"
    if any(name.startswith("xl/") for name in lower) or b"spreadsheetml" in declared:
        return "xlsx"
    if suffix in _WORD_SUFFIXES and declared:
        return "docx"
    raise _refused(_other_zip(data, lower), suffix)


def _declared_types(data: bytes) -> bytes:
    """The start of an Office package's list of content types; b"" where it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = next(name for name in archive.namelist() if name.lower().lstrip("/\\") == "[content_types].xml")
            with archive.open(name) as types:
                return types.read(_HEAD)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError, OSError, RuntimeError):
        return b""


def _zip_names(data: bytes) -> list[str] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return None


def _other_zip(data: bytes, names: set[str]) -> Foreign:
    head = data[:200]
    if b"mimetypeapplication/vnd.oasis.opendocument" in head or "content.xml" in names:
        return Foreign("an OpenDocument file (.odt, .ods)", "save it as .docx or PDF, a table as .xlsx or .csv")
    if b"mimetypeapplication/epub+zip" in head:
        return Foreign("an e-book (EPUB)", "convert it to PDF or HTML")
    if "[content_types].xml" in names:
        return Foreign("an Office or XPS file of a kind that is not known here", "save it as .docx, .xlsx or PDF")
    if any(name.endswith(".iwa") for name in names):
        return Foreign("an Apple Pages, Numbers or Keynote file", "export it as .docx, .xlsx or PDF")
    return _ARCHIVE


def _in_ole(data: bytes) -> str:
    """Office files of before 2007 and today's encrypted ones share a container; its stream names tell them apart."""
    for stream, what, remedy in (
        ("DRMEncryptedDataSpace", "an Office file under rights management", "save a copy without the restriction"),
        ("EncryptedPackage", "", ""),
        ("WordDocument", "a Word file of before 2007 (.doc)", "save it as .docx"),
        ("Workbook", "an Excel file of before 2007 (.xls)", "save it as .xlsx"),
        ("PowerPoint Document", "a PowerPoint file of before 2007 (.ppt)", "save it as PDF"),
        ("__substg1.0_", "an Outlook message (.msg)", "save it as .eml"),
    ):
        if stream.encode("utf-16-le") in data:
            if not what:
                return LOCKED_OFFICE
            raise _unsupported(Foreign(what, remedy))
    raise _unsupported(Foreign("an old Office file", "save it as .docx, .xlsx or PDF"))


def _refused(kind: Foreign, suffix: str) -> NotReadable:
    """As damaged where the name promises a kind that is read and what is inside could be anything."""
    if kind in (_ARCHIVE, _UNKNOWN) and suffix in ("pdf", *_WORD_SUFFIXES, "xlsx", "xlsm", "parquet"):
        reason = f"is named .{suffix}, but is not one inside; copy it again from where it came from"
        return NotReadable(DocumentStatus.CORRUPT, reason)
    return _unsupported(kind)


def _unsupported(kind: Foreign) -> NotReadable:
    return NotReadable(DocumentStatus.UNSUPPORTED, f"is {kind.what}, which is not read; {kind.remedy}")


# Comments are matched once and for all: tried in every way, a few dozen would take for ever.
_HTML_START = re.compile(r"\s*(?>(?><\?xml[^>]*>\s*)*)(?>(?><!--.*?-->\s*)*)(<!doctype\s+html|<html[\s>])", re.I | re.S)
_HTML_PIECE = re.compile(
    r"\s*(?>(?><!--.*?-->\s*)*)<(head|body|div|p|table|h[1-6]|article|section|main|meta|title|span|ul|ol|a)[\s>]",
    re.I | re.S,
)
_XML_START = re.compile(r"\s*<(\?xml\s|(TEI|rss|feed|rdf:RDF|tmx|xliff|svg)[\s>])")
_XML_SUFFIXES = ("xml", "tei", "jats", "nxml", "dbk", "rss", "atom", "rdf", "tmx", "xlf", "xliff", "svg")
_WRAPPED_PAGE = re.compile(r"\s*(-----BEGIN PRIVACY-ENHANCED MESSAGE-----|<[a-z][\w-]*>).*?<html[\s>]", re.I | re.S)
"""A page in an envelope of its archive, as filings of companies come."""
_FLAT_OPC = "http://schemas.microsoft.com/office/2006/xmlPackage"
"""A whole package as one XML file, which Word calls a Word XML document."""
_WORD_XML = Foreign("a Word XML file", "save it as .docx")
_OFFICE_XML = {
    'progid="Word.Document"': _WORD_XML,
    "http://schemas.microsoft.com/office/word/2003/wordml": _WORD_XML,
    _FLAT_OPC: _WORD_XML,
    "urn:schemas-microsoft-com:office:spreadsheet": Foreign("an Excel XML file", "save it as .xlsx"),
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": Foreign(
        "a flat OpenDocument file", "save it as .docx or .xlsx"
    ),
}
"""Names in documents that are one XML file: what a person wrote is a small part of it."""
_LIST_OF_OBJECTS = re.compile(r"\s*\[\s*\{\s*\"")
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.I)
LENGTH_LINE = r"\s{0,20}(\d{1,9})[ \t]*\r?\n(?=[A-Za-z-]+:)"
"""The length of a message in bytes, which Apple Mail writes before it."""
_LENGTH_LINE = re.compile(LENGTH_LINE)
_HEADER_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*):")
_MAIL_HEADERS = frozenset((
    "from", "to", "cc", "bcc", "subject", "date", "sender", "reply-to", "message-id", "received", "return-path",
    "mime-version", "content-type", "x-mailer", "delivered-to", "in-reply-to", "references",
    "content-transfer-encoding", "x-received", "dkim-signature",
))  # fmt: skip


def _in_text(text: str, data: bytes, suffix: str) -> str:
    if suffix in ("md", "markdown") and not _HTML_START.match(text):
        return "markdown"
    if _HTML_START.match(text):
        return "html"
    if text.startswith("{\\rtf"):
        raise _unsupported(Foreign("an RTF file", "save it as .docx"))
    if text.lstrip()[:1] == "<":
        if _FLAT_OPC in text and _WORD_TYPE.search(text.encode()):
            return "docx"
        if kind := next((kind for mark, kind in _OFFICE_XML.items() if mark in text), None):
            raise _unsupported(kind)
    if _is_mail(text, suffix):
        return "eml"
    if _WRAPPED_PAGE.match(text):
        return "html"
    if suffix not in ("html", "htm", "xhtml") and is_xml(text, suffix):
        return "xml"
    if _is_jsonl(text, suffix, len(data) > _HEAD):
        return "jsonl"
    if suffix in ("html", "htm", "xhtml") and _TAG.search(text):
        return "html"
    if _HTML_PIECE.match(text) and re.search(r"</[a-z0-9]+>", text, re.I):
        return "html"
    if suffix not in ("txt", "text", "log") and is_csv(text, suffix, len(data) > _HEAD):
        return "csv"
    return "text"


def _head_text(data: bytes) -> str:
    """The beginning as text, cut where no character is divided."""
    head = data[:_HEAD]
    if len(data) > _HEAD and not looks_wide(head):
        head = head[: head.rfind(b"\n") + 1] or head
    return decode(head).text.lstrip("\ufeff")


def _is_mail(text: str, suffix: str) -> bool:
    """Header lines first, at least two of them mail's own (one, where the suffix says mail)."""
    known: set[str] = set()
    lines = (
        _LENGTH_LINE.sub("", text.lstrip(), count=1).splitlines() if text[:1].isdigit() else text.lstrip().splitlines()
    )
    if lines and lines[0].startswith(("From ", ">From ")):
        lines = lines[1:]
    for line in lines[:100]:
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        match = _HEADER_LINE.match(line)
        if not match:
            # A broken header is no reason to call a message a text, once there were real ones.
            if len(known) < 2 and suffix not in ("eml", "mht", "mhtml"):
                return False
            continue
        known.add(match[1].lower())
    found = known & _MAIL_HEADERS
    if suffix in ("eml", "mht", "mhtml"):
        return bool(found)
    # Minutes and memos also begin with From, To, Subject and Date: only machines write the others.
    return len(found) >= 2 and bool(found - {"from", "to", "cc", "bcc", "subject", "date", "sender", "references"})


def _is_jsonl(text: str, suffix: str, cut: bool) -> bool:
    """A list of objects, or objects on the first lines; where the file calls itself so, half of them suffice, and the others are its faults."""
    if suffix in ("json", "jsonl", "ndjson") and _LIST_OF_OBJECTS.match(text):
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    if cut and len(lines) > 1:
        lines = lines[:-1]
    named = suffix in ("jsonl", "ndjson")
    lines = lines[:20]
    if len(lines) < (1 if named else 2):
        return False
    objects = sum(line.lstrip().startswith("{") and _is_object(line) for line in lines)
    return objects * 2 >= len(lines) if named else objects == len(lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def is_csv(text: str, suffix: str, cut: bool) -> bool:
    """A table whose rows agree on their number of fields; two rows suffice where the suffix says so."""
    from coderai_pipeline.readers.delimited import delimiter_of

    return delimiter_of(text, named=suffix in ("csv", "tsv", "tab"), cut=cut) is not None
