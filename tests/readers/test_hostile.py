"""Files made to harm: each costs at most its limits, one document and a reason, and touches nothing outside."""

import os
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.readers import Reader, ReadOptions
from tests.readers import samples

SECONDS = 3.0
MEMORY_MB = 256
CANARY = "the canary sang"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(ReadOptions(seconds=SECONDS, memory_mb=MEMORY_MB, ocr=False), workers=1) as reader:
        yield reader


def read(reader: Reader, path: Path) -> Document:
    started = time.monotonic()
    document = reader.submit(path, path.name, path.name).result(timeout=SECONDS + 60)
    assert time.monotonic() - started < SECONDS + 30
    assert document.status.is_readable or document.reason
    return document


def read_bytes(reader: Reader, folder: Path, name: str, data: bytes) -> Document:
    path = folder / name
    path.write_bytes(data)
    return read(reader, path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(reader: Reader, tmp_path: Path) -> None:
    bomb = samples.archive({"word/document.xml": b"<w>" + b" " * 150_000_000, "[Content_Types].xml": "x"})
    document = read_bytes(reader, tmp_path, "bomb.docx", bomb)
    assert document.status == DocumentStatus.TOO_LARGE
    assert "ZIP bomb" in document.reason


def test_a_zip_member_that_lies_about_its_size_gives_no_more_than_it_said(reader: Reader, tmp_path: Path) -> None:
    honest = samples.docx(samples.paragraph("x" * 3_000_000))
    size = len(samples.document_xml(samples.paragraph("x" * 3_000_000)))
    lying = honest.replace(struct.pack("<I", size), struct.pack("<I", 1000))
    assert lying != honest
    document = read_bytes(reader, tmp_path, "lying.docx", lying)
    assert document.status in (DocumentStatus.CORRUPT, DocumentStatus.TOO_LARGE)


def test_a_flate_bomb_in_a_pdf_costs_one_document(reader: Reader, tmp_path: Path) -> None:
    squeezed = zlib.compress(zlib.compress(b"BT (x) Tj ET " * 12_000_000, 1), 1)
    document = read_bytes(reader, tmp_path, "bomb.pdf", _pdf(squeezed, "/Filter [/FlateDecode /FlateDecode]"))
    assert document.status is not DocumentStatus.READY


def test_a_pdf_that_claims_a_hundred_million_pages_ends(reader: Reader, tmp_path: Path) -> None:
    document = read_bytes(reader, tmp_path, "count.pdf", _pdf(b"BT ET", "", count=100_000_000))
    assert document.status is not DocumentStatus.READY


def test_one_and_a_half_million_paragraphs_stay_within_the_limits(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "long.docx"
    path.write_bytes(samples.docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 1_500_000))
    document = read(reader, path)
    assert document.status in (DocumentStatus.READY, DocumentStatus.TOO_LARGE, DocumentStatus.TIMED_OUT)


@pytest.mark.parametrize("kind", ["text", "attribute"])
def test_billion_laughs_are_not_expanded(reader: Reader, tmp_path: Path, kind: str) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    body = "<w:p><w:r><w:t>before &a11; after</w:t></w:r></w:p>"
    if kind == "attribute":
        body = '<w:p w:x="&a11;"/>' + body
    doctype = f'<!DOCTYPE laughs [<!ENTITY a0 "ha">{entities}]>'
    document = read_bytes(reader, tmp_path, "laughs.docx", samples.docx(body, doctype=doctype))
    assert len(document.text) < 100
    assert "ha" not in document.text


def test_an_external_entity_is_not_opened(reader: Reader, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text(CANARY)
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{canary}"><!ENTITY % p SYSTEM "file://{canary}"> %p;]>'
    data = samples.docx("<w:p><w:r><w:t>Here: &e;.</w:t></w:r></w:p>", doctype=doctype)
    os.utime(canary, (1, 1))
    document = read_bytes(reader, tmp_path, "entity.docx", data)
    assert CANARY not in document.text
    assert canary.stat().st_atime == 1, "the file was opened and read"


def test_a_web_page_fetches_and_includes_nothing(reader: Reader, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text(CANARY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        page = (
            f'<!DOCTYPE html SYSTEM "{address}"><html><head><link rel=stylesheet href="{address}"></head><body>seen'
            f'<iframe src="file://{canary}"></iframe><img src="{address}"><object data="file://{canary}"></object>'
        )
        document = read_bytes(reader, tmp_path, "page.html", page.encode())
        with pytest.raises(TimeoutError):
            server.accept()
    assert document.text == "seen"


def test_names_in_an_archive_lead_nowhere(reader: Reader, tmp_path: Path) -> None:
    slip = tmp_path / "inbox" / "slip.docx"
    slip.parent.mkdir()
    parts = {"../../escaped.txt": CANARY, "/tmp/escaped-by-coderai-test": CANARY, "..\\escaped.txt": CANARY}
    slip.write_bytes(samples.docx(samples.paragraph("inside"), parts=parts))
    before = sorted(tmp_path.rglob("*"))
    assert read(reader, slip).text == "inside"
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/escaped-by-coderai-test").exists()


def test_fifty_thousand_nested_tags_are_read_or_refused(reader: Reader, tmp_path: Path) -> None:
    depth = 50_000
    page = "<html><body>" + "<div>" * depth + "deep" + "</div>" * depth
    document = read_bytes(reader, tmp_path, "deep.html", page.encode())
    assert document.text in ("deep", "")
    deep = "<w:tbl><w:tr><w:tc>" * depth + samples.paragraph("deep") + "</w:tc></w:tr></w:tbl>" * depth
    assert not read_bytes(reader, tmp_path, "deep.docx", samples.docx(deep)).status.is_readable
    nested = b"".join(b"Content-Type: message/rfc822\n\n" for _ in range(depth))
    read_bytes(reader, tmp_path, "deep.eml", b"From: a@b.c\nMessage-ID: <1>\n" + nested)
    read_bytes(reader, tmp_path, "deep.jsonl", b'{"text": ' + b"[" * depth + b"]" * depth + b"}\n")


def test_what_is_no_regular_file_is_never_opened_for_reading(reader: Reader, tmp_path: Path) -> None:
    pipe, link, loop, folder = (tmp_path / name for name in ("pipe.txt", "link.txt", "loop.txt", "folder.pdf"))
    os.mkfifo(pipe)
    target = tmp_path / "target.txt"
    target.write_text(CANARY)
    link.symlink_to(target)
    loop.symlink_to(loop)
    folder.mkdir()
    named = tmp_path / "socket.txt"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(named))
        for path, word in ((pipe, "pipe"), (link, "link"), (loop, "link"), (folder, "folder"), (named, "socket")):
            document = read(reader, path)
            assert document.status == DocumentStatus.UNSUPPORTED
            assert word in document.reason
            assert document.text == ""
    assert "device" in read(reader, Path("/dev/zero")).reason


def test_a_file_that_nobody_may_read_says_so(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "locked.txt"
    path.write_text("secret")
    path.chmod(0)
    document = read(reader, path)
    assert document.status == DocumentStatus.UNSUPPORTED
    assert "permission" in document.reason


def test_a_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(2_000_001)
    with Reader(ReadOptions(file_mb=2), workers=1) as reader:
        document = read(reader, path)
    assert document.status == DocumentStatus.TOO_LARGE
    assert "2 MB" in document.reason


def test_a_spreadsheet_bomb_is_refused(reader: Reader, tmp_path: Path) -> None:
    bomb = samples.archive({"xl/workbook.xml": "<x/>", "xl/worksheets/sheet1.xml": b"0" * 150_000_000})
    assert read_bytes(reader, tmp_path, "bomb.xlsx", bomb).status == DocumentStatus.TOO_LARGE


def test_after_all_this_a_plain_file_is_read_as_ever(reader: Reader, tmp_path: Path) -> None:
    assert read_bytes(reader, tmp_path, "plain.txt", b"still here").text == "still here"


def _pdf(content: bytes, filters: str, count: int = 1) -> bytes:
    """One page, its content stream as given."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count %d>>" % count,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>",
        b"<</Length %d %s>>stream\n" % (len(content), filters.encode()) + content + b"\nendstream",
    ]
    data = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    return (
        data
        + b"xref\n0 5\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start
    )
