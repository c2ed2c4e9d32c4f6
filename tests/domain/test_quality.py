"""What is measured of cells with known truth, on which of them it rests, and when thresholds hold."""

import pytest

from coderai_pipeline.domain.cells import Cell, CellStatus, Value
from coderai_pipeline.domain.codebook import Category, Variable, VariableType
from coderai_pipeline.domain.feedback import Verdict
from coderai_pipeline.domain.judgements import Judgement, said_twice, that_count
from coderai_pipeline.domain.project import QualitySettings
from coderai_pipeline.domain.quality import (
    Compared,
    Counts,
    Measure,
    between_reviewers,
    compare_judged,
    measures,
    rates,
)
from coderai_pipeline.domain.thresholds import check_all, refusal

KIND = Variable(
    name="kind",
    type=VariableType.CATEGORY,
    categories=(Category(value="march"), Category(value="Rally"), Category(value="riot")),
)
TOTAL = Variable(name="total", type=VariableType.NUMBER)


def compared(
    document: str, true: str | None, found: Value, p: float | None = None, confidence: float | None = None
) -> Compared:
    expected = () if true is None else (true,)
    right = (str(found).casefold() == true.casefold()) if true is not None and found is not None else true == found
    return Compared(document, expected, found, right, confidence, p)


def by_name(found: list[Measure]) -> dict[tuple[str, str], Measure]:
    return {(one.name, one.of): one for one in found}


def test_precision_counts_what_was_given_and_recall_what_is_true() -> None:
    cells = [
        compared("a", "march", "march"),
        compared("b", "Rally", "march"),
        compared("c", "march", None),
        compared("d", None, "riot"),
        compared("e", None, None),
    ]
    found = by_name(list(measures(KIND, cells, "feedback")))
    value = {
        name: found[name, ""].value
        for name in ("accuracy", "value_precision", "value_recall", "presence_precision", "presence_recall")
    }
    assert value == {
        "accuracy": 0.4,
        "value_precision": pytest.approx(1 / 3),
        "value_recall": pytest.approx(1 / 3),
        "presence_precision": pytest.approx(2 / 3),
        "presence_recall": pytest.approx(2 / 3),
    }
    assert found["value_f1", ""].value == pytest.approx(1 / 3)
    assert found["category_precision", "march"].value == 0.5
    assert found["category_recall", "Rally"].value == 0
    assert found["accuracy", ""].stated == "0.40 (0.12-0.77, n = 5)"
    assert "none drawn at random" in found["accuracy", ""].basis


def test_a_random_sample_stands_for_all_and_each_cell_for_as_many_as_its_probability_says() -> None:
    cells = [
        compared("a", "1", "1", 0.5),
        compared("b", "1", "2", 0.1),
        compared("c", "1", "2"),  # picked for its doubts: no estimate rests on it
    ]
    accuracy = by_name(list(measures(TOTAL, cells, "feedback")))["accuracy", ""]
    assert accuracy.value == pytest.approx(2 / 12)
    assert accuracy.n == 2
    assert "1 picked for their doubts left out" in accuracy.basis


def test_numbers_are_compared_on_an_interval_scale_and_ordered_categories_by_rank() -> None:
    near = [compared(str(n), str(n), float(n) + 0.1) for n in range(9)]
    far = [compared(str(n), str(n), float(8 - n)) for n in range(9)]
    alphas = [by_name(list(measures(TOTAL, cells, "gold")))["alpha_interval", ""] for cells in (near, far)]
    assert alphas[0].value is not None
    assert alphas[1].value is not None
    assert alphas[0].value > 0.99 > 0 > alphas[1].value
    ordered = KIND.model_copy(update={"scale": "ordinal"})
    cells = [compared("a", "march", "march"), compared("b", "Rally", "riot"), compared("c", "riot", "riot")]
    names = {name for name, _ in by_name(list(measures(ordered, cells, "gold")))}
    assert {"kappa_weighted", "alpha_ordinal"} <= names
    assert "alpha_nominal" not in names


def test_a_stated_confidence_is_held_against_what_came_true() -> None:
    cells = [compared(str(n), "1", "1" if n < 6 else "2", confidence=0.95) for n in range(10)]
    found = by_name(list(measures(TOTAL, cells, "gold")))
    assert found["expected_calibration_error", ""].value == pytest.approx(0.35)
    assert found["brier_score", ""].value == pytest.approx((6 * 0.05**2 + 4 * 0.95**2) / 10)
    assert found["accuracy_at_confidence", "0.9-1.0"].value == 0.6


def judgement(reviewer: str, version: int, **changes: object) -> Judgement:
    given = {"verdict": Verdict.CORRECT, "judged": 5.0, **changes}
    return Judgement("a", "", "total", reviewer=reviewer, version=version, **given)  # pyright: ignore[reportArgumentType]


def test_the_latest_verdict_counts_and_a_random_draw_is_not_forgotten() -> None:
    first = judgement("ann", 1, inclusion_probability=0.2)
    last = judgement("bob", 2, verdict=Verdict.INCORRECT, corrected=None, is_corrected=True)
    counting = that_count([last, first])["a", "", "total"]
    assert counting.reviewer == "bob"
    assert counting.expected == ()
    assert counting.inclusion_probability == 0.2


def test_a_wrong_value_without_a_correction_says_nothing_of_another_value() -> None:
    wrong = judgement("ann", 1, verdict=Verdict.INCORRECT)
    for value, is_right in ((5.0, False), (6.0, None)):
        cell = Cell("a", "", "total", "number", CellStatus.EXTRACTED, "", value)
        found = compare_judged(wrong, cell)
        assert (found.is_right if found else None) is is_right


def test_reviewers_agree_where_they_hold_the_same_to_be_true() -> None:
    said = [
        judgement("ann", 1),
        judgement(
            "bob", 2, verdict=Verdict.INCORRECT, corrected=5.0, is_corrected=True
        ),  # another verdict, the same truth
    ]
    (agreement, alpha) = between_reviewers("total", said_twice(said))
    assert (agreement.value, agreement.n) == (1.0, 1)
    assert alpha.value is None


def test_rates_leave_out_what_was_not_asked() -> None:
    found = {one.name: one.value for one in rates("total", Counts(10, 4, 1, 0, 6, 3))}
    assert found == {"null_rate": 0.4, "flag_rate": 0.1, "failure_rate": 0.0, "grounding_rate": 0.5}


def test_thresholds_name_the_variable_the_number_and_what_is_asked_for() -> None:
    cells = [compared(str(n), "1", "1" if n else "2") for n in range(4)]
    found = [*measures(TOTAL, cells, "gold"), *rates("total", Counts(10, 4, 5, 0, 6, 6))]
    checks = {check.name: check for check in check_all(QualitySettings(), found, ["total"])}
    assert not checks["accuracy"].passed
    assert checks["accuracy"].stated == "total: accuracy 0.75 (0.30-0.95, n = 4), at least 0.8 asked for"
    assert checks["grounding"].passed
    assert not checks["flagged"].passed
    assert refusal(QualitySettings(), found, ["total"]) == ""
    assert "at most 0.3" in refusal(QualitySettings(gate=True), found, ["total"])


def test_a_gate_stays_shut_where_nobody_has_looked() -> None:
    assert refusal(QualitySettings(gate=True), [], ["total"]) == "total: 0 cells judged, 1 asked for"
    assert refusal(QualitySettings(gate=True, min_accuracy=None), [], ["total"]) == ""
