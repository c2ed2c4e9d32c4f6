"""Puts a document's text together piece by piece, remembering where in the file each piece stands.

Used by the readers of formats without pages; the pieces themselves come from each format's reader.
"""

from array import array
from dataclasses import dataclass, field

import numpy as np

from coderai_pipeline.domain.documents import DocumentStatus, EvidenceMap, Heading, HiddenText, Span, TableSpan
from coderai_pipeline.readers.base import Content
from coderai_pipeline.readers.normalise import is_blank

PARAGRAPH = "\n\n"
LINE = "\n"
CELL = " | "
_UNSEEN = "characters that a person cannot see in the file"


@dataclass(slots=True)
class TextBuilder:
    """Text so far, with its places. `gap` waits until more text comes, so that no text starts or ends with one."""

    warnings: list[str] = field(default_factory=list[str])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    length: int = 0
    _parts: list[str] = field(default_factory=list[str])
    _gap: str = ""
    _headings: list[Heading] = field(default_factory=list[Heading])
    _tables: list[TableSpan] = field(default_factory=list[TableSpan])
    _hidden: list[HiddenText] = field(default_factory=list[HiddenText])
    _starts: "array[int]" = field(default_factory=lambda: array("i"))
    _ends: "array[int]" = field(default_factory=lambda: array("i"))
    _paths: list[str] = field(default_factory=list[str])

    def add(self, text: str, path: str, hidden: str = "") -> Span:
        """Append text that stands at `path`; `hidden` says why a person cannot see it."""
        if not text:
            return Span(self.length, self.length)
        if self._gap and self.length:
            self._append(self._gap)
        self._gap = ""
        span = Span(self.length, self.length + len(text))
        self._append(text)
        self._place(span, path)
        if hidden:
            self._hide(span, hidden)
        return span

    def join(self, separator: str) -> None:
        """Append text that stands nowhere in the file, such as the bar between two cells."""
        if self._gap and self.length:
            self._append(self._gap)
        self._gap = ""
        self._append(separator)

    def separate(self, gap: str) -> None:
        """Ask for a gap before the next text; the wider of several wins."""
        if len(gap) > len(self._gap):
            self._gap = gap

    def heading(self, span: Span, level: int) -> None:
        if span.end > span.start:
            self._headings.append(Heading(span, level))

    def table(self, span: Span, header: Span | None) -> None:
        if span.end > span.start:
            self._tables.append(TableSpan(span, header))

    def here(self) -> int:
        """Where the next text will start."""
        return self.length + (len(self._gap) if self.length else 0)

    def extend(self, other: "TextBuilder") -> None:
        """Append all of another builder's text, moving its places along."""
        self.warnings += other.warnings
        self.metadata |= other.metadata
        if not other.length:
            return
        if self._gap and self.length:
            self._append(self._gap)
        self._gap = other._gap
        by = self.length
        self._headings += [Heading(_moved(heading.span, by), heading.level) for heading in other._headings]
        self._tables += [
            TableSpan(_moved(table.span, by), _moved(table.header, by) if table.header else None)
            for table in other._tables
        ]
        self._hidden += [HiddenText(_moved(hidden.span, by), hidden.why) for hidden in other._hidden]
        self._starts.extend(start + by for start in other._starts)
        self._ends.extend(end + by for end in other._ends)
        self._paths += other._paths
        self._parts += other._parts
        self.length += other.length

    def include(self, content: Content, path: str) -> None:
        """Append a document that stands within this one at `path`, with all that is known of its parts."""
        # What is hidden in it is counted again with all that is hidden.
        inner = TextBuilder(warnings=[said for said in content.warnings if _UNSEEN not in said])
        places = content.places
        at = 0
        for start, end, place in zip(places.starts.tolist(), places.ends.tolist(), places.paths, strict=True):
            inner._append(content.text[at:start])
            inner._append(content.text[start:end])
            inner._place(Span(start, end), f"{path}, {place}")
            at = end
        inner._append(content.text[at:])
        inner._headings, inner._tables, inner._hidden = [*content.headings], [*content.tables], [*content.hidden]
        self.extend(inner)

    def text(self) -> str:
        return "".join(self._parts)

    def content(self, empty_reason: str) -> Content:
        """The finished document; without a visible or hidden letter it is `no_text`, for `empty_reason`."""
        text = self.text()
        if is_blank(text):
            return Content("", DocumentStatus.NO_TEXT, empty_reason, warnings=self.warnings, metadata=self.metadata)
        if self._hidden:
            self.warnings.append(_hidden_warning(self._hidden))
        return Content(
            text,
            headings=tuple(self._headings),
            tables=tuple(self._tables),
            hidden=tuple(self._hidden),
            warnings=self.warnings,
            metadata=self.metadata,
            places=self._places(),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)

    def _place(self, span: Span, path: str) -> None:
        """One row a path: pieces that follow each other at the same place are joined."""
        if self._paths and self._paths[-1] == path and self._ends[-1] >= span.start - len(PARAGRAPH):
            self._ends[-1] = span.end
            return
        self._starts.append(span.start)
        self._ends.append(span.end)
        self._paths.append(path)

    def _hide(self, span: Span, why: str) -> None:
        last = self._hidden[-1] if self._hidden else None
        if last and last.why == why and not self._between(last.span.end, span.start).strip():
            self._hidden[-1] = HiddenText(Span(last.span.start, span.end), why)
        else:
            self._hidden.append(HiddenText(span, why))

    def _between(self, start: int, end: int) -> str:
        """The text between two nearby offsets, the second of which is the start of the last piece."""
        return "" if start == end else self._parts[-2] if end - start == len(self._parts[-2]) else "?"

    def _places(self) -> EvidenceMap:
        count = len(self._paths)
        return EvidenceMap(
            np.array(self._starts, np.int32),
            np.array(self._ends, np.int32),
            np.zeros(count, np.int32),
            np.zeros((0, 4), np.float32),
            tuple(self._paths),
        )


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _hidden_warning(hidden: list[HiddenText]) -> str:
    characters = sum(part.span.end - part.span.start for part in hidden)
    reasons = ", ".join(dict.fromkeys(part.why for part in hidden))
    return f"{characters} {_UNSEEN} ({reasons})"
