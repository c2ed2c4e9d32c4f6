"""Yes and no, categories, places, absence: the rules behind the examples of docs/settling.md."""

import pytest

from coderai_pipeline.domain.codebook import Category, Variable, VariableType
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.absence import is_absent
from coderai_pipeline.domain.values.booleans import read_boolean
from coderai_pipeline.domain.values.categories import read_category, split_categories
from coderai_pipeline.domain.values.locations import find_locations, read_location

ENGLISH = Conventions()
TEXT = Variable(name="v", type=VariableType.TEXT)


def categories(*values: str, **settings: bool) -> Variable:
    listed = tuple(Category(value=value) for value in values)
    return Variable(name="v", type=VariableType.CATEGORY, categories=listed, **settings)


@pytest.mark.parametrize("written", ["yes", "Ja", "OUI", "sí", "да", "نعم", "是", "true", "1", 1, True, "Yes."])
def test_yes_in_many_languages(written) -> None:
    reading = read_boolean(written, ENGLISH)
    assert isinstance(reading, Reading)
    assert reading.value is True


@pytest.mark.parametrize("written", ["no", "Nein", "NON", "нет", "لا", "否", "false", "0", 0, False])
def test_no_in_many_languages(written) -> None:
    reading = read_boolean(written, ENGLISH)
    assert isinstance(reading, Reading)
    assert reading.value is False


@pytest.mark.parametrize("written", ["maybe", 2, 0.5, "yesterday", [], float("nan")])
def test_what_is_neither_yes_nor_no_is_not_guessed(written) -> None:
    assert isinstance(read_boolean(written, ENGLISH), Unread)


@pytest.mark.parametrize(
    "written",
    [
        *(None, "", "-", "N/A", "n.a.", "null", "None", "not stated", "(unknown)", []),
        *("Keine Angabe", "non précisé", "no consta", "не указано", "غير مذكور", "未提及"),
    ],
)
def test_words_for_nothing_stated_are_absent_and_not_no(written) -> None:
    assert is_absent(written, TEXT)
    if written:
        assert isinstance(read_boolean(written, ENGLISH), Unread)


def test_a_category_called_none_or_unknown_is_a_value() -> None:
    assert not is_absent("none of the above", categories("None of the above"))
    assert not is_absent("Unknown", categories("unknown", "known"))
    assert is_absent("Unknown", categories("yes", "no"))


def test_a_phrase_that_begins_like_null_keeps_its_text() -> None:
    assert not is_absent("None of the above", TEXT)
    assert not is_absent("Nullarbor", TEXT)
    assert not is_absent("Null", TEXT, quote="signed by Anna Null")
    assert is_absent("null", TEXT, quote="signed by nobody: null")


@pytest.mark.parametrize(
    ("listed", "written"),
    [("legal", "illegal"), ("male", "female"), ("type 1", "type 2"), ("violent", "non-violent"), ("riot", "rally")],
)
def test_a_likeness_of_letters_is_not_one_of_sense(listed: str, written: str) -> None:
    assert isinstance(read_category(written, categories(listed, "something else")), Unread)


def test_two_categories_equally_near_are_not_chosen_between() -> None:
    assert isinstance(read_category("protst", categories("protest a", "protest b")), Unread)


def test_every_snap_is_recorded() -> None:
    reading = read_category("DEMONSTRATON", categories("demonstration", "strike"))
    assert reading == Reading("demonstration", change='"DEMONSTRATON" taken as "demonstration"')


def test_lists_split_but_categories_with_commas_do_not() -> None:
    variable = categories("arts, crafts", "sport")
    assert split_categories("arts, crafts", variable) == ["arts, crafts"]
    assert split_categories("sport; arts", variable) == ["sport", "arts"]
    assert split_categories("a and b", categories("a", "b")) == ["a", "b"]


def test_countries_are_told_by_name_alone() -> None:
    for written, country in (
        ("USA", "United States"),
        ("Deutschland", "Germany"),
        ("中国", "China"),
        ("Сербия", "Serbia"),
    ):
        reading = read_location(written, ENGLISH)
        assert isinstance(reading, Reading)
        assert reading.value == country
    for written in ("Kosovo", "Georgia", "Paris", "Niger Delta", "Republik", "IN"):
        assert read_location(written, ENGLISH) == Reading(written)


def test_countries_are_found_in_a_passage() -> None:
    text = "From Germany to the USA (中国很大)"
    assert [span.of(text) for span, _ in find_locations(text, ENGLISH)] == ["Germany", "USA", "中国"]
