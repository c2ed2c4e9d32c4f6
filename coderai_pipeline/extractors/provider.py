"""The model provider: a call request in, a reply out, paid for once.

What happens to one call on its way is in `attempts`; what the JSON inside a reply says is for the caller to judge.
"""

import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from coderai_pipeline.domain.cells import CallRequest, Reply
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.extractors.archive import ReplyArchive, call_id, next_attempt
from coderai_pipeline.extractors.attempts import Attempts
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.calls import Call, Later, Sent
from coderai_pipeline.extractors.clients import Endpoint
from coderai_pipeline.extractors.queueing import WaitingLine
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.extractors.sending import Sender
from coderai_pipeline.extractors.stats import Stats
from coderai_pipeline.telemetry.about import About

_CLOSING_S = 5.0


class Provider:
    """Answers the calls of one project. `shared_state` is the deployment's folder, in which processes that use the same key
    agree on the pace. As a context manager it starts and stops its threads.
    """

    def __init__(
        self,
        settings: ExtractorSettings,
        limits: Limits,
        key: str,
        endpoint: Endpoint,
        archive: ReplyArchive,
        budget: TokenBudget,
        shared_state: Path,
        patience: Patience,
    ) -> None:
        sender = Sender(endpoint, key)
        self._archive = archive
        self._attempts = Attempts(
            sender, sender.address, settings, limits, key, archive, budget, shared_state, patience
        )
        self._line: WaitingLine[Call] = WaitingLine(lambda: self._attempts.concurrency.limit)
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[Call, list[Future[Reply]]]] = {}
        self._outcomes: SimpleQueue[tuple[Call, Sent] | None] = SimpleQueue()
        self._dispatcher = threading.Thread(target=self._send_calls, name="provider-dispatcher", daemon=True)
        # Replies are written down apart from both: the next call is not to wait for that.
        self._writer = threading.Thread(target=self._settle_calls, name="provider-writer", daemon=True)

    def __enter__(self) -> Self:
        self._attempts.start()
        self._writer.start()
        self._dispatcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, request: CallRequest, about: About | None = None) -> "Future[Reply]":
        """The reply to a request: from the archive if it was ever paid for, else from the server.

        The future fails with RequestRefused, ContextTooLong, ProviderUnavailable or BudgetExhausted. A request that is
        already under way is not sent again; each caller has a future of its own. about: what to tell of it, None = nothing.
        """
        future: Future[Reply] = Future()
        call = Call(call_id(request), request, about=about)
        with self._lock:
            if call.id in self._under_way:
                self._under_way[call.id][1].append(future)
                return future
            self._under_way[call.id] = (call, [future])
        try:
            self._find_or_line_up(call)
        except OSError as error:
            self._fail(call, error)
        return future

    def ask_again(self, request: CallRequest, why: str, about: About | None = None) -> "Future[Reply]":
        """The same question sent anew, because its reply could not be used.

        It is a call of its own (`next_attempt(request)`), so that both replies are kept and a resumed run finds the second
        one, too.
        """
        self._attempts.counters.asked_again(why)
        return self.submit(next_attempt(request), about)

    def stats(self) -> Stats:
        attempts = self._attempts
        return attempts.counters.snapshot(self._line.in_flight, attempts.concurrency.limit, attempts.breaker.state)

    def close(self) -> None:
        """Cancels what was not sent; waits a little for replies under way, since they are paid for."""
        for call in self._line.close():
            self._cancel(call)
        self._attempts.stop()
        until = time.monotonic() + _CLOSING_S
        self._line.wait_until_empty(_CLOSING_S)
        self._outcomes.put(None)
        for thread in (self._dispatcher, self._writer):
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        for call, _ in list(self._under_way.values()):
            self._cancel(call)
        self._attempts.close()

    def _find_or_line_up(self, call: Call) -> None:
        held = self._archive.get(call.id)
        if held is not None:
            self._attempts.counters.add("from_archive")
            self._finish(call, held)
            return
        if not self._line.put(call):
            self._cancel(call)

    def _send_calls(self) -> None:
        while (call := self._line.take()) is not None:
            try:
                step = False if self._is_unwanted(call) else self._attempts.send(call, partial(self._sent, call))
            except Exception as error:  # noqa: BLE001 -- whatever it is, the caller hears of it through the future
                self._line.leave()
                self._fail(call, error)
                continue
            if step is not True:
                self._line.leave()
                self._put_back(call, step or None)

    def _sent(self, call: Call, sent: Sent) -> None:
        self._line.leave()
        self._outcomes.put((call, sent))

    def _settle_calls(self) -> None:
        while (outcome := self._outcomes.get()) is not None:
            call, sent = outcome
            try:
                step = self._attempts.settle(call, sent)
            except Exception as error:  # noqa: BLE001 -- as above
                self._fail(call, error)
                continue
            if isinstance(step, Reply):
                self._finish(call, step)
            else:
                self._put_back(call, step)

    def _put_back(self, call: Call, later: Later | None) -> None:
        if later is None or not self._line.put(call, later.seconds):
            self._cancel(call)

    def _is_unwanted(self, call: Call) -> bool:
        with self._lock:
            if not all(future.cancelled() for future in self._under_way[call.id][1]):
                return False
            del self._under_way[call.id]
            return True

    def _finish(self, call: Call, reply: Reply) -> None:
        for future in self._end(call):
            if future.set_running_or_notify_cancel():
                future.set_result(reply)

    def _fail(self, call: Call, error: Exception) -> None:
        self._attempts.release(call)
        self._attempts.counters.add("failed")
        if call.about is not None:
            self._attempts.telling.failed(call, error)
        for future in self._end(call):
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _cancel(self, call: Call) -> None:
        self._attempts.release(call)
        self._attempts.telling.cancelled(call)
        for future in self._end(call):
            future.cancel()
            future.set_running_or_notify_cancel()

    def _end(self, call: Call) -> "list[Future[Reply]]":
        """The futures that wait for a call, which from now on is not under way; none where it had ended before."""
        with self._lock:
            return self._under_way.pop(call.id, (call, []))[1]
