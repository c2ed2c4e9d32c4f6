"""The circuit breaker: while the server fails, callers wait instead of adding to its trouble, and one of them looks again.

Which outcomes are failures is decided in `retrying`.
"""

import threading
import time
from typing import Literal

State = Literal["closed", "open", "half_open"]

_FAILURES_TO_OPEN = 5
_SUCCESSES_TO_CLOSE = 3


class Breaker:
    """Opens after 5 failures in a row, lets one call through at a time `open_s` later, closes after 3 successes."""

    def __init__(self, open_s: float = 30.0) -> None:
        self._open_s = open_s
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._failures = 0
        self._successes = 0
        self._probing = False
        self._opened_at = 0.0
        self._failing_since = 0.0

    @property
    def state(self) -> State:
        return self._state

    def wait_s(self) -> float:
        """0: send now, and report `succeeded`, `failed` or `passed` afterwards. Otherwise: ask again after so many seconds."""
        with self._lock:
            if self._state == "closed":
                return 0.0
            left = self._opened_at + self._open_s - time.monotonic()
            if self._state == "open" and left > 0:
                return left
            if self._probing:
                return self._open_s / 30
            self._state = "half_open"
            self._probing = True
            return 0.0

    def outage_s(self) -> float:
        """How long no call has succeeded while the breaker was not closed; 0 when closed."""
        with self._lock:
            return 0.0 if self._state == "closed" else time.monotonic() - self._failing_since

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._failing_since = time.monotonic()
            if self._state == "closed":
                return
            self._probing = False
            self._successes += 1
            if self._state == "half_open" and self._successes >= _SUCCESSES_TO_CLOSE:
                self._state = "closed"

    def failed(self) -> None:
        with self._lock:
            if not self._failures:
                self._failing_since = max(self._failing_since, time.monotonic())
            self._failures += 1
            self._successes = 0
            if self._state == "half_open" or (self._state == "closed" and self._failures >= _FAILURES_TO_OPEN):
                self._state = "open"
                self._probing = False
                self._opened_at = time.monotonic()

    def trip(self) -> None:
        """Opens at once: the server has said that there is no point in asking now."""
        with self._lock:
            self._state = "open"
            self._probing = False
            self._opened_at = time.monotonic()

    def passed(self) -> None:
        """The server answered, but with a refusal or a limit: neither a success nor a failure of its health."""
        with self._lock:
            self._probing = False
