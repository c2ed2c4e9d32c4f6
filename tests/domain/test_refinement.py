"""Which mistakes are told apart, and which candidates are refused before anything is paid for scoring them."""

from dataclasses import replace
from typing import Any

import pytest

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.codebook import Category, Example, Variable, VariableType
from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.domain.feedback import Verdict
from coderai_pipeline.domain.feedback_patterns import Mistake, kind_of, mistake_of, patterns
from coderai_pipeline.domain.judgements import Judgement
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.refinement import (
    Candidate,
    Refused,
    Wording,
    halves,
    pinned,
    read_candidates,
    refusal,
    request,
    runs_of_words,
)
from coderai_pipeline.domain.refinement_scores import score

TOTAL = Variable(name="total", type=VariableType.NUMBER, instructions="The total.")
KIND = Variable(name="kind", type=VariableType.CATEGORY, categories=(Category(value="march"), Category(value="rally")))
PROJECT = Project(name="p")
TEXT = "Invoice of the second of May.\nNet amount: 1,000.50 EUR. The gross amount is 1,200.60 EUR.\nThank you."


@pytest.mark.parametrize(
    ("type_", "judged", "truth", "kind"),
    [
        ("number", None, 5.0, "missed"),
        ("number", 5.0, None, "invented"),
        ("number", 1200.0, 1.2, "format"),
        ("number", 1000.5, 1200.6, "other"),
        ("date", "2024-03-05", "2024-03", "date_precision"),
        ("date", "2024-03-05", "2024-04-05", "other"),
        ("text", "MV Linnea of Ess", "MV Linnea", "too_long"),
        ("text", "Linnea", "MV Linnea", "too_short"),
        ("text", "Invoice", "Thank you", "another_of_several"),
        ("boolean", True, False, "confused"),
    ],
)
def test_mistakes_are_told_apart(type_: str, judged: Value, truth: Value, kind: str) -> None:
    assert kind_of(judged, truth, Variable(name="x", type=VariableType(type_)), TEXT) == kind


def test_of_several_values_some_are_missing_or_too_many() -> None:
    several = KIND.model_copy(update={"allow_multiple": True})
    assert kind_of(("march",), ("march", "rally"), several) == "lacks_some"
    assert kind_of(("march", "rally"), ("march",), several) == "adds_some"


def judged(judged_value: Value, right: Value, document: str = "a", **changes: Any) -> Judgement:
    given = {"verdict": Verdict.INCORRECT, "corrected": right, "is_corrected": True, **changes}
    return Judgement(document, "", "total", judged=judged_value, reviewer="ann", version=1, **given)  # pyright: ignore[reportArgumentType]


def mistakes(*given: Judgement, variable: Variable = TOTAL) -> list[Mistake]:
    document = Document("a", "a", "text", DocumentStatus.READY, "", "", 1, TEXT)
    return [one for judgement in given if (one := mistake_of(judgement, variable, document, PROJECT))]


def test_the_passage_is_where_the_right_value_stands_however_it_is_written() -> None:
    (one,) = mistakes(judged(1000.5, 1200.6))
    assert one.passage == "The gross amount is 1,200.60 EUR."


def test_confusions_are_counted_by_what_was_taken_for_what() -> None:
    found = patterns(mistakes(*[judged("rally", "march")] * 3, judged(None, "rally"), variable=KIND))
    assert [pattern.stated.partition(": ")[0] for pattern in found] == ["3 x confused", "1 x missed"]
    assert found[0].detail == "march coded as rally"


def test_a_right_cell_and_one_that_nobody_put_right_are_no_mistakes_to_learn_from() -> None:
    assert (
        mistakes(judged(5.0, None, verdict=Verdict.CORRECT, is_corrected=False), judged(5.0, None, is_corrected=False))
        == []
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"instructions": "New.", "type": "text"}, "changes type; only words may change"),
        (
            {"instructions": "New.", "categories": [{"value": "riot", "description": "x"}]},
            "changes the categories: riot",
        ),
        ({"why": "no idea"}, "holds no instructions"),
    ],
)
def test_a_reply_that_changes_more_than_words_is_refused(entry: Any, reason: str) -> None:
    (one,) = read_candidates({"candidates": [entry]}, KIND, 0)
    assert isinstance(one, Refused)
    assert one.reason == reason


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ("Take it, the gross amount is 1,200.60 EUR here.", "copies"),
        ("x" * 1501, "at most 1,500"),
        ("The total.", "says what the variable says already"),
        ("Take what is finally due.", ""),
    ],
)
def test_words_that_copy_or_say_nothing_new_are_refused(instructions: str, reason: str) -> None:
    forbidden = runs_of_words([TEXT])
    assert refusal(Candidate("model", Wording(instructions), "", 0), TOTAL, forbidden).count(reason)
    is_refused = bool(refusal(Candidate("model", Wording(instructions), "", 0), TOTAL, forbidden))
    assert is_refused is bool(reason)


