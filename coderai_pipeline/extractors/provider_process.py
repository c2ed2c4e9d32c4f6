"""The provider in a process of its own, so that sending and settling do not wait for one interpreter lock.

What the provider does is in `provider`; here is how requests reach it and replies come back. When the process that asked is
gone, this one still writes down the replies under way, which are paid for, and ends.
"""

import contextlib
import gc
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from coderai_pipeline import telemetry
from coderai_pipeline.domain.cells import CallRequest, JsonValue, Reply
from coderai_pipeline.domain.errors import CoderAIError, ProviderUnavailable
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors import clients, sending
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import Endpoint
from coderai_pipeline.extractors.provider import Provider
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.extractors.stats import Stats
from coderai_pipeline.telemetry.about import NOT_KNOWN, About, current

if TYPE_CHECKING:
    import openai

_TOGETHER = 64
_SILENT_S = 1.0
_ENDING_S = 10.0
_ENDED = "the process that talks to the model server ended; run again, what is done is kept"


@dataclass(frozen=True, slots=True)
class Opening:
    """What the process needs to know. It goes through the pipe, never on a command line: the key is part of it."""

    settings: ExtractorSettings
    limits: Limits
    key: str = field(repr=False)
    endpoint: Endpoint
    state: Path
    shared_state: Path
    patience: Patience

    def provider(self) -> Provider:
        archive = ReplyArchive(self.state / "replies")
        budget = TokenBudget(self.state / "budget", self.limits.tokens)
        return Provider(
            self.settings, self.limits, self.key, self.endpoint, archive, budget, self.shared_state, self.patience
        )


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request without its schema, which many share and which is sent once. again: why it is asked anew, "" = it is not.
    about: what to tell of it, None = nothing."""

    number: int
    request: CallRequest
    schema: int
    again: str
    about: About | None


@dataclass(frozen=True, slots=True)
class _News:
    """Outcomes since the last news, by number: a reply, an error, or None for a call that was cancelled."""

    outcomes: list[tuple[int, Reply | Exception | None]]
    stats: Stats


_Child: TypeAlias = "tuple[subprocess.Popen[bytes], Connection[Any, Any]]"
_ahead: list[_Child] = []


@contextlib.contextmanager
def started_ahead() -> Generator[None]:
    """The next ProviderProcess finds its process started, which loads what it needs while other things are loaded here."""
    child = _started()
    _ahead.append(child)
    try:
        yield
    finally:
        if child in _ahead:
            _ahead.remove(child)
            process, connection = child
            connection.close()
            process.wait()


def _started() -> _Child:
    mine, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
            [sys.executable, "-P", "-m", "coderai_pipeline.extractors.provider_process", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return process, Connection(mine.detach())


class ProviderProcess:
    """`Provider` from another process: the same calls, futures and errors. As a context manager it starts and ends it.

    `meanwhile` is called while the process starts. about: what calls are about where nothing else is bound.
    """

    def __init__(
        self,
        settings: ExtractorSettings,
        limits: Limits,
        key: str,
        state: Path,
        shared_state: Path,
        *,
        make_client: "Callable[[], openai.OpenAI] | None" = None,
        patience: Patience | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        about: About = NOT_KNOWN,
    ) -> None:
        self._settings, self._limits, self._key = settings, limits, key
        self._meanwhile = meanwhile
        self._about = about
        self._state, self._shared_state = state, shared_state
        self._make_client = make_client or (lambda: clients.make_client(settings, key))
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Reply]] = {}
        self._schemas: dict[int, tuple[object, int]] = {}
        self._asked = 0
        self._ended = False
        self._receiver = threading.Thread(target=self._receive, name="replies", daemon=True)

    def __enter__(self) -> Self:
        self._process, self._connection = _ahead.pop() if _ahead else _started()
        try:
            self._connection.send(self._opening())
            self._meanwhile()
            self._stats = cast(Stats, self._connection.recv())
        except (OSError, EOFError) as error:
            raise CoderAIError(
                "the process that talks to the model server cannot start; see its message above"
            ) from error
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, request: CallRequest) -> "Future[Reply]":
        """As `Provider.submit`."""
        return self._put(request, "")

    def ask_again(self, request: CallRequest, why: str) -> "Future[Reply]":
        """As `Provider.ask_again`."""
        return self._put(request, why)

    def stats(self) -> Stats:
        """As they were a second ago at most."""
        return self._stats

    def close(self) -> None:
        """Cancels what was not sent, and waits a little for replies under way, since they are paid for."""
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._receiver.join(_ENDING_S)
        self._connection.close()
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _opening(self) -> Opening:
        """Made while the process starts: loading the client takes as long."""
        endpoint = clients.endpoint_of(self._make_client(), self._key)
        return Opening(
            self._settings, self._limits, self._key, endpoint, self._state, self._shared_state, self._patience
        )

    def _put(self, request: CallRequest, again: str) -> "Future[Reply]":
        future: Future[Reply] = Future()
        with self._lock:
            self._asked += 1
            number = self._asked
            self._waiting[number] = future
            try:
                schema = self._schema(request)
                bare = CallRequest(request.messages, {}, request.model, dict(request.parameters), request.purpose)
                self._connection.send(_Ask(number, bare, schema, again, self._told()))
            except OSError:
                self._ended = True
            if self._ended:
                self._waiting.pop(number, None)
                future.set_exception(ProviderUnavailable(_ENDED))
        return future

    def _told(self) -> About | None:
        if not telemetry.is_on():
            return None
        return current() if current().project else self._about

    def _schema(self, request: CallRequest) -> int:
        """The number of a request's schema, which is told with its first request. Known by identity: comparing costs more."""
        known = self._schemas.get(id(request.schema))
        if known is None:
            known = self._schemas[id(request.schema)] = (request.schema, len(self._schemas))
            self._connection.send((known[1], dict(request.schema)))
        return known[1]

    def _receive(self) -> None:
        try:
            while True:
                news = cast(_News, self._connection.recv())
                self._stats = news.stats
                for number, outcome in news.outcomes:
                    with self._lock:
                        future = self._waiting.pop(number)
                    _settle(future, outcome)
        except (OSError, EOFError):
            self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            self._ended = True
            self._stats = replace(self._stats, breaker="open")
            waiting, self._waiting = self._waiting, {}
        was_asked_to = self._process.poll() == 0
        for future in waiting.values():
            _settle(future, None if was_asked_to else ProviderUnavailable(_ENDED))


