"""The provider's Batch API: the same calls for half the price, hours later; their replies land in the same archive.

Calls that are answered at once go through `provider`. When to submit and to poll is for the caller to decide.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from coderai_pipeline.domain.cells import CallPurpose, CallRequest, JsonValue, Message, Reply
from coderai_pipeline.domain.errors import ProviderUnavailable, RequestRefused
from coderai_pipeline.domain.project import ExtractorSettings
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors import chat
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.budget import TokenBudget, estimate
from coderai_pipeline.extractors.clients import without_key
from coderai_pipeline.extractors.prices import cost_of
from coderai_pipeline.extractors.wire import Asking, Malformed, Usage

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

MOST_CALLS = 50_000
MOST_BYTES = 190 * 1024 * 1024
_ENDED = ("completed", "expired", "failed", "cancelled")
_RETRIES = 5


@dataclass(frozen=True, slots=True)
class BatchTicket:
    """A batch under way. batch: the server's name of it, "" until it was told. status: the server's word, `submitting`
    before, `collected` once its replies are in the archive. estimated_tokens: committed in the budget until then."""

    id: str
    batch: str
    status: str
    call_ids: tuple[str, ...]
    submitted_at: str
    estimated_tokens: int

    @property
    def is_ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class Collected:
    """answered: call ids whose replies are in the archive now. open: ids without one and why; they are to be asked again."""

    answered: tuple[str, ...]
    open: Mapping[str, str]


class Batch:
    """The batches of one project; tickets and the requests behind them are files in `folder`."""

    def __init__(
        self,
        settings: ExtractorSettings,
        client: "openai.OpenAI",
        key: str,
        budget: TokenBudget,
        folder: Path,
        asking: Asking | None = None,
    ) -> None:
        self._settings = settings
        self._client = client.with_options(max_retries=_RETRIES)
        self._key = key
        self._budget = budget
        self._folder = folder
        tokens_name = "max_tokens" if settings.base_url else "max_completion_tokens"
        reply_format = "json_schema" if settings.reply_format == "auto" else settings.reply_format
        self._asking = asking or Asking(reply_format, tokens_name=tokens_name)

    def submit(self, requests: Sequence[CallRequest]) -> BatchTicket:
        """Sends requests as one batch, at most 50,000 of one model. The ticket is kept before anything is sent."""
        wanted = {call_id(request): request for request in requests}
        lines = b"\n".join(self._line(identity, request) for identity, request in wanted.items())
        if len(wanted) > MOST_CALLS or len(lines) > MOST_BYTES or len({r.model for r in requests}) != 1:
            raise ValueError(f"a batch holds 1 to {MOST_CALLS:,} calls of one model and at most {MOST_BYTES:,} bytes")
        tokens = sum(estimate(request).total for request in wanted.values())
        self._budget.commit(tokens)
        ticket = BatchTicket(uuid.uuid4().hex, "", "submitting", tuple(wanted), datetime.now(UTC).isoformat(), tokens)
        self._keep_requests(ticket, wanted)
        self._keep(ticket)
        try:
            return self._send(ticket, lines)
        except RequestRefused:
            self._withdraw(ticket)
            raise

    def tickets(self) -> Iterator[BatchTicket]:
        """Tickets whose replies are not all collected, oldest first."""
        yield from open_tickets(self._folder)

    def poll(self, ticket: BatchTicket) -> BatchTicket:
        """The ticket as it stands now. One whose submission was cut short is found on the server, or sent after all."""
        if not ticket.batch:
            found = self._find(ticket)
            if found is None:
                requests = self._requests(ticket)
                return self._send(ticket, b"\n".join(self._line(name, request) for name, request in requests.items()))
            ticket = replace(ticket, batch=found)
        status = self._ask(lambda: self._client.batches.retrieve(ticket.batch)).status
        return self._keep(replace(ticket, status=str(status)))

    def collect(self, ticket: BatchTicket, archive: ReplyArchive) -> Collected:
        """Puts the replies of an ended batch into the archive, matched by custom id alone."""
        batch = self._ask(lambda: self._client.batches.retrieve(ticket.batch))
        requests = self._requests(ticket)
        answered: dict[str, int] = {}
        why: dict[str, str] = {}
        for line in self._lines(batch.output_file_id, batch.error_file_id):
            identity = str(line.get("custom_id"))
            if identity not in requests or identity in answered:
                continue
            reply = self._reply(identity, requests[identity], line, ticket)
            if isinstance(reply, str):
                why[identity] = reply
                continue
            archive.put(requests[identity], reply, cast(JsonValue, line))
            answered[identity] = reply.input_tokens + reply.output_tokens
        if batch.status in _ENDED:
            self._keep(replace(ticket, status="collected"))
            self._budget.commit(sum(answered.values()) - ticket.estimated_tokens)
        left = {name: why.get(name, "the batch holds no reply to it") for name in requests if name not in answered}
        return Collected(tuple(answered), left)

    def _send(self, ticket: BatchTicket, lines: bytes) -> BatchTicket:
        path = "/chat/completions" if self._settings.api == "azure" else "/v1/chat/completions"
        upload = self._ask(lambda: self._client.files.create(file=(f"{ticket.id}.jsonl", lines), purpose="batch"))
        batch = self._ask(
            lambda: self._client.batches.create(
                input_file_id=upload.id,
                endpoint="/v1/chat/completions",
                # Azure's form of it is none that the client's types know.
                extra_body={"endpoint": path},
                completion_window="24h",
                metadata={"ticket": ticket.id},
            )
        )
        return self._keep(replace(ticket, batch=batch.id, status=str(batch.status)))

    def _find(self, ticket: BatchTicket) -> str | None:
        """The server's name of a batch that was created just before this side was killed."""
        for batch in self._ask(lambda: self._client.batches.list(limit=100)).data:
            if (batch.metadata or {}).get("ticket") == ticket.id:
                return batch.id
        return None

    def _line(self, identity: str, request: CallRequest) -> bytes:
        path = "/chat/completions" if self._settings.api == "azure" else "/v1/chat/completions"
        body = chat.body_for(request, self._asking)
        line = {"custom_id": identity, "method": "POST", "url": path, "body": body}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")

    def _lines(self, *files: str | None) -> Iterator[Mapping[str, object]]:
        for file in files:
            if not file:
                continue
            content = self._ask(lambda file=file: self._client.files.content(file)).content
            for line in content.decode("utf-8", "replace").splitlines():
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
        response = cast(dict[str, object], line.get("response") or {})
        if response.get("status_code") != 200:
            return without_key(str(line.get("error") or response.get("body") or "no response"), self._key)[:500]
        try:
            said = chat.said_in(response.get("body"))
        except Malformed as error:
            return str(error)
        usage = said.usage or Usage(estimate(request).prompt, count_tokens(said.text), 0)
        started_at = datetime.fromisoformat(ticket.submitted_at)
        tokens = (usage.input_tokens, usage.output_tokens, usage.cached_tokens)
        cost = cost_of(self._settings.prices, request.model, *tokens, batch=True)
        seconds = (datetime.now(UTC) - started_at).total_seconds()
        model = said.model or request.model
        return Reply(identity, said.text, said.finish_reason, model, *tokens, started_at, seconds, cost, 1)

    def _keep(self, ticket: BatchTicket) -> BatchTicket:
        _write(self._folder / f"{ticket.id}.ticket.json", json.dumps(asdict(ticket)))
        return ticket

    def _withdraw(self, ticket: BatchTicket) -> None:
        """A batch that the server refused to begin: nothing is under way, and nothing is owed."""
        self._budget.commit(-ticket.estimated_tokens)
        for path in self._folder.glob(f"{ticket.id}.*"):
            path.unlink()

    def _keep_requests(self, ticket: BatchTicket, requests: Mapping[str, CallRequest]) -> None:
        held = {name: {**asdict(request), "schema": dict(request.schema)} for name, request in requests.items()}
        _write(self._folder / f"{ticket.id}.requests.json", json.dumps(held, ensure_ascii=False, default=dict))

    def _requests(self, ticket: BatchTicket) -> dict[str, CallRequest]:
        text = (self._folder / f"{ticket.id}.requests.json").read_text("utf-8", "surrogatepass")
        held = cast(dict[str, dict[str, object]], json.loads(text))
        return {name: _request_from(stated) for name, stated in held.items()}

    def _ask(self, call: Callable[[], T]) -> T:
        import openai

        try:
            return call()
        except openai.APIStatusError as error:
            raw = without_key(error.response.text, self._key)[:2_000]
            kind = ProviderUnavailable if error.status_code >= 500 or error.status_code == 429 else RequestRefused
            raise kind(f"the Batch API answered {error.status_code}; see whether this server offers it", raw) from None
        except openai.APIConnectionError as error:
            raise ProviderUnavailable(f"the Batch API cannot be reached ({type(error.__cause__).__name__})") from None


