"""Replies paid for earlier: what is written down of each, and which of them answer the very question that would be asked.

The replies themselves are in the archive (`extractors.archive`); when they are looked for is in `work` and `many_rows`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.asks import Mode
from coderai_pipeline.domain.chunks import Chunk, part_of
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.prompts import EntityHint
from coderai_pipeline.engine.askers import Heard, Question
from coderai_pipeline.engine.held import HeldCall

if TYPE_CHECKING:
    from coderai_pipeline.engine.work import Method, Work

FINDING: tuple[Mode, ...] = ("rows", "identify")
"""How entities are looked for."""

ROW_MODES: tuple[Mode, ...] = ("row", *FINDING)
"""How a document-level variable may have been asked."""


def mark_of(hint: EntityHint) -> str:
    """What tells an entity asked about from another that had the same id when other entities were found."""
    shows = hint.quote or json.dumps(dict(hint.key), ensure_ascii=False, sort_keys=True)
    return f"{hint.id}:{hashlib.sha256(shows.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Recall:
    """The usable replies held for one text of a document, oldest first."""

    method: "Method"
    document: Document
    calls: tuple[HeldCall, ...]

    @classmethod
    def of(cls, method: "Method", document: Document, text_sha256: str, calls: Iterable[HeldCall]) -> "Recall":
        return cls(method, document, tuple(call for call in calls if call.text_sha256 == text_sha256))

    def known(
        self, variables: Sequence[Variable], modes: Sequence[Mode], chunk: Chunk, mark: str = ""
    ) -> tuple[HeldCall, ...]:
        """The latest reply about the whole chunk that answers all the variables in their present wording, or replies about
        parts that together cover it; () = it would be asked. mark: of the entity they must be about."""
        if not self.calls:
            return ()
        wanted = {variable.name: self.method.definitions[variable.name].ask for variable in variables}
        for mode in modes:
            calls = [
                call
                for call in self.calls
                if call.mode == mode and wanted.items() <= call.asked.items() and (not mark or mark in call.entities)
            ]
            whole = [call for call in calls if (call.start, call.end) == (chunk.span.start, chunk.span.end)]
            if found := tuple(whole[-1:] or _covering(calls, chunk.span)):
                return found
        return ()

    def heard(
        self, calls: Sequence[HeldCall], variables: Sequence[Variable], chunk: Chunk, hints: tuple[EntityHint, ...] = ()
    ) -> list[Heard] | None:
        """What replies say of the variables; None where one is no longer in the archive."""
        found: list[Heard] = []
        for call in calls:
            # Rows are told by their keys, so these are read with whatever else is.
            read = {one.name: one for one in (*(self.method.keys if call.mode in FINDING else ()), *variables)}
            part = part_of(chunk, self.document, call.chunk)
            question = Question(self.method.recalling(tuple(read.values()), call.mode), part, hints)
            one = self.method.asker.recall(question, call.call_id)
            if one is None or part.span != Span(call.start, call.end):
                return None
            found.append(one)
        return found


def _covering(calls: Sequence[HeldCall], span: Span) -> list[HeldCall]:
    """The latest calls about parts that together cover a span; [] where they leave a gap."""
    parts = {(call.start, call.end): call for call in calls if span.start <= call.start and call.end <= span.end}
    chosen: list[HeldCall] = []
    reached = span.start
    for (start, end), call in sorted(parts.items(), key=lambda part: (part[0][0], -part[0][1])):
        if start <= reached < end:
            chosen.append(call)
            reached = end
    return chosen if reached >= span.end else []


def call_rows(work: "Work", heard: Iterable[Heard]) -> Iterator[Mapping[str, Any]]:
    """A `calls` row for each reply heard in this run. Of the one used: the variables and entities that it answers."""
    for one in heard:
        chunk = one.question.chunk
        for reply in one.replies:
            is_used = reply is one.reply and not one.problem
            names, hints = _answered(one) if is_used else (one.question.ask.names, one.question.hints)
            yield {
                "call_id": reply.call_id,
                "document": work.document.key,
                "text_sha256": work.text_sha256,
                "chunk": chunk.index,
                "start": chunk.span.start,
                "end": chunk.span.end,
                "mode": one.question.ask.mode,
                "entities": [mark_of(hint) for hint in hints],
                "variables": list(names),
                "ask_fingerprints": [work.method.definitions[name].ask for name in names],
                "model": reply.model,
                "finish_reason": reply.finish_reason,
                "input_tokens": reply.input_tokens,
                "output_tokens": reply.output_tokens,
                "cached_tokens": reply.cached_tokens,
                "cost": reply.cost,
                "attempts": reply.attempts,
                "started_at": reply.started_at,
                "seconds": reply.seconds,
                "problem": "" if is_used else one.problem or "not used: asked again",
            }


def _answered(heard: Heard) -> tuple[Sequence[str], Sequence[EntityHint]]:
    names, hints, parsed = heard.question.ask.names, heard.question.hints, heard.parsed
    if heard.question.ask.mode != "fill":
        return [name for name in names if name not in parsed.missing], hints
    in_all = [name for name in names if all(any(answer.variable == name for answer in row) for row in parsed.rows)]
    return in_all, [hint for hint in hints if hint.id in parsed.row_ids]
