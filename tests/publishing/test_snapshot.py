"""Publishing makes one new immutable file for new content, and the stable name leads to the newest without a gap."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from coderai_pipeline.publishing.snapshot import KEPT_VERSIONS, STABLE_NAME, newest_snapshot, publish
from tests.publishing.study import NOW, call_row, cell_row, definition, publish_values, rows, settled_row, write_values

STUDY = definition([{"name": "title", "type": "text"}])


def test_the_stable_name_and_the_version_hold_the_same(tmp_path: Path) -> None:
    published = publish_values(tmp_path, STUDY, {"a": {"title": "x"}})
    assert published.new
    assert published.stable == tmp_path / "outputs" / "dataset.duckdb"
    assert published.path.name == f"dataset-{published.version}.duckdb"
    assert published.stable.read_bytes() == published.path.read_bytes()
    assert newest_snapshot(tmp_path / "outputs") == published.path
    assert rows(published.stable, "SELECT value FROM project WHERE key = 'version'") == [(published.version,)]


def test_what_a_document_cost_is_what_all_its_calls_cost_not_those_of_the_last_run(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}, "b": {"title": "y"}})
    blocks.append("calls", [call_row("c1", "a"), call_row("c2", "a", cost=None), call_row("c3", "b", cost=None)])
    blocks.append("settled", [settled_row("a", calls=0, input_tokens=0, output_tokens=0, cost=None)])
    published = publish(STUDY, blocks, tmp_path / "outputs", NOW)
    asked = "SELECT document, calls, input_tokens, output_tokens, cost FROM documents"
    assert rows(published.stable, asked) == [("a", 2, 20, 4, 0.5), ("b", 1, 10, 2, None)]


def test_a_project_without_documents_is_published_empty(tmp_path: Path) -> None:
    published = publish_values(tmp_path, STUDY, {})
    assert (published.rows, published.documents, published.cells_by_status) == (0, 0, {})


def test_unchanged_content_is_not_published_again_even_after_compaction(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}})
    for _ in range(3):
        blocks.append("cells", [cell_row("a", "title", "y")])
    first = publish(STUDY, blocks, tmp_path / "outputs", NOW)
    assert blocks.compact("cells", at=2)
    again = publish(STUDY, blocks, tmp_path / "outputs", NOW + timedelta(hours=1))
    assert (again.new, again.path, again.cells_by_status) == (False, first.path, first.cells_by_status)
    assert len(list((tmp_path / "outputs" / "versions").glob("*.duckdb"))) == 1


@pytest.mark.parametrize("change", ["codebook", "settings"])
def test_a_changed_definition_is_published(tmp_path: Path, change: str) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}})
    publish(STUDY, blocks, tmp_path / "outputs", NOW)
    label = {"label": "Title"} if change == "codebook" else {}
    changed = definition([{"name": "title", "type": "text", **label}], description="" if label else "Why?")
    assert publish(changed, blocks, tmp_path / "outputs", NOW).new


def test_versions_sort_by_age_and_old_ones_are_pruned(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}})
    made: list[Path] = []
    for index in range(KEPT_VERSIONS + 2):
        blocks.append("cells", [cell_row("a", "title", str(index))])
        made.append(publish(STUDY, blocks, tmp_path / "outputs", NOW - timedelta(days=index)).path)
    assert made == sorted(made)
    assert sorted((tmp_path / "outputs" / "versions").glob("*.duckdb")) == made[-KEPT_VERSIONS:]


def test_a_killed_publication_leaves_nothing_behind_and_is_made_up_for(tmp_path: Path) -> None:
    first = publish_values(tmp_path, STUDY, {"a": {"title": "x"}})
    versions = first.path.parent
    (versions / ".unfinished").mkdir()
    (versions / ".unfinished" / "unfinished.duckdb").write_bytes(b"half")
    (versions / ".unfinished-copy").write_bytes(b"half")
    first.stable.unlink()  # killed between making the version and moving the name
    blocks = write_values(tmp_path, STUDY, {})
    again = publish(STUDY, blocks, tmp_path / "outputs", NOW)
    assert not again.new
    assert rows(again.stable, "SELECT title FROM dataset") == [("x",)]
    assert {file.name for file in versions.iterdir()} == {first.path.name, ".lock"}


def test_what_an_analyst_writes_to_the_stable_file_harms_neither_versions_nor_the_next_one(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}})
    first = publish(STUDY, blocks, tmp_path / "outputs", NOW)
    writer = f"""
