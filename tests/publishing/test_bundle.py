"""A replication bundle holds what a stranger needs, says what it leaves out, and shows when something in it was changed."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from coderai_pipeline.cli import main
from coderai_pipeline.domain.cells import CallPurpose, CallRequest, Message, Reply
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.domain.project import ExportOptions, Project
from coderai_pipeline.extractors.archive import ReplyArchive, call_id
from coderai_pipeline.publishing.bundle_check import verify
from coderai_pipeline.publishing.exports import export
from coderai_pipeline.publishing.snapshot import publish
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.settings_files import load_codebook, load_project
from tests.publishing.study import NOW, Changed, definition, write_values

SECRET = "hunter2-of-the-archive"
WORDS = "words of the document"
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "examples": [{"source_text": WORDS, "value": "x"}]},
    {"name": "total", "type": "number"},
]
REQUEST = CallRequest((Message("user", WORDS),), {"type": "object"}, "m", {"temperature": 0.1}, CallPurpose("a", 0, ()))
CALL = call_id(REQUEST)


def make(folder: Path, options: ExportOptions | None = None, **project: Any) -> Path:
    """The bundle of a project of two documents, one of whose replies is in the archive and one of which is lost."""
    study = definition(VARIABLES, reading={"passwords": (SECRET,)}, **project)
    cells = {"call_ids": [CALL, "lost"], "quote": WORDS, "changes": [WORDS]}
    given = {
        "a": {"title": Changed(answer="A", **cells), "total": 5},
        "b": {"title": Changed(answer=None, status="flagged", reason=WORDS, **cells)},
    }
    blocks = write_values(folder, study, given)
    text = f'Asked about title\n  e.g. {json.dumps(WORDS)} -> "x"\nthe end'
    blocks.append("prompts", [{"variable": "title", "prompt_version": "p1", "version": 1, "text": text, "run_id": "r"}])
    reply = Reply(CALL, "{}", "stop", "m", 1, 1, 0, datetime(2026, 3, 1, tzinfo=UTC), 1.0, None, 1)
    ReplyArchive(folder / "state" / "replies").put(REQUEST, reply, {})
    Control(folder / "state").accept("anna")
    snapshot = publish(study, blocks, folder / "outputs", NOW).path
    (path,) = export("bundle", snapshot, folder / "exports", options)
    return path


def contents(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("bundle"))


def rewritten(bundle: Path, path: Path, changes: dict[str, bytes | None]) -> Path:
    """A copy in which somebody has changed files; None removes one."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in {**contents(bundle), **changes}.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def test_it_holds_the_definition_the_data_and_the_replies(bundle: Path, tmp_path: Path) -> None:
    held = contents(bundle)
    for name in ("codebook.yaml", "project.yaml"):
        (tmp_path / name).write_bytes(held[name])
    assert load_codebook(tmp_path / "codebook.yaml") == definition(VARIABLES).codebook
    assert load_project(tmp_path / "project.yaml") == Project(name="Study")
    assert held["prompts/title/p1.md"].startswith(b"Asked about title")
    assert json.loads(held[f"replies/{CALL[:2]}/{CALL}.json"])["call_id"] == CALL
    assert pq.read_table(io.BytesIO(held["data/cells.parquet"])).num_rows == 3
    documents = list(csv.DictReader(io.StringIO(held["documents.csv"].decode("utf-8-sig"))))
    assert [(row["document"], row["sha256"]) for row in documents] == [("a", "sha-a"), ("b", "sha-b")]
    assert json.loads(held["software.json"])["duckdb"]


def test_no_password_is_in_it(bundle: Path) -> None:
    assert not any(SECRET.encode() in content for content in contents(bundle).values())


def test_every_file_has_its_checksum(bundle: Path) -> None:
    held = contents(bundle)
    sums = dict(reversed(line.split("  ")) for line in held.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}


