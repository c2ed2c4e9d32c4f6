"""E-mail messages -> document: the best body as text, headers as metadata, attachments named but not opened.

HTML bodies are read by `html`; characters of undeclared or misdeclared encodings are repaired by `encodings`.
"""

import email
import email.errors
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import cast

from coderai_pipeline.readers.base import Content, ReadOptions
from coderai_pipeline.readers.building import PARAGRAPH, TextBuilder
from coderai_pipeline.readers.encodings import Decoded, decode, decode_as, is_known
from coderai_pipeline.readers.text import cleaned

_HEADERS = {
    "from": "from",
    "to": "to",
    "cc": "cc",
    "reply-to": "reply_to",
    "message-id": "message_id",
    "in-reply-to": "in_reply_to",
}
_RAW_BYTES = re.compile("[\udc80-\udcff]")
_MAX_PARTS = 500
_MAX_HEADER = 2000


def read(data: bytes, options: ReadOptions) -> Content:
    builder = TextBuilder()
    message = email.message_from_bytes(_without_mbox_line(data), policy=email.policy.compat32)
    _mend_headers(message)
    builder.metadata |= _metadata(message)
    attachments: list[str] = []
    for number, part in enumerate(_parts(message, attachments), 1):
        builder.separate(PARAGRAPH)
        _add(builder, part, f"part {number}", options)
    if attachments:
        builder.metadata["attachments"] = "; ".join(dict.fromkeys(attachments))
    builder.warnings += _defects(message)
    if not builder.text().strip() and not attachments and "title" in builder.metadata:
        builder.add(builder.metadata["title"], "subject")
        builder.warnings.append("the message has no body; its subject stands as its text")
    return builder.content("has no text in its body" + (", only attachments" if attachments else ""))


def _parts(message: Message, attachments: list[str]) -> Iterator[Message]:
    """The parts a mail program shows, in order; names of the others go to `attachments`."""
    waiting = [message]
    seen = 0
    while waiting and seen < _MAX_PARTS:
        part = waiting.pop()
        seen += 1
        kind = part.get_content_type()
        inner = _inner(part)
        if _is_attachment(part):
            attachments.append(_name(part))
        elif kind == "message/rfc822" and inner:
            attachments.append(_name(part))
            waiting += inner[::-1]
        elif kind == "multipart/alternative" and inner:
            waiting.append(_best(inner))
        elif inner:
            waiting += inner[::-1]
        elif part.get_content_maintype() == "text" or kind.startswith("multipart/"):
            yield part
        elif part is not message or kind != "text/plain":
            attachments.append(_name(part))


def _inner(part: Message) -> list[Message]:
    payload: object = part.get_payload()
    return (
        [inner for inner in cast("list[object]", payload) if isinstance(inner, Message)] if part.is_multipart() else []
    )


def _best(alternatives: list[Message]) -> Message:
    """Plain text that says something, else the page, else what is last, which the sender thought best."""
    for kind in ("text/plain", "text/html"):
        for part in alternatives:
            if part.get_content_type() == kind and _bytes(part).strip():
                return part
    return alternatives[-1]


def _add(builder: TextBuilder, part: Message, path: str, options: ReadOptions) -> None:
    decoded = _decoded(part)
    if part.get_content_type() == "text/html":
        from coderai_pipeline.readers.html import read_page

        _add_page(builder, read_page(decoded, options), path)
        return
    text, warnings = cleaned(decoded.text)
    builder.warnings += [decoded.warning] * bool(decoded.warning) + warnings
    text = text.strip("\n")
    if text.strip():
        builder.add(text, path)


def _add_page(builder: TextBuilder, page: Content, path: str) -> None:
    """Adds what a person sees of an HTML body, and marks what they do not."""
    builder.warnings += [warning for warning in page.warnings if "cannot see" not in warning]
    at = 0
    for hidden in page.hidden:
        builder.add(page.text[at : hidden.span.start], path)
        builder.add(hidden.span.of(page.text), path, hidden.why)
        at = hidden.span.end
    builder.add(page.text[at:], path)


