"""When a settled value agrees with a true one, and how agreement is counted."""

import pytest

from coderai_pipeline.domain.agreement import GoldCell, agreement, read_gold, same_value, wilson_interval
from coderai_pipeline.domain.cells import Cell, CellStatus, Value
from coderai_pipeline.domain.values import Conventions


@pytest.mark.parametrize(
    ("expected", "value", "type_", "agrees"),
    [
        ("1200", 1200.0, "number", True),
        ("1200.50", 1200.5, "number", True),
        ("1200", 120.0, "number", False),
        ("2024-03-05", "2024-03-05T10:00", "date", True),
        ("2024-03", "2024-03-05", "date", False),
        ("true", True, "boolean", True),
        ("MV Linnea", "mv  linnea.", "text", True),
        ("12, Quay St, 5100 Ess", "12 QUAY ST 5100 ESS", "location", True),
        ("a; b", ("b", "a"), "category", True),
        ("a", ("b", "a"), "category", False),
    ],
)
def test_values_are_compared_by_what_they_mean(expected: str, value: Value, type_: str, agrees: bool) -> None:
    assert same_value((expected,), value, type_) is agrees


def test_not_stated_agrees_with_no_value_only() -> None:
    assert same_value((), None, "text")
    assert not same_value((), "x", "text")
    assert not same_value(("x",), None, "text")


def test_a_gold_cell_without_a_settled_one_is_wrong_and_missing() -> None:
    gold = [GoldCell("a", "", "x", ("1",)), GoldCell("b", "", "x", ())]
    result = agreement(gold, [Cell("a", "", "x", "number", CellStatus.EXTRACTED, "", 1.0)])
    assert (result.right, result.wrong, result.missing, result.total) == (1, 1, 1, 2)
    assert result.per_variable["x"].share == 0.5


def test_gold_may_be_written_as_documents_write_it() -> None:
    conventions = Conventions("en", "en_MY", "DMY")
    assert read_gold(GoldCell("", "", "", ("RM1,200.50",)), "number", conventions).expected == ("1200.5",)
    assert read_gold(GoldCell("", "", "", ("(06/12/2016)",)), "date", conventions).expected == ("2016-12-06",)


def test_the_interval_holds_the_share_and_stays_within_0_and_1() -> None:
    for right, total in ((0, 10), (10, 10), (7, 10), (0, 0)):
        low, high = wilson_interval(right, total)
        assert 0 <= low <= (right / total if total else 0.5) <= high + 1e-9 <= 1 + 1e-9
