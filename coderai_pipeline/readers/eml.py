"""E-mail messages -> document: the best body as text, headers as metadata, attachments named but not opened.

Broken messages are mended in `mail_repair`, the text of a part is made in `mail_text`, HTML bodies are read by `html`.
"""

import email.errors
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import cast

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import Content, ReadOptions
from coderai_pipeline.readers.building import PARAGRAPH, TextBuilder
from coderai_pipeline.readers.detect import is_binary, is_page
from coderai_pipeline.readers.encodings import decode, decode_as
from coderai_pipeline.readers.mail_repair import body_bytes, inner, messages
from coderai_pipeline.readers.mail_text import decoded_text, shown_text
from coderai_pipeline.readers.normalise import is_blank
from coderai_pipeline.readers.text import cleaned

_HEADERS = {
    "from": "from",
    "to": "to",
    "cc": "cc",
    "reply-to": "reply_to",
    "message-id": "message_id",
    "in-reply-to": "in_reply_to",
}
_NOTICES = ("message/delivery-status", "message/disposition-notification", "message/feedback-report")
"""Their parts are blocks of headers, which say what became of a message."""
_LISTED = ("text/rtf", "text/richtext+rtf", "text/calendar", "text/vcard", "text/x-vcard", "text/directory",
           "message/external-body")  # fmt: skip
"""Listed like attachments, although nothing calls them so."""
_SEALED = {
    "multipart/encrypted": "is encrypted; decrypt it in the mail program",
    "application/pkcs7-mime": "is encrypted or signed as a whole; open it in the mail program",
    "application/x-pkcs7-mime": "is encrypted or signed as a whole; open it in the mail program",
    "application/ms-tnef": "is in Outlook's own format; open it in Outlook",
}
"""Parts that hold a message which only a mail program with the right keys can open, and what to say of it."""
_PGP = b"-----BEGIN PGP MESSAGE-----"
_SAVED_PAGE = re.compile(r"[\"<]?saved by ", re.I)
"""The sender that browsers write into a page which they save as one file (MHTML)."""
_RESOURCES = ("text/javascript", "text/x-amp-html", "application/javascript")
_MARKUP = re.compile(rb"<(style|script)\b.*?(?:</\1|\Z)|<[^>]*>", re.S | re.I)
_NOTICE_WORDS = 40
_MAX_PARTS = 5000
_MAX_HEADER = 2000


def read(data: bytes, options: ReadOptions) -> Content:
    builder = TextBuilder()
    found = messages(data)
    message = found[0]
    builder.metadata |= _metadata(message)
    parts = _Parts()
    for number, one in enumerate(found):
        parts.walk(one, headed=number > 0)
    pages: list[Content] = []
    for number, part in enumerate(parts.shown or parts.texts, 1):
        builder.separate(PARAGRAPH)
        parts.attached += _add(builder, part, f"part {number}", options, pages, "\n".join(parts.styles))
    builder.warnings += _defects(message)
    if pages and _is_saved_page(message):
        builder.metadata = _page_metadata(message) | pages[0].metadata
        return builder.content("shows no text")
    if parts.attached:
        builder.metadata["attachments"] = "; ".join(dict.fromkeys(parts.attached))
    if len(found) > 1:
        builder.warnings.append(f"holds {len(found)} messages, which were read as one document")
    if parts.cut:
        builder.warnings.append(f"has more than {_MAX_PARTS} parts; those after them were left out")
    return _content(builder, parts)


def _content(builder: TextBuilder, parts: "_Parts") -> Content:
    """The message; of one without a body, its subject stands as its text."""
    title = builder.metadata.get("title", "")
    sealed = f"its body {parts.sealed} and save its text" if parts.sealed else ""
    if not is_blank(builder.text()):
        content = builder.content("")
        return _partial(content, sealed) if sealed and parts.sealed != _SEALED["application/ms-tnef"] else content
    if not title:
        return builder.content(sealed or "has no text in its body" + (", only attachments" if parts.attached else ""))
    builder.add(title, "subject")
    builder.warnings.append("the message has no body; its subject stands as its text")
    content = builder.content("")
    if not parts.attached:
        return content
    names = ", ".join(dict.fromkeys(parts.attached))[:200]
    attached = f"its body is in attachments ({names}); put them into the inbox"
    return _partial(content, f"only its subject was read, {sealed or attached}")


def _partial(content: Content, reason: str) -> Content:
    content.status, content.reason = DocumentStatus.PARTIAL, reason
    return content


