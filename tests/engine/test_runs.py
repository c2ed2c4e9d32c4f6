"""A run from outside: what is in its scope, how it is stopped, and what it takes from the inbox."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.errors import ProjectBusy
from coderai_pipeline.engine.report import Begun, Event, Planned, Stored, Summary
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import (
    KEY,
    KEY_NAME,
    answer,
    cells,
    drop,
    events_of,
    labelled,
    make,
    run,
    set_project,
    values,
)
from tests.server_moods import Moods, SeenRequest
from tests.servers import ModelServer

VARIABLES: list[dict[str, Any]] = [{"name": "title", "type": "text"}, {"name": "total", "type": "number"}]


def text_of(number: int, word: str = "Report") -> str:
    return labelled({"title": f"{word} {number}", "total": 100 + number})


def study(home: Path, documents: int, project_id: str = "study", **project: Any) -> ProjectFolder:
    folder = make(home, VARIABLES, project_id, **project)
    for number in range(documents):
        drop(folder, f"{number:03}.txt", text_of(number))
    return folder


@contextmanager
def events(folder: ProjectFolder, server: ModelServer) -> Iterator[Iterator[Event]]:
    """The events of a run, to be taken one by one."""
    with mock.patch.dict(os.environ, {KEY_NAME: KEY}):
        source = events_of(folder, server)
        try:
            yield source
        finally:
            source.close()


def settled(folder: ProjectFolder) -> list[str]:
    return [row["document"] for row in BlockStore(folder.state).table("settled").to_pylist()]


def test_a_run_tells_its_plan_what_it_begins_what_is_stored_and_how_it_ended(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 5)
        with events(folder, server) as told:
            everything = list(told)
    assert isinstance(everything[0], Planned)
    assert (everything[0].to_read, everything[0].to_extract) == (5, 5)
    assert isinstance(everything[-1], Summary)
    assert (everything[-1].done, everything[-1].cells["extracted"], everything[-1].calls) == (5, 10, 5)
    begun = [key for event in everything if isinstance(event, Begun) for key in event.documents]
    stored = [report.document.key for event in everything if isinstance(event, Stored) for report in event.reports]
    assert sorted(begun) == sorted(stored) == [f"{number:03}.txt" for number in range(5)]


def test_what_is_told_as_stored_is_in_place(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 120)
        told: set[str] = set()
        with events(folder, server) as source:
            for event in source:
                if isinstance(event, Stored):
                    told |= {report.document.key for report in event.reports}
                    assert set(settled(folder)) == told
    assert len(told) == 120


def after(requests: int, act: Callable[[], object]) -> Callable[[SeenRequest], object]:
    """A model that answers faithfully, and something that happens once it has been asked so often."""
    seen = itertools.count(1)

    def answering(request: SeenRequest) -> object:
        if next(seen) == requests:
            act()
        return answer(request)

    return answering


def test_a_pause_while_running_finishes_the_documents_in_work(tmp_path: Path) -> None:
    folder = study(tmp_path, 300, limits={"in_flight": 4})
    pause = after(20, lambda: Control(folder.state).pause("lunch"))
    with ModelServer(pause, Moods(latency_s=0.1)) as server:
        first = run(folder, server)
        assert first.summary.stopped == "paused: lunch"
        assert 20 <= len(first.outcomes) < 300
        assert set(first.outcomes.values()) == {"settled"}
        assert first.calls["received"] == len(first.outcomes)
        server.set_moods(Moods())
        assert run(folder, server).reports == {}
        Control(folder.state).resume()
        rest = run(folder, server)
    assert len(rest.outcomes) == 300 - len(first.outcomes) == rest.calls["received"]
    assert sorted(settled(folder)) == [f"{number:03}.txt" for number in range(300)]


@pytest.mark.parametrize("how", ["closed", "interrupted"])
def test_a_run_that_is_cancelled_leaves_a_whole_state(tmp_path: Path, how: str) -> None:
    with ModelServer(answer, Moods(latency_s=0.1)) as server:
        folder = study(tmp_path, 120, limits={"in_flight": 4})
        told: set[str] = set()

        def take(source: Iterator[Event]) -> None:
            for event in source:
                if isinstance(event, Stored):
                    told.update(report.document.key for report in event.reports)
                    if how == "interrupted":
                        raise KeyboardInterrupt
                    return

        with events(folder, server) as source:
            try:
                take(source)
            except KeyboardInterrupt:
                assert how == "interrupted"
        assert not Control(folder.state).is_extracting
        assert told <= set(settled(folder))
        assert 0 < len(settled(folder)) < 120
        first = server.counts()["answered"]
        server.set_moods(Moods())
        run(folder, server)
        # What was answered when it was cancelled is in the archive, stored or not.
        assert first + server.counts()["answered"] == 120
    assert sorted(settled(folder)) == [f"{number:03}.txt" for number in range(120)]
    assert values(folder, "title") == {f"{number:03}.txt": f"Report {number}" for number in range(120)}


def test_documents_removed_while_they_are_queued_cost_nothing(tmp_path: Path) -> None:
    folder = study(tmp_path, 60, limits={"in_flight": 2})

    def remove(first: int) -> None:
        for number in range(first, 60):
            (folder.inbox / f"{number:03}.txt").unlink(missing_ok=True)

    with ModelServer(after(3, lambda: remove(40)), Moods(latency_s=0.05)) as server:
        new = run(folder, server)
    assert set(new.outcomes) == {f"{number:03}.txt" for number in range(40)}
    assert new.calls["received"] == 40
    set_project(folder, extractor={"model": "other-model"}, limits={"in_flight": 2})
    with ModelServer(after(3, lambda: remove(20)), Moods(latency_s=0.05)) as server:
        held = run(folder, server)
    assert set(held.outcomes) == {f"{number:03}.txt" for number in range(20)}
    assert held.calls["received"] == 20


def test_a_sample_is_reproducible_and_grows_only_when_asked(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 30)
        sample = run(folder, server, Scope(sample=5, seed=3))
        assert (sample.summary.read, len(sample.outcomes)) == (30, 5)
        assert run(folder, server, Scope(sample=5, seed=3)).reports == {}
        assert run(folder, server, Scope(sample=5, seed=4, top_up=True)).reports == {}
        assert len(run(folder, server, Scope(sample=8, seed=3)).outcomes) == 3
        rest = run(folder, server)
    assert len(rest.outcomes) == 22


def test_named_documents_alone_are_read_and_extracted(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 10)
        named = run(folder, server, Scope(documents=("003.txt", "007.txt")))
        assert set(named.reports) == set(named.outcomes) == {"003.txt", "007.txt"}
        only_read = run(folder, server, Scope(extract=False))
    assert (only_read.summary.read, only_read.outcomes, only_read.calls["received"]) == (8, {}, 0)


def test_documents_that_cannot_be_read_have_a_reason_and_cost_nothing(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 2)
        drop(folder, "empty.txt", "")
        drop(folder, "broken.pdf", "%PDF-1.7 and then nothing of the kind")
        (folder.inbox / "link.txt").symlink_to(folder.inbox / "000.txt")
        os.mkfifo(folder.inbox / "pipe.txt")
        ran = run(folder, server)
        assert ran.calls["received"] == 2
        assert set(ran.summary.troubles) == {"empty.txt", "broken.pdf", "link.txt", "pipe.txt"}
        assert all(": " in why for why in ran.summary.troubles.values()), ran.summary.troubles
        assert run(folder, server).reports == {}


def test_a_larger_limit_reads_again_only_what_it_refused(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, 3, limits={"file_mb": 0.001})
        drop(folder, "large.txt", text_of(9, "Large") + "More to say.\n" * 200)
        first = run(folder, server)
        assert str(first.reports["large.txt"].document.status) == "too_large"
        assert run(folder, server).reports == {}
        set_project(folder, limits={"file_mb": 1.0})
        again = run(folder, server)
    assert again.outcomes == {"large.txt": "settled"}


def test_each_row_of_a_table_is_a_document(tmp_path: Path) -> None:
    table = 'id,text,year\na,"title: Alpha\ntotal: 1",2020\nb,"title: Beta\ntotal: 2",2021\nc,,2022\nd,"title: Beta\ntotal: 2",2023\n'
    with ModelServer(answer) as server:
        folder = make(tmp_path, VARIABLES, reading={"id_column": "id"})
        drop(folder, "posts.csv", table)
        ran = run(folder, server)
        assert ran.outcomes == {"posts.csv#a": "settled", "posts.csv#b": "settled"}
        assert str(ran.reports["posts.csv#c"].document.status) == "no_text"
        assert ran.reports["posts.csv#d"].duplicate_of == "posts.csv#b"
        assert values(folder, "title") == {"posts.csv#a": "Alpha", "posts.csv#b": "Beta"}
        assert ran.reports["posts.csv#a"].document.metadata["year"] == "2020"
        assert ran.reports["posts.csv#a"].document.source == "posts.csv#a"
        assert run(folder, server).reports == {}
        drop(
            folder,
            "posts.csv",
            table.replace("Alpha", "Gamma") + 'e,"title: Epsilon\ntotal: 5",2024\n',
            at=1_700_000_100,
        )
        again = run(folder, server)
        assert (set(again.outcomes), again.calls["received"]) == ({"posts.csv#a", "posts.csv#e"}, 2)
    assert values(folder, "title") == {"posts.csv#a": "Gamma", "posts.csv#b": "Beta", "posts.csv#e": "Epsilon"}


def test_projects_side_by_side_hold_nothing_of_each_other(tmp_path: Path) -> None:
    with ModelServer(answer) as server:
        folders = [study(tmp_path, 0, project_id) for project_id in ("north", "south")]
        for folder, word in zip(folders, ("Polarlicht", "Kreuzviper"), strict=True):
            for number in range(4):
                drop(folder, f"{word.lower()}-{number}.txt", text_of(number, word))
        threads = [threading.Thread(target=_run_with_key, args=(folder, server)) for folder in folders]
        with mock.patch.dict(os.environ, {KEY_NAME: KEY}):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert all("Polarlicht" not in s.prompt or "Kreuzviper" not in s.prompt for s in server.requests())
    assert [len(settled(folder)) for folder in folders] == [4, 4]
    for folder, stranger in zip(folders, (b"kreuzviper", b"polarlicht"), strict=True):
        for file in (path for path in folder.path.rglob("*") if path.is_file()):
            content = _plain(file).lower()
            assert stranger not in content, file
            assert KEY.encode() not in content, file
    for file in (path for path in (tmp_path / ".shared").rglob("*") if path.is_file()):
        content = file.read_bytes().lower()
        assert not any(word in content for word in (b"kreuzviper", b"polarlicht", KEY.encode())), file


def _run_with_key(folder: ProjectFolder, server: ModelServer) -> None:
    list(events_of(folder, server))


def _plain(file: Path) -> bytes:
    """What a file holds; of a compressed block, its rows."""
    if file.suffix != ".parquet":
        return file.read_bytes()
    rows = BlockStore(file.parents[1]).table(file.parent.name).to_pylist()
    return file.read_bytes() + repr(rows).encode()


def test_a_second_run_of_a_project_is_refused(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.3)) as server:
        folder = study(tmp_path, 20, limits={"in_flight": 2})
        with events(folder, server) as source:
            next(source)
            with pytest.raises(ProjectBusy), events(folder, server) as second:
                list(second)
            list(source)
    assert sorted(settled(folder)) == [f"{number:03}.txt" for number in range(20)]


def test_a_document_whose_extraction_breaks_fails_alone_with_every_cell(tmp_path: Path) -> None:
    from coderai_pipeline.engine import document_level

    settle = document_level.cell_of

    def breaking(work: Any, variable: Any, *rest: Any, **more: Any) -> Any:
        if work.document.key == "001.txt":
            raise ZeroDivisionError("this document breaks the program")
        return settle(work, variable, *rest, **more)

    with ModelServer(answer) as server, mock.patch.object(document_level, "cell_of", breaking):
        folder = study(tmp_path, 4)
        ran = run(folder, server)
    assert ran.outcomes == {f"{n:03}.txt": "failed" if n == 1 else "settled" for n in range(4)}
    broken = {key[2]: cell for key, cell in cells(folder).items() if key[0] == "001.txt"}
    assert {cell.status for cell in broken.values()} == {CellStatus.FAILED}
    assert broken.keys() == {"title", "total"}
    assert "this document breaks the program" in broken["title"].reason
