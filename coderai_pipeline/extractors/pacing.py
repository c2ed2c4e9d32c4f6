"""Requests and tokens a minute: when the next call may be sent, agreed between all processes that use the same key.

How many calls are in flight at once is decided in `concurrency`.
"""

import fcntl
import os
import struct
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from coderai_pipeline.extractors.retrying import duration_s

_LAYOUT = struct.Struct("<8sddddd")
_MAGIC = b"pace-v1\0"
_LATE_S = 0.8
"""A slot this old may still be used: threads that wake late do not lower the rate, and a start after a pause uses most of the
second's worth of calls that servers commonly take at once."""
_FORGET_S = 7_200.0
_GRACE_S = 3.0
_MOMENT_S = 0.02
_LEAST_SHARE = 0.05
_GROWTH_A_SECOND = 0.01


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Times are seconds of the system clock, which processes share.

    requests_from, tokens_from: when the next request may be sent, by each of the two limits. share: part of the allowed
    request rate that the server bears, lowered by 429s and growing back since `share_at`. server_limit: requests a
    minute that the server says it allows; 0 = it does not say.
    """

    requests_from: float = 0.0
    tokens_from: float = 0.0
    share: float = 1.0
    share_at: float = 0.0
    server_limit: float = 0.0


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
        self._ahead_from = self._ahead_until = 0.0
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

    def limited(self, wait_s: float | None) -> None:
        """The server said 429: nothing is sent before `wait_s` is over, by any process, and the rate goes down a little."""
        now = time.time()
        self._slots_ahead = 0
        with self._schedule() as held:
            schedule = held.now
            pause = now + (wait_s if wait_s is not None else 60 / self._rate(schedule, now))
            share, share_at = schedule.share, schedule.share_at
            if now - share_at > 1.0:
                share, share_at = max(_LEAST_SHARE, self._share(schedule, now) * 0.8), now
            held.now = replace(
                schedule, requests_from=max(schedule.requests_from, pause), share=share, share_at=share_at
            )

    def told(self, headers: Mapping[str, str]) -> None:
        """Takes notice of x-ratelimit headers: a lower limit than the configured one, or nothing left."""
        limit = _number(headers.get("x-ratelimit-limit-requests"))
        if limit is None or limit < 1:
            return
        exhausted = _number(headers.get("x-ratelimit-remaining-requests")) == 0
        tokens_gone_s = _tokens_gone_s(headers)
        now = time.time()
        with self._schedule() as held:
            schedule = held.now
            if limit < schedule.server_limit or not schedule.server_limit:
                # Calls sent before the limit was known may still meet it; that says nothing of the limit's pace.
                schedule = replace(schedule, share_at=max(schedule.share_at, now + _GRACE_S))
            schedule = replace(schedule, server_limit=limit)
            if exhausted:
                least = now + 60 / self._rate(schedule, now)
                schedule = replace(schedule, requests_from=max(schedule.requests_from, least))
            if tokens_gone_s:
                schedule = replace(schedule, tokens_from=max(schedule.tokens_from, now + tokens_gone_s))
            held.now = schedule

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
            rate = self._rate(schedule, now)
            slots = max(1, int(min(rate, self._tokens_per_minute / max(1, tokens)) / 60 * _MOMENT_S))
            held.now = replace(
                schedule,
                requests_from=max(requests_from, slot - _LATE_S) + slots * 60 / rate,
                tokens_from=tokens_from + slots * tokens * 60 / self._tokens_per_minute,
            )
        with self._ahead_lock:
            self._ahead_from = time.monotonic() + slot - now
            self._slots_ahead, self._ahead_until = slots - 1, self._ahead_from + _MOMENT_S
            self._tokens_ahead = tokens
        return slot - now

    def _take_slot_ahead(self, tokens: int) -> bool:
        """Takes one of several slots reserved at once, without waiting for whoever has the file in hand."""
        with self._ahead_lock:
            if self._slots_ahead <= 0 or not self._ahead_from <= time.monotonic() < self._ahead_until:
                return False
            self._slots_ahead -= 1
            self._correction += tokens - self._tokens_ahead
            return True

    def _rate(self, schedule: _Schedule, now: float) -> float:
        """Requests a minute at present; never more than configured."""
        allowed = self._requests_per_minute
        if schedule.server_limit:
            allowed = min(allowed, schedule.server_limit)
        return allowed * self._share(schedule, now)

    def _share(self, schedule: _Schedule, now: float) -> float:
        if schedule.share_at > now + _FORGET_S:
            return 1.0
        return min(1.0, schedule.share + max(0.0, now - schedule.share_at) * _GROWTH_A_SECOND)

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
    return max(least, time_s) if time_s < now + _FORGET_S else least


def _unpacked(content: bytes) -> _Schedule:
    """An empty or foreign file is a schedule that holds nobody up."""
    if len(content) != _LAYOUT.size or not content.startswith(_MAGIC):
        return _Schedule()
    _, *values = _LAYOUT.unpack(content)
    return _Schedule(*values)


def _packed(schedule: _Schedule) -> bytes:
    return _LAYOUT.pack(
        _MAGIC,
        schedule.requests_from,
        schedule.tokens_from,
        schedule.share,
        schedule.share_at,
        schedule.server_limit,
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _tokens_gone_s(headers: Mapping[str, str]) -> float:
    """How long until tokens are left again; 0 while some are."""
    if _number(headers.get("x-ratelimit-remaining-tokens")) != 0:
        return 0.0
    return min(60.0, duration_s(headers.get("x-ratelimit-reset-tokens", "")) or 0.0)
