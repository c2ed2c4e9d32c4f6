"""Rules of looking into an inbox, and of the keys that documents get."""

import os
import socket
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.storage.inbox import MAX_KEY, document_key, row_key, scan
from coderai_pipeline.storage.projects import Home, ProjectFolder

LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> ProjectFolder:
    return Home(tmp_path).create("p")


def drop(folder: ProjectFolder, source: str | bytes, age_s: float = 1_000, text: str = "x") -> Path:
    path = folder.inbox / os.fsdecode(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_files_are_found_in_all_folders_by_source(folder: ProjectFolder) -> None:
    path = drop(folder, "2024/March/b report.pdf", text="three")
    drop(folder, "a.txt")
    first, second = scan(folder).files
    assert [first.source, second.source] == ["2024/March/b report.pdf", "a.txt"]
    assert (first.key, first.path, first.size) == ("2024/March/b report.pdf", path, 5)
    assert first.mtime_ns == path.stat().st_mtime_ns


@pytest.mark.parametrize(
    "name", [".hidden", ".git/x.txt", "~$report.docx", "a.pdf.part", "a.CRDOWNLOAD", "x.tmp", "Thumbs.db"]
)
def test_hidden_lock_and_unfinished_files_are_passed_over(folder: ProjectFolder, name: str) -> None:
    drop(folder, name)
    found = scan(folder)
    assert found.files == found.refused == ()
    assert found.unsettled == ()


def test_links_pipes_and_sockets_are_refused_and_listed(folder: ProjectFolder, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.txt").write_text("x")
    (folder.inbox / "file-link").symlink_to(tmp_path / "secret" / "x.txt")
    (folder.inbox / "folder-link").symlink_to(tmp_path / "secret")
    (folder.inbox / "loop").symlink_to(folder.inbox)
    (folder.inbox / "dangling").symlink_to("nowhere")
    os.mkfifo(folder.inbox / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(folder.inbox / "sock"))
    found = scan(folder)
    listening.close()
    assert found.files == ()
    assert [(refused.key, refused.reason.split(";")[0]) for refused in found.refused] == [
        ("dangling", "a link"),
        ("file-link", "a link"),
        ("folder-link", "a link"),
        ("loop", "a link"),
        ("pipe", "a pipe, not a file"),
        ("sock", "a socket, not a file"),
    ]


def test_an_inbox_that_is_a_link_is_not_followed(folder: ProjectFolder, tmp_path: Path) -> None:
    other = Home(tmp_path).create("other")
    drop(other, "theirs.txt")
    folder.inbox.rmdir()
    folder.inbox.symlink_to(other.inbox)
    found = scan(folder)
    assert found.files == ()
    assert "is a link" in found.refused[0].reason


def test_an_inbox_that_is_gone_is_empty(folder: ProjectFolder) -> None:
    folder.inbox.rmdir()
    assert scan(folder).files == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root opens any folder")
def test_a_folder_that_cannot_be_opened_is_named(folder: ProjectFolder) -> None:
    path = drop(folder, "closed/x.txt").parent
    path.chmod(0)
    found = scan(folder)
    path.chmod(0o700)
    assert [(refused.source, "cannot be opened" in refused.reason) for refused in found.refused] == [("closed", True)]


def test_a_folder_named_like_a_document_is_a_folder(folder: ProjectFolder) -> None:
    drop(folder, "x.pdf/y.txt")
    assert [file.source for file in scan(folder).files] == ["x.pdf/y.txt"]


def test_a_file_still_being_written_is_left_until_it_stops_changing(folder: ProjectFolder) -> None:
    drop(folder, "a.txt", age_s=0.5)
    drop(folder, "future.txt", age_s=-5_000)
    now = time.time()
    found = scan(folder, settled_after_s=3, now=now)
    assert found.unsettled == ("a.txt",)
    assert [file.source for file in found.files] == ["future.txt"]
    assert len(scan(folder, settled_after_s=3, now=now + 3).files) == 2


def test_what_goes_beyond_the_limit_is_reported_and_known_documents_stay(folder: ProjectFolder) -> None:
    for name in "abcd":
        drop(folder, name)
    found = scan(folder, max_documents=2)
    assert [file.key for file in found.files] == ["a", "b"]
    assert found.surplus == ("c", "d")
    assert [file.key for file in scan(folder, max_documents=2, known={"d"}).files] == ["a", "d"]
    assert len(scan(folder).files) == 4


ODD_NAMES: list[str | bytes] = [
    'qu"ote.txt',
    "it's.txt",
    "new\nline.txt",
    "\u202etxt.exe",
    "=cmd.csv",
    "-rf",
    "a,b[c]*.txt",
    "x...y",
    "tab\t.txt",
    b"caf\xe9.txt",
    "caf\\xe9.txt",
    "café.txt",
    unicodedata.normalize("NFD", "café.txt"),
    "CAFÉ.txt",
    " padded ",
    "文書.pdf",
    "a#1",
    "n" * 255,
    "d" * 200 + "/" + "e" * 200 + "/" + "f" * 100,
]


def test_files_with_odd_names_are_found_each_with_its_own_safe_key(folder: ProjectFolder) -> None:
    from dagster._core.definitions.partitions.utils import raise_error_on_invalid_partition_key_substring

    for name in ODD_NAMES:
        drop(folder, name)
    files = scan(folder).files
    keys = [file.key for file in files]
    assert len(set(keys)) == len(files) == len(ODD_NAMES)
    raise_error_on_invalid_partition_key_substring(keys)
    for file in files:
        assert len(file.key) <= MAX_KEY
        assert file.key.encode()
        assert file.source.encode()
        assert file.path.read_text() == "x"
        assert not set(file.key) & set("\n\t,[]*'\"\u202e#")
        assert not file.key.startswith(("=", "-"))
    assert {"café.txt", "CAFÉ.txt", "文書.pdf"} <= set(keys)


def test_an_ordinary_source_is_its_own_key() -> None:
    for source in ("a.pdf", "2024/Müller – Bericht (1).pdf", "报告 2.docx", "a+b@c&d=e.txt"):
        assert document_key(source) == source


def test_keys_do_not_change_between_releases() -> None:
    assert document_key("a,b.pdf") == "a_b.pdf~2d8570f851e6"
    assert document_key("../x") == "_/x~d6b96a97d147"


def test_a_source_that_looks_like_a_changed_key_is_changed_too() -> None:
    taken = document_key("a,b.pdf")
    assert document_key(taken) != taken


names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=40) | st.text(
    "a,#~/.0 \n", min_size=1, max_size=12
)
sources = (
    names | st.builds(lambda name, times: (name * times)[:900], names, st.integers(1, 60)) | names.map(document_key)
)


@given(sources, sources)
@settings(max_examples=1_000)
def test_two_sources_never_get_one_key(one: str, other: str) -> None:
    from dagster._core.definitions.partitions.utils import raise_error_on_invalid_partition_key_substring

    keys = {document_key(one), document_key(other)}
    assert len(keys) == len({one, other})
    raise_error_on_invalid_partition_key_substring(list(keys))
    assert all(0 < len(key) <= MAX_KEY and key.encode() and "#" not in key for key in keys)


@given(sources, st.text(max_size=80), sources, st.text(max_size=80))
@settings(max_examples=500)
def test_two_rows_never_get_one_key_nor_that_of_a_file(one: str, row: str, other: str, other_row: str) -> None:
    one, other = document_key(one), document_key(other)
    keys = {row_key(one, row), row_key(other, other_row)}
    assert len(keys) == len({(one, row), (other, other_row)})
    assert not keys & {document_key(one), document_key(other)}
    assert all(len(key) <= MAX_KEY and "#" in key and key.encode() for key in keys)


def test_a_row_is_named_after_its_file() -> None:
    assert row_key("reports.csv", "17") == "reports.csv#17"
