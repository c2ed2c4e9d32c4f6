"""The errors a person may see. Each names the thing, the cause and what to do next.

CoderAIError
├── InvalidInput        a file people edit is wrong; carries every problem found in it
├── UnknownProject      no project of that id
├── NoSample            nothing has been extracted that could be accepted
├── QualityTooLow       the project's quality gate is shut
├── NotRefinable        there is nothing to refine a variable from, or nothing to apply
├── ProjectBusy         another run is extracting this project
├── StorageUnreachable  the PostgreSQL that should hold Dagster's storage cannot be used
├── MissingKey          the environment variable that should hold the key is not set
├── ProviderError       the model server did not give a usable reply
│   ├── RequestRefused      it will not take this request, now or later (4xx)
│   │   ├── ContextTooLong      the request is larger than the model reads
│   │   └── AccessRefused       it will take no request: the key, the credit, the address or the model is refused
│   └── ProviderUnavailable it did not answer after every retry, or the circuit breaker is open
└── BudgetExhausted     the project's token budget leaves no room for the next call
"""

from collections.abc import Sequence
from dataclasses import dataclass


class CoderAIError(Exception):
    """Base of every error this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file that a person edits.

    `line` is 1-based, or None where the place is not known; `key` is a dotted path such as `variables[2].type`.
    """

    file: str
    line: int | None
    key: str
    message: str
    seen: str | None = None
    allowed: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        parts = [f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"]
        if self.seen is not None:
            parts.append(f"seen: {self.seen}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        return "; ".join(parts)


class InvalidInput(CoderAIError):
    """A file a person edits cannot be used; `problems` holds everything found wrong in it, in line order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownProject(CoderAIError):
    """There is no project of that id."""


class ProjectBusy(CoderAIError):
    """Another run is extracting this project; wait for it or cancel it."""


class NoSample(CoderAIError):
    """Nothing has been extracted yet that somebody could have looked at and accepted."""


class QualityTooLow(CoderAIError):
    """The project asks for a quality that its cells do not have; the full run waits."""


class NotRefinable(CoderAIError):
    """There is nothing to refine a variable from, or no candidate to apply."""


class StorageUnreachable(CoderAIError):
    """The database that should hold Dagster's storage cannot be used. The message never holds its password."""


class MissingKey(CoderAIError):
    """The environment variable that should hold the provider's key is not set. Nothing stands in for it."""


class ProviderError(CoderAIError):
    """The model server gave no usable reply. `raw` is what it sent, bounded, never holding a key."""

    def __init__(self, message: str, raw: str | None = None) -> None:
        self.raw = raw
        super().__init__(message)


class RequestRefused(ProviderError):
    """The server will not take this request now or later (a 4xx other than 408, 409 and 429)."""


class ContextTooLong(RequestRefused):
    """The request is larger than the model reads; the chunk has to be split further."""


class AccessRefused(RequestRefused):
    """The server will take no request at all: the key, the account's credit, the address or the model is refused."""


class ProviderUnavailable(ProviderError):
    """No answer after every retry, or the circuit breaker is open."""


class BudgetExhausted(CoderAIError):
    """The project's token budget leaves no room for the next call; what is done is kept."""