@dataclass(slots=True)
class _Parts:
    """The parts a mail program shows, in order; names of the others, and the texts among those."""

    shown: list[Message] = field(default_factory=list[Message])
    attached: list[str] = field(default_factory=list[str])
    texts: list[Message] = field(default_factory=list[Message])
    styles: list[str] = field(default_factory=list[str])
    """Style sheets that a saved page brings along."""
    sealed: str = ""
    """Why what the message says cannot be read; "" where it can."""
    cut: bool = False

    def walk(self, message: Message, *, headed: bool) -> None:
        """headed: the message stands below another one, so its own sender and subject are shown above it."""
        waiting = [message]
        if headed:
            self.shown.append(_letterhead(message))
        seen = 0
        while waiting and seen < _MAX_PARTS:
            part = waiting.pop()
            seen += 1
            waiting += self._visit(part)[::-1]
        self.cut |= bool(waiting)

    def _visit(self, part: Message) -> list[Message]:
        """Takes note of a part; returns those within it that are to be visited next."""
        kind, parts = part.get_content_type(), inner(part)
        if kind in _SEALED or _is_pgp(part):
            self.sealed = self.sealed or _SEALED.get(kind, _SEALED["multipart/encrypted"])
            self.attached += [_name(inside) for inside in part.walk() if not inside.is_multipart()]
        elif _is_attachment(part) or kind in _LISTED:
            self._attach(part)
        elif kind == "message/rfc822" and parts:
            self.attached.append(_name(part))
            return [_letterhead(parts[0]), *parts]
        elif kind in _NOTICES:
            self.shown.append(_plain("\n\n".join(_header_lines(block, block.keys()) for block in parts)))
        elif kind == "multipart/alternative" and parts:
            return self._best(parts)
        elif parts:
            return parts
        elif kind == "text/css":
            self.styles.append(decoded_text(part).text)
        elif _is_shown(part):
            self.shown.append(part)
        elif kind not in _RESOURCES:
            self._attach(part)
        return []

    def _best(self, alternatives: list[Message]) -> list[Message]:
        """Plain text, unless it only stands in for the page; else the page, else what the sender thought best: the last."""
        plain = next((part for part in alternatives if _is_text(part, "text/plain")), None)
        page = next((part for part in alternatives if any(_is_text(one, "text/html") for one in part.walk())), None)
        chosen = plain or page or alternatives[-1]
        if plain is not None and page is not None and _stands_in(plain, page):
            chosen = page
        for other in alternatives:
            if other is not chosen:
                self.attached += [_name(part) for part in other.walk() if _is_attachment(part)]
        return [chosen]

    def _attach(self, part: Message) -> None:
        self.attached.append(_name(part))
        if part.get_content_maintype() == "text" and not is_binary(body_bytes(part)):
            self.texts.append(part)


def _is_shown(part: Message) -> bool:
    """Text that is called so and is no file of another kind inside."""
    is_text = part.get_content_maintype() in ("text", "multipart") and part.get_content_type() not in _RESOURCES
    return is_text and not is_binary(body_bytes(part))


def _is_pgp(part: Message) -> bool:
    return part.get_content_maintype() == "text" and body_bytes(part).lstrip().startswith(_PGP)


def _is_text(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and not _is_attachment(part) and bool(body_bytes(part).strip())


def _stands_in(plain: Message, page: Message) -> bool:
    """Whether the plain text is a mere notice that there is a page."""
    words = len(body_bytes(plain).split())
    source = next(body_bytes(part) for part in page.walk() if _is_text(part, "text/html"))
    return words < _NOTICE_WORDS and len(_MARKUP.sub(b" ", source).split()) > 4 * words + _NOTICE_WORDS


def _letterhead(message: Message) -> Message:
    return _plain(_header_lines(message, ("From", "To", "Cc", "Date", "Subject")))


def _header_lines(message: Message, names: Iterable[str]) -> str:
    values = ((name, _header(message, name)) for name in dict.fromkeys(names))
    return "\n".join(f"{name}: {value}" for name, value in values if value)


def _plain(text: str) -> Message:
    part = Message()
    part["Content-Type"] = "text/plain; charset=utf-8"
    part.set_payload(text.encode("utf-8", "surrogateescape").decode("ascii", "surrogateescape"))
    return part


def _add(
    builder: TextBuilder, part: Message, path: str, options: ReadOptions, pages: list[Content], styles: str
) -> list[str]:
    """Adds the text of a part; returns the names of files that stood in it. Web pages, which `styles` are for, are also
    added to `pages`."""
    decoded = decoded_text(part)
    if part.get_content_type() == "text/html" or is_page(decoded.text):
        from coderai_pipeline.readers.html import read_page

        pages.append(read_page(decoded, options, styles))
        builder.include(pages[-1], path)
        return []
    text, warnings = cleaned(decoded.text)
    builder.warnings += [decoded.warning] * bool(decoded.warning) + warnings
    text, names = shown_text(part, text)
    if text.strip():
        builder.add(text.strip("\n"), path)
    return names


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
        name = next((_header(message, "subject") for message in inner(part)), None)
    return _decoded_header(name or "") or part.get_content_type()


def _metadata(message: Message) -> dict[str, str]:
    found = {name: _header(message, header) for header, name in _HEADERS.items()}
    found["title"] = _header(message, "subject")
    found["author"] = found["from"]
    found["date"] = _date(message)
    return {name: value for name, value in found.items() if value}


def _is_saved_page(message: Message) -> bool:
    return bool(message.get("snapshot-content-location")) or bool(_SAVED_PAGE.match(_header(message, "from")))


def _page_metadata(message: Message) -> dict[str, str]:
    """What the browser says of a page that it saved; when it did so is no date of the page."""
    found = {"title": _header(message, "subject"), "canonical_url": _header(message, "snapshot-content-location")}
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


def _date(message: Message) -> str:
    """ISO 8601, or as it stands where it is no date."""
    given = next((_decoded_header(str(value)) for value in message.get_all("date", []) if str(value).strip()), "")
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
