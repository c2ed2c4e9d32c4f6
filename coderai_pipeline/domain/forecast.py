"""What a run will take: calls, tokens, cost and time, each with a 95 % interval. Only the statistics; nothing is measured here.

Which requests a run would send, and what earlier calls used, is found out in `engine.forecasting`.

One simulation draws all that is uncertain together, so that the intervals of tokens, cost and time belong to each other:
- Documents that were not measured: bootstrap of the measured ones' mean (Efron 1979), its deviation shrunk by the finite
  population correction sqrt(1 - n/N) (Cochran 1977, section 2.6). All measured: nothing is uncertain.
- Tokens of the replies still to come: bootstrap of the mean of m earlier replies, its deviation widened by
  sqrt(1 + m/M) for the M replies whose sum is predicted (predictive variance s²/m + s²/M).
- Shares (calls that conditions or entities bring; calls asked again): the Beta posterior of a binomial share; how many are
  asked again is then Poisson.
- What was never observed: log-normal priors, the constants below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 20_26
FEW = 5
"""Replies of one kind from which their own mean is believed; below that, tokens a variable over all kinds."""

REPLY_PRIOR = (30.0, 0.47)
"""Tokens of one variable in a reply: its JSON about 12, a value, a quote of some ten words. 95 %: 12 to 75."""
SECONDS_PRIOR = (2.0, 0.7)
"""Seconds from request to reply. 95 %: 0.5 to 8."""
COUNT_PRIOR = (1.0, 0.08)
"""Prompt tokens billed for one counted: vocabularies differ. 95 %: 0.85 to 1.17. How much of a reply's schema a server counts
differs as well, from nothing to all of it."""
MORE_PRIOR = (1.0, 1.0)
"""Beta: how many of the calls that hang on earlier answers are made. Nothing is known before a sample."""
AGAIN_PRIOR = (1.0, 49.0)
"""Beta: share of calls whose reply cannot be used and that are asked again; about 2 %."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is expected (as likely too low as too high), and the interval that holds the number with 95 % probability."""

    expected: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> "Figure":
        low, middle, high = np.percentile(draws, [2.5, 50, 97.5])
        return cls(float(middle), float(low), float(high))