def test_lost_replies_are_told(bundle: Path) -> None:
    held = contents(bundle)
    manifest = json.loads(held["manifest.json"])
    assert (manifest["replies"], manifest["missing_replies"]) == (1, ["c1", "lost"])
    assert b"2 replies that values rest on are no longer in the archive" in held["README.md"]


def test_the_methods_paragraph_counts_the_snapshot(bundle: Path) -> None:
    page = contents(bundle)["methods.md"].decode()
    for said in (
        "2 documents", "6 words", "2 variables (1 number and 1 text)", "language model m (3 cells)",
        "Of 3 cells (document x row x variable), 2 (66.7%) extracted and 1 (33.3%) flagged",
        "Of 2 values with a quote, the quote was 2 (100.0%) found verbatim", "The sample was accepted",
        "1 cell was not settled yet",
    ):  # fmt: skip
        assert said in page


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    snapshot = publish_again = make(tmp_path)
    before = snapshot.read_bytes()
    newest = next((tmp_path / "outputs" / "versions").glob("*.duckdb"))
    assert export("bundle", newest, tmp_path / "again")[0].read_bytes() == before
    assert publish_again.exists()


def test_confidential_bundles_repeat_no_word_of_the_documents(tmp_path: Path) -> None:
    held = contents(make(tmp_path, ExportOptions(evidence=True), privacy={"show_text": False}))
    assert [name for name, content in held.items() if WORDS.encode() in content] == []
    assert not any(name.startswith("replies/") for name in held)
    assert b"**The documents are confidential.**" in held["README.md"]
    assert b"The replies of the model are not in this bundle." in held["README.md"]
    assert "quote" not in pq.read_table(io.BytesIO(held["data/cells.parquet"])).column_names
    assert held["prompts/title/p1.md"].endswith(b"left out: an example may quote a document]\nthe end\n")


def test_replies_can_be_left_out(tmp_path: Path) -> None:
    held = contents(make(tmp_path, ExportOptions(replies=False, variables=("total",))))
    assert not any(name.startswith("replies/") for name in held)
    assert b"The data are a part of the snapshot" in held["README.md"]


def test_a_whole_bundle_is_found_whole(bundle: Path) -> None:
    checked = verify(bundle)
    assert (checked.problems, checked.replies) == ((), 1)
    result = CliRunner().invoke(main, ["bundle", "verify", str(bundle)])
    assert (result.exit_code, "whole" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data/dataset.csv": b"other"}, "data/dataset.csv: is not what it was"),
        ({"methods.md": None}, "methods.md: is listed in SHA256SUMS and is not in the bundle"),
        ({"extra.txt": b"x"}, "extra.txt: is in the bundle and not listed"),
    ],
)
def test_what_was_changed_is_named(bundle: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = rewritten(bundle, tmp_path / "changed.zip", changes)
    assert [str(problem)[: len(said)] for problem in verify(path).problems] == [said]
    assert CliRunner().invoke(main, ["bundle", "verify", str(path)]).exit_code == 1


def test_a_reply_to_another_question_is_found_even_where_its_checksum_was_made_anew(
    bundle: Path, tmp_path: Path
) -> None:
    held = contents(bundle)
    name = f"replies/{CALL[:2]}/{CALL}.json"
    forged = held[name].replace(WORDS.encode(), b"other words")
    before, after = (hashlib.sha256(content).hexdigest().encode() for content in (held[name], forged))
    sums = held["SHA256SUMS"].replace(before, after)
    path = rewritten(bundle, tmp_path / "forged.zip", {name: forged, "SHA256SUMS": sums})
    assert [problem.file for problem in verify(path).problems] == [name]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no zip"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InvalidInput, match="no zip file"):
        verify(tmp_path / "x.zip")
    assert CliRunner().invoke(main, ["bundle", "verify", str(tmp_path / "x.zip")]).exit_code == 2


def test_a_bundle_cut_short_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(bundle.read_bytes()[:-100])
    with pytest.raises(InvalidInput):
        verify(tmp_path / "cut.zip")