def open_tickets(folder: Path) -> list[BatchTicket]:
    """Tickets in a folder whose replies are not all collected, oldest first; the server is not asked."""
    found = [_read_ticket(path) for path in folder.glob("*.ticket.json")]
    return sorted((t for t in found if t.status != "collected"), key=lambda ticket: ticket.submitted_at)


def collected_at(folder: Path) -> int:
    """When replies were collected last, in nanoseconds since the epoch; 0 = never."""
    collected = (path for path in folder.glob("*.ticket.json") if _read_ticket(path).status == "collected")
    return max((path.stat().st_mtime_ns for path in collected), default=0)


def _request_from(stated: Mapping[str, object]) -> CallRequest:
    messages = cast(list[dict[str, str]], stated["messages"])
    purpose = cast(dict[str, object], stated["purpose"])
    variables = tuple(str(name) for name in cast(list[object], purpose["variables"]))
    return CallRequest(
        tuple(Message(message["role"], message["content"]) for message in messages),
        cast(dict[str, JsonValue], stated["schema"]),
        str(stated["model"]),
        cast(dict[str, float | int | str], stated["parameters"]),
        CallPurpose(str(purpose["document"]), int(cast(int, purpose["chunk"])), variables),
    )


def _read_ticket(path: Path) -> BatchTicket:
    stated = cast(dict[str, object], json.loads(path.read_text("utf-8")))
    return BatchTicket(
        str(stated["id"]),
        str(stated["batch"]),
        str(stated["status"]),
        tuple(str(name) for name in cast(list[object], stated["call_ids"])),
        str(stated["submitted_at"]),
        int(cast(int, stated["estimated_tokens"])),
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8", "surrogatepass")
    temporary.replace(path)
