"""A project with small documents of `Label: value` lines, the server that reads them, and a run without Dagster."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from coderai_pipeline.engine.report import Summary
from coderai_pipeline.engine.run import Scope, work
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject
from tests.server_answers import answer_from_labels
from tests.server_moods import Moods, SeenRequest
from tests.servers import ModelServer

KEY = "key-of-the-small-project"
QUICK = Patience(backoffs_s=(0.02,) * 5, breaker_open_s=0.1, outage_s=1.0, hang_floor_s=0.15)
VARIABLES: list[dict[str, Any]] = [
    {"name": "total", "type": "number"},
    {"name": "city", "type": "location"},
    {"name": "seller", "type": "text"},
]


@contextmanager
def label_server(moods: Moods | None = None) -> Iterator[ModelServer]:
    with ModelServer(_read_labels, moods or Moods(key=KEY)) as server:
        yield server


def make_project(home: Path, server: ModelServer, documents: int = 8, **changes: Any) -> LoadedProject:
    """changes: keys of `extractor`, `limits`, `reading`, `unit` in project.yaml; and `variables`."""
    os.environ["SMALL_PROJECT_KEY"] = KEY
    folder = Home(home).create("small")
    write_settings(folder.path, server, **changes)
    for number in range(documents):
        text = f"Receipt {number}\nTotal: {number + 1}.50\nCity: Vienna\nSeller: Shop {number}\n"
        add_document(folder.path, f"receipt-{number:03}.txt", text)
    return folder.load()


def write_settings(folder: Path, server: ModelServer, **changes: Any) -> LoadedProject:
    extractor = {"base_url": server.base_url, "model": "test-model", "api_key_env": "SMALL_PROJECT_KEY"}
    limits = {"requests_per_minute": 60_000, "tokens_per_minute": 10_000_000, "in_flight": 8}
    stated = {
        "name": "Small project",
        "extractor": {**extractor, **changes.get("extractor", {})},
        "limits": {**limits, **changes.get("limits", {})},
        "reading": changes.get("reading", {}),
        "unit": changes.get("unit", {}),
    }
    (folder / "project.yaml").write_text(yaml.safe_dump(stated))
    (folder / "codebook.yaml").write_text(yaml.safe_dump({"variables": changes.get("variables", VARIABLES)}))
    return Home(folder.parent).project(folder.name).load()


def add_document(folder: Path, name: str, content: str | bytes) -> None:
    """With a time in the past, so that the file counts as settled."""
    path = folder / "inbox" / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def run(loaded: LoadedProject, scope: Scope | None = None) -> Summary:
    """A whole run, as the command line and Dagster do it."""
    summary = Summary()
    with Control(loaded.folder.state).extracting("run"), open_extractions(loaded, patience=QUICK) as extractions:
        for event in work(loaded, scope or Scope(), extractions, "run"):
            if isinstance(event, Summary):
                summary = event
    return summary


def _read_labels(seen: SeenRequest) -> object:
    return answer_from_labels(seen.schema, re.sub(r"^Receipt \d+$", "", seen.document, flags=re.MULTILINE))
