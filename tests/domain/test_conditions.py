"""Rules of the language of `depends_on`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.conditions import ConditionError, parse


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("injured > 0", {"injured": 3.0}, True),
        ("injured > 0", {"injured": 0.0}, False),
        ("injured>=-1.5", {"injured": -1.5}, True),
        ('kind = "riot"', {"kind": "riot"}, True),
        ('kind == "Riot "', {"kind": "riot"}, True),
        ("kind = 'it''s'", {"kind": "x"}, None),
        (r"kind = 'it\'s'", {"kind": "it's"}, True),
        ('kind != "riot"', {"kind": "march"}, True),
        ('kind in ["riot", "march"]', {"kind": "march"}, True),
        ('kind not in ["riot", "march"]', {"kind": "strike"}, True),
        ("armed", {"armed": True}, True),
        ("not armed", {"armed": False}, True),
        ("armed = false", {"armed": False}, True),
        ("armed = 1", {"armed": True}, False),
        ("kind is empty", {}, True),
        ("kind is not empty", {"kind": "riot"}, True),
        ("kind IS EMPTY OR injured > 1", {"kind": "x", "injured": 2.0}, True),
        ("rating >= 3", {"rating": "4"}, True),
        ("rating >= 3", {"rating": "none of these"}, False),
        ('name < "b"', {"name": "a"}, False),
    ],
)
def test_a_condition_holds_or_not(condition: str, values: dict[str, Value], expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(ConditionError):
            parse(condition)
    else:
        assert parse(condition).holds(values) is expected


@pytest.mark.parametrize("condition", ["x = 1", "x != 1", "x > 1", "x in [1]", "x not in [1]", "x"])
@pytest.mark.parametrize("values", [{}, {"x": None}, {"x": ""}, {"x": ()}])
def test_a_question_about_an_empty_value_is_false(condition: str, values: dict[str, Value]) -> None:
    assert not parse(condition).holds(values)
    assert parse("x is empty").holds(values)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [('k = "a"', True), ('k = "c"', False), ('k != "a"', False), ('k not in ["c"]', True), ('k in ["c", "b"]', True)],
)
def test_of_several_values_any_may_match_and_a_negation_takes_none(condition: str, expected: bool) -> None:
    assert parse(condition).holds({"k": ("a", "b")}) is expected


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("d >= 2024-03", "2024-03-05", True),
        ("d = 2024-03", "2024-03-05", True),
        ("d > 2024-03", "2024-03-05", False),
        ('d <= "2024"', "2024-12-31", True),
        ("d = 2024", "2024-03", True),
        ("d > 2023", "2024-03", True),
        ("d < 2024-03-05", "2023", True),
        ("d >= 2024-03", "2024", True),
        ("d in [2022, 2023]", "2023-07-01", True),
    ],
)
def test_dates_compare_as_far_as_both_are_known(condition: str, value: str, expected: bool) -> None:
    assert parse(condition).holds({"d": value}) is expected


def test_not_binds_tighter_than_and_and_and_tighter_than_or() -> None:
    condition = parse("not a and b or c")
    assert condition.holds({"c": True})
    assert condition.holds({"a": False, "b": True})
    assert not condition.holds({"a": True, "b": True})
    assert not parse("a and (b or c)").holds({"c": True})


def test_the_names_come_once_each_in_order() -> None:
    assert parse('b > 0 and (a = "x" or b is empty) and not c').names == ("b", "a", "c")


@pytest.mark.parametrize(
    ("condition", "position", "expected"),
    [
        ("", 1, "the name of a variable"),
        ("injured >", 10, "a value"),
        ("kind = riot", 8, 'in quotes: "riot"'),
        ("kind riot", 6, "a comparison"),
        ("(a", 3, "`)`"),
        ("a in 3", 6, "a list"),
        ("a in [1 2]", 9, "`,` or `]`"),
        ("a = 'x", 5, "not closed"),
        ("a is full", 6, "`empty`"),
        ("a = 1 b = 2", 7, "`and`, `or` or the end"),
        ("a = 1; drop", 6, "';'"),
    ],
)
def test_an_error_names_the_position_and_what_was_expected(condition: str, position: int, expected: str) -> None:
    with pytest.raises(ConditionError, match="at character") as error:
        parse(condition)
    assert error.value.position == position
    assert expected in str(error.value)


@pytest.mark.parametrize("condition", ["(" * 5_000, "not " * 400 + "a", "a = 1 or " * 500])
def test_a_condition_is_bounded(condition: str) -> None:
    with pytest.raises(ConditionError):
        parse(condition)


@given(st.text(alphabet="ab ()[]=!<>,'\"andornotisempty12.-\\é\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError:
        return
    assert isinstance(condition.holds({"a": "x", "b": 2.0}), bool)
    assert parse(f"not not ({text})").names == condition.names
