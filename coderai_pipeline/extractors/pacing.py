"""Requests and tokens a minute: when the next call may be sent, agreed between all processes that use the same key.

How many calls are in flight at once is decided in `concurrency`, which rate a server bears in `rates`.
"""

import fcntl
import math
import os
import struct
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path

from coderai_pipeline.extractors.rates import FORGET_S, Rate
from coderai_pipeline.extractors.waits import until_s

_LAYOUT = struct.Struct("<8s10d")
_MAGIC = b"pace-v2\0"
_OF_RATE = attrgetter(*(part.name for part in fields(Rate)))
_LATE_S = 0.8
"""A slot this old may still be used: threads that wake late do not lower the rate, and a start after a pause uses most of the
second's worth of calls that servers commonly take at once."""
_MOMENT_S = 0.02
_UNTOLD_S = 1.0
_LONGEST_RESET_S = 60.0


@dataclass(frozen=True, slots=True)
class _Schedule:
    """requests_from, tokens_from: when the next request may be sent, by each of the two limits, in seconds of the system
    clock, which processes share. rate: what the server bears."""

    requests_from: float = 0.0
    tokens_from: float = 0.0
    rate: Rate = field(default_factory=Rate)


class Pace:
    """One schedule in `file`, for any number of threads and processes; each process holds one slot at a time, so that two
    projects that share a key take turns."""

    def __init__(self, file: Path, requests_per_minute: float, tokens_per_minute: float) -> None:
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._file_lock = threading.Lock()
        self._ahead_lock = threading.Lock()
        self._correction = 0
        self._slots_ahead = 0
        self._tokens_ahead = 0
        self._taken = 0
        self._ahead_from = self._ahead_until = 0.0
        self._regained = math.inf
        file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def wait_for_turn(self, tokens: int) -> bool:
        """Returns when a call of about so many tokens may be sent; False = `stop` was called instead."""
        if self._take_slot_ahead(tokens):
            return not self._stopped.is_set()
        with self._turn:
            wait_s = 0.0 if self._take_slot_ahead(tokens) else self._reserve(tokens)
            return not (self._stopped.wait(wait_s) if wait_s > 0 else self._stopped.is_set())

    def used(self, estimated: int, actual: int) -> None:
        """Corrects the token schedule by what a call really took, with the next slot that is reserved."""
        with self._ahead_lock:
            self._correction += actual - estimated

    def limited(self, wait_s: float | None, since_s: float = 0.0) -> None:
        """The server said 429 to a request sent `since_s` ago: nothing is sent before `wait_s` is over, by any process, and
        the rate goes down to what the server bears."""
        now = time.time()
        self._slots_ahead = 0
        with self._schedule() as held:
            schedule = held.now
            sent = schedule.rate.after_sending(self._uncounted(), now)
            rate = sent.after_refusal(self._requests_per_minute, now, now - since_s)
            if wait_s is None:
                # At a first refusal nothing is sent until what is under way has shown how much the server bears.
                is_known = schedule.rate.learned or schedule.rate.stated
                wait_s = 60 / self._allowed(rate, now) if is_known else _UNTOLD_S
            held.now = replace(schedule, requests_from=max(schedule.requests_from, now + wait_s), rate=rate)

    def told(self, headers: Mapping[str, str]) -> None:
        """Takes notice of rate-limit headers: a lower limit than the configured one, or nothing left."""
        limit = _number(headers.get("x-ratelimit-limit-requests"))
        tokens_gone_s, all_gone_s = _gone_s(headers, "-tokens"), _gone_s(headers, "")
        is_stated = limit is not None and limit >= 1
        if not (is_stated or tokens_gone_s or all_gone_s):
            return
        now = time.time()
        with self._schedule() as held:
            schedule = held.now
            if limit is not None and is_stated:
                self._regained = min(self._regained, _regained(headers))
                a_minute = max(limit, self._regained) if math.isfinite(self._regained) else limit
                schedule = replace(schedule, rate=schedule.rate.after_statement(a_minute, now))
                if _number(headers.get("x-ratelimit-remaining-requests")) == 0:
                    all_gone_s = max(all_gone_s, 60 / self._allowed(schedule.rate, now))
            held.now = replace(
                schedule,
                requests_from=max(schedule.requests_from, now + all_gone_s),
                tokens_from=max(schedule.tokens_from, now + tokens_gone_s),
            )

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self._stopped.set()
        with self._file_lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _reserve(self, tokens: int) -> float:
        """Seconds until the next slot. At high rates several slots are taken at once, as many as pass in a moment."""
        now = time.time()
        with self._schedule() as held:
            schedule = held.now
            with self._ahead_lock:
                correction, self._correction = self._correction, 0
            corrected = schedule.tokens_from + correction * 60 / self._tokens_per_minute
            requests_from = _at_least(schedule.requests_from, now - _LATE_S, now)
            tokens_from = _at_least(corrected, now - _LATE_S, now)
            slot = max(requests_from, tokens_from)
            rate = self._allowed(schedule.rate, now)
            slots = max(1, int(min(rate, self._tokens_per_minute / max(1, tokens)) / 60 * _MOMENT_S))
            held.now = replace(
                schedule,
                requests_from=max(requests_from, slot - _LATE_S) + slots * 60 / rate,
                tokens_from=tokens_from + slots * tokens * 60 / self._tokens_per_minute,
                rate=schedule.rate.after_sending(
                    self._uncounted(), now, max(0.0, requests_from - schedule.requests_from)
                ),
            )
        with self._ahead_lock:
            self._ahead_from = time.monotonic() + slot - now
            self._slots_ahead, self._ahead_until = slots - 1, self._ahead_from + _MOMENT_S
            self._tokens_ahead = tokens
            self._taken += 1
        return slot - now

    def _uncounted(self) -> int:
        """Turns taken that the schedule does not know of yet."""
        with self._ahead_lock:
            taken, self._taken = self._taken, 0
            return taken

    def _take_slot_ahead(self, tokens: int) -> bool:
        """Takes one of several slots reserved at once, without waiting for whoever has the file in hand."""
        with self._ahead_lock:
            if self._slots_ahead <= 0 or not self._ahead_from <= time.monotonic() < self._ahead_until:
                return False
            self._slots_ahead -= 1
            self._taken += 1
            self._correction += tokens - self._tokens_ahead
            return True

    def _allowed(self, rate: Rate, now: float) -> float:
        return rate.allowed(self._requests_per_minute, now)

    @contextmanager
    def _schedule(self) -> Generator["_Held"]:
        with self._file_lock:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                held = _Held(_unpacked(os.pread(self._descriptor, _LAYOUT.size, 0)))
                before = held.now
                yield held
                if held.now != before:
                    os.pwrite(self._descriptor, _packed(held.now), 0)
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)


