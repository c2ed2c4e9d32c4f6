"""Merging: what counts as the same value, who leads, and how confidence adds up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Evidence, Grounding
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.merging import Candidate, best, equal_values, merge

TEXT = Variable(name="v", type=VariableType.TEXT)
DATE = Variable(name="v", type=VariableType.DATE)
NUMBER = Variable(name="v", type=VariableType.NUMBER)


def candidate(value, chunk: int = 0, confidence: float | None = None, start: int | None = 0, **more) -> Candidate:
    grounding = Grounding.ABSENT if start is None else Grounding.EXACT
    evidence = Evidence("quote", grounding, start, None if start is None else start + 5)
    return Candidate(value, str(value), f"call{chunk}", chunk, confidence=confidence, evidence=evidence, **more)


def test_equal_after_evening_out_is_agreement() -> None:
    (group,) = merge([candidate("Société X", 0), candidate("SOCIETE  X", 1)], TEXT).groups
    assert len(group.members) == 2


def test_two_values_of_one_answer_are_two_even_where_one_is_part_of_the_other() -> None:
    assert len(merge([candidate("Smith", 0), candidate("Smith & Co", 0)], TEXT).groups) == 2
    assert len(merge([candidate("Smith", 0), candidate("Smith & Co", 1)], TEXT).groups) == 1


def test_part_of_a_word_is_no_agreement() -> None:
    assert len(merge([candidate("Ann", 0), candidate("Annapolis", 1)], TEXT).groups) == 2


def test_a_date_agrees_with_its_month_but_not_with_another_day() -> None:
    merged = merge([candidate("2024-03", 0), candidate("2024-03-05", 1), candidate("2024-03-07", 2)], DATE)
    assert sorted(str(group.value) for group in merged.groups) == ["2024-03-05", "2024-03-07"]


def test_another_currency_is_another_amount() -> None:
    assert len(merge([candidate(5.0, 0, unit="EUR"), candidate(5.0, 1, unit="USD")], NUMBER).groups) == 2


def test_groups_come_in_the_order_of_the_document() -> None:
    merged = merge([candidate("b", 1, start=90), candidate("a", 0, start=10), candidate("c", 2, start=None)], TEXT)
    assert [group.value for group in merged.groups] == ["a", "b", "c"]


def test_a_found_quote_is_better_than_a_high_confidence() -> None:
    merged = merge([candidate("a", 0, 0.99, start=None, problems=("no",)), candidate("b", 1, 0.4)], TEXT)
    assert best(merged.groups).value == "b"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_agreement_never_lowers_confidence_and_never_passes_one(confidences: list[float]) -> None:
    (group,) = merge([candidate("a", chunk, each) for chunk, each in enumerate(confidences)], TEXT).groups
    assert group.confidence is not None
    assert max(confidences) <= group.confidence <= 1


def test_one_chunk_counts_once() -> None:
    (group,) = merge([candidate("a", 0, 0.5), candidate("a", 0, 0.6)], TEXT).groups
    assert group.confidence == pytest.approx(0.6)


def test_several_values_are_equal_in_any_order() -> None:
    assert equal_values(("a", "b"), ("B", "A"), TEXT)
    assert not equal_values(("a", "b"), ("a",), TEXT)
    assert equal_values("2024", "2024-03", DATE)


def test_a_denial_and_a_place_of_a_longer_name_are_other_values() -> None:
    place = Variable(name="v", type=VariableType.LOCATION)
    assert len(merge([candidate("guilty", 0), candidate("not guilty", 1)], TEXT).groups) == 2
    assert len(merge([candidate("Virginia", 0), candidate("West Virginia", 1)], place).groups) == 2
    assert len(merge([candidate("Guinea", 0), candidate("Guinea-Bissau", 1)], place).groups) == 2
    assert len(merge([candidate("Paris", 0), candidate("Paris, France", 1)], place).groups) == 1
