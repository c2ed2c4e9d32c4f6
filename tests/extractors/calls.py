"""Requests, answers and providers for the tests of this folder. The server they talk to is `tests.servers`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coderai_pipeline.domain.cells import CallPurpose, CallRequest, Message
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import endpoint_of, make_client
from coderai_pipeline.extractors.provider import Provider
from coderai_pipeline.extractors.retrying import Patience
from tests.server_answers import answer_by_schema
from tests.server_moods import SeenRequest
from tests.servers import ModelServer

KEY = "key-that-must-never-be-seen"
QUICK = Patience(backoffs_s=(0.02,) * 5, breaker_open_s=0.1, outage_s=1.0, hang_floor_s=0.15)
ANSWER = {
    "type": "object",
    "properties": {
        "value": {"type": ["string", "null"]},
        "quote": {"type": ["string", "null"]},
        "confidence": {"type": ["number", "null"]},
    },
    "required": ["value", "quote", "confidence"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"total": ANSWER, "city": ANSWER},
    "required": ["total", "city"],
    "additionalProperties": False,
}


def request(number: int = 0, text: str = "", **parameters: float | int | str) -> CallRequest:
    messages = (
        Message("system", "Read the document."),
        Message("user", text or f"Document {number}\nTotal: {number} EUR\nCity: Graz"),
    )
    given = {"temperature": 0.1, **parameters}
    return CallRequest(messages, SCHEMA, "test-model", given, CallPurpose(f"d{number}", 0, ("total", "city")))


def answer(seen: SeenRequest) -> object:
    number = seen.document.split()[1]
    return answer_by_schema(seen.schema or SCHEMA, {"total": (number, f"Total: {number}"), "city": "Graz"})


@contextmanager
def provider_for(
    server: ModelServer,
    folder: Path,
    *,
    limits: dict[str, int] | None = None,
    patience: Patience = QUICK,
    key: str = KEY,
    project: str = "p",
    **settings: Any,
) -> Iterator[Provider]:
    wide = {
        "requests_per_minute": 10**6,
        "tokens_per_minute": 10**9,
        "in_flight": 16,
        "tokens": 10**8,
        **(limits or {}),
    }
    stated = ExtractorSettings(**{"base_url": server.base_url, "model": "test-model", "timeout_s": 20.0, **settings})
    archive = ReplyArchive(folder / project / "replies")
    budget = TokenBudget(folder / project / "budget.json", wide["tokens"])
    shared = folder / "shared"
    endpoint = endpoint_of(make_client(stated, key), key)
    with Provider(stated, Limits(**wide), key, endpoint, archive, budget, shared, patience) as provider:
        yield provider


def archived(folder: Path, project: str = "p") -> ReplyArchive:
    return ReplyArchive(folder / project / "replies")
