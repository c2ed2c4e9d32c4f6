"""What a file is, by its content; a wrong suffix misleads nobody, and what is refused is named."""

import pytest

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import NotReadable
from coderai_pipeline.readers.detect import LOCKED_OFFICE, detect
from tests.readers import samples

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
_MAIL = b"Received: from x\nFrom: a@b.c\nSubject: s\n\nbody"
_PROSE = (
    b"It was a dark and stormy night; the rain fell in torrents, except at intervals.\nSo it began, slowly, and long.\n"
)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"%PDF-1.7\n1 0 obj", "x.txt", "pdf"),
        (b"junk\n%PDF-1.7\n1 0 obj", "x.pdf", "pdf"),
        (b"%\xe2\xe3\n1 0 obj\n<</Type/Catalog>>\nendobj\nstartxref\n9", "x.pdf", "pdf"),
        (b"1 0 objections were raised.", "x.txt", "text"),
        (b"The header %PDF-1.7 begins a PDF.", "x.txt", "text"),
        (samples.docx(""), "x.pdf", "docx"),
        (samples.archive({"xl/workbook.xml": "<x/>"}), "x.docx", "xlsx"),
        (_OLE + "EncryptedPackage".encode("utf-16-le"), "x.docx", LOCKED_OFFICE),
        (b"PAR1....", "x", "parquet"),
        (b"<!doctype html><p>x", "x.txt", "html"),
        (b"\n<!-- c --><HTML><p>x", "x.pdf", "html"),
        (b"<div><p>x</p></div>", "x", "html"),
        (b"<DOCUMENT>\n<TYPE>EX-10\n<TEXT>\n<HTML><BODY><P>x</P></BODY></HTML>", "x.txt", "html"),
        (b"<!-- c -->" * 500 + b"<p>x</p>", "x", "html"),
        (b"<!-- c -->" * 500 + b"<b>x</b>", "x", "text"),
        (b"# Title\n<div>x</div>", "x.md", "markdown"),
        (b"a < b and c > d", "x.txt", "text"),
        (_MAIL, "x.txt", "eml"),
        (b"From: the committee\nTo: all\nSubject: minutes\nDate: today\n\nWe met.", "x.txt", "text"),
        (b"Note: this\nThat: is prose", "x.txt", "text"),
        (b'{"a": 1}\n{"a": 2}\n', "x", "jsonl"),
        (b'{"a": 1}', "x.jsonl", "jsonl"),
        (b'{"a": 1}', "x.json", "text"),
        (b'{"a": 1}\n{"a": \n{"a": 3}', "x.jsonl", "jsonl"),
        ('{"a": "x\u2028y"}\n{"a": 2}\n'.encode(), "x", "jsonl"),
        (samples.archive({"[Content_Types].xml": "wordprocessingml.document.main+xml", "d/m.xml": "x"}), "x", "docx"),
        (b"a,b\n1,2\n", "x.csv", "csv"),
        (b"a\tb\tc\n" * 5, "x", "csv"),
        (_PROSE, "x.csv", "text"),
        (_PROSE, "x", "text"),
        ("Zürich".encode("utf-16"), "x.txt", "text"),
        (b"a few\0 NU\0Ls", "x.txt", "text"),
        (b"OTTO was here.", "x.txt", "text"),
        (b"ID3 and BZh stand at the start of other files.", "x.txt", "text"),
        (b"BZh is not a word.", "x.txt", "text"),
        (b" \n" + _MAIL, "x.eml", "eml"),
        (b"a few\0 NULs in a text that goes on for a while, as texts do, and then some more words", "x.txt", "text"),
    ],
)
def test_the_content_decides(data: bytes, name: str, kind: str) -> None:
    assert detect(data, name) == kind


