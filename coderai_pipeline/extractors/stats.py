"""Counts of what a provider did, for progress, metrics and the run's page. Costs are worked out in `prices`."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from coderai_pipeline.domain.cells import Reply
from coderai_pipeline.extractors.budget import Estimate
from coderai_pipeline.extractors.wire import Usage

_USUAL_OUTPUT = 200
_FORGETTING = 0.995
"""Of how far counts were above estimates, what is still expected one reply later."""


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


@dataclass(frozen=True, slots=True)
class Excess:
    """What calls took of prompt and completion, as multiples of the estimates; at least 1."""

    prompt: float = 1.0
    completion: float = 1.0


class Counters:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._again: Counter[str] = Counter()
        self._seconds = 0.0
        self._cost: float | None = None
        self._excess: Excess | None = None

    def add(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def asked_again(self, why: str) -> None:
        with self._lock:
            self._again[why] += 1

    def answered(self, reply: Reply, is_estimated: bool) -> None:
        with self._lock:
            self._counts["answered"] += 1
            self._counts["input_tokens"] += reply.input_tokens
            self._counts["output_tokens"] += reply.output_tokens
            self._counts["cached_tokens"] += reply.cached_tokens
            self._counts["estimated_usage"] += is_estimated
            self._seconds += reply.seconds
            if reply.cost is not None:
                self._cost = (self._cost or 0.0) + reply.cost

    def counted(self, usage: Usage, expected: Estimate) -> None:
        """What a call took, where so much was expected."""
        prompt = usage.input_tokens / max(1, expected.prompt)
        completion = usage.output_tokens / max(1, expected.completion)
        with self._lock:
            before = self._excess or Excess()
            self._excess = Excess(
                max(prompt, _forgotten(before.prompt)), max(completion, _forgotten(before.completion))
            )

    def usual_output(self) -> int:
        """Mean tokens of a reply."""
        with self._lock:
            answered = self._counts["answered"]
            return self._counts["output_tokens"] // answered if answered else _USUAL_OUTPUT

    def excess(self) -> "Excess | None":
        """How far counts were above estimates at most, lately; None before the first reply."""
        with self._lock:
            return self._excess

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


def _forgotten(factor: float) -> float:
    return 1.0 + (factor - 1.0) * _FORGETTING
