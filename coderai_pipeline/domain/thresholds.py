"""Whether a project's cells are as good as it asks for, and why not: what asset checks say and a gate rests on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.project import QualitySettings
from coderai_pipeline.domain.quality import Measure

CHECKS = {
    "accuracy": "Enough of the judged cells of each variable are right (`min_accuracy`, `min_judged`).",
    "grounding": "The quotes of enough values were found in the documents (`min_grounding`).",
    "flagged": "Not too many cells of a variable are flagged (`max_flagged`).",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold over all variables. misses: a sentence for each variable that does not reach it. looked_at: how many
    variables it could be applied to."""

    name: str
    misses: tuple[str, ...]
    looked_at: int

    @property
    def passed(self) -> bool:
        return not self.misses

    @property
    def stated(self) -> str:
        if self.misses:
            return "; ".join(self.misses)
        return f"{self.looked_at} variables as good as asked for" if self.looked_at else "nothing to measure yet"


def check_all(settings: QualitySettings, measures: Sequence[Measure], variables: Iterable[str]) -> list[Check]:
    """Each threshold, applied to every measurement of every variable asked."""
    return [
        _accuracy(settings, measures, list(variables)),
        _bounded("grounding", "grounding_rate", measures, least=settings.min_grounding),
        _bounded("flagged", "flag_rate", measures, most=settings.max_flagged),
    ]


def refusal(settings: QualitySettings, measures: Sequence[Measure], variables: Iterable[str]) -> str:
    """Why the gate stays shut; "" = it is open, or the project has none."""
    if not settings.gate:
        return ""
    return "; ".join(miss for check in check_all(settings, measures, variables) for miss in check.misses)


def _accuracy(settings: QualitySettings, measures: Sequence[Measure], variables: Sequence[str]) -> Check:
    """A gate with nothing judged is shut: that nobody has looked is no proof."""
    if settings.min_accuracy is None:
        return Check("accuracy", (), 0)
    least = max(settings.min_judged, 1 if settings.gate else 0)
    misses = list(_misses(_of(measures, "accuracy"), least=settings.min_accuracy))
    judged = dict.fromkeys(variables, 0)
    for one in _of(measures, "accuracy"):
        judged[one.variable] = max(judged.get(one.variable, 0), one.n)
    misses += [f"{name}: {n} cells judged, {least} asked for" for name, n in judged.items() if n < least]
    return Check("accuracy", tuple(misses), sum(n > 0 for n in judged.values()))


def _bounded(
    check: str, measure: str, measures: Sequence[Measure], least: float | None = None, most: float | None = None
) -> Check:
    if least is None and most is None:
        return Check(check, (), 0)
    chosen = [one for one in _of(measures, measure) if one.value is not None]
    return Check(check, tuple(_misses(chosen, least, most)), len(chosen))


def _misses(measures: Iterable[Measure], least: float | None = None, most: float | None = None) -> Iterator[str]:
    for one in measures:
        value = one.value
        if value is None:
            continue
        what = f"{one.variable}: {one.name.replace('_', ' ')} {one.stated}"
        if least is not None and value < least:
            yield f"{what}, at least {least:g} asked for"
        if most is not None and value > most:
            yield f"{what}, at most {most:g} asked for"


def _of(measures: Iterable[Measure], name: str) -> list[Measure]:
    return [one for one in measures if one.name == name and not one.of]