@pytest.mark.parametrize(
    ("data", "name", "status", "words"),
    [
        (b"", "x.pdf", DocumentStatus.NO_TEXT, "empty"),
        (b"\0" * 500, "x.pdf", DocumentStatus.NO_TEXT, "NULs"),
        (b"\x89PNG\r\n\x1a\n....", "x.pdf", DocumentStatus.UNSUPPORTED, "PNG image"),
        (b"\0\0\0\x1cftypavif" + bytes(40), "x.avif", DocumentStatus.UNSUPPORTED, "AVIF image"),
        (b"$FL2@(#) IBM SPSS" + bytes(90), "x.sav", DocumentStatus.UNSUPPORTED, "export its table"),
        (b"<stata_dta><header>" + bytes(90), "x.dta", DocumentStatus.UNSUPPORTED, "Stata"),
        (b"\0\1\0\0Standard Jet DB\0" + bytes(90), "x.mdb", DocumentStatus.UNSUPPORTED, "Access"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQE", "x.asc", DocumentStatus.UNSUPPORTED, "decrypt it"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nhQE", "x.txt", DocumentStatus.UNSUPPORTED, "remove it"),
        (b"[InternetShortcut]\r\nURL=http://e.org", "x.url", DocumentStatus.UNSUPPORTED, "that it leads to"),
        (b'{"url": "https://docs.google.com/open?id=1"}', "x.gdoc", DocumentStatus.UNSUPPORTED, "download"),
        (b"\xffWPC" + bytes(range(200)), "x.wpd", DocumentStatus.UNSUPPORTED, "WordPerfect"),
        (b"II*\0....", "x.tiff", DocumentStatus.UNSUPPORTED, "TIFF"),
        (b"{\\rtf1 text}", "x.doc", DocumentStatus.UNSUPPORTED, "save it as .docx"),
        (_OLE + "WordDocument".encode("utf-16-le"), "x.doc", DocumentStatus.UNSUPPORTED, "save it as .docx"),
        (_OLE + "DRMEncryptedDataSpace EncryptedPackage".encode("utf-16-le"), "x.docx", DocumentStatus.UNSUPPORTED, "rights"),
        (_OLE + "Workbook".encode("utf-16-le"), "x.xls", DocumentStatus.UNSUPPORTED, "save it as .xlsx"),
        (samples.archive({"ppt/presentation.xml": "x"}), "x.docx", DocumentStatus.UNSUPPORTED, "PowerPoint"),
        (samples.archive({"content.xml": "x"}), "x.odt", DocumentStatus.UNSUPPORTED, "OpenDocument"),
        (samples.archive({"[Content_Types].xml": "x", "visio/d.xml": "x"}), "x.vsdx", DocumentStatus.UNSUPPORTED, "Office"),
        (b'<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">', "x.docx",
         DocumentStatus.UNSUPPORTED, "Word XML"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "x.xml",
         DocumentStatus.UNSUPPORTED, "save it as .xlsx"),
        (b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">', "x.fodt",
         DocumentStatus.UNSUPPORTED, "OpenDocument"),
        (samples.archive({"a.txt": "x"}), "x.docx", DocumentStatus.CORRUPT, "not one inside"),
        (samples.archive({"a.txt": "x"}), "x.zip", DocumentStatus.UNSUPPORTED, "unpack"),
        (b"PK\x03\x04 cut off", "x.zip", DocumentStatus.CORRUPT, "damaged"),
        (bytes(range(256)) * 20, "x.bin", DocumentStatus.UNSUPPORTED, "binary"),
        (bytes(range(256)) * 20, "x.pdf", DocumentStatus.CORRUPT, "not one inside"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_with_its_remedy(data: bytes, name: str, status: DocumentStatus, words: str) -> None:
    with pytest.raises(NotReadable) as trouble:
        detect(data, name)
    assert trouble.value.status == status
    assert words in trouble.value.reason


@pytest.mark.parametrize(
    "data",
    [
        b"".join(bytes((number % 80, 0)) for number in range(700)),
        b"a model of letters and words " * 4000 + b"".join(bytes((number % 200 + 32, number % 90 + 33, 0, 0)) for number in range(60_000)),
        b"\xde\x12\x04\x95" + b"".join(bytes((number % 90 + 33, 40, 0, 0)) for number in range(1200)) + "ключ\0значение слова\0".encode() * 300,
    ],
    ids=["small numbers of two bytes", "numbers behind words", "a table of numbers before words"],
)  # fmt: skip
def test_numbers_are_no_text(data: bytes) -> None:
    with pytest.raises(NotReadable, match="binary file"):
        detect(data, "x")


def test_texts_that_are_parted_by_nuls_are_text() -> None:
    assert detect(b"a line of a list\0" * 300, "x") == "text"
