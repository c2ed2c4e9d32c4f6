"""Markdown -> document: the text as it stands, with its headings recognised."""

import re
from collections.abc import Iterator

from coderai_pipeline.domain.documents import Heading, Span
from coderai_pipeline.readers import text as plain
from coderai_pipeline.readers.base import Content, ReadOptions

_HASHES = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_NOT_A_TITLE = re.compile(r"\s*$|\s*([-*+>|#]|\d+[.)])(\s|$)| {4}")


def read(data: bytes, options: ReadOptions) -> Content:
    content = plain.read(data, options)
    content.headings = tuple(_headings(content.text))
    if content.headings:
        content.metadata["title"] = content.headings[0].span.of(content.text)
    return content


def _headings(text: str) -> Iterator[Heading]:
    """ATX and underlined headings outside code fences; the span is that of the words."""
    fence = ""
    previous, previous_start = "", 0
    start = 0
    for line in text.split("\n"):
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
