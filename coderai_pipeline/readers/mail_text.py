"""The text of one part of a message as a mail program shows it: decoded, flowed lines joined, files in it taken out.

What the bytes of a part are is in `mail_repair`; which parts are shown, in `eml`.
"""

import re
from dataclasses import replace
from email.message import Message

from coderai_pipeline.readers.encodings import Decoded, decode, decode_as, has_one_byte, is_known, is_utf8
from coderai_pipeline.readers.mail_repair import body_bytes

_UUENCODED = re.compile(r"^begin [0-7]{3,4} (\S[^\n]*)\n(?:[ -`]{1,90}\n)*?`? ?\n?end[ \t]*$\n?", re.M)
_ENRICHED = re.compile(r"<param>[^<]{0,500}</param>|</?[A-Za-z-]{1,60}>", re.S | re.I)
_QUOTES = re.compile(r"(?:> ?)*")


def decoded_text(part: Message) -> Decoded:
    """In the declared encoding, except where the bytes say that they are UTF-8, or that it cannot be."""
    data = body_bytes(part)
    declared = part.get_content_charset()
    if declared and declared not in ("utf-8", "us-ascii", "ascii"):
        # Parts are too short to do better by guessing; only text that is UTF-8 throughout is hardly ever anything else.
        text = None if has_one_byte(declared) and not data.isascii() and is_utf8(data) else decode_as(data, declared)
        if text is not None:
            return Decoded(text, declared)
    decoded = decode(data, declared)
    if declared is None or is_known(declared):
        return decoded
    return replace(decoded, warning=f"encoding {declared!r} is not known; read as {decoded.encoding}")


def shown_text(part: Message, text: str) -> tuple[str, list[str]]:
    """Plain text as it is shown, and the names of files that stand in it as uuencode."""
    if part.get_content_subtype() in ("enriched", "richtext"):
        text = _ENRICHED.sub("", text.replace("<<", "&lt;")).replace("&lt;", "<")
    elif str(part.get_param("format") or "").lower() == "flowed":
        text = _unflowed(text, delete_space=str(part.get_param("delsp") or "").lower() == "yes")
    names = [found.strip() for found in _UUENCODED.findall(text)]
    return (_UUENCODED.sub("", text) if names else text), names


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Lines that end with a space go on in the next one of the same quoting (RFC 3676)."""
    lines: list[str] = []
    depth = -1
    """Quoting of the line that goes on; -1 = none does."""
    for line in text.split("\n"):
        quotes = _QUOTES.match(line)
        marks = quotes[0] if quotes and line.startswith(">") else ""
        body = line[len(marks) :].removeprefix("" if marks else " ")
        if depth == marks.count(">") and body != "-- ":
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + body
        else:
            lines.append(marks + body)
        depth = marks.count(">") if body.endswith(" ") and body != "-- " else -1
    return "\n".join(lines)
