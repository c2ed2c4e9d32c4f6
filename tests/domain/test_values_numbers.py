"""Numbers: what the page docs/settling.md does not show row by row, and rules that hold for all numbers."""

import time
from itertools import pairwise

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.numbers import find_numbers, read_number
from coderai_pipeline.domain.values.spelled import find_spelled

ENGLISH = Conventions()


def found(text: str, conventions: Conventions = ENGLISH) -> list[tuple[str, float]]:
    return [(span.of(text), float(reading.value)) for span, reading in find_numbers(text, conventions)]


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.sampled_from(
        ["en_US", "en_GB", "de_DE", "de_AT", "de_CH", "fr_FR", "es_ES", "es_MX", "ru_RU", "zh_CN", "pt_BR"]
    ),
)
def test_a_number_written_for_a_locale_is_read_in_it(number, locale) -> None:
    written = format_decimal(number, format="#,##0.00", locale=locale)
    reading = read_number(written, Conventions(locale[:2], locale))
    assert isinstance(reading, Reading), written
    assert reading.value == float(number)


@given(st.text(max_size=60))
def test_any_text_is_read_or_says_why_not(text: str) -> None:
    reading = read_number(text, ENGLISH)
    assert isinstance(reading, Reading) or reading.reason


@given(
    st.integers(1, 10**6), st.sampled_from(["-{}", "−{}", "({})", "{}-", "-${}", "$-{}", "({} EUR)", "EUR -{}", "- {}"])
)
def test_a_sign_is_never_lost(number: int, form: str) -> None:
    reading = read_number(form.format(f"{number:,}"), ENGLISH)
    assert isinstance(reading, Reading)
    assert reading.value == -number


def test_json_numbers_pass_as_they_are_and_booleans_do_not() -> None:
    assert read_number(5, ENGLISH) == Reading(5.0)
    assert isinstance(read_number(True, ENGLISH), Unread)
    assert isinstance(read_number(float("nan"), ENGLISH), Unread)
    assert isinstance(read_number(float("inf"), ENGLISH), Unread)
    assert isinstance(read_number(10**400, ENGLISH), Unread)
    assert isinstance(read_number([1], ENGLISH), Unread)


def test_what_was_done_to_a_number_is_said() -> None:
    reading = read_number("1.234", Conventions("de", "de"))
    assert isinstance(reading, Reading)
    assert "groups thousands in de" in reading.change
    reading = read_number("about 500", ENGLISH)
    assert isinstance(reading, Reading)
    assert "about 500" in reading.change


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5-10 people", [("5", 5), ("10", 10)]),
        ("- 500 as a bullet", [("500", 500)]),
        ("Total: -500", [("-500", -500)]),
        ("a loss of (1,250.00) that year", [("(1,250.00)", -1250)]),
        ("RM5.45\nRM96.20\nRM 3", [("RM5.45", 5.45), ("RM96.20", 96.2), ("RM 3", 3)]),
        ("5 €\n6 €", [("5 €", 5), ("6 €", 6)]),
        ("see A4, COVID-19 and 12:30", []),
        ("10.0.0.1 and 1.2.3", []),
        ("on 2024-03-05 they paid $1.2 million", [("$1.2 million", 1_200_000)]),
        ("EUR 5 and 12 % of 10 000 men", [("EUR 5", 5), ("12 %", 12), ("10 000", 10_000)]),
        ("الحرارة 120 متر", [("120 متر", 120)]),
        ("共有12万人", [("12万", 120_000)]),
    ],
)
def test_numbers_are_found_with_all_that_belongs_to_them(text: str, numbers: list[tuple[str, float]]) -> None:
    assert found(text) == numbers


def test_a_short_number_in_parentheses_in_running_text_may_be_negative() -> None:
    ((_, reading),) = find_numbers("as reported (500) before", ENGLISH)
    assert reading.value == 500
    assert reading.ambiguous


def test_finding_numbers_takes_time_in_proportion_to_the_text() -> None:
    text = "In 2019 the firm lost $1,234.50 (12 %) and 5-10 people; " * 200

    def seconds(times: int) -> float:
        started = time.process_time()
        assert sum(1 for _ in find_numbers(text * times, ENGLISH)) == 200 * 5 * times
        return time.process_time() - started

    seconds(1)
    assert seconds(8) < 48 * max(seconds(1), 1e-3)


def test_long_runs_of_digits_cost_no_more_than_others() -> None:
    started = time.process_time()
    assert list(find_numbers("1" * 200_000, ENGLISH)) == []
    assert list(find_numbers("1 " * 100_000, ENGLISH))
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [
        ("en", "five six", [5, 6]),
        ("en", "between forty-two and fifty", [42, 50]),
        ("en", "two million three hundred thousand and one", [2_300_001]),
        ("en", "several hundred, half a million, twenty-first, three and a half", []),
        ("en", "a man and a hundred others", [100]),
        ("de", "einundzwanzig Personen, mehrere hundert, eintausendzweihundert", [21, 1200]),
        ("fr", "soixante et onze, deux mille vingt-quatre, plusieurs milliers", [71, 2024]),
        ("es", "mil doscientos, veinticinco, varios miles", [1200, 25]),
        ("pt", "vinte e cinco", [25]),
        ("ru", "две тысячи двадцать четыре, несколько тысяч", [2024]),
        ("zh", "一亿二千万，二〇二四，数百，三点五，第三", [120_000_000, 2024]),
    ],
)
def test_only_whole_numbers_that_the_language_can_spell_so_are_read(
    language: str, text: str, numbers: list[int]
) -> None:
    assert [value for _, value in find_spelled(text, language)] == numbers


@given(
    st.text(st.sampled_from("一二三十百千万亿〇 "), max_size=60)
    | st.lists(st.sampled_from(["one", "ten", "a", "and", "hundred", "million", "twenty"]), max_size=60).map(" ".join)
)
def test_any_run_of_number_words_gives_numbers_in_order_and_no_overlap(text: str) -> None:
    for language in ("en", "zh", "fr"):
        spans = [span for span, _ in find_spelled(text, language)]
        assert all(first.end <= second.start for first, second in pairwise(spans))


@pytest.mark.parametrize("text", ["one " * 6_000, "亿" * 6_000, "million " * 6_000, "fünfund" * 6_000])
def test_endless_number_words_are_no_number(text: str) -> None:
    assert isinstance(read_number(text, Conventions("de", "de")), Unread)


@pytest.mark.parametrize(
    ("written", "value"), [("￥12,980－", 12980), ("¥12,980-", 12980), ("-¥500", -500), ("$100.00-", -100)]
)
def test_the_dash_that_closes_an_amount_in_yen_is_no_minus(written: str, value: float) -> None:
    reading = read_number(written, ENGLISH)
    assert isinstance(reading, Reading)
    assert reading.value == value