def _settle(future: "Future[Reply]", outcome: Reply | Exception | None) -> None:
    if outcome is None:
        future.cancel()
        future.set_running_or_notify_cancel()
    elif future.set_running_or_notify_cancel():
        if isinstance(outcome, Reply):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)


def main(descriptor: int) -> None:
    """The process: provides until the other end says None, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the process that asks decides what follows
    connection = Connection(descriptor)
    telemetry.set_up(warns=False)  # the process that asks has said what there was to say
    sending.load()
    count_tokens("")  # loads the vocabulary now, not while the first replies are awaited
    try:
        opening = cast(Opening, connection.recv())
    except EOFError:
        return  # nothing was to be asked
    outcomes: SimpleQueue[tuple[int, Future[Reply]] | None] = SimpleQueue()
    with opening.provider() as provider:
        gc.freeze()  # what is loaded by now stays: a collection that walks it holds up the replies for 0.1 s
        connection.send(provider.stats())
        teller = threading.Thread(target=_tell, args=(connection, outcomes, provider), name="teller", daemon=True)
        teller.start()
        with contextlib.suppress(EOFError, OSError):
            _take(connection, outcomes, provider)
    outcomes.put(None)
    teller.join()


def _take(
    connection: "Connection[Any, Any]", outcomes: "SimpleQueue[tuple[int, Future[Reply]] | None]", provider: Provider
) -> None:
    schemas: dict[int, dict[str, JsonValue]] = {}
    while (message := cast(_Ask | tuple[int, dict[str, JsonValue]] | None, connection.recv())) is not None:
        if not isinstance(message, _Ask):
            schemas[message[0]] = message[1]
            continue
        given = message.request
        request = CallRequest(given.messages, schemas[message.schema], given.model, given.parameters, given.purpose)
        if message.again:
            future = provider.ask_again(request, message.again, message.about)
        else:
            future = provider.submit(request, message.about)
        number = message.number
        future.add_done_callback(lambda done, number=number: outcomes.put((number, done)))


def _tell(
    connection: "Connection[Any, Any]", outcomes: "SimpleQueue[tuple[int, Future[Reply]] | None]", provider: Provider
) -> None:
    """Sends outcomes as they come, those that came meanwhile together; and how things stand while none come."""
    is_open = True
    while is_open:
        together = _waiting(outcomes)
        is_open = None not in together
        told = [(one[0], _outcome(one[1])) for one in together if one is not None]
        try:
            connection.send(_News(told, provider.stats()))
        except OSError:
            return  # nobody listens any more; the replies are in the archive


def _waiting(
    outcomes: "SimpleQueue[tuple[int, Future[Reply]] | None]",
) -> list[tuple[int, Future[Reply]] | None]:
    found: list[tuple[int, Future[Reply]] | None] = []
    with contextlib.suppress(Empty):
        found.append(outcomes.get(timeout=_SILENT_S))
        while len(found) < _TOGETHER:
            found.append(outcomes.get_nowait())
    return found


def _outcome(future: "Future[Reply]") -> Reply | Exception | None:
    if future.cancelled():
        return None
    error = future.exception()
    if error is None:
        return future.result()
    return error if isinstance(error, (CoderAIError, OSError)) else CoderAIError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    from coderai_pipeline.extractors import provider_process

    # Under its own name: what is unpickled here must be of the classes that were pickled there.
    provider_process.main(int(sys.argv[1]))
