"""Bytes of a mail file -> its messages, with what mail programs get wrong mended: headers, boundaries, transfer encodings.

Which parts of a message are shown is in `eml`.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message
from typing import cast

from coderai_pipeline.readers.detect import LENGTH_LINE
from coderai_pipeline.readers.encodings import decode, looks_wide

_MAX_MESSAGES = 1000
_MAX_PARTS = 5000
_RAW_BYTES = re.compile("[\udc80-\udcff]")
_BLANK_START = re.compile(rb"\A(?:[ \t]*(?:\r\n|\r|\n))+")
_LENGTH_LINE = re.compile(LENGTH_LINE.encode())
_MBOX_LINE = re.compile(rb"\A>?From [^\r\n]*(?:\r\n|\r|\n)")
_NEXT_MESSAGE = re.compile(rb"(?:\r\n|\r|\n){2}From \S+ [^\r\n]*\d{4}[^\r\n]*(?:\r\n|\r|\n)(?=[A-Za-z][\w-]*:)")
_END_OF_HEADERS = re.compile(rb"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)|\Z")
_HEADER = re.compile(rb"[!-9;-~]+:")
_SPACED_HEADER = re.compile(rb"^([A-Za-z][\w-]*)[ \t]+:")
_MAILS_OWN = re.compile(
    rb"(from|to|cc|bcc|subject|date|sender|reply-to|message-id|received|return-path|mime-version|content-[a-z-]+|x-[\w-]+"
    rb"|delivered-to|in-reply-to|references|list-[a-z-]+|user-agent)[ \t]*:",
    re.I,
)
_BOUNDARY = re.compile(r"^--(\S[^\r\n]*?)[ \t]*\r?\n(?=Content-[A-Za-z-]+[ \t]*:)", re.M | re.I)
_ENCODINGS = {"base64": "base64", "quotedprintable": "quoted-printable", "xuuencode": "x-uuencode", "uuencode": "x-uuencode",
              "xuue": "x-uuencode", "uue": "x-uuencode"}  # fmt: skip


def messages(data: bytes) -> list[Message]:
    """The message in a file, or the messages of an mbox archive, in order."""
    if looks_wide(data):
        data = decode(data).text.encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if length := _LENGTH_LINE.match(data):
        data = data[length.end() : length.end() + int(length[1])]
    cuts = [0, *(found.start() for found in _NEXT_MESSAGE.finditer(data))] if data.startswith(b"From ") else [0]
    ends = [*cuts[1:_MAX_MESSAGES], len(data)]
    return [parsed(data[start:end]) for start, end in zip(cuts, ends, strict=False)]


def parsed(data: bytes) -> Message:
    """One message, mended as far as can be."""
    data = _MBOX_LINE.sub(b"", _BLANK_START.sub(b"", data))
    message = email.message_from_bytes(_mended_headers(data), policy=email.policy.compat32)
    waiting, seen = [message], 0
    while waiting and seen < _MAX_PARTS:
        part = waiting.pop()
        seen += 1
        _decode_raw_headers(part, message.get_content_charset())
        _mend_transfer_encoding(part)
        _find_parts(part)
        waiting += inner(part)
    return message


def inner(part: Message) -> list[Message]:
    """The parts within a part."""
    payload: object = part.get_payload()
    return (
        [found for found in cast("list[object]", payload) if isinstance(found, Message)] if part.is_multipart() else []
    )


def body_bytes(part: Message) -> bytes:
    """A part's bytes, its transfer encoding undone as far as can be; a multipart without parts as it stands."""
    raw = part.get_payload()
    if isinstance(raw, str) and part.get("content-transfer-encoding") == "base64":
        encoded, footer = _without_footer(raw)
        if footer:
            return _transfer_decoded(encoded, "base64") + b"\n\n" + footer.encode("utf-8", "surrogateescape")
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _mended_headers(data: bytes) -> bytes:
    """A line among the headers that is none, such as a broken address, belongs to the header before it."""
    end = _END_OF_HEADERS.search(data)
    head = data[: end.start()] if end else data
    lines = [_SPACED_HEADER.sub(rb"\1:", line) for line in head.splitlines(keepends=True)]
    last = max((at for at, line in enumerate(lines) if _MAILS_OWN.match(line)), default=0)
    for at, line in enumerate(lines[:last]):
        if line[:1] in b" \t" or _HEADER.match(line):
            continue
        if not any(map(_HEADER.match, lines[at + 1 : at + 3])):
            break  # the body begins here, without a blank line before it
        lines[at] = b" " + line
    return b"".join(lines) + data[len(head) :]


def _decode_raw_headers(part: Message, charset: str | None) -> None:
    """Bytes that are no ASCII do not belong in headers, but stand there; they are decoded like any other text."""
    raw = [(name, str(value)) for name, value in part.raw_items()]
    if not any(_RAW_BYTES.search(value) for _, value in raw):
        return
    for name in {name for name, _ in raw}:
        del part[name]
    for name, value in raw:
        part[name] = (
            decode(value.encode("utf-8", "surrogateescape"), charset).text if _RAW_BYTES.search(value) else value
        )


def _mend_transfer_encoding(part: Message) -> None:
    """`quoted-printable;` and the like mean what they begin with."""
    given = part.get("content-transfer-encoding")
    if given is None:
        return
    letters = re.sub(r"[^a-z0-9]", "", re.split(r"[;,(]", str(given).lower().strip(" \t\"'"))[0])
    part.replace_header("content-transfer-encoding", _ENCODINGS.get(letters, "8bit"))


def _find_parts(part: Message) -> None:
    """Parts behind a boundary that was not declared, and messages that are encoded as a whole."""
    payload = part.get_payload()
    encoding = str(part.get("content-transfer-encoding") or "")
    if part.get_content_maintype() == "multipart" and isinstance(payload, str):
        if found := _BOUNDARY.search(payload):
            head = f'Content-Type: {part.get_content_type()}; boundary="{found[1]}"\n\n'
            whole = (head + payload).encode("utf-8", "surrogateescape")
            again = email.message_from_bytes(whole, policy=email.policy.compat32)
            if again.is_multipart():
                part.set_payload(again.get_payload())
    elif part.get_content_type() == "message/rfc822" and encoding in ("base64", "quoted-printable"):
        for message in inner(part)[:1]:
            content = message.get_payload()
            if not message.keys() and isinstance(content, str):
                part.set_payload([parsed(_transfer_decoded(content, encoding))])


def _transfer_decoded(content: str, encoding: str) -> bytes:
    part = Message()
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(content)
    return cast("bytes", part.get_payload(decode=True))


def _without_footer(content: str) -> tuple[str, str]:
    """Base64, and the plain text that a mailing list put behind it."""
    lines = content.splitlines()
    end = next(_ends_of_base64(lines), len(lines))
    footer = "\n".join(lines[end:]).strip()
    return ("\n".join(lines[:end]), footer) if " " in footer else (content, "")


def _ends_of_base64(lines: list[str]) -> Iterator[int]:
    begun = False
    for number, line in enumerate(map(str.strip, lines)):
        if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", line) and (line or begun):
            yield number
        begun = begun or bool(line)
