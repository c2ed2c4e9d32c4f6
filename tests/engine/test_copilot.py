"""The co-pilot proposes and a person applies: what it keeps, what it refuses, what it changes, and that no key is an error."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli import main
from coderai_pipeline.engine.run import Scope, work
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder
from coderai_pipeline.storage.proposals import kept_proposal, kept_turns, numbers
from tests.engine.projects import KEY, KEY_NAME, copy, drop, make, set_project
from tests.server_moods import Moods, SeenRequest
from tests.servers import ModelServer

CODEBOOK = """\
# Ours.
variables:
  - name: kind   # of protest
    type: text
    labels: [Kind]
  - {name: total, type: number}
"""
SIZE = {
    "name": "size",
    "type": "number",
    "instructions": "How many took part.",
    "why": "asked for",
    "quote": "300 people",
}
WRONG = {"name": "Wrong Name", "type": "number"}
CIRCLE = {"name": "place", "type": "location", "depends_on": "nothing > 1"}
AFTER = {"name": "hurt", "type": "boolean", "depends_on": "size > 10", "quote": "many were hurt"}


def answer(seen: SeenRequest) -> Any:
    return {"answer": "Four.", "variables": [SIZE, WRONG, CIRCLE, AFTER, {"name": "total", "type": "date"}]}


def coderai(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["copilot", "study", *arguments], input=typed)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    """A project whose documents were read."""
    folder = make(tmp_path_factory.mktemp("home"), [{"name": "total", "type": "number"}], extractor={"name": "rules"})
    folder.codebook_file.write_text(CODEBOOK)
    for number in range(6):
        drop(
            folder, f"{number}.txt", f"Kind: {('march', 'rally')[number % 2]}\nPlace: Town {number}\n300 people came.\n"
        )
    loaded = folder.load()
    with Control(folder.state).extracting("run"), open_extractions(loaded) as extractions:
        list(work(loaded, Scope(extract=False), extractions, "run"))
    return folder


@pytest.fixture
def study(read: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path))
    return copy(read, tmp_path)


def test_a_model_proposes_what_is_valid_is_kept_and_the_conversation_is_remembered(
    study: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(answer, Moods(key=KEY, script=("malformed",))) as server:
        set_project(study, extractor={"base_url": server.base_url})
        before = study.codebook_file.read_bytes()
        refused = coderai("suggest")
        assert (refused.exit_code, KEY_NAME in refused.output, numbers(study.state)) == (1, True, [])
        monkeypatch.setenv(KEY_NAME, KEY)
        told = coderai("suggest", "--documents", "2")
        assert told.exit_code == 0, told.output
        proposal = kept_proposal(study.state, 1)
        assert [one.name for one in proposal.suggestions] == ["size", "hurt"]
        assert dict(proposal.refused).keys() == {"Wrong Name", "place", "total"}
        assert [quote for _, quote in proposal.suggestions[0].quotes] == ["300 people"]
        assert "quotes not found" in proposal.suggestions[1].why
        assert study.codebook_file.read_bytes() == before
        assert server.counts()["received"] == 2
        assert [turn.asked.split()[0] for turn in kept_turns(study.state)] == ["Suggest"]
        assert "1 questions" in coderai("reset").output
        assert kept_turns(study.state) == []
    assert KEY not in "".join(path.read_text() for path in (study.state / "copilot").rglob("*.yaml"))


def test_without_a_model_it_proposes_what_repeats_and_says_that_this_is_all(study: ProjectFolder) -> None:
    told = coderai("suggest")
    assert told.exit_code == 0, told.output
    assert "no model was asked: this is only what repeats in 6 documents" in told.output
    assert '0.txt: "Place: Town 0"' in told.output
    assert coderai("ask", "Why?").exit_code == 1
    assert "did you mean `kind`" in coderai("categories", "kin").output


def test_documents_that_were_never_read_are_read_for_it_and_a_confidential_project_shows_no_passages(
    study: ProjectFolder,
) -> None:
    shutil.rmtree(study.state)
    set_project(study, extractor={"name": "rules"}, privacy={"show_text": False})
    told = coderai("suggest")
    assert "place: in 6 of 6 documents" in told.output
    assert "Town" not in told.output
    assert not (study.state / "documents").exists()


def test_applying_asks_changes_what_was_shown_and_nothing_else_once(study: ProjectFolder) -> None:
    assert coderai("categories", "kind").exit_code == 0
    assert coderai("apply", "1", typed="n\n").exit_code == 1
    assert study.codebook_file.read_text() == CODEBOOK
    applied = coderai("apply", "1", typed="y\n")
    assert applied.exit_code == 0, applied.output
    assert study.codebook_file.read_text() == CODEBOOK.replace(
        "# of protest\n    type: text\n",
        '# of protest\n    categories:\n      - {value: "march"}\n      - {value: "rally"}\n    type: category\n',
    )
    assert "was applied by" in coderai("apply", "1", "--yes").output


def test_a_proposal_is_not_applied_to_a_codebook_that_has_changed_since(study: ProjectFolder) -> None:
    assert coderai("suggest", "--documents", "3").exit_code == 0
    study.codebook_file.write_text(f"{CODEBOOK}# later\n")
    refused = coderai("apply", "1", "--yes")
    assert refused.exit_code == 1
    assert "has been changed since proposal 1" in refused.output
    assert study.codebook_file.read_text().endswith("# later\n")
