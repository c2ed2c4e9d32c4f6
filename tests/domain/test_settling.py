"""Settling beyond the examples of docs/settling.md: what is recorded, second readers, and that every outcome accounts for itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.candidates import SettleContext, consider
from coderai_pipeline.domain.cells import Answer, CellStatus, Grounding
from coderai_pipeline.domain.codebook import Category, Validation, Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.normalised_text import NormalisedText
from coderai_pipeline.domain.settling import Outcome, compare_readers, decide, settle
from coderai_pipeline.domain.support import supports
from coderai_pipeline.domain.values import Conventions, Reading

ENGLISH = Conventions()
TEXT = "Invoice of 5 March 2024. Total due: EUR 1,250.00 (VAT 19 %). Paid by Smith, John in Paris.\n"
NUMBER = Variable(name="total", type=VariableType.NUMBER)


def context(text: str = TEXT) -> SettleContext:
    return SettleContext(ENGLISH, NormalisedText.of(text))


def outcome(value, quote: str | None = None, variable: Variable = NUMBER, confidence: float | None = None) -> Outcome:
    return settle([Answer(variable.name, value, quote, confidence, "call")], variable, context())


def variable(kind: VariableType, **settings) -> Variable:
    return Variable(name="v", type=kind, **settings)


def test_an_extracted_value_carries_evidence_unit_and_call() -> None:
    settled = outcome(1250, "Total due: EUR 1,250.00", confidence=0.9)
    assert (settled.status, settled.reason, settled.value, settled.unit) == (CellStatus.EXTRACTED, "", 1250.0, "EUR")
    assert settled.evidence is not None
    assert settled.evidence.grounding is Grounding.EXACT
    assert TEXT[settled.evidence.start : settled.evidence.end] == "Total due: EUR 1,250.00"
    assert settled.call_ids == ("call",)


def test_without_a_quote_the_value_is_found_in_the_documents_own_form() -> None:
    settled = outcome("2024-03-05", variable=variable(VariableType.DATE))
    assert settled.evidence is not None
    assert settled.evidence.quote == "5 March 2024"
    assert "no quote was given" in settled.changes[0]


@pytest.mark.parametrize(
    ("quote", "value", "kind", "why"),
    [
        ("The treaty was signed in Prag", "Prag", VariableType.LOCATION, "quote"),
        (
            "treaty was signed in Paris and is valid",
            True,
            VariableType.BOOLEAN,
            "quote",
        ),
        ("clause 12 of the treaty, page 11", "page 11", VariableType.TEXT, "is not in the document"),
    ],
)
def test_a_quote_that_was_bent_to_hold_the_value_is_flagged(
    quote: str, value: str | bool, kind: VariableType, why: str
) -> None:
    text = "The treaty was signed in Paris and is not valid. See clause 12 of the treaty, page 1157.\n"
    settled = settle([Answer("v", value, quote, 0.99, "call")], variable(kind), context(text))
    assert settled.status is CellStatus.FLAGGED
    assert why in settled.reason


def test_what_could_not_be_read_stands_among_the_alternatives() -> None:
    settled = outcome("last Monday", "Invoice of 5 March 2024", variable(VariableType.DATE, default="2020"))
    assert (settled.status, settled.value, settled.alternatives) == (CellStatus.FLAGGED, None, ("last Monday",))


def test_no_answer_at_all_is_a_failure_and_no_default_covers_it() -> None:
    settled = decide([], variable(VariableType.NUMBER, default=0.0))
    assert (settled.status, settled.value) == (CellStatus.FAILED, None)
    assert settled.reason


def test_several_quotes_go_with_several_values() -> None:
    answer = Answer("v", ["John Smith", "Paris"], "Smith, John", None, "call", quotes=("Smith, John", "Paris"))
    found = consider(answer, variable(VariableType.TEXT, if_multiple="all"), context())
    assert [candidate.evidence.quote for candidate in found if candidate.evidence] == ["Smith, John", "Paris"]


def test_evidence_of_the_second_value_is_kept() -> None:
    answer = Answer("v", ["John", "Paris"], None, None, "call", quotes=("Smith, John", "Paris"))
    settled = settle([answer], variable(VariableType.TEXT, if_multiple="all"), context())
    assert settled.value == ("John", "Paris")
    assert any(change.startswith('Paris: "Paris", exact') for change in settled.changes)


def test_an_object_with_a_value_is_taken_apart() -> None:
    assert outcome({"value": 1250, "unit": "EUR"}, "EUR 1,250.00").value == 1250.0


def test_near_decides_between_equal_quotes() -> None:
    text = "5 dead in Ulm. Later 5 dead in Bonn."
    near = SettleContext(ENGLISH, NormalisedText.of(text), near=Span(30, 35))
    settled = settle([Answer("v", 5, "5 dead", None, "call")], NUMBER, near)
    assert settled.evidence is not None
    assert (settled.evidence.start, settled.evidence.grounding) == (21, Grounding.AMBIGUOUS)
    assert settled.status is CellStatus.EXTRACTED


@pytest.mark.parametrize(
    ("kind", "value", "quote", "held"),
    [
        (VariableType.NUMBER, 1_200_000.0, "1.2 million", True),
        (VariableType.NUMBER, 3.0, "three people", True),
        (VariableType.NUMBER, 0.0, "no injuries", True),
        (VariableType.NUMBER, 500.0, "-500", False),
        (VariableType.DATE, "2024", "5 March 2024", True),
        (VariableType.DATE, "2024-03-05", "March 2024", False),
        (VariableType.LOCATION, "United States", "in the USA", True),
        (VariableType.LOCATION, "Serbia", "in Kosovo", False),
        (VariableType.TEXT, "John Smith", "by Smith, John", True),
        (VariableType.TEXT, "Anna Smith", "by Smith, John", False),
        (VariableType.BOOLEAN, True, "anything", True),
    ],
)
def test_a_quote_supports_what_it_contains(kind: VariableType, value, quote: str, held: bool) -> None:
    assert supports(Reading(value), quote, variable(kind), ENGLISH) is held


def test_a_second_reader_raises_or_halves_confidence_and_never_replaces() -> None:
    first = Outcome(CellStatus.EXTRACTED, "", 5.0, confidence=0.8)
    agreed = compare_readers(first, Outcome(CellStatus.EXTRACTED, "", 5.0), NUMBER)
    assert (agreed.status, agreed.value, agreed.confidence) == (CellStatus.EXTRACTED, 5.0, pytest.approx(0.9))
    differs = compare_readers(first, Outcome(CellStatus.EXTRACTED, "", 6.0), NUMBER)
    assert (differs.status, differs.value, differs.confidence) == (CellStatus.FLAGGED, 5.0, 0.4)
    assert differs.alternatives == ("6",)
    silent = compare_readers(first, Outcome(CellStatus.ABSENT, "not stated"), NUMBER)
    assert silent == first


def test_a_value_that_the_second_reader_alone_finds_is_flagged_even_beside_a_default() -> None:
    first = Outcome(CellStatus.ABSENT, "not stated; default used", 0.0)
    found = compare_readers(first, Outcome(CellStatus.EXTRACTED, "", 6.0), NUMBER)
    assert (found.status, found.alternatives) == (CellStatus.FLAGGED, ("6",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
VARIABLES = [
    variable(kind, categories=(Category(value="a"), Category(value="b")) if kind is VariableType.CATEGORY else ())
    for kind in VariableType
]


@given(
    st.lists(st.tuples(JSON, st.none() | st.text(max_size=20), st.none() | st.floats()), max_size=3),
    st.sampled_from(VARIABLES),
)
def test_every_outcome_accounts_for_itself(replies, asked: Variable) -> None:
    answers = [
        Answer("v", value, quote, confidence, f"call{number}", number)
        for number, (value, quote, confidence) in enumerate(replies)
    ]
    settled = settle(answers, asked, context())
    assert settled.reason or settled.status is CellStatus.EXTRACTED
    assert settled.value is not None or settled.reason
    assert settled.confidence is None or 0 <= settled.confidence <= 1
    assert set(settled.call_ids) == {answer.call_id for answer in answers}


def test_a_first_value_that_is_passed_over_is_not_called_the_first() -> None:
    settled = settle(
        [Answer("v", [200, 1], None, 0.9, "c", quotes=("200", "1"))],
        variable(VariableType.NUMBER, if_multiple="first", validation=Validation(max=10)),
        context("200 and 1"),
    )
    assert (settled.value, settled.alternatives) == (1.0, ("200",))
    assert settled.changes == ("2 values (200; 1); the first without a fault taken",)


def test_a_category_with_a_comma_is_not_divided_in_a_list() -> None:
    kinds = tuple(Category(value=value) for value in ("Yes, partly", "Sport", "Law and order"))
    several = variable(VariableType.CATEGORY, categories=kinds, allow_multiple=True)
    for written in ("Yes, partly; Sport", "Sport; Yes, partly", "yes, partly\nsport"):
        settled = settle([Answer("v", written, "200 and 1", 0.9, "c")], several, context("200 and 1"))
        assert set(settled.value or ()) == {"Yes, partly", "Sport"}, written  # pyright: ignore[reportArgumentType]
    settled = settle([Answer("v", "Law and order, Sport", "200 and 1", 0.9, "c")], several, context("200 and 1"))
    assert settled.value == ("Law and order", "Sport")
