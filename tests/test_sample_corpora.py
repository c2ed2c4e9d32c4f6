"""Real documents, where they are at hand: receipts through the whole engine against a model server, articles in six languages."""

import csv
import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from coderai_pipeline.domain.agreement import same_value
from coderai_pipeline.readers import Reader, ReadOptions
from tests.engine import projects
from tests.server_answers import answer_by_schema
from tests.server_moods import SeenRequest
from tests.servers import ModelServer

SAMPLES = Path(os.environ.get("CODERAI_SAMPLE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RECEIPTS, XQUAD = SAMPLES / "receipts", SAMPLES / "xquad"
VARIABLES = [
    {"name": "company", "type": "text"},
    {"name": "date", "type": "date"},
    {"name": "address", "type": "location"},
    {"name": "total", "type": "number"},
]


def gold_of(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Document -> variable -> its gold row."""
    rows: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    with (folder / "gold.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["document"]][row["variable"]] = row
    return rows


@pytest.mark.skipif(not RECEIPTS.is_dir(), reason="the sample receipts are not at hand")
def test_receipts_come_out_as_the_server_answered_with_the_evidence_where_it_stands(tmp_path: Path) -> None:
    gold = gold_of(RECEIPTS)
    texts = {path.name: path.read_text(encoding="utf-8") for path in (RECEIPTS / "docs").glob("*.txt")}
    folder = projects.make(tmp_path, VARIABLES, date_order="DMY", document_type="receipt", reading={"ocr": "off"})
    for path in (RECEIPTS / "docs").iterdir():
        os.utime(shutil.copyfile(path, folder.inbox / path.name), (projects.LONG_AGO, projects.LONG_AGO))

    def answer(seen: SeenRequest) -> object:
        name = next(name for name, text in texts.items() if text.strip() in seen.document)
        said = {variable: (row["expected"], row["evidence"]) for variable, row in gold[name].items()}
        return answer_by_schema(seen.schema or {}, said)

    with ModelServer(answer) as server:
        ran = projects.run(folder, server)
        assert server.counts()["answered"] == len(texts), "one call a document"
    prompts = [seen.body["messages"] for seen in ran.requests]
    assert len(prompts) == len(texts)
    cells = projects.cells(folder)
    located = 0
    for document in texts:
        for variable, row in gold[document].items():
            cell = cells[document, "", variable]
            assert same_value((row["expected"],), cell.value, "text") or cell.type in ("date", "number")
            assert cell.status in ("extracted", "flagged"), cell
            if row["start"] and cell.evidence is not None and cell.evidence.start is not None:
                found = texts[document][cell.evidence.start : cell.evidence.end]
                assert "".join(found.split()) == "".join(row["evidence"].split())
                located += 1
    assert located >= 0.97 * sum(bool(row["start"]) for one in texts for row in gold[one].values())
    scans = {name: report.document.status for name, report in ran.reports.items() if name.endswith(".pdf")}
    assert set(scans.values()) == {"needs_ocr"}


@pytest.mark.skipif(not XQUAD.is_dir(), reason="the sample articles are not at hand")
def test_articles_are_read_as_they_are_and_every_answer_stands_where_gold_says() -> None:
    gold = gold_of(XQUAD)
    checked = 0
    with Reader(ReadOptions()) as reader:
        for name, answers in gold.items():
            path = XQUAD / "docs" / name
            document = reader.submit(path, name, name).result()
            assert document.text == path.read_text(encoding="utf-8")
            assert document.language == name.split(".")[1]
            for row in answers.values():
                assert document.text[int(row["start"]) : int(row["end"])] == row["expected"]
                checked += 1
    assert checked == 402
