import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import CallPurpose, Reply
from coderai_pipeline.extractors.archive import ReplyArchive, call_id, next_attempt
from tests.extractors.calls import request


def reply(identity: str, text: str = "{}") -> Reply:
    return Reply(identity, text, "stop", "m", 10, 5, 0, datetime(2026, 1, 2, tzinfo=UTC), 0.5, 0.01, 1)


def held(folder: Path, number: int = 1) -> tuple[ReplyArchive, str]:
    archive = ReplyArchive(folder)
    identity = call_id(request(number))
    archive.put(request(number), reply(identity), {"id": "x"})
    return archive, identity


def test_a_reply_comes_back_as_it_was_put_but_for_its_attempts(tmp_path: Path) -> None:
    archive, identity = held(tmp_path)
    assert archive.get(identity) == replace(reply(identity), attempts=0, from_archive=True)
    assert list(archive) == [archive.get(identity)]
    assert archive.count() == 1


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    archive = ReplyArchive(tmp_path_factory.mktemp("archive"))
    asked = request(text=f"x{text}")
    archive.put(asked, reply(call_id(asked), text), None)
    found = archive.get(call_id(asked))
    assert found is not None
    assert found.text == text


def test_an_id_depends_on_everything_asked_and_on_nothing_else() -> None:
    asked = request(1)
    assert call_id(replace(asked, purpose=CallPurpose("other", 7, ()))) == call_id(asked)
    assert call_id(replace(asked, parameters={"seed": 1, "temperature": 0.1})) == call_id(
        replace(asked, parameters={"temperature": 0.1, "seed": 1})
    )
    changed = [
        replace(asked, model="other"),
        replace(asked, schema={"type": "object"}),
        replace(asked, parameters={"temperature": 0.2}),
        replace(asked, messages=asked.messages[::-1]),
        next_attempt(asked),
        next_attempt(next_attempt(asked)),
    ]
    assert len({call_id(one) for one in [asked, *changed]}) == len(changed) + 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\x00" * 50, b'{"reply": {"call_id": 3}}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_absent_and_is_set_aside(tmp_path: Path, content: bytes) -> None:
    archive, identity = held(tmp_path)
    archive.path(identity).write_bytes(content)
    assert archive.get(identity) is None
    assert archive.count() == 0
    assert len(list(archive.path(identity).parent.glob("*.damaged-*"))) == 1
    archive.put(request(1), reply(identity), None)
    assert archive.get(identity) is not None


def test_a_file_under_another_name_is_no_reply_to_that_call(tmp_path: Path) -> None:
    archive, identity = held(tmp_path)
    other = call_id(request(2))
    archive.path(other).parent.mkdir(exist_ok=True)
    archive.path(identity).rename(archive.path(other))
    assert archive.get(other) is None


def test_a_file_holds_what_was_asked_and_what_came(tmp_path: Path) -> None:
    archive, identity = held(tmp_path)
    stated = json.loads(archive.path(identity).read_text("utf-8"))
    assert stated["request"]["messages"][1]["content"].startswith("Document 1")
    assert stated["request"]["model"] == "test-model"
    assert stated["raw"] == {"id": "x"}


def _write_for_ever(folder: Path) -> None:
    number = 0
    while True:
        held(folder, number % 300)
        number += 1


def test_killed_writers_leave_no_half_written_reply(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        writers = [context.Process(target=_write_for_ever, args=(tmp_path,)) for _ in range(2)]
        for writer in writers:
            writer.start()
        time.sleep(0.25)
        for writer in writers:
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
    archive = ReplyArchive(tmp_path)
    names = list(archive.ids())
    assert names
    assert all(archive.get(name) is not None for name in names)
    assert not list(tmp_path.rglob("*.damaged-*"))
