"""A cell beside its true value, and the two as labels or as numbers on the variable's scale, as agreement statistics take them.

What is measured with them is in `quality`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from coderai_pipeline.domain.agreement import comparable
from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.judgements import forms_of

NOT_STATED = "(not stated)"
BETWEEN_VALUES = "; "


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell beside its true value. expected: the acceptable forms, () = not stated, None = only known not to be this
    value. inclusion_probability: None where the cell was not drawn at random."""

    document: str
    expected: tuple[str, ...] | None
    found: Value
    is_right: bool
    confidence: float | None = None
    inclusion_probability: float | None = None


def labels(one: Compared, variable: Variable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The true and the given value as comparable labels, alike where the value is right whichever form it has."""
    given = _label(forms_of(one.found), variable)
    return (given if one.is_right else _label(one.expected or (), variable)), given


def _label(forms: tuple[str, ...], variable: Variable) -> tuple[str, ...]:
    if not forms:
        return (NOT_STATED,)
    parts = forms[0].split(BETWEEN_VALUES) if variable.takes_many else [forms[0]]
    return tuple(sorted(comparable(part, str(variable.type)) for part in parts))


def numeric(one: Compared, variable: Variable) -> tuple[float, float] | None:
    """The true and the given value on the variable's scale; None where either is missing or several."""
    if not one.expected or one.found is None or isinstance(one.found, tuple):
        return None
    given = _on_scale(forms_of(one.found)[0], variable)
    true = given if one.is_right else _on_scale(one.expected[0], variable)
    return None if true is None or given is None else (true, given)


def _on_scale(form: str, variable: Variable) -> float | None:
    """A number, a date's first day, or a category's place in its order."""
    if variable.type is VariableType.CATEGORY:
        ranks = [comparable(category.value, "category") for category in variable.categories]
        label = comparable(form, "category")
        return float(ranks.index(label)) if label in ranks else None
    try:
        if variable.type is VariableType.DATE:
            return float(date.fromisoformat(form[:10] + "0000-01-01"[len(form[:10]) :]).toordinal())
        return float(form)
    except ValueError:
        return None


def numbered(units: Iterable[Sequence[str]]) -> list[list[float]]:
    numbers: dict[str, float] = {}
    return [[numbers.setdefault(label, float(len(numbers))) for label in unit] for unit in units]
