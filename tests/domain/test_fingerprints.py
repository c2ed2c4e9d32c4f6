"""Fingerprints change exactly when what they stand for changes."""

from typing import Any

import pytest

from coderai_pipeline.domain.codebook import Category, Codebook, Example, Validation, Variable, VariableType
from coderai_pipeline.domain.fingerprints import (
    ask_fingerprint,
    definitions,
    of_document,
    settle_fingerprint,
    work_fingerprint,
)
from coderai_pipeline.domain.project import ExtractorSettings, Limits, Privacy, Project, ReadingSettings, Unit

TOTAL = Variable(name="total", type="number", instructions="amount paid")
KIND = Variable(name="kind", type="category", categories=(Category(value="a"), Category(value="b")))
NOTE = Variable(name="note", type="text", level="document")
CITY = Variable(name="city", type="location")
PROJECT = Project(name="p", document_type="receipt")
MANY = Project(name="p", unit=Unit(rows="many", key=("city",)))


def fingerprints(project: Project, *variables: Variable) -> dict[str, tuple[str, str]]:
    codebook = Codebook(variables=variables)
    return {
        v.name: (ask_fingerprint(project, codebook, v, "sha"), settle_fingerprint(project, codebook, v, "sha"))
        for v in variables
    }


def changed(variable: Variable, **changes: Any) -> tuple[bool, bool]:
    """Whether editing one variable changes what is asked and how it is settled."""
    before = fingerprints(PROJECT, variable)[variable.name]
    after = fingerprints(PROJECT, variable.model_copy(update=changes))[variable.name]
    return before[0] != after[0], before[1] != after[1]


@pytest.mark.parametrize(
    ("variable", "changes"),
    [
        (TOTAL, {"instructions": "amount due"}),
        (TOTAL, {"label": "Grand sum"}),
        (TOTAL, {"labels": ("Summe",)}),
        (TOTAL, {"where": "at the end"}),
        (TOTAL, {"unit": "EUR"}),
        (TOTAL, {"type": VariableType.TEXT}),
        (TOTAL, {"model": "other"}),
        (TOTAL, {"if_multiple": "all"}),
        (TOTAL, {"examples": (Example(source_text="5 paid", value=5.0),)}),
        (KIND, {"categories": (Category(value="a", description="new"), Category(value="b"))}),
        (KIND, {"allow_other": True}),
        (KIND, {"allow_multiple": True}),
    ],
)
def test_what_is_sent_decides_what_is_asked(variable: Variable, changes: dict[str, Any]) -> None:
    assert changed(variable, **changes) == (True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"validation": Validation(min=0)},
        {"default": 0.0},
        {"confidence_threshold": 0.5},
        {"if_uncertain": "null"},
        {"required": True},
        {"if_multiple": "first"},
        {"if_multiple": "join"},
        {"max_values": 3},
        {"depends_on": "kind == 'a'"},
    ],
)
def test_rules_of_settling_cost_no_call(changes: dict[str, Any]) -> None:
    assert changed(TOTAL, **changes) == (False, True)


def test_examples_for_evaluation_and_levels_of_one_row_change_nothing() -> None:
    assert changed(TOTAL, examples=(Example(source_text="x", value=1.0, use="evaluation"),)) == (False, False)
    assert changed(TOTAL, level="document") == (False, False)


@pytest.mark.parametrize(
    "update",
    [
        {"description": "What did they spend?"},
        {"domain": "economics"},
        {"document_type": "invoice"},
        {"unit": Unit(represents="one purchase")},
        {"extractor": ExtractorSettings(model="other")},
        {"extractor": ExtractorSettings(temperature=0.7)},
        {"extractor": ExtractorSettings(seed=3)},
        {"extractor": ExtractorSettings(name="rules")},
        {"extractor": ExtractorSettings(relevant_chunks=2)},
        {"reading": ReadingSettings(hidden_text="keep")},
    ],
)
def test_settings_that_reach_the_model_ask_everything_again(update: dict[str, Any]) -> None:
    before, after = fingerprints(PROJECT, TOTAL, KIND), fingerprints(PROJECT.model_copy(update=update), TOTAL, KIND)
    assert all(before[name][0] != after[name][0] and before[name][1] != after[name][1] for name in before)


