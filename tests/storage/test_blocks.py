"""Blocks: whole or absent, the latest row wins, and readers never stumble over a compaction."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from coderai_pipeline.storage.blocks import BlockStore, next_version, start_after


def settled(document: str, version: int | None = None, **columns: Any) -> dict[str, Any]:
    return {"document": document, "version": version or next_version(), "outcome": "settled", **columns}


def documents(blocks: BlockStore) -> list[str]:
    return [row["document"] for row in blocks.table("settled").to_pylist()]


def test_rows_come_back_as_they_were_older_ones_first(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    for number in range(5):
        blocks.append("settled", [settled(f"d{number}", reason="é\u202e'\"", wanted=number)])
    assert documents(blocks) == [f"d{number}" for number in range(5)]
    rows = blocks.table("settled", ["document", "reason", "wanted"]).to_pylist()
    assert rows[3] == {"document": "d3", "reason": "é\u202e'\"", "wanted": 3}
    assert [row["document"] for row in blocks.rows_of("settled", ["d4", "d1", "zz"], ["document"])] == ["d1", "d4"]
    assert blocks.rows_of("settled", []) == []


def test_nothing_is_written_for_no_rows_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    blocks.append("settled", [])
    assert blocks.files("settled") == []
    assert blocks.table("settled").num_rows == 0
    with pytest.raises(ValueError, match="no column"):
        blocks.append("settled", [settled("d", colour="red")])
    assert blocks.files("settled") == []


def test_a_killed_writer_leaves_a_whole_block_or_none(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    for wait_s in (0.05, 0.2, 0.35):
        writer = multiprocessing.get_context("fork").Process(target=_write_forever, args=(tmp_path,))
        writer.start()
        time.sleep(wait_s)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        rows = blocks.table("settled").to_pylist()
        assert len(rows) % 500 == 0
        assert {row["reason"] for row in rows} <= {"x" * 200}


def _write_forever(folder: Path) -> None:
    blocks = BlockStore(folder)
    while True:
        blocks.append("settled", [settled(f"d{number}", reason="x" * 200) for number in range(500)])


def test_what_a_killed_writer_left_is_not_read_and_removed_later(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    blocks.append("settled", [settled("whole")])
    half = tmp_path / "settled" / ".0001-abcd.unfinished"
    half.write_bytes(blocks.files("settled")[0].read_bytes()[:100])
    assert documents(blocks) == ["whole"]
    blocks.compact("settled")
    assert half.exists()  # perhaps it is being written now
    os.utime(half, (time.time() - 7_200,) * 2)
    blocks.compact("settled")
    assert not half.exists()


def test_compaction_keeps_every_row_in_its_order(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    for number in range(30):
        blocks.append("settled", [settled(f"d{number % 7}", wanted=number)])
    before = blocks.table("settled").to_pylist()
    assert blocks.compact("settled", at=31) == 0
    assert blocks.compact("settled", at=30) == 29
    assert blocks.table("settled").to_pylist() == before
    blocks.append("settled", [settled("d0", wanted=99)])
    assert blocks.table("settled").to_pylist()[-1]["wanted"] == 99
    assert blocks.compact("settled", at=2) == 1
    assert len(blocks.table("settled")) == 31


def test_a_compaction_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """It is killed after the merged block is there and before all of what it was made of is gone."""
    blocks = BlockStore(tmp_path)
    for number in range(6):
        blocks.append("settled", [settled(f"d{number}", number + 1)])
    kept = {file: file.read_bytes() for file in blocks.files("settled")[2:]}
    blocks.compact("settled", at=2)
    for file, content in kept.items():
        file.write_bytes(content)
    assert set(documents(blocks)) == {f"d{number}" for number in range(6)}
    blocks.compact("settled", at=2)
    latest = {row["document"]: row["version"] for row in blocks.table("settled").to_pylist()}
    assert latest == {f"d{number}": number + 1 for number in range(6)}


def test_a_block_from_before_a_column_was_added_reads_as_null(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    blocks.append("settled", [settled("old")])
    file = blocks.files("settled")[0]
    pq.write_table(pq.read_table(file).drop_columns(["cost"]), file)
    blocks.append("settled", [settled("new", cost=0.5)])
    assert [row["cost"] for row in blocks.table("settled", ["cost"]).to_pylist()] == [None, 0.5]
    assert [row["cost"] for batch in blocks.batches("settled") for row in batch if row.get("cost")] == [0.5]


def test_readers_never_fail_and_miss_no_row_while_blocks_are_compacted(tmp_path: Path) -> None:
    blocks, stop = BlockStore(tmp_path), threading.Event()
    everything = {f"d{number}" for number in range(40)}
    for document in sorted(everything):
        blocks.append("settled", [settled(document)])
    trouble: list[object] = []
    rounds = [0, 0, 0]

    def read(place: int) -> None:
        while not stop.is_set():
            try:
                if place == 0:
                    found = set(documents(blocks))
                elif place == 1:
                    found = {row["document"] for batch in blocks.batches("settled", ["document"]) for row in batch}
                else:
                    found = {row["document"] for row in blocks.rows_of("settled", sorted(everything), ["document"])}
                if not everything <= found:
                    trouble.append(everything - found)
            except Exception as error:
                trouble.append(error)
            rounds[place] += 1

    readers = [threading.Thread(target=read, args=(place,)) for place in range(3)]
    for reader in readers:
        reader.start()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        for number in range(5):
            blocks.append("settled", [settled(f"more{number}")])
        blocks.compact("settled", at=2)
    stop.set()
    for reader in readers:
        reader.join()
    assert trouble == []
    assert min(rounds) > 3


def test_versions_grow_whatever_the_clock_says() -> None:
    first = next_version()
    assert next_version() > first
    tomorrow = first + 86_400 * 10**9
    start_after(tomorrow)
    assert next_version() > tomorrow
