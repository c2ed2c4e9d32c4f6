"""Calls waiting to be sent: in order, some of them not before a time, and only as many as may be in flight.

How many that is comes from `concurrency`; what is done with a call is in `provider`.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingLine(Generic[T]):
    """A thread takes items with `take`, each with a place in flight; whoever is done with one gives the place back with `leave`."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._ready: deque[T] = deque()
        self._later: list[tuple[float, int, T]] = []
        self._order = 0
        self._in_flight = 0
        self._closed = False

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def put(self, item: T, after_s: float = 0.0) -> bool:
        """Lines up an item, or, once `after_s` is over, puts it first. False = the line is closed."""
        with self._changed:
            if self._closed:
                return False
            if after_s > 0:
                self._order += 1
                heapq.heappush(self._later, (time.monotonic() + after_s, self._order, item))
            else:
                self._ready.append(item)
            self._changed.notify()
            return True

    def take(self) -> T | None:
        """The next item, with a place in flight; waits for both. None = the line is closed."""
        with self._changed:
            while not self._closed:
                wait_s = self._wait_s()
                if wait_s == 0.0:
                    self._in_flight += 1
                    return self._next()
                self._changed.wait(wait_s)
            return None

    def leave(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float) -> None:
        """Waits until nothing is in flight, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._in_flight, seconds)

    def close(self) -> list[T]:
        """Wakes everyone up; returns what was still waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            left = [*self._ready, *(item for _, _, item in self._later)]
            self._ready.clear()
            self._later.clear()
            return left

    def _next(self) -> T:
        if not self._ready or (self._later and self._later[0][0] <= time.monotonic()):
            return heapq.heappop(self._later)[2]
        return self._ready.popleft()

    def _wait_s(self) -> float | None:
        """0 = an item can be taken now; None = until something changes."""
        if self._in_flight >= self._limit() or not (self._ready or self._later):
            return None
        return 0.0 if self._ready else max(0.0, self._later[0][0] - time.monotonic())