@pytest.mark.parametrize("update", [{"date_order": "DMY"}, {"country": "AT"}, {"language": "de"}])
def test_conventions_settle_again_and_ask_nothing(update: dict[str, Any]) -> None:
    before, after = (
        fingerprints(PROJECT, TOTAL)["total"],
        fingerprints(PROJECT.model_copy(update=update), TOTAL)["total"],
    )
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


@pytest.mark.parametrize(
    "update",
    [
        {"name": "renamed"},
        {"owners": ("a",)},
        {"limits": Limits(tokens=5)},
        {"privacy": Privacy(show_text=False)},
        {"extractor": ExtractorSettings(base_url="http://127.0.0.1:9/v1", timeout_s=9.0, calls="per_variable")},
    ],
)
def test_what_decides_no_answer_changes_nothing(update: dict[str, Any]) -> None:
    codebook = Codebook(variables=(TOTAL, KIND))
    assert definitions(PROJECT, codebook) == definitions(PROJECT.model_copy(update=update), codebook)


def test_a_model_of_its_own_is_untouched_by_the_projects_model() -> None:
    own = TOTAL.model_copy(update={"model": "big"})
    other = PROJECT.model_copy(update={"extractor": ExtractorSettings(model="other")})
    before, after = fingerprints(PROJECT, own, KIND), fingerprints(other, own, KIND)
    assert before["total"] == after["total"]
    assert before["kind"] != after["kind"]


@pytest.mark.parametrize("project", [PROJECT, MANY])
def test_editing_one_variable_leaves_the_others_alone(project: Project) -> None:
    variables = (CITY, TOTAL, KIND, NOTE)
    before = fingerprints(project, *variables)
    edited = TOTAL.model_copy(update={"instructions": "new"})
    after = fingerprints(project, CITY, edited, KIND, NOTE)
    assert [name for name in before if before[name] != after[name]] == ["total"]
    assert fingerprints(project, CITY, KIND, NOTE) == {name: before[name] for name in ("city", "kind", "note")}


@pytest.mark.parametrize("passes", ["one", "two"])
def test_editing_a_key_asks_the_values_of_the_entities_again_but_not_the_documents(passes: str) -> None:
    project = MANY.model_copy(update={"extractor": ExtractorSettings(passes=passes)})
    before = fingerprints(project, CITY, TOTAL, NOTE)
    after = fingerprints(project, CITY.model_copy(update={"instructions": "the district"}), TOTAL, NOTE)
    assert [name for name in before if before[name][0] != after[name][0]] == ["city", "total"]


def test_undoing_a_change_brings_the_fingerprint_back() -> None:
    edited = KIND.model_copy(update={"categories": (Category(value="a", description="x"), Category(value="b"))})
    assert fingerprints(PROJECT, KIND) == fingerprints(
        PROJECT, edited.model_copy(update={"categories": KIND.categories})
    )


def test_the_text_is_part_of_a_fingerprint() -> None:
    codebook = Codebook(variables=(TOTAL,))
    one, other = (ask_fingerprint(PROJECT, codebook, TOTAL, text) for text in ("a" * 64, "b" * 64))
    assert one != other
    assert one == of_document(definitions(PROJECT, codebook)["total"].ask, "a" * 64)


def test_the_order_of_columns_and_formulas_are_no_work() -> None:
    derived = Variable(name="share", type="number", formula="total / 2")
    work = work_fingerprint(PROJECT, Codebook(variables=(TOTAL, KIND)))
    assert work == work_fingerprint(PROJECT, Codebook(variables=(KIND, TOTAL)))
    assert work == work_fingerprint(PROJECT, Codebook(variables=(KIND, derived, TOTAL)))
    assert work != work_fingerprint(PROJECT, Codebook(variables=(TOTAL,)))
    assert work != work_fingerprint(PROJECT, Codebook(variables=(TOTAL.model_copy(update={"required": True}), KIND)))


def test_rules_are_asked_again_when_what_they_read_by_changes() -> None:
    rules = PROJECT.model_copy(update={"extractor": ExtractorSettings(name="rules")})
    before = fingerprints(rules, TOTAL)["total"][0]
    assert (
        before != fingerprints(rules, TOTAL.model_copy(update={"validation": Validation(pattern=r"\d+")}))["total"][0]
    )
    assert before != fingerprints(rules.model_copy(update={"date_order": "DMY"}), TOTAL)["total"][0]
