"""What reviewers write becomes a value of the variable's type, or is handed back; it is never guessed at."""

from typing import Any

import pytest

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.corrections import NotTaken, read_correction
from coderai_pipeline.domain.values import Conventions

KINDS = [{"value": "riot"}, {"value": "march"}, {"value": "None"}]
ENGLISH, GERMAN = Conventions("en", "en", None), Conventions("de", "de", None)


def variable(type_: str, **rules: Any) -> Variable:
    return Variable.model_validate_json(__import__("json").dumps({"name": "x", "type": type_, **rules}))


@pytest.mark.parametrize(
    ("type_", "rules", "written", "value"),
    [
        ("number", {}, 7, 7.0),
        ("number", {}, "1,234.5", 1234.5),
        ("number", {"unit": "m"}, "1.5 km", 1500.0),
        ("number", {"unit": "EUR"}, "7.50 EUR", 7.5),
        ("date", {}, "2024-03", "2024-03"),
        ("boolean", {}, True, True),
        ("boolean", {}, "no", False),
        ("category", {"categories": KINDS}, "Riot", "riot"),
        ("category", {"categories": KINDS}, "None", "None"),
        ("category", {"categories": KINDS}, "(no value)", None),
        ("category", {"categories": KINDS, "allow_multiple": True}, "riot; march; riot", ("riot", "march")),
        ("category", {"categories": KINDS, "allow_multiple": True}, ["march"], ("march",)),
        ("category", {"categories": KINDS, "allow_other": True}, "sit-in", "sit-in"),
        ("text", {"if_multiple": "all"}, "one; two", ("one", "two")),
        ("text", {}, "n/a", None),
        ("text", {}, "(kein Wert)", None),
        ("location", {}, "Graz", "Graz"),
    ],
)  # fmt: skip
def test_what_is_plain_is_taken(type_: str, rules: dict[str, Any], written: Any, value: Any) -> None:
    assert read_correction(written, variable(type_, **rules), ENGLISH) == value


@pytest.mark.parametrize(
    ("type_", "rules", "written"),
    [
        ("number", {}, "several"),
        ("number", {}, float("nan")),
        ("number", {}, [1, 2]),
        ("number", {"unit": "m"}, "3 kg"),
        ("number", {"unit": "EUR"}, "3 USD"),
        ("date", {}, "03/04/2024"),
        ("date", {"validation": {"min": "2020"}}, "2019"),
        ("boolean", {}, "perhaps"),
        ("category", {"categories": KINDS}, "roit"),
        ("category", {"categories": KINDS, "allow_multiple": True, "max_values": 1}, "riot; march"),
    ],
)  # fmt: skip
def test_what_could_mean_something_else_or_breaks_a_rule_is_handed_back(
    type_: str, rules: dict[str, Any], written: Any
) -> None:
    assert isinstance(read_correction(written, variable(type_, **rules), ENGLISH), NotTaken)


def test_a_number_that_the_document_would_write_for_another_is_handed_back() -> None:
    assert isinstance(read_correction("64.000", variable("number"), ENGLISH, GERMAN), NotTaken)
    assert read_correction("64000", variable("number"), ENGLISH, GERMAN) == 64000.0
    assert read_correction(64.5, variable("number"), ENGLISH, GERMAN) == 64.5
