"""What pydantic cannot see in a codebook: how its variables fit each other, their own values and the project.

Types, ranges and unknown keys are refused by the models in `codebook` and `project`; files and line numbers belong
to `storage.settings_files`.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coderai_pipeline.domain import formulas
from coderai_pipeline.domain.codebook import Codebook, ConfiguredValue, Variable, VariableType
from coderai_pipeline.domain.conditions import Comparison, Condition, ConditionError, parse
from coderai_pipeline.domain.dependencies import Needs, circles, waves
from coderai_pipeline.domain.project import Project

RESERVED_NAMES = frozenset({"document", "entity", "source", "row_id", "status"})
"""Columns that the dataset adds itself."""

CONDITION_WORDS = frozenset({"and", "or", "not", "in", "is", "empty", "true", "false"})

_UNORDERED = (VariableType.TEXT, VariableType.LOCATION, VariableType.BOOLEAN)
_ISO_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?)?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. path: keys and list positions from the top of the file, such as ("variables", 2, "default")."""

    path: tuple[str | int, ...]
    message: str
    seen: str | None = None
    allowed: str | None = None


def order(codebook: Codebook) -> tuple[tuple[Variable, ...], ...]:
    """The asked variables in waves: each depends, through `depends_on`, on variables of earlier waves alone.

    Formula variables are in none; see `formula_order`. The codebook must be free of circles, as a loaded one is.
    """
    needs = {variable.name: parse(variable.depends_on).names for variable in codebook.asked if variable.depends_on}
    found = waves([variable.name for variable in codebook.asked], needs)
    return tuple(tuple(codebook[name] for name in wave) for wave in found)


def formula_order(codebook: Codebook) -> tuple[Variable, ...]:
    """The formula variables, each after those that its formula uses."""
    declared = {variable.name for variable in codebook.variables}
    computed = {variable.name: variable.formula for variable in codebook.variables if variable.formula}
    needs = {name: formulas.names(formula, declared) for name, formula in computed.items()}
    return tuple(codebook[name] for wave in waves(tuple(computed), needs) for name in wave)


def check(
    variables: Mapping[int, Variable], declared: Sequence[str], project: Project | None = None
) -> Iterator[Finding]:
    """Everything wrong in a codebook's variables, given by position in the file.

    `variables` may lack some that have faults of their own; `declared` holds the names of all, so that these are not
    also reported as unknown. `project` is None where it could not be read.
    """
    for index, variable in variables.items():
        for rule in _RULES:
            for finding in rule(variable):
                yield replace(finding, path=("variables", index, *finding.path))
        for finding in _of_project(variable, project):
            yield replace(finding, path=("variables", index, *finding.path))
    yield from _repeated_names(variables)
    yield from _conditions(variables, declared, project)
    yield from _formulas(variables, declared)


def check_project(
    project: Project, variables: Mapping[int, Variable] | None, declared: Sequence[str]
) -> Iterator[Finding]:
    """Everything wrong in project.yaml that its model cannot see. `variables`: None without a readable codebook."""
    unit = project.unit
    if unit.rows == "one":
        if unit.key:
            yield Finding(("unit", "key"), "is for projects with many rows a document; set `rows: many` or remove it")
    elif variables is not None:
        yield from _unit_key(project, variables, declared)
        if not unit.key and _finds_by_key_alone(project, variables.values()):
            message = (
                "is missing: where entities are found first and filled in other calls, only their key tells them apart"
            )
            yield Finding(("unit", "key"), message, allowed="one or more variables of the codebook")
    url = project.extractor.base_url
    if url is not None and not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", url):
        yield Finding(
            ("extractor", "base_url"),
            "is not a server's address; it holds no user name, password or key",
            allowed="an address such as http://localhost:11434/v1",
        )


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`; did you mean "total"?`, or "" where nothing is near."""
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f"; did you mean `{lowered[near[0]]}`?" if near else ""


def misfit(variable: Variable, value: ConfiguredValue) -> str:
    """Why a value written in the codebook is not one of the variable's, or "" if it is."""
    match variable.type:
        case VariableType.NUMBER:
            fits = isinstance(value, float) and math.isfinite(value)
            return "" if fits else "must be a number, without quotes, unit or thousands separators"
        case VariableType.BOOLEAN:
            return "" if isinstance(value, bool) else "must be true or false, without quotes"
        case _ if not isinstance(value, str):
            return f'must be text; put it in quotes: "{_plain(value)}"'
        case VariableType.DATE:
            return "" if _is_date(value) else 'must be a date such as "2024-03-05", "2024-03" or "2024"'
        case VariableType.CATEGORY:
            return _not_a_category(variable, value)
        case _:
            return "" if value.strip() else "must not be blank"


def _not_a_category(variable: Variable, value: str) -> str:
    values = [category.value for category in variable.categories]
    if value in values or variable.allow_other or not values:
        return ""
    return f"must be one of the variable's categories{did_you_mean(value, values)}"


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text + "0000-01-01T00:00:00"[len(text) :])
    except ValueError:
        return False
    return _ISO_DATE.fullmatch(text) is not None