@dataclass(slots=True)
class _Held:
    now: _Schedule


def _at_least(time_s: float, least: float, now: float) -> float:
    """A time far in the future comes from a clock that was set back."""
    return max(least, time_s) if time_s < now + FORGET_S else least


def _unpacked(content: bytes) -> _Schedule:
    """An empty or foreign file is a schedule that holds nobody up."""
    if len(content) != _LAYOUT.size or not content.startswith(_MAGIC):
        return _Schedule()
    _, requests_from, tokens_from, *rate = _LAYOUT.unpack(content)
    return _Schedule(requests_from, tokens_from, Rate(*rate))


def _packed(schedule: _Schedule) -> bytes:
    return _LAYOUT.pack(_MAGIC, schedule.requests_from, schedule.tokens_from, *_OF_RATE(schedule.rate))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _regained(headers: Mapping[str, str]) -> float:
    """Requests a minute that come back at least, if only one has been used since all were there; inf = not told.

    Near the end of a span that ends for all requests at once it is too high: the least that was ever told is true.
    """
    reset_s = until_s(headers.get("x-ratelimit-reset-requests", ""))
    return 60 / reset_s if reset_s else math.inf


def _gone_s(headers: Mapping[str, str], what: str) -> float:
    """How long until something is left again of a limit; 0 while something is. what: `-tokens`, or "" for one of all requests."""
    for prefix in ("x-ratelimit", "ratelimit"):
        if _number(headers.get(f"{prefix}-remaining{what}")) == 0:
            return min(_LONGEST_RESET_S, until_s(headers.get(f"{prefix}-reset{what}", "")) or 0.0)
    return 0.0
