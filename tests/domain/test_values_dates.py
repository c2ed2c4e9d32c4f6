"""Dates: what the page docs/settling.md does not show row by row, and rules that hold for all dates."""

import datetime as dt

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.dates import find_dates, read_date

ENGLISH = Conventions()


def found(text: str, conventions: Conventions = ENGLISH) -> list[tuple[str, str]]:
    return [(span.of(text), str(reading.value)) for span, reading in find_dates(text, conventions)]


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(["en", "de", "fr", "es", "ru", "ar", "zh", "pt", "it", "nl", "pl"]),
    st.sampled_from(["long", "full"]),
)
def test_a_date_written_for_a_language_is_read_in_it(date: dt.date, language: str, form: str) -> None:
    written = format_date(date, form, locale=language)
    reading = read_date(written, Conventions(language, language))
    assert isinstance(reading, Reading), written
    assert (reading.value, reading.precision) == (date.isoformat(), "day"), written


@given(st.text(max_size=60))
def test_any_text_is_read_or_says_why_not(text: str) -> None:
    reading = read_date(text, ENGLISH)
    assert isinstance(reading, Reading) or reading.reason


@given(st.dates(dt.date(1000, 1, 1), dt.date(2999, 12, 31)))
def test_iso_dates_read_as_themselves(date: dt.date) -> None:
    assert read_date(date.isoformat(), ENGLISH) == Reading(date.isoformat(), "day")


@pytest.mark.parametrize("written", ["March 5", "12:30", "Monday", "yesterday", "in two weeks", "05/03", ""])
def test_todays_date_completes_nothing(written: str) -> None:
    assert isinstance(read_date(written, ENGLISH), Unread)


def test_years_of_json_are_years_and_booleans_are_not() -> None:
    assert read_date(2024, ENGLISH) == Reading("2024", "year")
    assert read_date(2024.0, ENGLISH) == Reading("2024", "year")
    assert isinstance(read_date(True, ENGLISH), Unread)
    assert isinstance(read_date(None, ENGLISH), Unread)


@pytest.mark.parametrize("order", ["DMY", "MDY"])
def test_an_order_that_is_impossible_gives_way_to_the_possible_one(order) -> None:
    for written, wanted in (("25/03/2024", "2024-03-25"), ("03/25/2024", "2024-03-25")):
        reading = read_date(written, Conventions("en", "en", order))
        assert isinstance(reading, Reading)
        assert (reading.value, reading.ambiguous) == (wanted, "")


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("On 12 March 2020 the firm lost 5.", [("12 March 2020", "2020-03-12")]),
        ("In May 2021; May 5, 2022 14:30.", [("May 2021", "2021-05"), ("May 5, 2022 14:30", "2022-05-05T14:30")]),
        ("since 1998 it cost $2000", [("1998", "1998")]),
        ("31 April 2024 is none", []),
        ("10.0.0.1, v1.2.3, 12:30", []),
        ("赫顿在1795年和2024年3月5日", [("1795年", "1795"), ("2024年3月5日", "2024-03-05")]),
        ("في ٥ مارس ٢٠٢٤", [("٥ مارس ٢٠٢٤", "2024-03-05")]),
        ("den 05.03.2024.", [("05.03.2024", "2024-03-05")]),
    ],
)
def test_dates_are_found_whole(text: str, dates: list[tuple[str, str]]) -> None:
    assert found(text) == dates


def test_a_day_of_two_readings_names_both() -> None:
    ((_, reading),) = find_dates("on 03/04/2024", ENGLISH)
    assert "2024-03-04" in reading.ambiguous
    assert "2024-04-03" in reading.ambiguous


def test_a_day_in_words_needs_an_of_or_a_capital() -> None:
    def days(text: str) -> list[str]:
        return [str(reading.value) for _, reading in find_dates(text, Conventions())]

    assert days("on the fifth day of March 2024") == ["2024-03-05"]
    assert days("Third February 2019") == ["2019-02-03"]
    assert days("the second May 2020 meeting") == ["2020-05"]
