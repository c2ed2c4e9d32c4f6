"""Counts of what a provider did, for progress, metrics and the run's page. Costs are worked out in `prices`."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from coderai_pipeline.domain.cells import Reply

_USUAL_OUTPUT = 200
_MOST_OFF = 3.0


@dataclass(frozen=True, slots=True)
class Stats:
    """One look at a provider. in_flight: calls that hold a place, those waiting for their turn to be sent included.

    sent: HTTP requests. answered: replies. limited: 429s. retries: requests repeated after trouble. asked_again: why -> how
    often. cost: None where no price is known.
    """

    in_flight: int
    concurrency_limit: int
    breaker: str
    sent: int
    answered: int
    from_archive: int
    limited: int
    retries: int
    failed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    estimated_usage: int
    """Replies whose server sent no token counts, so that they were estimated."""
    call_seconds: float
    cost: float | None
    asked_again: dict[str, int] = field(default_factory=dict[str, int])


class Counters:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._again: Counter[str] = Counter()
        self._seconds = 0.0
        self._cost: float | None = None
        self._prompt_factor = 1.0

    def add(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def asked_again(self, why: str) -> None:
        with self._lock:
            self._again[why] += 1

    def answered(self, reply: Reply, prompt_estimated: int, is_estimated: bool) -> None:
        with self._lock:
            self._counts["answered"] += 1
            self._counts["input_tokens"] += reply.input_tokens
            self._counts["output_tokens"] += reply.output_tokens
            self._counts["cached_tokens"] += reply.cached_tokens
            self._counts["estimated_usage"] += is_estimated
            self._seconds += reply.seconds
            if reply.cost is not None:
                self._cost = (self._cost or 0.0) + reply.cost
            if prompt_estimated:
                self._prompt_factor = min(_MOST_OFF, max(self._prompt_factor, reply.input_tokens / prompt_estimated))

    def usual_output(self) -> int:
        """Mean tokens of a reply."""
        with self._lock:
            answered = self._counts["answered"]
            return self._counts["output_tokens"] // answered if answered else _USUAL_OUTPUT

    def prompt_factor(self) -> float:
        """How far the server's count of a prompt was above ours at most; at least 1."""
        with self._lock:
            return self._prompt_factor

    def snapshot(self, in_flight: int, concurrency_limit: int, breaker: str) -> Stats:
        with self._lock:
            counts = self._counts
            return Stats(
                in_flight,
                concurrency_limit,
                breaker,
                counts["sent"],
                counts["answered"],
                counts["from_archive"],
                counts["limited"],
                counts["retries"],
                counts["failed"],
                counts["input_tokens"],
                counts["output_tokens"],
                counts["cached_tokens"],
                counts["estimated_usage"],
                self._seconds,
                self._cost,
                dict(self._again),
            )