def _decoded(part: Message) -> Decoded:
    data = _bytes(part)
    declared = part.get_content_charset()
    if declared and declared not in ("utf-8", "us-ascii", "ascii"):
        # A mail's declared encoding is mostly right, and its parts are too short to do better by guessing.
        text = decode_as(data, declared)
        if text is not None:
            return Decoded(text, declared)
    decoded = decode(data, declared)
    if declared is None or is_known(declared):
        return decoded
    return replace(decoded, warning=f"encoding {declared!r} is not known; read as {decoded.encoding}")


def _bytes(part: Message) -> bytes:
    """A part's bytes, its transfer encoding undone as far as can be; a multipart without parts as it stands."""
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _is_attachment(part: Message) -> bool:
    """What a mail program lists instead of showing."""
    disposition = str(part.get("content-disposition") or "").strip().lower()
    if part.get_content_type() == "message/rfc822" or part.is_multipart():
        return False
    named = bool(part.get_filename())
    return (
        disposition.startswith("attachment")
        or (named and not disposition.startswith("inline"))
        or (named and part.get_content_maintype() != "text")
    )


def _name(part: Message) -> str:
    name = part.get_filename()
    if not name and part.get_content_type() == "message/rfc822":
        inner = _inner(part)
        name = _header(inner[0], "subject") if inner else None
    return _decoded_header(name or "") or part.get_content_type()


def _metadata(message: Message) -> dict[str, str]:
    found = {name: _header(message, header) for header, name in _HEADERS.items()}
    found["title"] = _header(message, "subject")
    found["author"] = found["from"]
    found["date"] = _date(message)
    return {name: value for name, value in found.items() if value}


def _header(message: Message, name: str) -> str:
    values = [_decoded_header(str(value)) for value in message.get_all(name, [])]
    return "; ".join(value for value in values if value)[:_MAX_HEADER]


def _decoded_header(value: str) -> str:
    try:
        chunks = cast("list[tuple[bytes | str, str | None]]", decode_header(value))
    except (ValueError, LookupError, email.errors.HeaderParseError):
        return " ".join(value.split())
    parts: list[str] = []
    for chunk, charset in chunks:
        if isinstance(chunk, str):
            parts.append(chunk)
            continue
        text = decode_as(chunk, charset) if charset else None
        parts.append(decode(chunk).text if text is None else text)
    return " ".join("".join(parts).split())


def _mend_headers(message: Message) -> None:
    """Bytes that are no ASCII do not belong in headers, but stand there; they are decoded like any other text."""
    for part in message.walk():
        raw = [(name, str(value)) for name, value in part.raw_items()]
        if not any(_RAW_BYTES.search(value) for _, value in raw):
            continue
        for name in {name for name, _ in raw}:
            del part[name]
        for name, value in raw:
            part[name] = decode(value.encode("utf-8", "surrogateescape")).text if _RAW_BYTES.search(value) else value


def _date(message: Message) -> str:
    """ISO 8601, or as it stands where it is no date."""
    given = _header(message, "date")
    try:
        return parsedate_to_datetime(given).isoformat() if given else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return given


def _defects(message: Message) -> list[str]:
    names = {type(defect).__name__ for part in message.walk() for defect in part.defects}
    said = {
        "NoBoundaryInMultipartDefect": "its parts have no boundary",
        "StartBoundaryNotFoundDefect": "the boundary of its parts is not found",
        "CloseBoundaryNotFoundDefect": "its last part is not closed; the message may be cut off",
        "MultipartInvariantViolationDefect": "it is called a message of several parts, but has none",
        "InvalidBase64PaddingDefect": "an encoded part is cut off",
        "InvalidBase64CharactersDefect": "an encoded part holds characters that do not belong there",
        "MissingHeaderBodySeparatorDefect": "a line in its headers is no header",
    }
    return [f"damaged message: {said.get(name, name)}" for name in sorted(names)]


def _without_mbox_line(data: bytes) -> bytes:
    data = data.lstrip(b"\r\n")
    return data.split(b"\n", 1)[-1] if data.startswith(b"From ") else data
