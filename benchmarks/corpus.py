"""A project with as many short documents as a benchmark asks for, and a model server that answers from their labels.

What is measured is in the benchmarks themselves.
"""

import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from coderai_pipeline.storage.projects import Home, LoadedProject
from tests.server_answers import answer_from_labels
from tests.server_moods import Moods, SeenRequest
from tests.servers import Answer, ModelServer

KEY = "CODERAI_BENCHMARK_KEY"
UNLIMITED = 1_000_000_000

VARIABLES: tuple[dict[str, Any], ...] = (
    {"name": "company", "type": "text", "instructions": "The company that files the notice."},
    {"name": "filed", "type": "date", "instructions": "The day on which the notice was filed."},
    {"name": "amount", "type": "number", "instructions": "The amount claimed, in euros.", "unit": "EUR"},
    {"name": "town", "type": "location", "instructions": "The town where the company has its seat."},
)

MORE_VARIABLES: tuple[dict[str, Any], ...] = (
    *VARIABLES,
    {"name": "employees", "type": "number", "instructions": "How many people the company employs."},
    {"name": "urgent", "type": "boolean", "instructions": "Whether the notice is marked as urgent."},
    {
        "name": "branch",
        "type": "category",
        "instructions": "The branch of trade.",
        "categories": [
            {"value": "food", "description": "Food and drink, from farm to shop."},
            {"value": "transport", "description": "Carrying people or goods."},
            {"value": "building", "description": "Construction and repair of buildings."},
        ],
    },
    {"name": "contact", "type": "text", "instructions": "Name of the person to ask."},
    {"name": "hearing", "type": "date", "instructions": "The day of the hearing."},
    {"name": "reference", "type": "text", "instructions": "The reference number of the notice."},
)

_PROSE = (
    "the notice was received at our office and entered in the register together with two copies of the annexes which "
    "describe how goods were stored moved and counted during spring while staff from both sides were present nothing "
    "further has been agreed so far but talks continue about storage costs repairs and later deliveries"
)
_WORDS = _PROSE.split()
_TOWNS = ("Graz", "Leipzig", "Porto", "Turku", "Lyon", "Gdansk", "Bilbao", "Cork", "Uppsala", "Trieste")
_MONTHS = ("January", "March", "May", "June", "August", "October", "December")


def text_of(number: int) -> str:
    """About 100 words, no two documents alike: ten labelled lines between two paragraphs."""
    chance = random.Random(number)

    lines = (
        f"Reference: N-{number:06d}",
        f"Company: {chance.choice(_WORDS).capitalize()} & {chance.choice(_WORDS).capitalize()} Ltd",
        f"Town: {chance.choice(_TOWNS)}",
        f"Filed: {chance.randint(1, 28)} {chance.choice(_MONTHS)} {chance.randint(2001, 2024)}",
        f"Hearing: {chance.randint(1, 28)} {chance.choice(_MONTHS)} {chance.randint(2025, 2030)}",
        f"Amount: {chance.randint(100, 99_999)}.{chance.randint(10, 99)}",
        f"Employees: {chance.randint(2, 900)}",
        f"Branch: {chance.choice(('food', 'transport', 'building'))}",
        f"Urgent: {chance.choice(('yes', 'no'))}",
        f"Contact: {chance.choice(_WORDS).capitalize()} {chance.choice(_WORDS).capitalize()}",
    )
    return f"Notice {number}\n\n{prose(chance, 30)}\n\n" + "\n".join(lines) + f"\n\n{prose(chance, 30)}\n"


def prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words)).capitalize() + "."


def new_project(
    home: Path,
    project_id: str,
    documents: Iterable[int],
    *,
    extractor: Mapping[str, Any],
    limits: Mapping[str, Any] | None = None,
    variables: Iterable[Mapping[str, Any]] = VARIABLES,
) -> LoadedProject:
    """A project whose inbox holds the documents of these numbers, as text files that stopped changing a minute ago."""
    folder = Home(home).create(project_id)
    folder.codebook_file.write_text(yaml.safe_dump({"variables": list(variables)}, sort_keys=False))
    write_settings(folder.project_file, extractor, limits or {})
    for number in documents:
        file = folder.inbox / f"{number // 1000:03d}" / f"notice-{number:06d}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text_of(number))
        written = file.stat().st_mtime - 60
        os.utime(file, (written, written))
    return folder.load()


def write_settings(project_file: Path, extractor: Mapping[str, Any], limits: Mapping[str, Any]) -> None:
    """What else the file says stays."""
    settings = {
        **yaml.safe_load(project_file.read_text()),
        "name": "Notices",
        "document_type": "notice",
        "language": "en",
        "country": "GB",
        "extractor": dict(extractor),
        "limits": {
            "documents": 100_000,
            "tokens": UNLIMITED,
            "requests_per_minute": UNLIMITED,
            "tokens_per_minute": UNLIMITED,
            **limits,
        },
    }
    project_file.write_text(yaml.safe_dump(settings, sort_keys=False))


def model_server(moods: Moods, answer: Answer | None = None) -> ModelServer:
    """In a process of its own, so that it takes nothing from the interpreter that is measured but its share of the processor."""
    os.environ.setdefault(KEY, "any-word")
    return ModelServer(answer or _answer, moods, process=True)


def asking(base_url: str, **settings: Any) -> dict[str, Any]:
    """Extractor settings that ask a local server."""
    return {"name": "openai", "base_url": base_url, "model": "test-model", "api_key_env": KEY, **settings}


def _answer(seen: SeenRequest) -> Any:
    return answer_from_labels(seen.schema, seen.document)
