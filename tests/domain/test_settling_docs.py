"""Every row of docs/settling.md is an example; here each is executed. Rules on their own are tested beside their modules."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from coderai_pipeline.domain.candidates import SettleContext
from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.normalised_text import NormalisedText
from coderai_pipeline.domain.settling import Outcome, settle
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.reading import read_value
from coderai_pipeline.domain.wording import shown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settling.md"
CATEGORIES = [
    {"value": "riot", "keywords": ["Krawall"]},
    {"value": "peaceful protest"},
    {"value": "legal"},
    {"value": "None of the above"},
]


def rows(columns: int) -> list[Any]:
    found: list[Any] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) == columns and cells[0].strip() != "rule":
            found.append(pytest.param(*(cell.strip() for cell in cells[1:]), id=f"{len(found)}: {cells[0]}"))
    return found


def as_variable(settings: str) -> tuple[Variable, Conventions]:
    given: dict[str, Any] = yaml.safe_load("{" + settings + "}")
    locale = given.pop("locale", given.get("language", "en"))
    language = given.pop("language", locale.split("_")[0])
    conventions = Conventions(language, locale, given.pop("date_order", None))
    if given["type"] == "category":
        given["categories"] = CATEGORIES
    return Variable.model_validate({"name": "v", **given}, strict=False), conventions


def in_code(cell: str) -> str | None:
    match = re.search(r"`([^`]*)`", cell)
    return match[1] if match else None


@pytest.mark.parametrize(("settings", "written", "becomes"), rows(4))
def test_a_written_value_is_read_as_the_page_says(settings: str, written: str, becomes: str) -> None:
    variable, conventions = as_variable(settings)
    text = in_code(written) or ""
    reading = read_value(True if text == "true" else text, variable, conventions)
    if becomes.startswith("unread:"):
        assert isinstance(reading, Unread)
        assert becomes.removeprefix("unread:").strip() in reading.reason
        return
    assert isinstance(reading, Reading), reading
    assert " ".join(filter(None, (shown(reading.value), reading.unit))) == in_code(becomes)
    assert bool(reading.ambiguous) == becomes.startswith("ambiguous:")


@pytest.mark.parametrize(("settings", "document", "answers", "becomes"), rows(5))
def test_answers_settle_as_the_page_says(settings: str, document: str, answers: str, becomes: str) -> None:
    variable, conventions = as_variable(settings)
    outcome = settle(
        [answer(number, one) for number, one in enumerate(yaml.safe_load(in_code(answers) or ""))],
        variable,
        context(document, conventions),
    )
    status, _, rest = becomes.partition(":")
    value = in_code(rest)
    parts = [part.strip() for part in rest.replace(f"`{value}`", "").split(":")] if value else [rest.strip()]
    assert outcome.status == status, outcome
    assert (shown(outcome.value) if outcome.value is not None else None) == value, outcome
    assert all(part in outcome.reason for part in parts[:2]), outcome
    check_confidence(outcome, parts[2:])


def check_confidence(outcome: Outcome, wanted: list[str]) -> None:
    if wanted:
        assert outcome.confidence == (None if wanted[0] == "none" else pytest.approx(float(wanted[0])))


def answer(number: int, given: dict[str, Any]) -> Answer:
    quotes = tuple(given.get("quotes", ()))
    quote = given.get("quote", quotes[0] if quotes else None)
    return Answer("v", given["value"], quote, given.get("confidence"), f"call{number}", given.get("chunk", 0), quotes)


def context(document: str, conventions: Conventions) -> SettleContext:
    lines = re.findall(r"`([^`]*)`", document)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    chunks = {number: Span(start, end) for number, (start, end) in enumerate(pairwise(starts))}
    return SettleContext(conventions, NormalisedText.of("\n".join([*lines, ""])), chunks=chunks)
