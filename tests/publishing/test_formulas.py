"""A formula is one scalar expression over the dataset's columns; what it cannot compute costs its own cells alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.publishing import formulas
from coderai_pipeline.publishing.formula_check import FormulaError, formula_inputs, formula_problem
from coderai_pipeline.publishing.snapshot import Published, publish
from tests.publishing.study import NOW, Changed, definition, publish_values, rows
from tests.publishing.test_dataset import MANY, PAPER, PLACE, many_blocks

COLUMNS = ["total", "people", "filed", "filed_first_day", "title", "kinds"]
TOTAL = {"name": "total", "type": "number"}
PEOPLE = {"name": "people", "type": "number"}
TITLE = {"name": "title", "type": "text"}
FILED = {"name": "filed", "type": "date"}


@pytest.mark.parametrize(
    "formula",
    [
        "total / people", "round(total, 2)", "CASE WHEN total > 5 THEN 'high' ELSE 'low' END", "total IN (1, 2)",
        "coalesce(total, people, 0)", "nullif(people, 0)", "if(total > 1, 1, 0)", "list_sum([total, people])",
        "list_transform(kinds, lambda kind: upper(kind))", "[upper(kind) FOR kind IN kinds]", "title LIKE 'A%'",
        "date_diff('day', filed_first_day, DATE '2024-01-01')", "year(filed_first_day)", "total::INTEGER", "kinds[1]",
        "filed_first_day + INTERVAL 1 DAY", "title || ' -- not a comment'", "total -- a comment", "greatest(total, people)",
        "TRY_CAST(title AS DOUBLE)", "total BETWEEN 1 AND 5", "split_part(title, ' ', 1)", "Total + PEOPLE",
    ],
)  # fmt: skip
def test_scalar_expressions_are_formulas(formula: str) -> None:
    assert formula_problem(formula, COLUMNS) is None


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("", "an SQL expression"), ("total +", "not an SQL expression"), ("total; DROP TABLE cells", "not an SQL"),
        ("(SELECT 1)", "query within"), ("EXISTS (FROM cells)", "query within"), ("total IN (FROM cells)", "query within"),
        ("1) FROM cells WHERE (true", "more than one"), ("1) UNION SELECT (2", "more than one"), ("1), (2", "more than one"),
        ("sum(total)", "`sum`"), ("sum(total) OVER ()", "window"), ("count(*)", "count_star"), ("*", "`*`"),
        ("COLUMNS('t.*')", "`*`"), ("unnest(kinds)", "`unnest`"), ("random()", "`random`"), ("now()", "`now`"),
        ("current_date", "`current_date` is not a column"), ("nextval('s')", "`nextval`"), ("pg_sleep(5)", "`pg_sleep`"),
        ("current_setting('threads')", "`current_setting`"), ("read_text('/etc/hostname')", "`read_text`"),
        ("getenv('HOME')", "`getenv`"), ("main.lower(title)", "cannot be used"), ("cells.total", "without a table"),
        ("$1", "parameter"), ("totl / people", "did you mean `total`"), ("obj_description(1)", None),
        ("ago(INTERVAL 1 DAY)", "`ago`"), ("total\0", "an SQL expression"), ("rowid", "`rowid` is not a column"),
        ("get_block_size('x')", "`get_block_size`"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_a_sentence(formula: str, problem: str | None) -> None:
    found = formula_problem(formula, COLUMNS)
    if problem is not None:
        assert found is not None
        assert problem in found
        assert "\n" not in found


def test_the_inputs_of_a_formula_are_its_columns_not_its_own_names() -> None:
    assert formula_inputs("list_transform(kinds, lambda one: one || title)") == ("kinds", "title")
    with pytest.raises(FormulaError):
        formula_inputs("total +")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_refused_with_a_reason(text: str) -> None:
    problem = formula_problem(text.encode("utf-8", "replace").decode(), COLUMNS)
    assert problem is None or problem


def computed(tmp_path: Path, formula: str, given: dict[str, dict[str, Any]], **variable: Any) -> list[tuple[Any, ...]]:
    study = definition(
        [TOTAL, PEOPLE, TITLE, FILED, {"name": "result", "type": "number", "formula": formula, **variable}]
    )
    published = publish_values(tmp_path, study, given)
    assert published.open == 0 or len(given) == 0 or all(len(row) < 4 for row in given.values())
    return rows(published.path, "SELECT status, value, reason FROM cells WHERE variable = 'result' ORDER BY document")


def test_a_formula_gives_a_cell_a_row_with_its_status(tmp_path: Path) -> None:
    given = {"a": {"total": 10, "people": 4}, "b": {"total": 10, "people": None}, "c": {"total": 1, "people": 0}}
    assert computed(tmp_path, "total / people", given) == [
        ("extracted", "2.5", ""),
        ("absent", None, "the formula gives no value: something it reads is empty"),
        ("failed", None, "the result is not a finite number (such as a division by zero)"),
    ]


def test_a_row_that_fails_has_duckdbs_reason_and_the_others_their_value(tmp_path: Path) -> None:
    given = {"a": {"title": "12"}, "b": {"title": "twelve"}, "c": {"title": None}}
    first, second, third = computed(tmp_path, "CAST(title AS INTEGER) * 2", given)
    assert first[:2] == ("extracted", "24")
    assert second[0] == "failed"
    assert "Could not convert string 'twelve'" in second[2]
    assert third[0] == "absent"


@pytest.mark.parametrize("formula", ["nope + 1", "lower(total)[[", "sum(total)", "list_sum(total)", "(SELECT 1)"])
def test_a_formula_that_cannot_be_computed_fails_its_cells_and_stops_nothing(tmp_path: Path, formula: str) -> None:
    (cell,) = computed(tmp_path, formula, {"a": {"total": 10}})
    assert cell[:2] == ("failed", None)
    assert cell[2].startswith("the formula cannot be computed: ")


def test_types_that_do_not_fit_are_told_in_plain_words_with_the_remedy(tmp_path: Path) -> None:
    (cell,) = computed(tmp_path, "title - 2000", {"a": {"title": "2001"}})
    assert cell == (
        "failed",
        None,
        "the formula cannot be computed: `-` does not take text, a number; "
        "numbers in a column of text become numbers by CAST(column AS DOUBLE)",
    )
    assert computed(tmp_path, "CAST(title AS DOUBLE) - 2000", {"a": {"title": "2001"}}) == [("extracted", "1", "")]


def test_a_formula_that_takes_too_much_memory_or_time_fails_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formulas, "SECONDS", 0.5)
    for folder, formula in (
        ("memory", "length(repeat(title, 20000000000))"),
        ("time", "list_sum(range(100000000000))"),
    ):
        (cell,) = computed(tmp_path / folder, formula, {"a": {"title": "x"}})
        assert cell[0] == "failed", formula


def test_a_formula_may_read_another_and_its_failure(tmp_path: Path) -> None:
    study = definition(
        [
            {"name": "twice", "type": "number", "formula": "each * 2"},
            {"name": "each", "type": "number", "formula": "total / people"},
            {"name": "a", "type": "number", "formula": "b"},
            {"name": "b", "type": "number", "formula": "a"},
            TOTAL,
            PEOPLE,
        ]
    )
    published = publish_values(tmp_path, study, {"x": {"total": 10, "people": 4}, "y": {"total": 1, "people": 0}})
    sql = "SELECT variable, status, reason FROM cells WHERE document = '{}' AND extractor = 'formula'"
    assert rows(published.path, "SELECT twice FROM dataset") == [(5.0,), (None,)]
    assert ("twice", "failed", "it reads `each`, which failed") in rows(published.path, sql.format("y"))
    assert {row[:2] for row in rows(published.path, sql.format("x"))} >= {("a", "failed"), ("b", "failed")}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("filed_first_day + 1", ("extracted", "2024-03-06")),
        ("filed_first_day + INTERVAL 90 MINUTE", ("extracted", "2024-03-05T01:30")),
        ("left(filed, 7)", ("extracted", "2024-03")),
        ("'soon'", ("failed", None)),
    ],
)
def test_a_date_formula_gives_iso_dates(tmp_path: Path, formula: str, value: tuple[str, str | None]) -> None:
    (cell,) = computed(tmp_path, formula, {"a": {"filed": "2024-03-05"}}, type="date")
    assert cell[:2] == value


def test_a_category_formula_gives_one_of_its_categories(tmp_path: Path) -> None:
    given = {"a": {"title": "high"}, "b": {"title": "odd"}}
    cells = computed(tmp_path, "title", given, type="category", categories=[{"value": "high"}, {"value": "low"}])
    assert cells == [("extracted", "high", ""), ("failed", None, "`odd` is not one of the variable's categories")]


def test_formulas_are_computed_at_their_level(tmp_path: Path) -> None:
    study = definition(
        [
            PAPER,
            PLACE,
            {"name": "shout", "type": "text", "formula": "upper(paper)", "level": "document"},
            {"name": "spot", "type": "text", "formula": "shout || ' ' || place"},
        ],
        **MANY,
    )
    published: Published = publish(study, many_blocks(tmp_path), tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT shout, spot FROM dataset") == [("TIMES", "TIMES P2"), ("TIMES", "TIMES P10")]
    assert rows(published.path, "SELECT document, entity FROM cells WHERE variable = 'shout'") == [("a", ""), ("b", "")]
    assert published.open == 0


def test_a_failed_answer_is_not_an_absent_result(tmp_path: Path) -> None:
    failed = Changed(answer=None, status="failed", reason="unreadable reply")
    assert computed(tmp_path, "total + 1", {"a": {"total": failed}}) == [
        ("failed", None, "it reads `total`, which failed")
    ]
