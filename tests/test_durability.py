"""kill -9 at any moment: nothing is lost, nothing is doubled, and nothing that was paid for is bought again."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import KEY, KEY_NAME, answer, cells, drop, events_of, labelled, make, run
from tests.server_moods import Moods
from tests.servers import ModelServer

DOCUMENTS = 200
KILLS = 4
IN_FLIGHT = 8
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "type": "text"},
    {"name": "total", "type": "number"},
    {"name": "city", "type": "location", "depends_on": "total > 250"},
]


def study(home: Path, server: ModelServer, documents: int = DOCUMENTS) -> ProjectFolder:
    extractor, limits = {"base_url": server.base_url}, {"in_flight": IN_FLIGHT}
    folder = make(home, VARIABLES, extractor=extractor, limits=limits)
    for number in range(documents):
        text = labelled({"title": f"Report {number}", "total": 100 + number, "city": "Graz"})
        drop(folder, f"{number:03}.txt", text)
    return folder


def driven(folder: ProjectFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.engine.drive", str(folder.path.parent), folder.id]
    checkout = Path(__file__).resolve().parents[1]
    return subprocess.Popen(command, cwd=checkout, env={**os.environ, KEY_NAME: KEY}, start_new_session=True)


def lasting(cell: Cell) -> Cell:
    """A cell without what differs from run to run: how long its calls took."""
    return replace(cell, seconds=0.0)


def assert_complete(folder: ProjectFolder, documents: int = DOCUMENTS) -> None:
    found = cells(folder)
    keys = {f"{number:03}.txt" for number in range(documents)}
    assert set(found) == {(key, "", variable["name"]) for key in keys for variable in VARIABLES}
    rows = BlockStore(folder.state).table("settled").to_pylist()
    latest = {row["document"]: row for row in sorted(rows, key=lambda row: row["version"])}
    assert {(row["outcome"], row["wanted"]) for row in latest.values()} == {("settled", len(VARIABLES))}
    assert latest.keys() == keys


def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    with ModelServer(answer, process=True) as server:
        undisturbed = study(tmp_path / "undisturbed", server)
        assert driven(undisturbed).wait() == 0
        calls = sum(server.asked().values())
        server.forget()
        server.set_moods(Moods(latency_s=0.06, latency_spread=0.3))
        folder = study(tmp_path / "killed", server)
        moments = sorted(random.Random(11).sample(range(5, calls - 40), KILLS))
        for moment in moments:
            kill_after(driven(folder), server, moment)
        last = driven(folder)
        assert last.wait() == 0
        asked = server.asked()
        assert_complete(folder)
        assert {key: lasting(cell) for key, cell in cells(folder).items()} == {
            key: lasting(cell) for key, cell in cells(undisturbed).items()
        }
        doubled = Counter({request: times - 1 for request, times in asked.items() if times > 1})
        assert doubled.total() <= KILLS * IN_FLIGHT
        assert max(asked.values()) <= 1 + KILLS
        assert len(asked) == calls == ReplyArchive(folder.state / "replies").count()


def kill_after(process: subprocess.Popen[bytes], server: ModelServer, answered: int) -> None:
    """Kills it, and all it started, once the server has given so many answers in all."""
    while server.counts()["answered"] < answered and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_only_the_run_itself_killed_leaves_the_project_free(tmp_path: Path) -> None:
    """Its readers and whatever else it started may outlive it by a moment; they hold no lock."""
    with ModelServer(answer, Moods(latency_s=0.1), process=True) as server:
        folder = study(tmp_path, server, 40)
        process = driven(folder)
        while server.counts()["received"] < 3 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        server.set_moods(Moods())
        run(folder, server)
    assert_complete(folder, 40)


@pytest.mark.parametrize("kind", ["calls", "chunks", "cells", "documents", "settled"])
def test_a_kill_between_two_kinds_of_blocks_is_harmless(tmp_path: Path, kind: str) -> None:
    """Killed before the first block of this kind, with those written before it in place."""
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, 20)
        process = multiprocessing.get_context("fork").Process(target=_die_before, args=(folder, server, kind))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not BlockStore(folder.state).files(kind)
        paid = server.counts()["answered"]
        again = run(folder, server)
        assert again.calls["received"] == 20 - paid
    assert_complete(folder, 20)


def _die_before(folder: ProjectFolder, server: ModelServer, kind: str) -> None:
    append = BlockStore.append

    def dying(blocks: BlockStore, this: str, rows: Any) -> None:
        if this == kind:
            os.kill(os.getpid(), signal.SIGKILL)
        append(blocks, this, rows)

    with mock.patch.object(BlockStore, "append", dying), mock.patch.dict(os.environ, {KEY_NAME: KEY}):
        list(events_of(folder, server))


def test_a_lost_power_that_damages_a_reply_costs_that_reply_alone(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, 10)
        run(folder, server)
        for block in (path for kind in ("calls", "cells", "settled") for path in BlockStore(folder.state).files(kind)):
            block.unlink()
        victim = next((folder.state / "replies").glob("*/*.json"))
        victim.write_bytes(victim.read_bytes()[:50])
        assert run(folder, server).calls["received"] == 1
    assert_complete(folder, 10)