def _plain(value: ConfiguredValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:g}"


def _reserved(variable: Variable) -> Iterator[Finding]:
    if variable.name in RESERVED_NAMES:
        yield Finding(("name",), "is the name of a column that the dataset adds itself; choose another", variable.name)
    if variable.name in CONDITION_WORDS:
        yield Finding(("name",), "is a word of the conditions' language; choose another", variable.name)


def _category_keys(variable: Variable) -> Iterator[Finding]:
    if variable.type is VariableType.CATEGORY:
        return
    if variable.allow_multiple:
        yield Finding(
            ("allow_multiple",), "is for type category; for several values of other types use `if_multiple: all`"
        )
    if variable.allow_other:
        yield Finding(("allow_other",), "is for type category; other types take any value")


def _default(variable: Variable) -> Iterator[Finding]:
    if variable.default is not None and (why := misfit(variable, variable.default)):
        yield Finding(("default",), why, _plain(variable.default))
    if variable.if_uncertain == "default" and variable.default is None:
        yield Finding(
            ("if_uncertain",), "is `default`, and the variable has no default; add one", allowed="flag, null, keep"
        )


def _examples(variable: Variable) -> Iterator[Finding]:
    several = variable.takes_many or variable.if_multiple == "join"
    for index, example in enumerate(variable.examples):
        where = ("examples", index, "value")
        values = example.value if isinstance(example.value, tuple) else (example.value,)
        if isinstance(example.value, tuple) and not several:
            yield Finding(
                where, "holds several values, and the variable takes one; set `if_multiple: all` or give one value"
            )
        for value in values:
            if value is not None and (why := misfit(variable, value)):
                yield Finding(where, why, _plain(value), _categories(variable))
        if not example.source_text.strip():
            yield Finding(("examples", index, "source_text"), "is blank; give the passage that holds the value")


def _categories(variable: Variable) -> str | None:
    return ", ".join(category.value for category in variable.categories) or None


def _validation(variable: Variable) -> Iterator[Finding]:
    rules = variable.validation
    bounds = {"min": rules.min, "max": rules.max}
    fitting: list[float | str] = []
    for key, bound in bounds.items():
        if bound is None:
            continue
        if variable.type not in (VariableType.NUMBER, VariableType.DATE):
            yield Finding(("validation", key), f"is for types number and date, not {variable.type}", _plain(bound))
        elif why := misfit(variable, bound):
            yield Finding(("validation", key), why, _plain(bound))
        else:
            fitting.append(bound)
    match fitting:
        case [float(low), float(high)] if low > high:
            yield Finding(("validation", "min"), "is above max", f"min {low:g}, max {high:g}")
        case [str(low), str(high)] if low[: len(high)] > high[: len(low)]:
            yield Finding(("validation", "min"), "is after max", f"min {low}, max {high}")
        case _:
            pass
    for index, value in enumerate(rules.allowed):
        if why := misfit(variable, value):
            yield Finding(("validation", "allowed", index), why, _plain(value), _categories(variable))


def _computed(variable: Variable) -> Iterator[Finding]:
    if variable.formula and variable.depends_on:
        yield Finding(("depends_on",), "is for variables that are asked; in a formula write CASE WHEN ... THEN ... END")


def _scale(variable: Variable) -> Iterator[Finding]:
    is_counted = variable.type in (VariableType.NUMBER, VariableType.DATE)
    if variable.scale == "interval" and not is_counted:
        yield Finding(("scale",), "is for types number and date", variable.scale, "nominal, ordinal")
    if variable.scale == "ordinal" and not is_counted and variable.type is not VariableType.CATEGORY:
        message = "is for categories in their order, numbers and dates"
        yield Finding(("scale",), message, variable.scale, "nominal")


_RULES: tuple[Callable[[Variable], Iterator[Finding]], ...] = (
    _reserved,
    _category_keys,
    _default,
    _examples,
    _validation,
    _computed,
    _scale,
)


def is_column(name: str, declared: Sequence[str]) -> bool:
    """Whether a formula may use a name that is no variable: a column that the dataset adds, such as `meta_date`."""
    first_day = name.removesuffix("_first_day")
    return (
        name in ("document", "source", "entity")
        or name.startswith("meta_")
        or (first_day != name and first_day in declared)
    )


def _of_project(variable: Variable, project: Project | None) -> Iterator[Finding]:
    if project is not None and project.unit.rows == "one" and variable.level is not None:
        message = "is for projects with many rows a document (`unit: rows: many`); remove it"
        yield Finding(("level",), message, variable.level)


