"""How many calls are in flight: up while it goes well, down when the server limits or slows down. And what counts as hanging.

When each may be sent is decided in `pacing`.
"""

import threading
import time
from collections import deque
from statistics import median

_LEAST = 1.0
_WINDOW = 32
_SLOW = 3.0
_LATENCIES = 512
_ENOUGH = 50
_HANGING = 4.0


class Concurrency:
    """Additive increase, multiplicative decrease, never above `most`.

    It starts at `most`: replies tell nothing before the first latency is over, and a start from below costs a healthy
    server's user exactly that time.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = float(most)
        self._lock = threading.Lock()
        self._lowered_at = 0.0
        self._window: list[float] = []
        self._usual_s: float | None = None

    @property
    def limit(self) -> int:
        return int(self._limit)

    def answered(self, seconds: float) -> None:
        with self._lock:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._window.append(seconds)
            if len(self._window) >= max(_WINDOW, self._limit):
                self._weigh(median(self._window))
                self._window.clear()

    def troubled(self) -> None:
        """A 429, a timeout, or an overload that the server states."""
        with self._lock:
            self._lower(0.7)

    def _weigh(self, seconds: float) -> None:
        """Compares a window's median latency with the best seen, which itself forgets slowly: documents grow longer, too."""
        if self._usual_s is None or seconds < self._usual_s:
            self._usual_s = seconds
        elif seconds > _SLOW * self._usual_s:
            self._lower(0.8)
        self._usual_s *= 1.02

    def _lower(self, share: float) -> None:
        """Once a second at most: one overload shows in many replies at once."""
        now = time.monotonic()
        if now - self._lowered_at >= 1.0:
            self._lowered_at = now
            self._limit = max(_LEAST, self._limit * share)


class Latencies:
    """Latencies seen, and from which time on a call counts as hanging."""

    def __init__(self, timeout_s: float, floor_s: float) -> None:
        self._timeout_s = timeout_s
        self._floor_s = floor_s
        self._lock = threading.Lock()
        self._seen: deque[float] = deque(maxlen=_LATENCIES)
        self._since = 0
        self._p99_s: float | None = None

    def answered(self, seconds: float) -> None:
        with self._lock:
            self._seen.append(seconds)
            self._since += 1
            if self._since >= _ENOUGH:
                self._since = 0
                ordered = sorted(self._seen)
                self._p99_s = ordered[int(len(ordered) * 0.99)]

    def hanging_s(self, hung_before: int) -> float:
        """The timeout of the next call; longer each time the same call was given up, in case it is only slow."""
        if self._p99_s is None:
            return self._timeout_s
        return min(self._timeout_s, max(self._floor_s, _HANGING * self._p99_s) * 2**hung_before)
