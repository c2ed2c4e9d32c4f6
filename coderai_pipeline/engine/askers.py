"""Who answers: a model server or the local rules, behind one face. An extractor is chosen by name, never stood in for.

A question is one ask about one chunk; hearing it gives a parsed reply or the reason why there is none.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

from coderai_pipeline.domain.asks import Ask
from coderai_pipeline.domain.cells import CallRequest, Reply
from coderai_pipeline.domain.chunks import Chunk, split_further
from coderai_pipeline.domain.conventions import conventions_of
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.errors import (
    AccessRefused,
    BudgetExhausted,
    CoderAIError,
    ContextTooLong,
    ProviderError,
    ProviderUnavailable,
    RequestRefused,
)
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.prompts import EntityHint, render
from coderai_pipeline.domain.replies import ParsedReply, read_reply
from coderai_pipeline.extractors import rules
from coderai_pipeline.extractors.archive import ReplyArchive, call_id, next_attempt
from coderai_pipeline.extractors.provider_process import ProviderProcess

TRIES = 3
"""How often a run asks a question whose replies cannot be read; replies of earlier runs do not count."""

SHORT = 50
"""Tokens of a part that is not halved, whatever the server says of its length."""

Waiting = Sequence[Future[Any]]
Tried = tuple[Reply, ParsedReply]
"""A reply and what it says."""


@dataclass(frozen=True, slots=True)
class Question:
    ask: Ask
    chunk: Chunk
    hints: tuple[EntityHint, ...] = ()


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
    """Nothing more can be asked now (budget, key, outage): the document stays open and the run stops.

    needs_person: the next run would end the same way until somebody does something.
    """

    def __init__(self, why: str, *, needs_person: bool) -> None:
        self.needs_person = needs_person
        super().__init__(why)


class Awaited(CoderAIError):
    """Replies come later, through a batch: the document stays open, nothing is wrong with it, and the run goes on."""


class Asker(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def pays(self) -> bool:
        """Whether asking costs anything; what costs nothing is not recalled but asked again."""
        ...

    def hear(self, document: Document, questions: Sequence[Question]) -> Generator[Waiting, None, list[Heard]]:
        """Puts the questions, yielding what it waits for. Raises Interrupted or Awaited."""
        ...

    def recall(self, question: Question, call_id: str) -> Heard | None:
        """What a reply paid for earlier says to a question; None where it is not held or not readable."""
        ...


@dataclass(frozen=True, slots=True)
class _Open:
    """A question under way. tried: the replies to it so far, none of them good enough."""

    question: Question
    request: CallRequest
    future: Future[Reply]
    tried: tuple[tuple[Reply, ParsedReply], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelAsker:
    """Asks a model server; unreadable replies are asked again, chunks that are too long are halved."""

    provider: ProviderProcess
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
        return recall_from(self.archive, question, call_id)

    def _put(self, document: Document, question: Question) -> _Open:
        request = render(question.ask, document, question.chunk, question.hints)
        return _Open(question, request, self.provider.submit(request))

    def _take(self, document: Document, one: _Open, heard: list[Heard]) -> list[_Open]:
        """Adds what was heard, or gives what has to be asked instead."""
        try:
            reply = self._reply(one)
        except ContextTooLong as error:
            return self._halves(document, one, error, heard)
        except (RequestRefused, ProviderUnavailable) as error:
            heard.append(best_of(one.question, one.tried) if _is_usable(one.tried) else _unheard(one, error))
            return []
        parsed = parse_reply(one.question, reply)
        tried = (*one.tried, (reply, parsed))
        complaint = complaint_about(parsed)
        if complaint and sum(not reply.from_archive for reply, _ in tried) < TRIES:
            future = self.provider.ask_again(one.request, complaint)
            return [_Open(one.question, next_attempt(one.request), future, tried)]
        heard.append(best_of(one.question, tried))
        return []

    def _reply(self, one: _Open) -> Reply:
        """Raises Interrupted where the trouble is not this question's own."""
        try:
            return one.future.result()
        except (BudgetExhausted, AccessRefused) as error:
            raise Interrupted(str(error), needs_person=True) from error
        except OSError as error:
            why = f"replies cannot be written down or read ({error}); make room on the disk or mend it, then resume"
            raise Interrupted(why, needs_person=True) from error
        except ProviderUnavailable as error:
            if self.provider.stats().breaker == "closed":
                raise  # other calls are answered: it is this one that the server cannot take
            raise Interrupted(str(error), needs_person=False) from error
        except CancelledError as error:
            raise Interrupted("the run was cancelled", needs_person=False) from error

    def _halves(self, document: Document, one: _Open, error: ContextTooLong, heard: list[Heard]) -> list[_Open]:
        try:
            if one.question.chunk.tokens < SHORT:
                raise error  # it is not the text that is too long
            halves = split_further(one.question.chunk, document)
        except ContextTooLong:
            heard.append(_unheard(one, error))
            return []
        return [self._put(document, replace(one.question, chunk=half)) for half in halves]


def _unheard(one: _Open, error: ProviderError) -> Heard:
    return Heard(one.question, ParsedReply(), str(error), tuple(reply for reply, _ in one.tried), error.raw)


def _is_usable(tried: Sequence[tuple[Reply, ParsedReply]]) -> bool:
    return any(not parsed.problem for _, parsed in tried)


def best_of(question: Question, tried: Sequence[Tried]) -> Heard:
    """The reply that says most, the last of equals: a worse one that came later takes nothing away."""
    ordered = sorted(tried, key=lambda one: (not one[1].problem, -len(one[1].missing)))
    reply, parsed = ordered[-1]
    is_whole = not (parsed.problem or parsed.missing)
    return Heard(question, parsed, parsed.problem, tuple(one for one, _ in ordered), None if is_whole else reply.text)


def parse_reply(question: Question, reply: Reply) -> ParsedReply:
    ids = [hint.id for hint in question.hints]
    return read_reply(reply.text, reply.finish_reason, question.ask, reply.call_id, question.chunk.index, ids)


def complaint_about(parsed: ParsedReply) -> str:
    """Why the question is to be asked again; "" = the reply will do."""
    return parsed.problem or (f"no answer to {', '.join(parsed.missing)}" if parsed.missing else "")


def held_replies(
    archive: ReplyArchive, question: Question, request: CallRequest
) -> tuple[tuple[Tried, ...], CallRequest | None]:
    """The replies held to a question, in the order of asking, and the request that is made next; None = the last will do."""
    tried: tuple[Tried, ...] = ()
    while (reply := archive.get(call_id(request))) is not None:
        tried = (*tried, (reply, parse_reply(question, reply)))
        if not complaint_about(tried[-1][1]):
            return tried, None
        request = next_attempt(request)
    return tried, request


def recall_from(archive: ReplyArchive, question: Question, call_id: str) -> Heard | None:
    reply = archive.get(call_id)
    if reply is None:
        return None
    parsed = parse_reply(question, reply)
    return None if parsed.problem else Heard(question, parsed, "", (reply,))


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
