"""Who answers: a model server or the local rules, behind one face. An extractor is chosen by name, never stood in for.

A question is one ask about one chunk; hearing it gives a parsed reply or the reason why there is none.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

from coderai_pipeline.domain.asks import Ask
from coderai_pipeline.domain.cells import CallRequest, Reply
from coderai_pipeline.domain.chunks import Chunk, split_further
from coderai_pipeline.domain.conventions import conventions_of
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.errors import (
    BudgetExhausted,
    CoderAIError,
    ContextTooLong,
    ProviderUnavailable,
    RequestRefused,
)
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.prompts import EntityHint, render
from coderai_pipeline.domain.replies import ParsedReply, read_reply
from coderai_pipeline.extractors import rules
from coderai_pipeline.extractors.archive import ReplyArchive, call_id, next_attempt
from coderai_pipeline.extractors.provider import Provider

TRIES = 3
"""How often a run asks a question whose replies cannot be read; replies of earlier runs do not count."""

Waiting = Sequence[Future[Any]]


@dataclass(frozen=True, slots=True)
class Question:
    ask: Ask
    chunk: Chunk
    hints: tuple[EntityHint, ...] = ()
    fresh: bool = False
    """Replies held from earlier are not good enough: it is asked anew."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a question. problem: why there are no answers, "" = there are. reply: None where no call was made.

    replies: all that were paid for it, the last is the one used. raw: text of a reply that could not be read.
    """

    question: Question
    parsed: ParsedReply
    problem: str = ""
    replies: tuple[Reply, ...] = ()
    raw: str | None = None

    @property
    def reply(self) -> Reply | None:
        return self.replies[-1] if self.replies else None


class Interrupted(CoderAIError):
    """The document cannot be finished now (budget, outage); it stays open. stop: the whole run has to stop."""

    def __init__(self, why: str, *, stop: bool) -> None:
        self.stop = stop
        super().__init__(why)


class Asker(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def pays(self) -> bool:
        """Whether asking costs anything; what costs nothing is not recalled but asked again."""
        ...

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        """Puts the questions, yielding what it waits for. Raises Interrupted."""
        ...

    def recall(self, question: Question, call_id: str) -> Heard | None:
        """What a reply paid for earlier says to a question; None where it is not held or not readable."""
        ...


@dataclass(slots=True)
class _Open:
    question: Question
    request: CallRequest
    future: Future[Reply]
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelAsker:
    """Asks a model server; unreadable replies are asked again, chunks that are too long are halved."""

    provider: Provider
    archive: ReplyArchive
    name: str = "openai"
    pays: bool = True

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        heard: list[Heard] = []
        waiting = [self._put(document, question) for question in questions]
        while waiting:
            yield [one.future for one in waiting]
            again: list[_Open] = []
            for one in waiting:
                again.extend(self._take(document, one, heard))
            waiting = again
        return heard

    def recall(self, question: Question, call_id: str) -> Heard | None:
        reply = self.archive.get(call_id)
        if reply is None:
            return None
        parsed = _parse(question, reply)
        return None if parsed.problem else Heard(question, parsed, "", (reply,))

    def _put(self, document: Document, question: Question) -> _Open:
        request = render(question.ask, document, question.chunk, question.hints)
        while question.fresh and self.archive.get(call_id(request)) is not None:
            request = next_attempt(request)
        return _Open(question, request, self.provider.submit(request))

    def _take(self, document: Document, one: _Open, heard: list[Heard]) -> list[_Open]:
        """Adds what was heard, or gives what has to be asked instead."""
        try:
            reply = one.future.result()
        except ContextTooLong as error:
            return self._halves(document, one, error, heard)
        except RequestRefused as error:
            heard.append(Heard(one.question, ParsedReply(), str(error), one.replies, error.raw))
            return []
        except BudgetExhausted as error:
            raise Interrupted(str(error), stop=True) from error
        except ProviderUnavailable as error:
            raise Interrupted(str(error), stop=False) from error
        parsed = _parse(one.question, reply)
        replies = (*one.replies, reply)
        complaint = parsed.problem or (f"no answer to {', '.join(parsed.missing)}" if parsed.missing else "")
        if complaint and sum(not reply.from_archive for reply in replies) < TRIES:
            future = self.provider.ask_again(one.request, complaint)
            return [_Open(one.question, next_attempt(one.request), future, replies)]
        heard.append(Heard(one.question, parsed, parsed.problem, replies, reply.text if complaint else None))
        return []

    def _halves(self, document: Document, one: _Open, error: ContextTooLong, heard: list[Heard]) -> list[_Open]:
        try:
            halves = split_further(one.question.chunk, document)
        except ContextTooLong:
            heard.append(Heard(one.question, ParsedReply(), str(error), one.replies, error.raw))
            return []
        return [self._put(document, replace(one.question, chunk=half)) for half in halves]


def _parse(question: Question, reply: Reply) -> ParsedReply:
    ids = [hint.id for hint in question.hints]
    return read_reply(reply.text, reply.finish_reason, question.ask, reply.call_id, question.chunk.index, ids)


@dataclass(frozen=True, slots=True)
class RulesAsker:
    """Asks the local rules: at once, without calls."""

    project: Project
    name: str = "rules"
    pays: bool = False

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        yield from ()
        return [Heard(question, self._parsed(document, question)) for question in questions]

    def recall(self, question: Question, call_id: str) -> Heard | None:
        return None

    def _parsed(self, document: Document, question: Question) -> ParsedReply:
        ask, chunk, conventions = question.ask, question.chunk, conventions_of(self.project, document)
        read = rules.answer(ask.document_variables, document, chunk.span, conventions)
        rows = rules.answer_rows(self.project.unit, ask.row_variables, document, chunk.span, conventions)
        return ParsedReply(
            answers=tuple(replace(answer, chunk=chunk.index) for answer in read),
            rows=tuple(tuple(replace(answer, chunk=chunk.index) for answer in row.answers) for row in rows),
        )
