"""Markdown -> document: the text as it stands, with its headings and what its front matter states recognised."""

import re
from collections.abc import Iterator

from coderai_pipeline.domain.documents import Heading, Span
from coderai_pipeline.readers import text as plain
from coderai_pipeline.readers.base import Content, ReadOptions

_HASHES = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_STATED = re.compile(r"(title|author|date)[ \t]*:[ \t]+(.*\S)[ \t]*$", re.M | re.I)
_NOT_A_TITLE = re.compile(r"\s*$|\s*([-*+>|#]|\d+[.)])(\s|$)| {4}")


def read(data: bytes, options: ReadOptions) -> Content:
    content = plain.read(data, options)
    front = _FRONT_MATTER.match(content.text)
    content.headings = tuple(_headings(content.text, front.end() if front else 0))
    if content.headings:
        content.metadata["title"] = content.headings[0].span.of(content.text)
    if front:
        content.metadata |= {key.lower(): value.strip("\"'") for key, value in _STATED.findall(front[1])}
    return content


def _headings(text: str, start: int) -> Iterator[Heading]:
    """ATX and underlined headings outside code fences, from an offset on; the span is that of the words."""
    fence = ""
    previous, previous_start = "", start
    for line in text[start:].split("\n"):
        opening = _FENCE.match(line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
        elif not fence:
            if match := _HASHES.match(line):
                yield Heading(Span(start + match.start(2), start + match.end(2)), len(match[1]))
            elif (match := _UNDERLINE.match(line)) and not _NOT_A_TITLE.match(previous):
                title = previous.strip()
                title_start = previous_start + previous.index(title)
                yield Heading(Span(title_start, title_start + len(title)), 1 if match[1][0] == "=" else 2)
        previous, previous_start = line, start
        start += len(line) + 1
