"""Rules that hold between the variables of a codebook, their values and the project."""

import json
from typing import Any

import pytest

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.codebook_rules import Finding, check, check_project, formula_order, order
from coderai_pipeline.domain.formulas import FormulaError, names
from coderai_pipeline.domain.project import Project

CATEGORIES = [{"value": "riot"}, {"value": "march"}]
MANY = Project(name="p", unit={"rows": "many"})  # type: ignore[arg-type]


def codebook(*variables: dict[str, object]) -> Codebook:
    return Codebook.model_validate_json(json.dumps({"variables": variables}), strict=True)


def findings(*variables: dict[str, object], project: Project | None = None) -> list[Finding]:
    book = codebook(*variables)
    declared = [variable.name for variable in book.variables]
    return list(check(dict(enumerate(book.variables)), declared, project))


def messages(*variables: dict[str, object], project: Project | None = None) -> str:
    return "\n".join(f"{finding.path} {finding.message}" for finding in findings(*variables, project=project))


def text(name: str, **keys: object) -> dict[str, object]:
    return {"name": name, "type": "text", **keys}


def number(name: str, **keys: object) -> dict[str, object]:
    return {"name": name, "type": "number", **keys}


def test_a_sound_codebook_has_no_findings() -> None:
    kind = {
        "name": "kind",
        "type": "category",
        "categories": CATEGORIES,
        "examples": [{"source_text": "they marched", "value": "march"}, {"source_text": "nothing", "value": None}],
    }
    injured = number("injured", depends_on='kind in ["riot"]', validation={"min": 0, "max": 10, "allowed": [1, 2]})
    day = {"name": "day", "type": "date", "validation": {"min": "2024", "max": "2024-03"}, "default": "2024-02-29"}
    assert findings(kind, injured, day, number("double", formula="injured * 2")) == []


def test_names_are_unique_and_not_those_of_the_dataset() -> None:
    said = messages(text("a"), text("document"), text("a"), text("empty"))
    assert "('variables', 2, 'name') is already the name of variables[0]" in said
    assert "('variables', 1, 'name') is the name of a column that the dataset adds" in said
    assert "('variables', 3, 'name') is a word of the conditions' language" in said


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (number("x", default="5"), "must be a number"),
        (text("x", default=5), 'put it in quotes: "5"'),
        (text("x", default=True), 'put it in quotes: "true"'),
        ({"name": "x", "type": "boolean", "default": "yes"}, "must be true or false"),
        ({"name": "x", "type": "date", "default": "5 March 2024"}, "must be a date such as"),
        ({"name": "x", "type": "date", "default": "2024-13"}, "must be a date such as"),
        ({"name": "x", "type": "date", "default": "2023-02-29"}, "must be a date such as"),
        ({"name": "x", "type": "category", "categories": CATEGORIES, "default": "mach"}, "did you mean `march`?"),
        (text("x", if_uncertain="default"), "has no default"),
        (text("x", validation={"min": 3}), "for types number and date"),
        (number("x", validation={"min": 3, "max": 2}), "is above max"),
        ({"name": "x", "type": "date", "validation": {"min": "2024-03", "max": "2023"}}, "is after max"),
        (number("x", validation={"max": "2"}), "must be a number"),
        (number("x", validation={"allowed": [1, "2"]}), "must be a number"),
        (text("x", allow_multiple=True), "is for type category"),
        (text("x", examples=[{"source_text": "s", "value": ["a", "b"]}]), "holds several values"),
        (text("x", examples=[{"source_text": " ", "value": "a"}]), "is blank"),
        (number("x", examples=[{"source_text": "s", "value": "a"}]), "must be a number"),
        (text("x", formula="1", depends_on="y"), "is for variables that are asked"),
    ],
)
def test_values_fit_their_variable(variable: dict[str, object], expected: str) -> None:
    assert expected in messages(variable, text("y"))


def test_a_category_outside_the_list_is_taken_where_others_are_allowed() -> None:
    assert not findings(
        {"name": "k", "type": "category", "categories": CATEGORIES, "allow_other": True, "default": "siege"}
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("kinds = 1", "`kinds` is no variable of the codebook; did you mean `kind`?"),
        ('kind = "riots"', "must be one of the variable's categories; did you mean `riot`?"),
        ('count = "3"', "must be a number"),
        ("count", "must be a number"),
        ("kind = ", "expected a value"),
        ("total > 3", "`total` is computed in the dataset"),
        ('name > "a"', "> is for numbers and dates"),
    ],
)
def test_a_condition_fits_the_variables_it_asks_about(condition: str, expected: str) -> None:
    kind = {"name": "kind", "type": "category", "categories": CATEGORIES}
    others = (kind, number("count"), number("total", formula="count + 1"), text("name"))
    assert expected in messages(*others, text("x", depends_on=condition))


def test_a_circle_of_conditions_is_named_once() -> None:
    said = messages(
        text("a", depends_on="b is empty"), text("b", depends_on="c is empty"), text("c", depends_on="a is empty")
    )
    assert said == "('variables', 0, 'depends_on') goes round in a circle: a -> b -> c -> a"
    assert "refers to the variable itself" in messages(text("a", depends_on="a is empty"))


