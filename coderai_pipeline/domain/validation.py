"""Validation: whether a value keeps to its variable's min, max, pattern and allowed values.

What a breach means for the cell is in `settling`; that the rules themselves make sense is checked where a codebook is loaded.
"""

import re
from dataclasses import replace

from coderai_pipeline.domain.cells import Scalar
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values import Reading
from coderai_pipeline.domain.wording import sentences, shown


def validated(reading: Reading, variable: Variable) -> tuple[Reading, tuple[str, ...]]:
    """The reading, in the spelling of `allowed` where it has one, and what is wrong with it."""
    rules = variable.validation
    problems: list[str] = []
    if rules.allowed:
        allowed = next((value for value in rules.allowed if _same(value, reading.value)), None)
        if allowed is None:
            problems.append(
                f"{shown(reading.value)} is not among the allowed values ({', '.join(map(shown, rules.allowed[:8]))})"
            )
        elif isinstance(allowed, str) and allowed != reading.value:
            reading = replace(
                reading,
                value=allowed,
                change=sentences(reading.change, f'written "{allowed}" as allowed'),
            )
    if rules.min is not None and _before(reading.value, _bound(rules.min, reading)):
        problems.append(f"{shown(reading.value)} is below the minimum {shown(rules.min)}")
    if rules.max is not None and _before(_bound(rules.max, reading), reading.value):
        problems.append(f"{shown(reading.value)} is above the maximum {shown(rules.max)}")
    if rules.pattern is not None and not re.fullmatch(rules.pattern, shown(reading.value)):
        problems.append(f"{shown(reading.value)} does not match the pattern {rules.pattern}")
    return reading, tuple(problems)


def _bound(configured: float | str, reading: Reading) -> float | str:
    """A bound in the type of the value: `min: "5"` for numbers, `min: 2020` for dates."""
    if isinstance(reading.value, str):
        return shown(configured)
    return float(configured)


def _before(first: Scalar, second: Scalar) -> bool:
    """Numbers by size; dates at the precision that both have, so that 2024 is not before 2024-03."""
    if isinstance(first, str) and isinstance(second, str):
        length = min(len(first), len(second))
        return first[:length] < second[:length]
    return not isinstance(first, str) and not isinstance(second, str) and first < second


def _same(first: Scalar, second: Scalar) -> bool:
    if isinstance(first, str) and isinstance(second, str):
        return normalised(first) == normalised(second)
    return shown(first) == shown(second)
