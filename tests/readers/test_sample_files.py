"""Real files by others, where they are present: what should be read is, and what should not is refused with a reason."""

import csv
import os
import unicodedata
from pathlib import Path

import pytest

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import Reader, ReadOptions, read_files

DATA = Path(os.environ.get("CODERAI_SAMPLE_DATA") or Path(__file__).resolve().parents[2] / "../shared/data").resolve()
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no sample data; name its folder in CODERAI_SAMPLE_DATA")

_ALLOWED = {
    "no": {DocumentStatus.CORRUPT},
    "empty": {DocumentStatus.NO_TEXT},
    "needs password": {DocumentStatus.NEEDS_PASSWORD},
    "needs OCR": {DocumentStatus.NEEDS_OCR, DocumentStatus.READY, DocumentStatus.PARTIAL},
}
_READABLE = {DocumentStatus.READY, DocumentStatus.PARTIAL}
_NOTHING_LEFT = {"docx/poi__Tika-792.docx"}
"""All text of this file is a tracked deletion or moved away."""


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@needs_data
def test_no_file_is_ready_that_should_not_be_and_expected_text_is_found() -> None:
    with (DATA / "files/manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths = {str(DATA / "files" / row["file"]): row for row in rows}
    wrong: list[str] = []
    for document in read_files(map(Path, paths), ReadOptions(ocr=False)):
        row = paths[document.source]
        allowed = _ALLOWED.get(row["should_parse"], _READABLE)
        if row["file"] in _NOTHING_LEFT:
            allowed = {DocumentStatus.NO_TEXT}
        if document.status not in allowed or plain(row["expected_text"]) not in plain(document.text):
            wrong.append(f"{row['file']}: {document.status} ({document.reason}), should be {row['should_parse']}")
        assert document.status == DocumentStatus.READY or document.reason
    assert wrong == []


@needs_data
def test_passwords_open_what_is_locked() -> None:
    with (DATA / "files/manifest.csv").open(encoding="utf-8") as file:
        locked = [row for row in csv.DictReader(file) if row["password"]]
    options = ReadOptions(passwords=("wrong", *(row["password"] for row in locked)))
    documents = read_files([DATA / "files" / row["file"] for row in locked], options)
    assert all(document.status.is_readable for document in documents)


@needs_data
def test_texts_are_read_exactly_and_answers_stand_where_they_are_said_to() -> None:
    folder = DATA / "xquad/docs"
    documents = {Path(document.source).name: document for document in read_files(sorted(folder.iterdir()))}
    for name, document in documents.items():
        assert document.text == (folder / name).read_bytes().decode()
        assert document.language == name.split(".")[1]
    with (DATA / "xquad/gold.csv").open(encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    answers = [answer for answer in answers if answer["start"]]
    assert len(answers) >= 400
    for answer in answers:
        text = documents[Path(answer["document"]).name].text
        assert text[int(answer["start"]) : int(answer["end"])] == answer["evidence"]


@needs_data
def test_one_reader_reads_them_all_again_in_any_order() -> None:
    paths = sorted((DATA / "receipts/docs").glob("*.txt"))
    with Reader(ReadOptions(), workers=2) as reader:
        first = [future.result() for future in [reader.submit(path, path.name, path.name) for path in paths]]
        again = [future.result() for future in [reader.submit(path, path.name, path.name) for path in paths[::-1]]]
    assert [document.text for document in first] == [document.text for document in again[::-1]]
    assert all(document.status == DocumentStatus.READY for document in first)