def test_a_circle_of_formulas_is_named() -> None:
    assert "a -> b -> a" in messages(number("a", formula="b + 1"), number("b", formula="a - 1"))
    assert "refers to the variable itself" in messages(number("a", formula="a + 1"))
    assert not findings(number("year", formula="extract(year from day)"), {"name": "day", "type": "date"})


def test_levels_are_for_projects_with_many_rows() -> None:
    variable = text("a", level="document")
    assert "many rows a document" in messages(variable, project=Project(name="p"))
    assert not findings(variable, project=MANY)


def test_a_document_level_variable_does_not_depend_on_an_entity_level_one() -> None:
    said = messages(text("a"), text("b", level="document", depends_on="a is empty"), project=MANY)
    assert "differs from row to row" in said


def test_the_key_of_a_unit_names_entity_level_variables() -> None:
    book = codebook(text("city"), text("paper", level="document"), number("n", formula="1"))
    project = MANY.model_copy(update={"unit": MANY.unit.model_copy(update={"key": ("city", "citty", "paper", "n")})})
    found = list(check_project(project, dict(enumerate(book.variables)), [v.name for v in book.variables]))
    assert [finding.path[-1] for finding in found] == [1, 2, 3]
    assert "did you mean `city`?" in found[0].message


@pytest.mark.parametrize(
    ("extractor", "variables", "refused"),
    [
        ({"passes": "two"}, [text("city"), number("n")], True),
        ({"calls": "per_variable"}, [text("city"), number("n")], True),
        ({}, [text("city", model="large"), text("paper", level="document")], True),
        ({}, [text("city", model="large"), number("n")], False),
        ({"passes": "two", "name": "rules"}, [text("city"), number("n")], False),
    ],
)
def test_where_entities_are_found_before_they_are_filled_a_key_is_needed(
    extractor: dict[str, str], variables: list[dict[str, Any]], refused: bool
) -> None:
    project = Project.model_validate({"name": "p", "unit": {"rows": "many"}, "extractor": extractor})
    book = codebook(*variables)
    found = list(check_project(project, dict(enumerate(book.variables)), [v.name for v in book.variables]))
    assert [finding.path for finding in found] == [("unit", "key")] * refused
    keyed = project.model_copy(update={"unit": project.unit.model_copy(update={"key": ("city",)})})
    assert not list(check_project(keyed, dict(enumerate(book.variables)), [v.name for v in book.variables]))


@pytest.mark.parametrize("url", ["localhost:1234", "ftp://x", "https://user:pass@host/v1", "https://h/v1?key=a@b"])
def test_a_base_url_is_an_address_without_a_password(url: str) -> None:
    project = Project.model_validate_json(json.dumps({"name": "p", "extractor": {"base_url": url}}))
    assert [finding.path for finding in check_project(project, None, ())] == [("extractor", "base_url")]


def test_the_order_is_in_waves_of_what_is_asked() -> None:
    book = codebook(
        text("c", depends_on="b is empty and a is empty"),
        text("a"),
        text("b", depends_on="a is not empty"),
        number("twice", formula="half * 4"),
        number("half", formula="n / 2"),
        number("n"),
    )
    assert [[variable.name for variable in wave] for wave in order(book)] == [["a", "n"], ["b"], ["c"]]
    assert [variable.name for variable in formula_order(book)] == ["half", "twice"]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1.0 * granted / asked", ("granted", "asked")),
        ("CASE WHEN a > 1 THEN 'from b' ELSE \"order\" END", ("a", "order")),
        ("round(CAST(a AS date)::varchar, 2)", ("a",)),
        ("extract(year FROM day_of_event)", ("day_of_event",)),
        ("a IS DISTINCT FROM b", ("a", "b")),
        ("date_diff('day', DATE '2024-01-01', date)", ("date",)),
        ("year - 1900", ("year",)),
        ("a + interval 1 day", ("a",)),
        ("list_sum([a, b])", ("a", "b")),
        ("coalesce(ÄRGER, 0)", ("ärger",)),
    ],
)
def test_the_variables_of_a_formula_are_found(formula: str, expected: tuple[str, ...]) -> None:
    assert names(formula, {"year", "date"} & set(expected)) == expected


@pytest.mark.parametrize(
    "formula",
    [
        "(SELECT 1)",
        "a; drop table x",
        "(from cells)",
        "read_csv('/etc/passwd')",
        "READ_TEXT ('x')",
        "glob('*')",
        "getenv('HOME')",
        "current_setting('home_directory')",
        "a -- b",
        "a /* b */",
        "(a",
        "a, b",
        "1,5 * a",
        "a)(",
        "'open",
        "E'\\'' || (SELECT 1) || '",
        "$$x$$",
        "a" * 5_000,
    ],
)
def test_a_formula_that_is_more_than_an_expression_is_refused(formula: str) -> None:
    with pytest.raises(FormulaError):
        names(formula)


def test_an_unknown_name_in_a_formula_is_reported_with_the_nearest() -> None:
    assert "`amuont` is no variable of the codebook; did you mean `amount`?" in messages(
        number("amount"), number("x", formula="amuont / 2")
    )
