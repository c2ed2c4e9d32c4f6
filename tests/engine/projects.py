"""Small projects in a folder of their own, run by the engine against a model server that reads what the documents say.

The server itself is in `tests.servers`. A document is written as lines of `name: value`, and rows of it as lines of
`event: name=value; name=value`.
"""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.engine.report import DocumentReport, Event, Stored, Summary
from coderai_pipeline.engine.run import Scope, work
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, ProjectFolder
from coderai_pipeline.storage.records import cell_from
from tests.server_answers import answer_by_schema
from tests.server_moods import SeenRequest
from tests.servers import ModelServer

KEY_NAME = "STUDY_MODEL_KEY"
KEY = "study-key-7f3a"
QUICK = Patience(backoffs_s=(0.01, 0.02, 0.02), breaker_open_s=0.1, outage_s=0.4)
LONG_AGO = 1_700_000_000


def make(
    home: Path, variables: Sequence[Mapping[str, Any]], project_id: str = "study", **project: Any
) -> ProjectFolder:
    """A project with these variables; further keys go into its project.yaml, those of `extractor` and `limits` added."""
    folder = ProjectFolder(project_id, home / project_id)
    for name in (folder.inbox, folder.feedback, folder.prompts, folder.outputs, folder.state):
        name.mkdir(parents=True)
    set_variables(folder, variables)
    set_project(folder, **project)
    return Home(home).project(project_id)


def copy(folder: ProjectFolder, home: Path) -> ProjectFolder:
    """The project as it stands, in another home."""
    shutil.copytree(folder.path, home / folder.id)
    return Home(home).project(folder.id)


def set_variables(folder: ProjectFolder, variables: Sequence[Mapping[str, Any]]) -> None:
    (folder.path / "codebook.yaml").write_text(yaml.safe_dump({"variables": [dict(one) for one in variables]}))


def set_project(folder: ProjectFolder, **project: Any) -> None:
    extractor = {
        "name": "openai", "model": "test-model", "api": "chat", "api_key_env": KEY_NAME, "reply_format": "json_schema",
    }  # fmt: skip
    limits = {"requests_per_minute": 600_000, "tokens_per_minute": 600_000_000, "tokens": 50_000_000, "in_flight": 8}
    whole = {"name": folder.id, **project}
    whole["extractor"] = extractor | project.get("extractor", {})
    whole["limits"] = limits | project.get("limits", {})
    folder.project_file.write_text(yaml.safe_dump(whole))


def drop(folder: ProjectFolder, name: str, text: str, *, at: int = LONG_AGO) -> Path:
    """Puts a text into the inbox, as if it had been there for long."""
    path = folder.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))
    return path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run told, and what the server saw of it."""

    summary: Summary
    reports: dict[str, DocumentReport]
    calls: Counter[str]
    requests: list[SeenRequest]

    @property
    def asked(self) -> set[frozenset[str]]:
        """The sets of variables that requests asked about."""
        return {variables_of(seen) for seen in self.requests}

    @property
    def outcomes(self) -> dict[str, str]:
        return {key: report.settlement.outcome for key, report in self.reports.items() if report.settlement}


def run(
    folder: ProjectFolder, server: ModelServer, scope: Scope = Scope(), *, patience: Patience = QUICK, key: str = KEY
) -> Ran:
    """One run of the engine, as the command line and Dagster start it; checks that the ledger of each document closes."""
    server.forget()
    events: list[Event] = []
    with mock.patch.dict(os.environ, {KEY_NAME: key}):
        events.extend(events_of(folder, server, scope, patience))
    summary = events[-1]
    assert isinstance(summary, Summary)
    told = [report for event in events if isinstance(event, Stored) for report in event.reports]
    assert len({report.document.key for report in told}) == len(told), "a document was told twice"
    for report in told:
        assert_closed(report)
    return Ran(summary, {report.document.key: report for report in told}, server.counts(), server.requests())


def events_of(
    folder: ProjectFolder, server: ModelServer, scope: Scope = Scope(), patience: Patience = QUICK
) -> Iterable[Event]:
    loaded = folder.load()
    extractor = loaded.project.extractor.model_copy(update={"base_url": server.base_url})
    loaded = replace(loaded, project=loaded.project.model_copy(update={"extractor": extractor}))
    with (
        Control(folder.state).extracting("run"),
        open_extractions(loaded, patience=patience) as extractions,
        closing(work(loaded, scope, extractions, "run")) as events,
    ):
        yield from events


def assert_closed(report: DocumentReport) -> None:
    settlement = report.settlement
    if settlement is not None and settlement.outcome != "open":
        assert settlement.wanted == sum(settlement.counts.values()), (report.document.key, settlement)


def cells(folder: ProjectFolder) -> dict[tuple[str, str, str], Cell]:
    """(document, entity, variable) -> its current cell, by the rule of the blocks: the latest version wins."""
    rows = BlockStore(folder.state).table("cells").to_pylist()
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        place = row["document"], row["variable"]
        newest[place] = max(newest.get(place, 0), row["version"])
    found: dict[tuple[str, str, str], Cell] = {}
    for row in rows:
        if row["version"] == newest[row["document"], row["variable"]]:
            place = row["document"], row["entity"], row["variable"]
            assert place not in found, f"two cells of {place}"
            found[place] = cell_from(row)
    return found


def values(folder: ProjectFolder, variable: str) -> dict[str, Any]:
    """Document (and `/entity`) -> the variable's value."""
    return {
        "/".join(filter(None, (document, entity))): cell.value
        for (document, entity, name), cell in cells(folder).items()
        if name == variable
    }