def _unit_key(project: Project, variables: Mapping[int, Variable], declared: Sequence[str]) -> Iterator[Finding]:
    by_name = {variable.name: variable for variable in variables.values()}
    for index, name in enumerate(project.unit.key):
        if name not in declared:
            yield Finding(("unit", "key", index), f"is no variable of the codebook{did_you_mean(name, declared)}", name)
        elif name in by_name and (why := _tells_none_apart(by_name[name])):
            yield Finding(("unit", "key", index), why, name)
    levels = {variable.level for variable in variables.values()}
    if levels == {"document"} and len(variables) == len(declared):
        yield Finding(("unit", "rows"), "is `many`, and every variable has `level: document`; none describes a row")


def _finds_by_key_alone(project: Project, variables: Iterable[Variable]) -> bool:
    """Whether the call that finds the entities asks nothing about them beside their key."""
    extractor = project.extractor
    if extractor.name == "rules":
        return False
    asked = [variable for variable in variables if not variable.formula and variable.level != "document"]
    alone = extractor.passes == "two" or extractor.calls == "per_variable"
    return alone or all(variable.model not in (None, extractor.model) for variable in asked)


def _tells_none_apart(variable: Variable) -> str:
    if variable.level == "document":
        return "is a document-level variable, the same on every row of a document"
    return "is computed by a formula; use variables that are asked" if variable.formula else ""


def _repeated_names(variables: Mapping[int, Variable]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, variable in variables.items():
        earlier = first.setdefault(variable.name, index)
        if earlier != index:
            yield Finding(("variables", index, "name"), f"is already the name of variables[{earlier}]", variable.name)


def _conditions(
    variables: Mapping[int, Variable], declared: Sequence[str], project: Project | None
) -> Iterator[Finding]:
    by_name = {variable.name: variable for variable in variables.values()}
    needs: dict[str, tuple[str, ...]] = {}
    for index, variable in variables.items():
        if not variable.depends_on.strip():
            continue
        where = ("variables", index, "depends_on")
        try:
            condition = parse(variable.depends_on)
        except ConditionError as error:
            yield Finding(where, str(error), variable.depends_on)
            continue
        needs[variable.name] = condition.names
        for name in condition.names:
            if name not in declared:
                yield Finding(where, f"`{name}` is no variable of the codebook{did_you_mean(name, declared)}")
            elif name in by_name and (why := _undependable(variable, by_name[name], project)):
                yield Finding(where, why)
        yield from (Finding(where, why) for why in _misfits(condition, by_name))
    yield from _circles(variables, needs, "depends_on")


def _undependable(variable: Variable, other: Variable, project: Project | None) -> str:
    """Why one variable cannot depend on another, or ""."""
    if other.formula:
        return f"`{other.name}` is computed in the dataset, after everything was asked; depend on the variables it uses"
    many = project is not None and project.unit.rows == "many"
    if many and variable.level == "document" and other.level != "document":
        return f"a document-level variable cannot depend on `{other.name}`, which differs from row to row"
    return ""


def _misfits(condition: Condition, by_name: Mapping[str, Variable]) -> Iterator[str]:
    """Comparisons that can never hold: a category that does not exist, a number compared with text."""
    for question in condition.questions:
        variable = by_name.get(question.name)
        if variable is None or not isinstance(question, Comparison):
            continue
        if question.operator not in ("=", "==") and variable.type in _UNORDERED:
            yield f"`{variable.name}` is {variable.type}; {question.operator} is for numbers and dates"
        for value in question.values:
            if why := _never_equal(variable, value):
                yield f"`{variable.name}` is compared with {_plain(value)!r}: it {why}"


def _never_equal(variable: Variable, value: ConfiguredValue) -> str:
    is_number = isinstance(value, float)
    if is_number and variable.type in (VariableType.DATE, VariableType.CATEGORY):
        value = _plain(value)
    if isinstance(value, str) and variable.type is VariableType.CATEGORY:
        folded = {category.value.strip().casefold() for category in variable.categories}
        if is_number or value.strip().casefold() in folded:
            return ""
    return misfit(variable, value)


def _formulas(variables: Mapping[int, Variable], declared: Sequence[str]) -> Iterator[Finding]:
    needs: dict[str, tuple[str, ...]] = {}
    for index, variable in variables.items():
        if not variable.formula.strip():
            continue
        where = ("variables", index, "formula")
        try:
            needs[variable.name] = formulas.names(variable.formula, declared)
        except formulas.FormulaError as error:
            yield Finding(where, str(error), variable.formula)
            continue
        for name in needs[variable.name]:
            if name not in declared and not is_column(name, declared):
                yield Finding(where, f"`{name}` is no variable of the codebook{did_you_mean(name, declared)}")
    yield from _circles(variables, needs, "formula")


def _circles(variables: Mapping[int, Variable], needs: Needs, key: str) -> Iterator[Finding]:
    positions = {variable.name: index for index, variable in variables.items()}
    for first, *others in circles(tuple(positions), needs):
        chain = " -> ".join([first, *others, first])
        message = f"goes round in a circle: {chain}" if others else "refers to the variable itself"
        yield Finding(("variables", positions[first], key), message)
