"""What is told of a call on its way, in logs and traces: begun, put off, answered, refused. By the process that sends it.

A call of which nothing is to be told has no `about`; whoever tells of it asks first, so that telling nothing costs nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coderai_pipeline.domain.cells import Reply
from coderai_pipeline.domain.errors import BudgetExhausted, RequestRefused
from coderai_pipeline.extractors.retrying import Trouble
from coderai_pipeline.telemetry import logs, traces
from coderai_pipeline.telemetry.about import NOT_KNOWN, About, Attributes

if TYPE_CHECKING:
    from coderai_pipeline.extractors.calls import Call

UNHEARD = ("content_filter", "refusal")
"""Ends of a reply that holds no answers, because the server or the model would not give any."""

_LONGEST_NAME = 100
"""Of a model, as the server gives it."""


class Telling:
    """Of the calls of one provider."""

    def __init__(self, address: str, *, is_azure: bool) -> None:
        parts = urlsplit(address)
        self._server = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "azure.ai.openai" if is_azure else "openai",
            "server.address": parts.hostname,
            "server.port": parts.port,
        }
        self._is_budget_told = False

    def sent(self, call: "Call", about: About) -> None:
        """A request is about to be sent; the first of a call begins it."""
        if call.sent > 1:
            return
        call.span = traces.begin(
            f"chat {call.request.model}",
            about,
            {
                **self._server,
                "gen_ai.request.model": call.request.model,
                "gen_ai.request.temperature": _number(call, "temperature"),
                "gen_ai.request.max_tokens": _number(call, "max_output_tokens"),
                "coderai.call_id": call.id,
                "coderai.document": call.request.purpose.document,
                "coderai.variables": call.request.purpose.variables,
            },
            is_client=True,
        )
        if call.span is not None:
            call.about = call.span.about
        _tell("call begun", call, {"chunk": call.request.purpose.chunk})

    def put_off(self, call: "Call", trouble: Trouble | None, wait_s: float) -> None:
        """It is sent again later. trouble: None = its reply was not of the form asked for."""
        kind = trouble.kind if trouble else "form"
        event = "rate limited" if kind == "limited" else "call retried"
        quoting = {"reason": trouble.message} if trouble else None
        shown = {
            "http_status": call.status if trouble else None,
            "kind": kind,
            "attempt": call.sent,
            "wait_s": round(wait_s, 3),
        }
        _tell(event, call, shown, logs.WARNING, quoting)
        if call.span is not None:
            call.span.note(event, shown)

    def answered(self, call: "Call", reply: Reply) -> None:
        is_unheard = reply.finish_reason in UNHEARD
        _tell(
            "call refused" if is_unheard else "call answered",
            call,
            {
                "answered_by": reply.model[:_LONGEST_NAME],
                "finish_reason": reply.finish_reason,
                "input_tokens": reply.input_tokens,
                "output_tokens": reply.output_tokens,
                "cached_tokens": reply.cached_tokens,
                "cost": reply.cost,
                "seconds": reply.seconds,
                "attempt": reply.attempts,
            },
            logs.WARNING if is_unheard else logs.INFO,
        )
        if call.span is not None:
            call.span.add(
                {
                    "gen_ai.response.model": reply.model[:_LONGEST_NAME],
                    "gen_ai.response.finish_reasons": (reply.finish_reason,),
                    "gen_ai.usage.input_tokens": reply.input_tokens,
                    "gen_ai.usage.output_tokens": reply.output_tokens,
                    "coderai.cost": reply.cost,
                    "coderai.attempts": reply.attempts,
                }
            )
            call.span.end(reply.finish_reason if is_unheard else "")

    def failed(self, call: "Call", error: Exception) -> None:
        """It gets no reply. That the budget is used up is told once, not of each call that waited."""
        kind = type(error).__name__
        if isinstance(error, BudgetExhausted):
            self._budget_reached(call, error)
        else:
            event = "call refused" if isinstance(error, RequestRefused) else "call failed"
            shown = {"error": kind, "http_status": call.status, "attempt": call.sent}
            _tell(event, call, shown, logs.ERROR, {"reason": str(error)})
        if call.span is not None:
            call.span.add({"http.response.status_code": call.status})
            call.span.end(str(call.status) if call.status else kind)

    def _budget_reached(self, call: "Call", error: BudgetExhausted) -> None:
        if not self._is_budget_told:
            self._is_budget_told = True
            logs.tell("budget reached", call.about or NOT_KNOWN, {"reason": str(error)}, logs.ERROR)

    def cancelled(self, call: "Call") -> None:
        if call.span is not None:
            call.span.end("cancelled")


def _tell(
    event: str, call: "Call", fields: Attributes, level: int = logs.INFO, quoting: Mapping[str, str] | None = None
) -> None:
    purpose = call.request.purpose
    ids = {
        "document": purpose.document,
        "variables": purpose.variables,
        "call_id": call.id,
        "model": call.request.model,
    }
    logs.tell(event, call.about or NOT_KNOWN, {**ids, **fields}, level, quoting=quoting)


def _number(call: "Call", name: str) -> float | int | None:
    given = call.request.parameters.get(name)
    return given if isinstance(given, int | float) else None
