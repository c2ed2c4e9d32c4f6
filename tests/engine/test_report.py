import pytest

from coderai_pipeline.engine.report import Planned, Summary, duration, money, progress_line


def test_before_the_first_document_no_pace_and_no_time_are_told() -> None:
    assert progress_line(Summary(Planned(to_read=40, to_extract=40))) == (
        "0 of 40 documents (0 %) · 0 not settled · 0 cells flagged"
    )


def test_progress_tells_what_is_left_what_is_wrong_and_what_it_costs() -> None:
    summary = Summary(Planned(to_read=400, to_extract=400), done=100, read=100, extracted=100, seconds=50.0)
    summary.cells["flagged"] = 1
    summary.troubles["a.txt"] = "corrupt"
    summary.calls, summary.input_tokens, summary.cost = 1200, 61_040, 0.05012
    assert progress_line(summary, "EUR", 8) == (
        "100 of 400 documents (25 %) · 150 s left".replace("150 s", "2 min")
        + " · 1 not settled · 1 cell flagged · 2.0 a second · 8 calls in flight · 1,200 calls · 61,040 tokens · 0.05 EUR"
    )


def test_a_cost_says_how_many_calls_it_leaves_out() -> None:
    summary = Summary(Planned(to_extract=1), done=1, extracted=1, calls=3, cost=0.05, unpriced=2, seconds=1.0)
    assert progress_line(summary, "EUR").endswith("3 calls · 0 tokens · 0.05 EUR and 2 calls without a price")


def test_what_is_read_fast_does_not_make_the_extraction_look_short() -> None:
    summary = Summary(Planned(to_read=100, to_extract=20), done=82, read=100, extracted=2, seconds=10.0)
    assert summary.remaining_s == 90.0


def test_a_finished_run_tells_how_long_it_took() -> None:
    summary = Summary(Planned(to_extract=3), done=3, extracted=3, seconds=2.0)
    assert progress_line(summary).startswith("3 documents done in 2 s · ")


def test_a_run_that_was_stopped_has_no_time_left() -> None:
    summary = Summary(Planned(to_extract=9), done=3, extracted=3, seconds=2.0, stopped="paused")
    assert "left" not in progress_line(summary)


@pytest.mark.parametrize(("seconds", "said"), [(5, "5 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_are_told_in_the_unit_that_people_use(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"), [(0.000456, "0.00046 EUR"), (12.345, "12.35 EUR"), (1234.5, "1,234.50 EUR")]
)
def test_small_amounts_keep_two_digits_that_say_something(amount: float, said: str) -> None:
    assert money(amount, "EUR") == said
