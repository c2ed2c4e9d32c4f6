"""What is kept of batches under way: a ticket each, and the requests behind it, as files of the project.

What the Batch API is asked, and what comes of it, is in `batch`.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from coderai_pipeline.domain.cells import CallPurpose, CallRequest, JsonValue, Message

FORGOTTEN = "forgotten"
"""Our word for a batch that its server no longer knows."""

CANCELLED = "cancelled"
_ENDED = ("completed", "expired", "failed", CANCELLED, FORGOTTEN)


@dataclass(frozen=True, slots=True)
class BatchTicket:
    """A batch under way. batch: the server's name of it, "" until it was told. status: the server's word, `submitting`
    before, `collected` once its replies are in the archive. estimated_tokens: committed in the budget until then.
    protocol, reply_format: how its calls are asked."""

    id: str
    batch: str
    status: str
    call_ids: tuple[str, ...]
    submitted_at: str
    estimated_tokens: int
    protocol: str = "chat"
    reply_format: str = ""

    @property
    def is_ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class TicketFolder:
    path: Path

    def open(self) -> list[BatchTicket]:
        """Tickets whose replies are not all collected, oldest first; the server is not asked."""
        found = [_read(path) for path in self.path.glob("*.ticket.json")]
        return sorted((t for t in found if t.status != "collected"), key=lambda ticket: ticket.submitted_at)

    def collected_at(self) -> int:
        """When replies were collected last, in nanoseconds since the epoch; 0 = never."""
        collected = (path for path in self.path.glob("*.ticket.json") if _read(path).status == "collected")
        return max((path.stat().st_mtime_ns for path in collected), default=0)

    def keep(self, ticket: BatchTicket) -> BatchTicket:
        _write(self.path / f"{ticket.id}.ticket.json", json.dumps(asdict(ticket)))
        return ticket

    def keep_requests(self, ticket: BatchTicket, requests: Mapping[str, CallRequest]) -> None:
        held = {name: {**asdict(request), "schema": dict(request.schema)} for name, request in requests.items()}
        _write(self.path / f"{ticket.id}.requests.json", json.dumps(held, ensure_ascii=False, default=dict))

    def requests(self, ticket: BatchTicket) -> dict[str, CallRequest]:
        text = (self.path / f"{ticket.id}.requests.json").read_text("utf-8", "surrogatepass")
        held = cast(dict[str, dict[str, object]], json.loads(text))
        return {name: _request_from(stated) for name, stated in held.items()}

    def forget(self, ticket: BatchTicket) -> None:
        for path in self.path.glob(f"{ticket.id}.*"):
            path.unlink()


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


def _read(path: Path) -> BatchTicket:
    stated = cast(dict[str, object], json.loads(path.read_text("utf-8")))
    return BatchTicket(
        str(stated["id"]),
        str(stated["batch"]),
        str(stated["status"]),
        tuple(str(name) for name in cast(list[object], stated["call_ids"])),
        str(stated["submitted_at"]),
        int(cast(int, stated["estimated_tokens"])),
        str(stated.get("protocol", "chat")),
        str(stated.get("reply_format", "")),
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8", "surrogatepass")
    temporary.replace(path)