def labelled(given: Mapping[str, Any]) -> str:
    """A document that states these values."""
    return "".join(f"{name}: {value}\n" for name, value in given.items())


def long_text(lines: Mapping[int, str], words: int = 5_400) -> str:
    """Over 5,000 words in paragraphs; the lines given stand before the word of that number."""
    parts: list[str] = []
    for at in range(0, words, 20):
        parts += [lines[number] for number in range(at, at + 20) if number in lines]
        parts.append(" ".join(f"word{number}" for number in range(at, at + 19)) + f" end{at}.")
        if at % 200 == 180:
            parts.append("")
    return "\n".join(parts) + "\n"


def answer(seen: SeenRequest) -> object:
    """What a faithful model says of a document written as lines."""
    assert seen.schema is not None
    return answer_by_schema(seen.schema, said_in(seen))


def said_in(seen: SeenRequest) -> dict[str, Any]:
    lines = re.findall(r"^(\w+): (.*)$", seen.document, re.MULTILINE)
    found: dict[str, Any] = {name: (_typed(value), f"{name}: {value}") for name, value in lines if name != "event"}
    rows = [_row(value) for name, value in lines if name == "event"]
    return {**found, "rows": _wanted_rows(seen, rows)}


def _wanted_rows(seen: SeenRequest, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows found, or, where rows are asked for by id, those."""
    hints = [json.loads(line) for line in seen.document.splitlines() if line.startswith('{"id": ')]
    if "id" not in _properties_of_rows(seen):
        return rows
    return [
        {"id": hint["id"], **next((row for row in rows if row["quote"] == hint.get("quote")), _like(rows, hint))}
        for hint in hints
    ]


def _like(rows: list[dict[str, Any]], hint: Mapping[str, Any]) -> dict[str, Any]:
    """The row whose values the hint names."""
    named = {name: value for name, value in hint.items() if name not in ("id", "quote")}
    return next((row for row in rows if all(row[name][0] == value for name, value in named.items() if value)), {})


def _row(line: str) -> dict[str, Any]:
    """A row's own quote is the line; so is the quote of each value."""
    parts = dict(part.split("=", 1) for part in line.split("; "))
    return {"quote": f"event: {line}", **{name: (_typed(value), f"{name}={value}") for name, value in parts.items()}}


def _typed(value: str) -> Any:
    return {"true": True, "false": False, "null": None}.get(value, value)


def _properties_of_rows(seen: SeenRequest) -> Mapping[str, Any]:
    schema = seen.schema or {}
    return schema.get("properties", {}).get("rows", {}).get("items", {}).get("properties", {})


def variables_of(seen: SeenRequest) -> frozenset[str]:
    """The variables that a request asks about."""
    properties = (seen.schema or {}).get("properties", {})
    if "rows" not in properties:
        return frozenset(properties)
    of_document = properties.get("document", {}).get("properties", {})
    return frozenset(of_document) | frozenset(_properties_of_rows(seen)) - {"id", "quote"}


def mode_of(seen: SeenRequest) -> str:
    """row, rows, identify or fill."""
    if "rows" not in (seen.schema or {}).get("properties", {}):
        return "row"
    properties = _properties_of_rows(seen)
    return "fill" if "id" in properties else "identify" if "quote" in properties else "rows"
