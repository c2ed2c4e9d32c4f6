"""Hears a batch's replies: what the archive holds is an answer, what it does not hold is awaited or, in the end, given up.

Submitting and collecting batches is in `batching`.
"""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.chunks import split_further
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.errors import ContextTooLong
from coderai_pipeline.domain.prompts import render
from coderai_pipeline.domain.replies import ParsedReply
from coderai_pipeline.engine.askers import TRIES, Awaited, Heard, Question, Waiting, best_of, held_replies, recall_from
from coderai_pipeline.extractors.archive import ReplyArchive, call_id

FOLDER = "batches"
"""Below a project's `state/`: tickets, their requests, and what stayed without a reply."""


@dataclass(frozen=True, slots=True)
class BatchAsker:
    """Hears what the archive holds and sends nothing: a question without a reply leaves its document open.

    found: is told each request that has to be submitted. insist: requests that were given up are submitted once more.
    """

    archive: ReplyArchive
    unanswered: "Unanswered"
    found: Callable[[CallRequest], None] | None = None
    insist: bool = False
    name: str = "openai"
    pays: bool = True

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        yield from ()
        heard: list[Heard] = []
        awaited = sum(self._hear(document, question, heard) for question in questions)
        if awaited:
            raise Awaited(f"waiting for the batch ({awaited} {'call' if awaited == 1 else 'calls'})")
        return heard

    def recall(self, question: Question, call_id: str) -> Heard | None:
        return recall_from(self.archive, question, call_id)

    def _hear(self, document: Document, question: Question, heard: list[Heard]) -> int:
        """Adds what is heard; gives the number of calls that have to be waited for."""
        request = render(question.ask, document, question.chunk, question.hints)
        tried, due = held_replies(self.archive, question, request)
        batches, why = self.unanswered.about(call_id(due)) if due is not None else (0, "")
        if "context_length_exceeded" in why and (halves := _halves(document, question)):
            return sum(self._hear(document, half, heard) for half in halves)
        if due is None or (not self.insist and (len(tried) >= TRIES or batches >= TRIES)):
            unheard = Heard(question, ParsedReply(), f"no reply in {batches} batches: {why}")
            heard.append(best_of(question, tried) if tried else unheard)
            return 0
        if self.found is not None:
            self.found(due)
        return 1


def _halves(document: Document, question: Question) -> list[Question]:
    try:
        return [replace(question, chunk=half) for half in split_further(question.chunk, document)]
    except ContextTooLong:
        return []


@dataclass(slots=True)
class Unanswered:
    """Calls that came back from batches without a reply: call id -> (how many batches, why the last time)."""

    path: Path
    calls: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    @classmethod
    def load(cls, state: Path) -> "Unanswered":
        path = state / FOLDER / "unanswered.json"
        held: Mapping[str, Sequence[object]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return cls(path, {name: (int(str(batches)), str(why)) for name, (batches, why) in held.items()})

    def about(self, call_id: str) -> tuple[int, str]:
        return self.calls.get(call_id, (0, ""))

    def note(self, answered: Sequence[str], without: Mapping[str, str]) -> None:
        for name in answered:
            self.calls.pop(name, None)
        for name, why in without.items():
            self.calls[name] = self.about(name)[0] + 1, why
        unfinished = self.path.with_suffix(f".{os.getpid()}.unfinished")
        unfinished.write_text(json.dumps(self.calls, ensure_ascii=False), "utf-8")
        unfinished.replace(self.path)
