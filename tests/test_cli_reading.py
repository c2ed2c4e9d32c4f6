"""`coderai read` and `coderai document show`: one line a file whatever it holds, and a quote on its page."""

import json
import os
from pathlib import Path

import pymupdf
import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli.reading import document_group, find_quote, read_command
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.readers import ReadOptions, read_file


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "a.txt").write_text("three plain words")
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    (tmp_path / os.fsdecode(b"c\xff\nd.html")).write_text("<p>a page</p>")
    (tmp_path / "e").mkdir()
    return [*sorted(tmp_path.iterdir()), tmp_path / "missing.txt"]


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(read_command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_there_is_one_line_a_file_in_the_order_given(files: list[Path]) -> None:
    lines = run(*files).stdout.splitlines()
    assert len(lines) == len(files)
    assert lines[0].endswith("a.txt: text, ready: 3 words")
    assert "missing.txt" in lines[-1]


def test_json_has_one_object_a_line_and_text_where_asked(files: list[Path]) -> None:
    found = [json.loads(line) for line in run("--json", "--text", *files).stdout.splitlines()]
    assert [entry["path"] for entry in found] == [str(path) for path in files]
    assert {"path", "type", "status", "reason", "pages", "words", "warnings", "text"} <= found[0].keys()
    assert found[2]["text"] == "a page"
    assert all(entry["status"] == "ready" or entry["reason"] for entry in found)
    assert "text" not in json.loads(run("--json", files[0]).stdout)


def test_a_quote_is_drawn_on_its_page(tmp_path: Path) -> None:
    path, picture = tmp_path / "two.pdf", tmp_path / "page.png"
    with pymupdf.open() as pdf:
        for text in ("The first page has nothing to say.", "The second page has the quote that is wanted."):
            pdf.new_page().insert_text((72, 72), text)
        pdf.save(path)
    document = read_file(path)

    def find(project: str, key: str) -> tuple[Path, Document, ReadOptions]:
        assert (project, key) == ("p", "k")
        return path, document, ReadOptions()

    arguments = ["show", "p", "k", "--quote", "the  quote that is\nwanted", "-o", str(picture)]
    result = CliRunner().invoke(document_group(find), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "page 2" in result.output
    pixels = memoryview(pymupdf.Pixmap(str(picture)).samples)[:: 3 * 7]
    blue = memoryview(pymupdf.Pixmap(str(picture)).samples)[2 :: 3 * 7]
    yellow = sum(1 for red_at, blue_at in zip(pixels, blue, strict=False) if red_at > 200 > blue_at + 60)
    assert yellow > 20
    missing = CliRunner().invoke(document_group(find), ["show", "p", "k", "--quote", "not there"])
    assert missing.exit_code == 1
    assert "not in its text" in missing.output


def test_a_quote_is_found_whatever_its_white_space() -> None:
    assert find_quote("a (b)\n c", "(b) c") == Span(2, 8)
    assert find_quote("a b", "c") is None
    assert find_quote("a b", " ") is None
