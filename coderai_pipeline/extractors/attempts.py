"""One call's way to its reply: budget, breaker, pace, request, and what follows from the outcome.

What is known of a call is in `calls`; threads, futures and the order of calls are in `provider`, the request's bytes in `sending`.
"""

import hashlib
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from coderai_pipeline.domain.cells import CallRequest, Reply
from coderai_pipeline.domain.errors import (
    AccessRefused,
    ContextTooLong,
    ProviderError,
    ProviderUnavailable,
    RequestRefused,
)
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.extractors.breaker import Breaker
from coderai_pipeline.extractors.budget import Estimate, TokenBudget, estimate
from coderai_pipeline.extractors.calls import Call, Later, Sent, filtered_reply, next_format, reply_of, what_is_limited
from coderai_pipeline.extractors.concurrency import Concurrency, Latencies
from coderai_pipeline.extractors.formats import Protocol, formats_of
from coderai_pipeline.extractors.pacing import Pace
from coderai_pipeline.extractors.retrying import Patience, Trouble, remedy_for
from coderai_pipeline.extractors.sending import Answered, Failed, Sender, body_for
from coderai_pipeline.extractors.stats import Counters
from coderai_pipeline.extractors.telling import Telling
from coderai_pipeline.extractors.wire import Asking, Said, Usage, believable
from coderai_pipeline.telemetry.traces import headers_of

_CROWDED_S = 0.2
_CHANGES_OF_FORM = 8
_CHARGED_TRIES = 3
_TIGHT = 20
_THOUGHTS = 32_768
"""Tokens that a model may take to think, of which its reply says nothing."""
_OVERLOADED = (503, 529)
_REFUSING_ALL = (401, 404, 405, 407)
"""Statuses that say nothing of the one request: the key, the model, the address or a proxy. A 403 may be about content (`refusals`)."""


