"""The provider's Batch API: the same calls for half the price, hours later; their replies land in the same archive.

Calls that are answered at once go through `provider`. When to submit and to poll is for the caller to decide; what is kept
in the meantime is in `batch_tickets`.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from coderai_pipeline.domain.cells import CallRequest, JsonValue, Reply
from coderai_pipeline.domain.errors import ProviderUnavailable, RequestRefused
from coderai_pipeline.domain.project import ExtractorSettings
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors import chat, responses
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.batch_tickets import CANCELLED, FORGOTTEN, BatchTicket, TicketFolder
from coderai_pipeline.extractors.budget import TokenBudget, estimate
from coderai_pipeline.extractors.clients import without_key
from coderai_pipeline.extractors.formats import Formats
from coderai_pipeline.extractors.prices import cost_of
from coderai_pipeline.extractors.retrying import trouble_of
from coderai_pipeline.extractors.wire import Malformed, ReplyFormat, Usage, any_usage, believable

if TYPE_CHECKING:
    import openai
    from openai.types import Batch as ServerBatch

T = TypeVar("T")

MOST_CALLS = 50_000
MOST_BYTES = 190 * 1024 * 1024
_RETRIES = 5
_LONGEST_WHY = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """answered: call ids whose replies are in the archive now. open: ids without one and why; they are to be asked again."""

    answered: tuple[str, ...]
    open: Mapping[str, str]


class _Unknown(RequestRefused):
    """The server knows nothing of that name."""


class Batch:
    """The batches of one project; tickets and the requests behind them are files in `folder`. formats: how the server is
    found to take requests, as calls that were answered at once have shown."""

    def __init__(
        self,
        settings: ExtractorSettings,
        client: "openai.OpenAI",
        key: str,
        budget: TokenBudget,
        folder: Path,
        formats: Formats,
    ) -> None:
        self._settings = settings
        self._client = client.with_options(max_retries=_RETRIES)
        self._key = key
        self._budget = budget
        self._kept = TicketFolder(folder)
        self._formats = formats

    def submit(self, requests: Sequence[CallRequest]) -> BatchTicket:
        """Sends requests as one batch, at most 50,000 of one model. The ticket is kept before anything is sent."""
        wanted = {call_id(request): request for request in requests}
        models = {request.model for request in requests}
        if len(models) != 1 or len(wanted) > MOST_CALLS:
            raise ValueError(f"a batch holds 1 to {MOST_CALLS:,} calls of one model")
        (model,) = models
        tokens = sum(estimate(request).total for request in wanted.values())
        ticket = BatchTicket(
            id=uuid.uuid4().hex,
            batch="",
            status="submitting",
            call_ids=tuple(wanted),
            submitted_at=datetime.now(UTC).isoformat(),
            estimated_tokens=tokens,
            protocol=self._formats.protocol(model),
            reply_format=self._formats.asking(model, requests[0].schema).reply_format,
        )
        lines = self._lines_of(ticket, wanted)
        if len(lines) > MOST_BYTES:
            raise ValueError(f"a batch holds at most {MOST_BYTES:,} bytes")
        self._budget.commit(tokens)
        self._kept.keep_requests(ticket, wanted)
        self._kept.keep(ticket)
        try:
            return self._send(ticket, lines)
        except RequestRefused:
            self._withdraw(ticket)
            raise

    def tickets(self) -> Iterator[BatchTicket]:
        """Tickets whose replies are not all collected, oldest first."""
        yield from self._kept.open()

    def poll(self, ticket: BatchTicket) -> BatchTicket:
        """The ticket as it stands now. One whose submission was cut short is found on the server, or sent after all."""
        if not ticket.batch:
            found = self._find(ticket)
            if found is None:
                return self._send(ticket, self._lines_of(ticket, self._kept.requests(ticket)))
            ticket = replace(ticket, batch=found)
        try:
            status = str(self._ask(lambda: self._client.batches.retrieve(ticket.batch)).status)
        except _Unknown:
            self._ask(lambda: self._client.batches.list(limit=1))  # raises where it is the whole API that is not there
            status = FORGOTTEN
        return self._kept.keep(replace(ticket, status=status))

    def cancel(self, ticket: BatchTicket) -> BatchTicket | None:
        """Asks the server to end a batch; what it answered until then can be collected once it has ended. None: the server
        had never begun it, and nothing is left of it."""
        batch = ticket.batch or self._find(ticket)
        if batch is None:
            self._withdraw(ticket)
            return None
        with suppress(RequestRefused):  # it has ended by itself, or is not known: either shows when it is asked after
            once_more = self._client.with_options(max_retries=1)  # that it has ended stays so, however often one asks
            self._ask(lambda: once_more.batches.cancel(batch))
        return self.poll(replace(ticket, batch=batch))

    def collect(self, ticket: BatchTicket, archive: ReplyArchive) -> Collected:
        """Puts the replies of an ended batch into the archive, matched by custom id alone, and settles the budget."""
        requests = self._kept.requests(ticket)
        batch = None
        if ticket.status != FORGOTTEN:
            batch = self._ask(lambda: self._client.batches.retrieve(ticket.batch))
        answered: dict[str, int] = {}
        why: dict[str, str] = {}
        lost = 0
        for line in self._lines(batch.output_file_id, batch.error_file_id) if batch else ():
            identity = str(line.get("custom_id"))
            if identity not in requests or identity in answered:
                continue
            reply = self._reply(identity, requests[identity], line, ticket)
            if isinstance(reply, str):
                why[identity] = reply
                lost += self._keep_unread(archive, requests[identity], line, reply)
                continue
            archive.put(requests[identity], reply, cast(JsonValue, line))
            answered[identity] = reply.input_tokens + reply.output_tokens
        if batch is None or replace(ticket, status=str(batch.status)).is_ended:
            self._kept.keep(replace(ticket, status="collected"))
            # Paid for already, even where it is more than the budget bears.
            self._budget.settle(0, sum(answered.values()) + lost - ticket.estimated_tokens)
        otherwise = self._why_unanswered(ticket, batch)
        return Collected(tuple(answered), {name: why.get(name, otherwise) for name in requests if name not in answered})

    def _why_unanswered(self, ticket: BatchTicket, batch: "ServerBatch | None") -> str:
        if batch is None:
            return f"the server no longer knows batch {ticket.batch}"
        if batch.status == CANCELLED:
            return "the batch was cancelled"
        said = "; ".join(error.message or error.code or "" for error in (batch.errors and batch.errors.data) or ())
        return without_key(said, self._key)[:_LONGEST_WHY] or "the batch holds no reply to it"

    def _send(self, ticket: BatchTicket, lines: bytes) -> BatchTicket:
        upload = self._ask(lambda: self._client.files.create(file=(f"{ticket.id}.jsonl", lines), purpose="batch"))
        batch = self._ask(
            lambda: self._client.batches.create(
                input_file_id=upload.id,
                endpoint="/v1/chat/completions",
                # Azure's form of it is none that the client's types know.
                extra_body={"endpoint": self._path(ticket)},
                completion_window="24h",
                metadata={"ticket": ticket.id},
            )
        )
        return self._kept.keep(replace(ticket, batch=batch.id, status=str(batch.status)))

    def _find(self, ticket: BatchTicket) -> str | None:
        """The server's name of a batch that was created just before this side was killed."""
        for batch in self._ask(lambda: self._client.batches.list(limit=100)).data:
            if (batch.metadata or {}).get("ticket") == ticket.id:
                return batch.id
        return None

    def _path(self, ticket: BatchTicket) -> str:
        path = responses.PATH if ticket.protocol == "responses" else chat.PATH
        return path if self._settings.api == "azure" else f"/v1{path}"

    def _lines_of(self, ticket: BatchTicket, requests: Mapping[str, CallRequest]) -> bytes:
        path = self._path(ticket)
        body_for = responses.body_for if ticket.protocol == "responses" else chat.body_for
        lines = (
            {
                "custom_id": name,
                "method": "POST",
                "url": path,
                "body": body_for(one, self._formats.asking(one.model, one.schema)),
            }
            for name, one in requests.items()
        )
        return b"\n".join(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") for line in lines)

    def _lines(self, *files: str | None) -> Iterator[Mapping[str, object]]:
        for file in filter(None, files):
            try:
                content = self._ask(lambda file=file: self._client.files.content(file)).content
            except _Unknown:
                continue  # a file that the server has thrown away holds no replies
            for line in content.decode("utf-8", "replace").split("\n"):
                try:
                    held = cast(object, json.loads(line))
                except ValueError:
                    continue
                if isinstance(held, dict):
                    yield cast(dict[str, object], held)

    def _reply(
        self, identity: str, request: CallRequest, line: Mapping[str, object], ticket: BatchTicket
    ) -> Reply | str:
        """The reply of one line, or why it is none."""
        response = _response(line)
        if str(response.get("status_code")) != "200":
            self._learn(ticket, request, response)
            raw = str(line.get("error") or response.get("body") or "no response")
            return without_key(raw, self._key)[:_LONGEST_WHY]
        try:
            said = (responses if ticket.protocol == "responses" else chat).said_in(response.get("body"))
        except Malformed as error:
            return str(error)
        prompt = estimate(request).prompt
        usage = believable(said.usage, prompt) or Usage(prompt, count_tokens(said.text), 0)
        started_at = datetime.fromisoformat(ticket.submitted_at)
        tokens = (usage.input_tokens, usage.output_tokens, usage.cached_tokens)
        cost = cost_of(self._settings.prices, request.model, *tokens, batch=True)
        seconds = (datetime.now(UTC) - started_at).total_seconds()
        model = said.model or request.model
        return Reply(identity, said.text, said.finish_reason, model, *tokens, started_at, seconds, cost, 1)

    def _keep_unread(self, archive: ReplyArchive, request: CallRequest, line: Mapping[str, object], why: str) -> int:
        """Writes down what is charged for and is no reply; the tokens that it says it took."""
        usage = believable(any_usage(_response(line).get("body")), estimate(request).prompt)
        if usage is None:
            return 0
        archive.put_unread(call_id(request), request, without_key(json.dumps(line), self._key), why)
        return usage.input_tokens + usage.output_tokens

    def _learn(self, ticket: BatchTicket, request: CallRequest, response: Mapping[str, object]) -> None:
        """What a refusal says of the form of the request, for the batch in which it is asked again."""
        model, status = request.model, response.get("status_code")
        if not isinstance(status, int):
            return
        trouble = trouble_of(status, {}, response.get("body"), "")
        asking = self._formats.asking(model, request.schema)
        if trouble.kind == "format" and asking.reply_format == ticket.reply_format:
            self._formats.refuse_format(model, cast(ReplyFormat, ticket.reply_format))
        elif trouble.kind == "schema":
            self._formats.refuse_schema(model, request.schema, asking.reply_format)
        elif trouble.kind == "parameter" and trouble.parameter not in asking.dropped:
            self._formats.refuse_parameter(model, trouble.parameter, asking)

    def _withdraw(self, ticket: BatchTicket) -> None:
        """A batch that the server did not begin: nothing is under way, and nothing is owed."""
        self._budget.commit(-ticket.estimated_tokens)
        self._kept.forget(ticket)

    def _ask(self, call: Callable[[], T]) -> T:
        import openai

        try:
            return call()
        except openai.APIStatusError as error:
            raw = without_key(error.response.text, self._key)[:2_000]
            status = error.status_code
            kind = ProviderUnavailable if status >= 500 or status == 429 else RequestRefused
            if status == 404:
                kind = _Unknown
            raise kind(f"the Batch API answered {status}; see whether this server offers it", raw) from None
        except openai.APIConnectionError as error:
            raise ProviderUnavailable(f"the Batch API cannot be reached ({type(error.__cause__).__name__})") from None


def _response(line: Mapping[str, object]) -> dict[str, object]:
    given = line.get("response")
    return cast(dict[str, object], given) if isinstance(given, dict) else {}