NOTHING = Figure(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls that ask the same: variables in one mode of one model. answers: how many a reply is expected to hold.

    schema_tokens: of the prompt tokens of a call, those of its reply's schema. prices: of a million prompt, cached and completion tokens; None = not known.
    """

    mode: str
    variables: tuple[str, ...]
    model: str
    answers: float
    schema_tokens: int
    prices: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """Documents of one sort, `documents` in all, of which some were measured: arrays of shape (measured, kinds).

    more_*: the further calls and prompt tokens that a document takes if its conditions hold and entities are found.
    """

    documents: int
    calls: Floats
    prompt: Floats
    more_calls: Floats
    more_prompt: Floats


@dataclass(frozen=True, slots=True)
class Experience:
    """What earlier calls of the project showed.

    completions: (mode, variables) -> completion tokens of each reply. counted, billed: prompt tokens of the same calls, as
    counted here and by the provider. more: of the calls that hang on earlier answers, how many were made and how many
    were not. again: calls whose reply was not usable, and all others. cached_share: of the prompt tokens, 0-1.
    """

    completions: Mapping[tuple[str, tuple[str, ...]], Sequence[int]] = field(
        default_factory=dict[tuple[str, tuple[str, ...]], Sequence[int]]
    )
    counted: Sequence[int] = ()
    billed: Sequence[int] = ()
    more: tuple[float, float] = (0.0, 0.0)
    again: tuple[int, int] = (0, 0)
    seconds: Sequence[float] = ()
    cached_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits under which calls are made."""

    requests_per_minute: int
    tokens_per_minute: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all calls still to be made. cost: None where a model has no price."""

    calls: Figure
    prompt_tokens: Figure
    completion_tokens: Figure
    tokens: Figure
    cost: Figure | None
    seconds: Figure


def totals(strata: Sequence[Stratum], kinds: Sequence[Kind], experience: Experience, pace: Pace) -> Totals:
    """The totals over all documents of the strata. The same arguments give the same numbers."""
    if not kinds or not strata:
        return Totals(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)
    chance = np.random.default_rng(SEED)
    more = _beta(chance, experience.more, MORE_PRIOR)
    calls = np.zeros((DRAWS, len(kinds)))
    prompt = np.zeros((DRAWS, len(kinds)))
    for stratum in strata:
        drawn = _drawn(chance, stratum)
        calls += drawn[0] + more[:, None] * drawn[2]
        prompt += drawn[1] + more[:, None] * drawn[3]
    schema = (calls * [kind.schema_tokens for kind in kinds]).sum(axis=1) / np.maximum(prompt.sum(axis=1), 1)
    again = _again(chance, experience, calls.sum(axis=1))
    calls *= again[:, None]
    prompt *= (again * _billed(chance, experience, schema))[:, None]
    replies = [_completions(chance, kind, calls[:, at], experience) for at, kind in enumerate(kinds)]
    completion = np.stack(replies, axis=1)
    return Totals(
        calls=Figure.of(calls.sum(axis=1)),
        prompt_tokens=Figure.of(prompt.sum(axis=1)),
        completion_tokens=Figure.of(completion.sum(axis=1)),
        tokens=Figure.of((prompt + completion).sum(axis=1)),
        cost=_cost(kinds, prompt, completion, calls, experience.cached_share),
        seconds=_seconds(chance, calls.sum(axis=1), (prompt + completion).sum(axis=1), experience, pace),
    )


def _drawn(chance: np.random.Generator, stratum: Stratum) -> list[Floats]:
    """Totals a kind, of shape (DRAWS, kinds), of calls, prompt tokens, and those that may come on top."""
    measured = len(stratum.calls)
    if not measured:
        return [np.zeros((DRAWS, stratum.calls.shape[1]))] * 4
    shrink = np.sqrt(max(0.0, 1 - measured / stratum.documents))
    weights = chance.multinomial(measured, [1 / measured] * measured, size=DRAWS) / measured
    drawn: list[Floats] = []
    for observed in (stratum.calls, stratum.prompt, stratum.more_calls, stratum.more_prompt):
        mean = observed.mean(axis=0)
        drawn.append(stratum.documents * (mean + shrink * (weights @ observed - mean)))
    return drawn


def _completions(chance: np.random.Generator, kind: Kind, calls: Floats, experience: Experience) -> Floats:
    own = experience.completions.get((kind.mode, kind.variables), ())
    if len(own) >= FEW:
        return calls * _mean(chance, np.asarray(own, float), calls)
    alike = [
        count / max(1, len(variables)) for (_, variables), counts in experience.completions.items() for count in counts
    ]
    if len(alike) >= FEW:
        return calls * len(kind.variables) * _mean(chance, np.asarray(alike), calls)
    return calls * kind.answers * _log_normal(chance, REPLY_PRIOR)


def _mean(chance: np.random.Generator, observed: Floats, predicted: Floats) -> Floats:
    """The mean of as many values as are predicted, drawn from those observed."""
    mean = observed.mean()
    drawn = chance.choice(observed, size=(DRAWS, min(len(observed), 400))).mean(axis=1)
    widen = np.sqrt(1 + len(observed) / np.maximum(predicted, 1))
    return np.maximum(0.0, mean + widen * (drawn - mean))


def _again(chance: np.random.Generator, experience: Experience, calls: Floats) -> Floats:
    """Calls made for one that is needed, 1 or more."""
    share = _beta(chance, experience.again, AGAIN_PRIOR)
    return 1 + chance.poisson(calls * share / (1 - share)) / np.maximum(calls, 1)


def _billed(chance: np.random.Generator, experience: Experience, schema: Floats) -> Floats:
    """Prompt tokens billed for one counted. schema: its share of those counted, 0-1."""
    if len(experience.counted) < FEW:
        return _log_normal(chance, COUNT_PRIOR) * (1 - schema * chance.random(DRAWS))
    counted, billed = np.asarray(experience.counted, float), np.asarray(experience.billed, float)
    rows = chance.integers(len(counted), size=(DRAWS, len(counted)))
    return billed[rows].sum(axis=1) / counted[rows].sum(axis=1)


def _cost(kinds: Sequence[Kind], prompt: Floats, completion: Floats, calls: Floats, cached: float) -> Figure | None:
    total = np.zeros(DRAWS)
    for at, kind in enumerate(kinds):
        if kind.prices is None:
            if calls[:, at].any():
                return None
            continue
        fresh, held, written = kind.prices
        total += prompt[:, at] * ((1 - cached) * fresh + cached * held) + completion[:, at] * written
    return Figure.of(total / 1e6)


def _seconds(chance: np.random.Generator, calls: Floats, tokens: Floats, experience: Experience, pace: Pace) -> Figure:
    """The slowest of three: the requests allowed a minute, the tokens allowed a minute, and replies at so many at once."""
    observed = np.asarray(experience.seconds, float)
    each = _mean(chance, observed, calls) if len(observed) >= FEW else _log_normal(chance, SECONDS_PRIOR)
    waves = np.maximum(calls / pace.in_flight, np.minimum(calls, 1))
    by_limit = np.maximum(calls * 60 / pace.requests_per_minute, tokens * 60 / pace.tokens_per_minute)
    return Figure.of(np.maximum(by_limit, waves * each))


def _beta(chance: np.random.Generator, seen: tuple[float, float], prior: tuple[float, float]) -> Floats:
    return chance.beta(prior[0] + seen[0], prior[1] + seen[1], size=DRAWS)


def _log_normal(chance: np.random.Generator, prior: tuple[float, float]) -> Floats:
    """prior: median, and standard deviation of the logarithm."""
    return prior[0] * np.exp(prior[1] * chance.standard_normal(DRAWS))