class Attempts:
    """What all calls of one provider share."""

    def __init__(
        self,
        sender: Sender,
        address: str,
        settings: ExtractorSettings,
        limits: Limits,
        key: str,
        archive: ReplyArchive,
        budget: TokenBudget,
        shared_state: Path,
        patience: Patience,
    ) -> None:
        self._sender = sender
        self._address = address
        self._settings = settings
        self._archive = archive
        self._budget = budget
        self._patience = patience
        of_key = _digest(f"{key}\n{self._address}")
        self._pace = Pace(shared_state / f"pace-{of_key}", limits.requests_per_minute, limits.tokens_per_minute)
        self._formats = formats_of(settings, shared_state, self._address)
        self._latencies = Latencies(settings.timeout_s, patience.hang_floor_s)
        self._settled = threading.Condition()
        self._stopped = False
        self._last_trouble = ""
        self._given_up: Callable[[], ProviderError | OSError] | None = None
        self._answered_at = time.monotonic()
        self.breaker = Breaker(patience.breaker_open_s)
        self.concurrency = Concurrency(limits.in_flight)
        self.counters = Counters()
        self.telling = Telling(address, is_azure=settings.api == "azure")

    def start(self) -> None:
        self._sender.start()

    def send(self, call: Call, then: Callable[[Sent], None]) -> Later | bool:
        """Makes a request when its turn comes, and lets `then` hear how it ended. False = the provider was stopped first."""
        if self._given_up is not None:
            raise self._given_up()
        wait_s = self._breaker_wait_s()
        if wait_s > 0:
            return Later(wait_s)
        is_sent = False
        try:
            if self._reserve(call) and self._wait_for_turn(call):
                self._send_now(call, then)
                is_sent = True
        finally:
            if not is_sent:
                self.breaker.passed()
        return is_sent

    def settle(self, call: Call, sent: Sent) -> Reply | Later:
        """What comes of a request: the reply, written down and accounted for, or another try. Raises ProviderError."""
        if isinstance(sent.outcome, Failed):
            call.status = sent.outcome.status
        step = self._step(call, sent)
        if call.about is not None:
            self._tell(call, sent, step)
        return step

    def _step(self, call: Call, sent: Sent) -> Reply | Later:
        if isinstance(sent.outcome, Answered):
            return self._take(call, sent, sent.outcome)
        if sent.outcome.body:
            self._keep_unread(call, sent.outcome)
        self.release(call)
        step = self._react(call, sent, sent.outcome)
        if isinstance(step, Later):
            self.counters.add("limited" if sent.outcome.trouble.kind == "limited" else "retries")
        return step

    def _tell(self, call: Call, sent: Sent, step: Reply | Later) -> None:
        if isinstance(step, Reply):
            self.telling.answered(call, step)
        else:
            trouble = sent.outcome.trouble if isinstance(sent.outcome, Failed) else None
            self.telling.put_off(call, trouble, step.seconds)

    def release(self, call: Call) -> None:
        """Gives back what was reserved for a call that is not being sent now."""
        if call.reserved:
            self._budget.release(call.reserved)
            call.reserved = 0
            self._wake()

    def stop(self) -> None:
        self._stopped = True
        self._pace.stop()
        self._wake()

    def close(self) -> None:
        self._pace.close()
        self._sender.close()

    def _breaker_wait_s(self) -> float:
        wait_s = self.breaker.wait_s()
        outage_s = self.breaker.outage_s()
        if wait_s > 0 and outage_s > self._patience.outage_s:
            raise ProviderUnavailable(
                f"{self._address} has given no reply for {outage_s:.0f} s ({self._last_trouble}); see whether it is up, "
                "then resume"
            )
        return wait_s

    def _reserve(self, call: Call) -> bool:
        """Reserves budget, waiting where other calls in flight hold it; False = stopped. Raises BudgetExhausted."""
        if call.estimate is None:
            call.estimate = estimate(call.request)
        while not self._stopped:
            most = self._at_most(call.estimate)
            room = self._budget.reserve(most.total)
            if room is not None:
                call.reserved = most.total
                call.cap = most.completion if room < _TIGHT * most.completion else None
                return True
            with self._settled:
                self._settled.wait(_CROWDED_S)
        return False

    def _at_most(self, expected: Estimate) -> Estimate:
        """What a call may take, as far as replies have shown. Before the first of them what a model thinks without saying it
        is allowed for, but no more than there is: where that is little, one call shows what the others take."""
        excess = self.counters.excess()
        if excess is not None:
            return Estimate(int(expected.prompt * excess.prompt), math.ceil(expected.completion * excess.completion))
        spare = self._budget.left() - expected.total
        return replace(expected, completion=expected.completion + max(0, min(_THOUGHTS, spare)))

    def _send_now(self, call: Call, then: Callable[[Sent], None]) -> None:
        asking, protocol = self._asking(call)
        body = body_for(call.request, asking, protocol)

        def heard(outcome: Answered | Failed, seconds: float) -> None:
            try:
                self._note_health(outcome, seconds)
            finally:
                then(Sent(outcome, seconds, asking, protocol))

        call.sent += 1
        self.counters.add("sent")
        if call.about is not None:
            self.telling.sent(call, call.about)
        self._sender.send(body, protocol, self._latencies.hanging_s(call.hung), heard, headers_of(call.span))

    def _wait_for_turn(self, call: Call) -> bool:
        assert call.estimate is not None
        call.paced = call.estimate.prompt + self.counters.usual_output()
        return self._pace.wait_for_turn(call.paced)

    def _asking(self, call: Call) -> tuple[Asking, Protocol]:
        asking = self._formats.asking(call.request.model, call.request.schema)
        if call.reply_format is not None:
            asking = replace(asking, reply_format=call.reply_format)
        if call.cap is not None:
            asking = replace(asking, cap=call.cap)
        return asking, call.protocol or self._formats.protocol(call.request.model)

    def _note_health(self, outcome: Answered | Failed, seconds: float) -> None:
        self._pace.told(outcome.headers)
        if isinstance(outcome, Answered):
            self._answered_at = time.monotonic()
            self.breaker.succeeded()
            self.concurrency.answered(seconds)
            self._latencies.answered(seconds)
        elif outcome.trouble.kind == "transient" and outcome.usage is None:
            self._last_trouble = outcome.trouble.message
            self.breaker.failed()
            if outcome.hung or outcome.trouble.status in _OVERLOADED:
                self.concurrency.troubled()
        else:
            self.breaker.passed()

    def _take(self, call: Call, sent: Sent, answered: Answered) -> Reply | Later:
        """Writes a reply down before anything else: it is paid for."""
        reply = reply_of(call, answered, sent.seconds, self._settings.prices)
        if call.protocol == "responses":
            self._formats.use_responses(call.request.model)
        if self._is_format_ignored(call, reply, sent.asking):
            request = replace(
                call.request, parameters={**call.request.parameters, "reply_format": sent.asking.reply_format}
            )
            self._keep(call, request, replace(reply, call_id=call_id(request)), answered)
            return Later(0.0)
        self._keep(call, call.request, reply, answered)
        return reply

    def _keep(self, call: Call, request: CallRequest, reply: Reply, answered: Answered) -> None:
        """Where a disk is full no further reply is asked for: it would be paid for and lost as well."""
        try:
            self._archive.put(request, reply, answered.raw)
        except OSError as error:
            self._given_up = partial(OSError, error.errno, error.strerror, error.filename)
            raise
        finally:
            self._account(call, reply, answered.said)

    def _keep_unread(self, call: Call, failed: Failed) -> None:
        """Writes down a body that is no reply but may be charged for; what it says was used counts as spent."""
        assert call.estimate is not None
        self._archive.put_unread(call.id, call.request, failed.body, failed.trouble.message)
        usage = believable(failed.usage, call.estimate.prompt)
        if usage is not None:
            self.counters.counted(usage, call.estimate)
            self._budget.settle(call.reserved, usage.input_tokens + usage.output_tokens)
            call.reserved = 0
            self._wake()

    def _is_format_ignored(self, call: Call, reply: Reply, asking: Asking) -> bool:
        """Prose from a server that took a reply format and never yet honoured it: the next format is tried."""
        model, reply_format = call.request.model, asking.reply_format
        if reply.finish_reason != "stop" or self._formats.is_proven(model, reply_format):
            return False
        if "{" in reply.text:
            self._formats.prove(model, reply_format)
            return False
        return self._reshaped(call) and self._formats.refuse_format(model, reply_format)

    def _account(self, call: Call, reply: Reply, said: Said) -> None:
        assert call.estimate is not None
        used = reply.input_tokens + reply.output_tokens
        is_estimated = believable(said.usage, call.estimate.prompt) is None
        self.counters.answered(reply, is_estimated)
        self.counters.counted(Usage(reply.input_tokens, reply.output_tokens, reply.cached_tokens), call.estimate)
        self._budget.settle(call.reserved, used)
        call.reserved = 0
        self._wake()
        self._pace.used(call.paced, used)

    def _react(self, call: Call, sent: Sent, failed: Failed) -> Reply | Later:
        trouble = failed.trouble
        if trouble.kind == "limited":
            return self._slow_down(call, trouble, sent.seconds)
        if trouble.kind == "transient":
            return self._try_again(call, failed)
        if trouble.kind == "filtered":
            return filtered_reply(call, trouble, sent.seconds)
        if self._is_asked_otherwise(call, sent, trouble):
            return Later(0.0)
        raise self._refusal(trouble)

    def _slow_down(self, call: Call, trouble: Trouble, seconds: float) -> Later:
        """A limit is waited for: it is never a failure of the call. What would take too long is left to a later run."""
        call.limited += 1
        wait_s = trouble.wait_s
        silent_s = time.monotonic() - max(self._answered_at, call.started_s)
        if trouble.is_daily or max(wait_s or 0.0, silent_s) > self._patience.limit_s:
            self.breaker.trip()
            limits = what_is_limited(trouble, silent_s)
            why = f"{self._address} {limits} ({trouble.message}); resume later"
            self._given_up = partial(ProviderUnavailable, why, trouble.raw)
            raise self._given_up()
        if wait_s is None:
            wait_s = random.uniform(0.0, min(60.0, 2.0**call.limited))  # noqa: S311 -- spreads callers, protects nothing
        self._pace.limited(trouble.wait_s, seconds)
        self.concurrency.troubled()
        return Later(wait_s)

    def _try_again(self, call: Call, failed: Failed) -> Later:
        call.tries += 1
        call.hung += failed.hung
        wait_s = self._patience.backoff_s(call.tries)
        trouble = failed.trouble
        if failed.usage is not None and call.tries >= _CHARGED_TRIES:
            why = f"{self._address} gave {call.tries} replies that are charged for and say nothing: {trouble.message}"
            raise RequestRefused(why, trouble.raw)
        if wait_s is None:
            raise ProviderUnavailable(
                f"{self._address} gave no usable reply in {call.tries} tries, the last time: {trouble.message}",
                trouble.raw,
            )
        return Later(max(wait_s, trouble.wait_s or 0.0))

    def _is_asked_otherwise(self, call: Call, sent: Sent, trouble: Trouble) -> bool:
        """Whether another reply format, parameter name or protocol may be taken where this one was not."""
        model = call.request.model
        if trouble.kind == "schema":
            schema = call.request.schema
            return self._reshaped(call) and self._formats.refuse_schema(model, schema, sent.asking.reply_format)
        if trouble.kind == "unkept":
            call.reply_format = next_format(sent.asking.reply_format)
            return self._settings.reply_format == "auto" and self._reshaped(call)
        if trouble.kind == "format":
            call.reply_format = call.reply_format and next_format(call.reply_format)
            return self._reshaped(call) and self._formats.refuse_format(model, sent.asking.reply_format)
        if trouble.kind == "parameter":
            return self._reshaped(call) and self._formats.refuse_parameter(model, trouble.parameter, sent.asking)
        if trouble.kind == "protocol" and self._settings.api == "auto" and sent.protocol == "chat":
            call.protocol = "responses"
            return self._reshaped(call)
        return False

    def _reshaped(self, call: Call) -> bool:
        call.reshaped += 1
        return call.reshaped <= _CHANGES_OF_FORM

    def _refusal(self, trouble: Trouble) -> RequestRefused:
        if trouble.kind == "too_long":
            return ContextTooLong(f"the request is longer than the model reads ({trouble.message})", trouble.raw)
        concerns_all = trouble.kind in ("quota", "address", "key") or trouble.status in _REFUSING_ALL
        refused = AccessRefused if concerns_all else RequestRefused
        why = f"{self._address} refused the request ({trouble.message}); {remedy_for(trouble, self._settings.api_key_env)}"
        if trouble.kind == "quota" or trouble.status == 401:
            self._given_up = partial(refused, why, trouble.raw)
        return refused(why, trouble.raw)

    def _wake(self) -> None:
        with self._settled:
            self._settled.notify_all()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
