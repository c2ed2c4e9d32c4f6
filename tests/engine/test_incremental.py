"""Whatever is edited in whatever order, a run ends with the cells that a project without any past would have."""

import os
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from coderai_pipeline.domain.asks import level_of
from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import (
    answer,
    cells,
    copy,
    drop,
    labelled,
    long_text,
    make,
    run,
    set_project,
    set_variables,
)
from tests.servers import ModelServer

EDITS = 7
EVENTS = (
    "event: place=Graz; day=2024-03-01; injured=3; kind=march",
    "event: place=Linz; day=2024-03-02; injured=0; kind=riot",
    "event: place=Graz; day=2024-03-05; injured=7; kind=riot",
)
ROWS = {"rows": "many", "represents": "each protest", "key": ["place", "day"]}
OF_MANY: list[dict[str, Any]] = [
    {"name": "paper", "type": "text", "level": "document"},
    {"name": "place", "type": "location"},
    {"name": "day", "type": "date"},
    {"name": "injured", "type": "number"},
    {"name": "kind", "type": "category", "categories": [{"value": "march"}, {"value": "riot"}]},
]
OF_ONE: list[dict[str, Any]] = [
    {"name": "paper", "type": "text"},
    {"name": "place", "type": "location"},
    {"name": "injured", "type": "number"},
    {"name": "kind", "type": "category", "categories": [{"value": "march"}, {"value": "riot"}]},
]

Settings: TypeAlias = dict[str, Any]
Edit: TypeAlias = Callable[[random.Random, list[Settings], Settings], object]


def of(variables: list[Settings], name: str) -> Settings:
    return next((variable for variable in variables if variable["name"] == name), {})


def any_of(chance: random.Random, variables: list[Settings]) -> Settings:
    return chance.choice(variables)


def toggled(settings: Settings, key: str, value: Any) -> None:
    """Sets a key, or takes it away where it is that already."""
    if settings.get(key) == value:
        del settings[key]
    else:
        settings[key] = value


COMMON: list[Edit] = [
    lambda chance, v, _: any_of(chance, v).update(instructions=f"As in rule {chance.randrange(3)}."),
    lambda chance, v, _: any_of(chance, v).update(instructions=f"As in rule {chance.randrange(3)}."),
    lambda chance, v, _: toggled(of(v, "injured"), "validation", {"max": 2.0}),
    lambda chance, v, _: toggled(of(v, "injured"), "depends_on", 'kind = "riot"'),
    lambda chance, v, _: toggled(of(v, "paper"), "default", "unknown"),
    lambda chance, v, _: toggled(of(v, "kind"), "model", "large-model"),
    lambda chance, v, _: toggled(any_of(chance, v), "confidence_threshold", 0.99),
    lambda chance, v, _: v.remove(of(v, "note")) if of(v, "note") else v.append({"name": "note", "type": "text"}),
    lambda chance, _, p: toggled(p, "calls", "per_variable"),
    lambda chance, _, p: toggled(p, "temperature", 0.5),
]
MANY: list[Edit] = [
    lambda chance, v, _: of(v, "place").update(instructions=f"Keys as in rule {chance.randrange(2)}."),
    lambda chance, v, _: toggled(of(v, "day"), "if_uncertain", "null"),
    lambda chance, v, _: toggled(of(v, "kind"), "level", "document"),
    lambda chance, _, p: toggled(p, "passes", "two"),
]


def documents(folder: ProjectFolder) -> None:
    long = long_text({10: EVENTS[0], 2_600: EVENTS[1], 5_100: EVENTS[2], 5_300: EVENTS[0]})
    drop(
        folder,
        "short.txt",
        labelled({"paper": "Daily", "place": "Graz", "injured": 3, "kind": "riot"}) + "\n".join(EVENTS),
    )
    drop(folder, "empty.txt", "paper: Weekly\nNothing happened.\n")
    drop(folder, "long.txt", labelled({"paper": "Almanac", "place": "Linz", "injured": 1, "kind": "march"}) + long)


def said(folder: ProjectFolder) -> dict[tuple[str, str, str], Cell]:
    """The cells of the codebook's variables, without what differs by the way they came about. A settled document has
    no cell without an entity for a variable of entities; it has been left where the variable was once the document's."""
    loaded = folder.load()
    plain = {"call_ids": (), "input_tokens": 0.0, "output_tokens": 0.0, "seconds": 0.0}
    levels = {variable.name: level_of(variable, loaded.project) for variable in loaded.codebook.asked}
    return {
        key: replace(cell, **plain)
        for key, cell in cells(folder).items()
        if key[2] in levels and (key[1] or levels[key[2]] == "document")
    }


@pytest.fixture(name="server", scope="module")
def _server():
    with ModelServer(answer) as server:
        yield server


@pytest.mark.parametrize("seed", range(int(os.environ.get("CODERAI_TEST_SEEDS", "2"))))
@pytest.mark.parametrize("rows", ["one", "many"])
def test_a_history_of_edits_leaves_no_trace(tmp_path: Path, server: ModelServer, rows: str, seed: int) -> None:
    chance = random.Random(f"{rows}{seed}")
    variables = deepcopy(OF_MANY if rows == "many" else OF_ONE)
    unit = ROWS if rows == "many" else {}
    extractor: Settings = {}
    read = make(tmp_path / "read", variables, unit=unit)
    documents(read)
    run(read, server, Scope(extract=False))
    folder = copy(read, tmp_path / "edited")
    run(folder, server)
    past: list[tuple[list[Settings], Settings]] = []
    for step in range(EDITS):
        past.append((deepcopy(variables), deepcopy(extractor)))
        chance.choice(COMMON + (MANY if rows == "many" else []))(chance, variables, extractor)
        for project in (folder, fresh := copy(read, tmp_path / f"fresh-{step}")):
            set_variables(project, variables)
            set_project(project, unit=unit, extractor=extractor)
            ran = run(project, server)
            assert set(ran.outcomes.values()) <= {"settled"}
        edited, anew = said(folder), said(fresh)
        assert edited.keys() == anew.keys()
        for key, cell in edited.items():
            assert cell == anew[key], (step, variables, extractor)
        assert run(folder, server).reports == {}
    for variables, extractor in reversed(past):
        set_variables(folder, variables)
        set_project(folder, unit=unit, extractor=extractor)
        assert run(folder, server).calls["received"] == 0, (variables, extractor)