import duckdb, os
connection = duckdb.connect({str(first.stable)!r})
connection.execute("CREATE TABLE mine AS SELECT 1")
os._exit(0)"""
    subprocess.run([sys.executable, "-c", writer], check=True)
    wal = first.stable.with_name(STABLE_NAME + ".wal")
    assert wal.exists(), "the analyst's process has left a log"
    assert rows(first.path, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'") == [(0,)]
    blocks.append("cells", [cell_row("a", "title", "y")])
    assert rows(publish(STUDY, blocks, tmp_path / "outputs", NOW).stable, "SELECT title FROM dataset") == [("y",)]
    assert not wal.exists()


READER = """
import os, sys, time
import duckdb
stable, stop = sys.argv[1:]
reads = 0
seen = set()
while not os.path.exists(stop):
    with duckdb.connect(stable, read_only=True) as connection:
        rows = connection.execute("SELECT title, status FROM dataset JOIN cells USING (document)").fetchall()
        assert len(rows) == 1 and rows[0][1] == "extracted", rows
        seen.add(rows[0][0])
    reads += 1
    time.sleep(0.02)
print(reads, len(seen))
"""


def test_a_reader_in_another_process_never_meets_an_error_during_publications(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "start"}})
    stable, stop = publish(STUDY, blocks, tmp_path / "outputs", NOW).stable, tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(stable), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for index in range(20):
        blocks.append("cells", [cell_row("a", "title", f"t{index}")])
        assert publish(STUDY, blocks, tmp_path / "outputs", NOW).new
    stop.touch()
    output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    reads, versions_seen = map(int, output.split())
    assert reads > 20
    assert versions_seen > 5


def test_an_open_reader_keeps_its_snapshot(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "old"}})
    stable = publish(STUDY, blocks, tmp_path / "outputs", NOW).stable
    with duckdb.connect(str(stable), read_only=True) as connection:
        blocks.append("cells", [cell_row("a", "title", "new")])
        publish(STUDY, blocks, tmp_path / "outputs", NOW)
        assert connection.execute("SELECT title FROM dataset").fetchall() == [("old",)]


def test_compactions_during_publications_lose_nothing(tmp_path: Path) -> None:
    keys = [f"d{index:03d}" for index in range(60)]
    blocks = write_values(tmp_path, STUDY, {key: {"title": "0"} for key in keys})
    done = threading.Event()

    def write_and_compact() -> None:
        for round_number in range(1, 40):
            for key in keys[:3]:
                blocks.append("cells", [cell_row(key, "title", str(round_number))])
                blocks.append("settled", [settled_row(key)])
            for kind in ("cells", "settled"):
                blocks.compact(kind, at=4)
        done.set()

    writer = threading.Thread(target=write_and_compact)
    writer.start()
    published = 0
    while not done.is_set():
        snapshot = publish(STUDY, blocks, tmp_path / "outputs", NOW)
        published += 1
        assert (snapshot.rows, snapshot.open, snapshot.cells_by_status) == (60, 0, {"extracted": 60})
    writer.join()
    assert published > 2


def test_publications_at_the_same_time_end_with_the_newest(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"title": "x"}})

    def publish_often(name: str) -> None:
        for index in range(3):
            blocks.append("cells", [cell_row("a", "title", f"{name}{index}")])
            publish(STUDY, blocks, tmp_path / "outputs", NOW)

    threads = [threading.Thread(target=publish_often, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = newest_snapshot(tmp_path / "outputs")
    assert newest is not None
    assert newest.read_bytes() == (tmp_path / "outputs" / STABLE_NAME).read_bytes()
    assert not publish(STUDY, blocks, tmp_path / "outputs", NOW).new


def test_no_secret_reaches_the_snapshot(tmp_path: Path) -> None:
    study = definition(
        [{"name": "title", "type": "text"}],
        extractor={"base_url": "https://me:hunter2@models.example:8443/v1?key=hunter2"},
        reading={"passwords": ("hunter2",)},
    )
    published = publish_values(tmp_path, study, {"a": {"title": "x"}})
    assert b"hunter2" not in published.path.read_bytes()
    assert rows(published.path, "SELECT value FROM project WHERE key = 'extractor.base_url'") == [
        ("https://models.example:8443/v1",)
    ]


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="outputs"):
        publish_values(tmp_path, STUDY, {"a": {"title": "x"}})