def test_what_the_variable_said_before_is_no_copy() -> None:
    variable = TOTAL.model_copy(update={"instructions": "The gross amount is 1,200.60 EUR. Thank you."})
    longer = Wording("The gross amount is 1,200.60 EUR. Thank you. Taxes count.")
    assert refusal(Candidate("model", longer, "", 0), variable, runs_of_words([TEXT])) == ""


def test_wording_changes_words_alone() -> None:
    changed = Wording("New.", {"march": "moving"}, (Example(source_text="x", value="march"),)).applied_to(KIND)
    assert changed.model_copy(update={"instructions": "", "examples": (), "categories": KIND.categories}) == KIND
    assert [category.description for category in changed.categories] == ["moving", ""]


def test_corrected_cells_become_examples_that_the_codebook_takes() -> None:
    candidate = pinned(
        mistakes(judged(1000.5, 1200.6), judged(1000.5, None, quote="Net amount: 1,000.50 EUR")), TOTAL, 0
    )
    assert candidate is not None
    assert [(one.source_text, one.value) for one in candidate.wording.examples] == [
        ("The gross amount is 1,200.60 EUR.", 1200.6),
        ("Net amount: 1,000.50 EUR.", None),
    ]
    assert pinned(mistakes(judged("x", "no category"), variable=KIND), KIND, 0) is None


def test_halves_hold_whole_documents_and_depend_on_the_seed_alone() -> None:
    names = [f"d{number}" for number in range(9)]
    one, other = halves(names, 3)
    assert one | other == set(names)
    assert not one & other
    assert (one, other) == halves(reversed(names), 3)
    assert (one, other) != halves(names, 4)


def test_the_request_is_strict_and_the_same_for_the_same_mistakes() -> None:
    asked = request(KIND, mistakes(judged("rally", "march"), variable=KIND), PROJECT, 2)
    assert asked == request(KIND, mistakes(judged("rally", "march"), variable=KIND), PROJECT, 2)
    entry: Any = asked.schema["properties"]["candidates"]["items"]  # pyright: ignore[reportIndexIssue, reportCallIssue, reportArgumentType]
    assert entry["additionalProperties"] is False
    assert entry["properties"]["categories"]["items"]["properties"]["value"]["enum"] == ["march", "rally"]


def test_wordings_are_compared_on_the_same_cells() -> None:
    said = [judged(0.0, float(number), f"d{number}") for number in range(10)]
    present = {(f"d{number}", ""): 0.0 for number in range(10)}
    candidate = {(f"d{number}", ""): float(number) for number in range(9)}
    found = score(said, present, candidate, TOTAL)
    assert found is not None
    assert (found.cells, found.present, found.candidate, found.gained, found.lost) == (10, 1, 9, 8, 0)
    assert found.difference == 0.8
    assert found.verdict == "better"
    assert score([], present, candidate, TOTAL) is None


def test_few_cells_that_all_improve_are_no_proof() -> None:
    said = [judged(0.0, 5.0, f"d{number}") for number in range(3)]
    found = score(said, {}, {(f"d{number}", ""): 5.0 for number in range(3)}, TOTAL)
    assert found is not None
    assert found.verdict == "no clear difference"
    assert (
        found.stated
        == "3 of 3 held-out cells right, 0 with the present wording; difference +1.00 (no interval), p = 0.25"
    )


def test_many_cells_of_few_documents_are_no_proof_either() -> None:
    said = [replace(judged(0.0, 5.0, f"d{number % 3}"), entity=str(number)) for number in range(12)]
    found = score(said, {}, {(one.document, one.entity): 5.0 for one in said}, TOTAL)
    assert found is not None
    assert (found.gained, found.p, found.verdict) == (12, 0.25, "no clear difference")
