"""One call on its way to a model, and the reply that is made of what came back.

When it is sent, and what follows from how it ended, is in `attempts`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from coderai_pipeline.domain.cells import CallRequest, Reply
from coderai_pipeline.domain.project import Price
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors.budget import Estimate
from coderai_pipeline.extractors.formats import Protocol
from coderai_pipeline.extractors.prices import cost_of
from coderai_pipeline.extractors.retrying import Trouble
from coderai_pipeline.extractors.sending import Answered, Failed
from coderai_pipeline.extractors.wire import REPLY_FORMATS, STRICT_FORMATS, Asking, ReplyFormat, Usage, believable
from coderai_pipeline.telemetry.about import About
from coderai_pipeline.telemetry.traces import Span


@dataclass(slots=True, eq=False)
class Call:
    """One call on its way.

    sent: requests made. tries: those that failed. hung: those given up. limited: those answered 429. reshaped: how often
    it was asked in another form. cap: most tokens of a reply where the budget would not bear more. reply_format, protocol: what this call alone is to use, None = what the server takes.
    about: what to tell of it, None = nothing. status: of the last response that was no reply, None = there was none.
    """

    id: str
    request: CallRequest
    estimate: Estimate | None = None
    reserved: int = 0
    paced: int = 0
    cap: int | None = None
    sent: int = 0
    tries: int = 0
    hung: int = 0
    limited: int = 0
    reshaped: int = 0
    reply_format: ReplyFormat | None = None
    protocol: Protocol | None = None
    about: About | None = None
    span: Span | None = None
    status: int | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Later:
    """The call is to be taken up again when so many seconds are over."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was made, and how it ended."""

    outcome: Answered | Failed
    seconds: float
    asking: Asking
    protocol: Protocol


def reply_of(call: Call, answered: Answered, seconds: float, prices: Mapping[str, Price]) -> Reply:
    """What it used is counted here where the server does not say, or says what cannot be."""
    assert call.estimate is not None
    said = answered.said
    usage = believable(said.usage, call.estimate.prompt) or Usage(call.estimate.prompt, count_tokens(said.text), 0)
    model = call.request.model
    cost = cost_of(prices, model, usage.input_tokens, usage.output_tokens, usage.cached_tokens)
    return Reply(
        call.id,
        said.text,
        said.finish_reason,
        said.model or model,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        call.started_at,
        round(seconds, 4),
        cost,
        call.sent,
    )


def filtered_reply(call: Call, trouble: Trouble, seconds: float) -> Reply:
    """The server's filter took offence at the prompt: an outcome of the call, for which nothing is charged."""
    model, since = call.request.model, call.started_at
    return Reply(call.id, trouble.message, "content_filter", model, 0, 0, 0, since, round(seconds, 4), 0.0, call.sent)


def next_format(reply_format: ReplyFormat) -> ReplyFormat:
    """What a model could not keep to in one strict format it cannot in the other; JSON mode takes no schema."""
    return "json_object" if reply_format in STRICT_FORMATS else REPLY_FORMATS[-1]


def what_is_limited(trouble: Trouble, silent_s: float) -> str:
    """What a server does that takes too long to be waited for. silent_s: for how long it has given no reply."""
    if trouble.is_daily:
        return "gives no more replies today: its daily quota is used up"
    if trouble.wait_s is not None and trouble.wait_s >= silent_s:
        return f"limits the requests and asks to wait {trouble.wait_s:,.0f} s"
    return f"limits the requests and has answered nothing else for {silent_s:,.0f} s"
