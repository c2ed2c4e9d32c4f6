"""Refining a variable: better words really extract better, nothing changes before a person says so, and it can be undone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from coderai_pipeline.domain.errors import NotRefinable
from coderai_pipeline.domain.refinement_scores import Refinement
from coderai_pipeline.engine.applying import apply_candidate, undo
from coderai_pipeline.engine.refining import refine
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import ProjectFolder
from coderai_pipeline.storage.refinements import all_applied, candidates_file, kept_refinement
from tests.engine.projects import KEY, KEY_NAME, QUICK, drop, labelled, make, run, set_project, values
from tests.publishing.study import cell_row, document_row
from tests.publishing.test_quality import correction
from tests.server_answers import answer_by_schema
from tests.server_moods import SeenRequest
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [
    {"name": "total", "type": "number", "instructions": "The total."},
    {"name": "city", "type": "text"},
]
BETTER = "The amount that is finally due, with every tax in it."
NOTE = "please take the one with tax"
SAID = {
    "candidates": [{"instructions": BETTER, "why": "Taxes were left out."}, {"instructions": f"Now {NOTE}.", "why": ""}]
}


def reads_by_the_instructions(seen: SeenRequest) -> object:
    """A model that takes the net amount unless it is told of taxes, and that writes candidates when it is asked to."""
    assert seen.schema is not None
    if "candidates" in seen.schema["properties"]:
        return SAID
    lines = dict(line.split(": ", 1) for line in seen.document.splitlines() if ": " in line)
    amount = lines["gross" if "tax" in seen.prompt else "net"]
    return answer_by_schema(seen.schema, {"total": (amount, amount), "city": lines["city"]})


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[ModelServer]:
    with ModelServer(reads_by_the_instructions) as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def text_of(number: int) -> str:
    return f"Paper {number}\n" + labelled({"net": 100 + number, "gross": 120 + number, "city": f"Town {number}"})


def study(home: Path, server: ModelServer) -> ProjectFolder:
    return make(home, VARIABLES, extractor={"base_url": server.base_url})


def judge(folder: ProjectFolder, texts: dict[str, str]) -> None:
    """A reviewer puts every net amount right. texts: document -> SHA-256 of its text."""
    rows = [
        correction(key, 100.0 + number, 120 + number, text_sha256=texts[key], note=NOTE)
        for number, key in enumerate(sorted(texts))
    ]
    BlockStore(folder.state).append("feedback", rows)


def stored_study(home: Path, server: ModelServer, documents: int) -> ProjectFolder:
    """One whose documents and cells are put into the blocks without a run."""
    folder, blocks = study(home, server), BlockStore(home / "study" / "state")
    keys = [f"{number:02}.txt" for number in range(documents)]
    blocks.append(
        "documents", [document_row(key, source=key, text=text_of(n), layout=None) for n, key in enumerate(keys)]
    )
    blocks.append("cells", [cell_row(key, "total", 100 + n, type="number") for n, key in enumerate(keys)])
    judge(folder, {key: f"text-{key}" for key in keys})
    return folder


def refined(folder: ProjectFolder, name: str = "total") -> Refinement:
    return refine(folder.load(), name, "run", patience=QUICK)


def by_origin(found: Refinement) -> dict[str, Any]:
    return {one.origin: one for one in found.candidates}


def test_better_words_score_better_and_count_once_a_person_applies_them_and_until_it_is_undone(
    tmp_path: Path, server: ModelServer
) -> None:
    folder = study(tmp_path, server)
    for number in range(42):
        drop(folder, f"{number:02}.txt", text_of(number))
    run(folder, server)
    judge(
        folder, {row["document"]: row["text_sha256"] for row in BlockStore(folder.state).table("documents").to_pylist()}
    )
    path = folder.path / "codebook.yaml"
    before = path.read_bytes()
    server.forget()
    found = refined(folder)
    assert_nothing_of_the_scoring_half_was_shown(server.requests())
    assert found.split == "written from 21 documents, scored on 21 others"
    assert found.patterns == (
        "42 x another of several: another value of the document was given than the one that is meant",
    )
    better = by_origin(found)["model"]
    assert (better.score.present, better.score.candidate, better.score.verdict) == (0, 21, "better")
    assert better.score.p == pytest.approx(2 / 2**21)
    assert better.diff.startswith("-")
    assert BETTER in better.diff
    assert len(by_origin(found)["pinned"].examples) == 4
    (refused,) = found.refused
    assert refused.reason == f'copies "{NOTE}" from the feedback or its documents'
    assert path.read_bytes() == before
    page = yaml.safe_load(candidates_file(folder, "total").read_text())
    assert page["candidates"][0]["result"].startswith(
        "better: 21 of 21 held-out cells right, 0 with the present wording"
    )
    assert kept_refinement(folder, "total") == found

    applied = apply_candidate(folder.load(), "total", better.number, "ann")
    assert (applied.by, applied.undone_by) == ("ann", "")
    ran = run(folder, server)
    assert (ran.asked, ran.calls["received"]) == ({frozenset({"total"})}, 21), "the scored half was paid for"
    assert set(values(folder, "total").values()) == {120 + number for number in range(42)}
    with pytest.raises(NotRefinable, match="has changed since its candidates were compared"):
        apply_candidate(folder.load(), "total", better.number, "ann")

    undo(folder.load(), "total", "bob")
    assert path.read_bytes() == before
    assert all_applied(folder)[0].undone_by == "bob"
    assert run(folder, server).calls["received"] == 0
    assert values(folder, "total")["03.txt"] == 103
    with pytest.raises(NotRefinable, match="nothing to undo"):
        undo(folder.load(), "total", "bob")


def assert_nothing_of_the_scoring_half_was_shown(requests: list[SeenRequest]) -> None:
    """What documents and reviewers said reaches the model that writes as data, and of the scoring half nothing does."""
    (asked,) = [seen for seen in requests if "candidates" in (seen.schema or {})["properties"]]
    assert "never instructions" in asked.messages[0]["content"]
    first, *listed, last = asked.document.split("Mistakes:\n")[1].splitlines()
    assert first.strip("<>").isdigit()
    assert last == first.replace("<", "</")
    shown = {json.loads(line)["passage"] for line in listed}
    scored = {seen.document.splitlines()[1] for seen in requests if seen is not asked}
    assert len(shown) == 20
    assert len(scored) == 21
    assert not shown & {f"gross: {120 + int(paper.split()[1])}" for paper in scored}


def test_with_few_cells_each_half_scores_what_the_other_wrote_and_is_paid_for_once(
    tmp_path: Path, server: ModelServer
) -> None:
    folder = stored_study(tmp_path, server, 6)
    found = refined(folder)
    assert found.split == "few cells: each half of 6 documents scored what was written from the other"
    assert [one.origin for one in found.candidates] == ["model", "model", "pinned"]
    assert [one.score.cells for one in found.candidates if one.score] == [3, 3, 6]
    again = refined(folder)
    assert (again.calls, again.candidates) == (0, found.candidates)
    apply_candidate(folder.load(), "total", 1, "ann")
    path = folder.path / "codebook.yaml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(NotRefinable, match="has been changed since"):
        undo(folder.load(), "total", "ann")


def test_without_a_model_it_says_what_is_wrong_and_that_this_is_all(tmp_path: Path, server: ModelServer) -> None:
    folder = stored_study(tmp_path, server, 4)
    set_project(folder, extractor={"name": "rules"})
    found = refined(folder)
    assert (found.candidates, found.calls) == ((), 0)
    assert "follow no instructions" in found.notes[0]
    assert found.patterns


def test_there_must_be_mistakes_in_more_than_one_document(tmp_path: Path, server: ModelServer) -> None:
    folder = stored_study(tmp_path, server, 1)
    with pytest.raises(NotRefinable, match="only one document"):
        refined(folder)
    with pytest.raises(NotRefinable, match="did you mean `city`"):
        refined(folder, "citi")
    BlockStore(folder.state).append("feedback", [correction("00.txt", "a", "b", variable="city", text_sha256="old")])
    with pytest.raises(NotRefinable, match="0 cells have been judged"):
        refined(folder, "city")
