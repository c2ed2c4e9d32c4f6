"""Messages as mail programs really write them: each is read as a person sees it, however broken."""

import base64
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import eml
from coderai_pipeline.readers.base import Content, ReadOptions
from tests.readers import samples
from tests.readers.checks import assert_consistent, lines, place_of

HEAD = "From: Ann <a@e.org>\nTo: b@e.org\nSubject: S\nMessage-ID: <1>\n"
ENCODED = base64.b64encode("Grüße ans Meer".encode()).decode()
UTF8 = "text/plain; charset=utf-8"


def read(raw: str | bytes) -> Content:
    content = eml.read(raw if isinstance(raw, bytes) else raw.encode(), ReadOptions())
    assert_consistent(content)
    return content


def message(body: str, kind: str = "text/plain", encoding: str = "8bit", head: str = HEAD) -> str:
    return f"{head}Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n{body}"


def multipart(kind: str, *parts: str) -> str:
    return (
        f"{HEAD}Content-Type: multipart/{kind}; boundary=b\n\n"
        + "".join(f"--b\n{part}\n" for part in parts)
        + "--b--\n"
    )


PLAIN = "Content-Type: text/plain\n\nplain text"
PDF = "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf\n\nJVBERi0="
PAGE = "Content-Type: text/html\n\n<p>" + "words of the page " * 60 + "</p>"


@pytest.mark.parametrize("encoding", ["quoted-printable;", '"Quoted-Printable"', "quoted -printable", " QUOTED-PRINTABLE\t",
                                      "quoted-printable (sic)", "quoted-printable, quoted-printable"])  # fmt: skip
def test_a_transfer_encoding_means_what_it_begins_with(encoding: str) -> None:
    assert read(message("Gr=C3=BC=C3=9Fe =\nans Meer", UTF8, encoding)).text == "Grüße ans Meer"
    assert read(message(ENCODED, UTF8, "base64;")).text == "Grüße ans Meer"


@pytest.mark.parametrize("encoding", ["7-bit", "text/html", "utf-8", "none"])
def test_an_unknown_transfer_encoding_leaves_the_body_as_it_stands(encoding: str) -> None:
    assert read(message("a=20b", encoding=encoding)).text == "a=20b"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain; charset=iso-8859-1", "Grüße – “so”".encode(), "Grüße – “so”"),
        ("text/plain; charset=us-ascii", "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain; charset=utf-16", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=windows-31j", "市役所".encode("cp932"), "市役所"),
        ("text/plain; charset=gb2312", "联通".encode("gb2312"), "联通"),
        ("text/plain; charset=utf-8", "мост закрыт, и надолго".encode("cp1251"), "мост закрыт, и надолго"),
    ],
)
def test_a_wrong_charset_is_seen_through(kind: str, body: bytes, expected: str) -> None:
    assert read(f"{HEAD}Content-Type: {kind}\n\n".encode() + body).text == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (message("a \nb\n> c \n> d\n-- \nsig", "text/plain; format=flowed"), "a b\n> c d\n-- \nsig"),
        (message("这是 \n一个", f"{UTF8}; format=flowed; delsp=yes"), "这是一个"),
        (message(f"{ENCODED}\n\n______\nThe list and its footer", UTF8, "base64"), "Grüße ans Meer\n\n______\nThe list and its footer"),
        (message("<bold>seen</bold><param>x</param> 1 << 2", "text/enriched"), "seen 1 < 2"),
        (message("<!DOCTYPE html><p>seen</p>"), "seen"),
        (message("in a file", encoding="8bit\nContent-Disposition: attachment; filename=n.txt"), "in a file"),
        (multipart("related", "Content-Type: text/html\n\n<p>seen</p>", "Content-Type: text/css\n\np{}"), "seen"),
        (multipart("alternative", PLAIN, PAGE), ("words of the page " * 60).strip()),
        (multipart("alternative", "Content-Type: text/plain\n\n" + "said in full " * 30, PAGE), ("said in full " * 30)),
        (multipart("mixed", PLAIN, "Content-Type: text/rtf\n\n{\\rtf1 x}"), "plain text"),
        (multipart("mixed", PLAIN, "Content-Type: message/delivery-status\n\nA: x\n\nStatus: 5.1.1"), "plain text\n\nA: x\n\nStatus: 5.1.1"),
    ],
    ids=["flowed", "flowed without spaces", "footer behind base64", "enriched", "a page called plain", "all is an attached text",
         "style sheets", "a notice instead of the page", "plain text that says something", "listed, not shown", "delivery report"],
)  # fmt: skip
def test_the_body_is_what_is_shown(raw: str, expected: str) -> None:
    assert read(raw).text == expected


@pytest.mark.parametrize("declared", ["", "; boundary=other", '; boundary=""'])
def test_parts_are_found_whatever_boundary_is_declared(declared: str) -> None:
    part = f"Content-Type: {UTF8}\nContent-Transfer-Encoding: base64\n\n{ENCODED}"
    content = read(f"{HEAD}Content-Type: multipart/mixed{declared}\n\n--real\n{part}\n--real\n{PDF}\n--real--\n")
    assert content.text == "Grüße ans Meer"
    assert content.metadata["attachments"] == "a.pdf"


def test_a_message_encoded_as_a_whole_is_opened() -> None:
    inner = base64.encodebytes(message("inner body").encode()).decode()
    kind = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64"
    assert read(multipart("mixed", PLAIN, f"{kind}\n\n{inner}")).text.endswith("inner body")


def test_files_within_a_text_and_beside_the_chosen_body_are_named() -> None:
    content = read(message("see\nbegin 644 plan.txt\n#86)C\n`\nend\nbye"))
    assert (content.text, content.metadata["attachments"]) == ("see\nbye", "plan.txt")
    mixed = f"Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>x</p>\n--c\n{PDF}\n--c--"
    assert read(multipart("alternative", PLAIN, mixed)).metadata["attachments"] == "a.pdf"


def test_a_message_of_attachments_alone_is_partial_and_says_so() -> None:
    content = read(multipart("mixed", PDF))
    assert (content.text, content.status) == ("S", DocumentStatus.PARTIAL)
    assert "a.pdf" in content.reason


@pytest.mark.parametrize(
    "raw",
    [
        message("one\ntwo").replace("\n", "\r"),
        "From a@e.org Tue Mar  5 10:11:12 2024\r" + message("one\ntwo").replace("\n", "\r"),
        "\ufeff" + message("one\ntwo"),
        "\n \n" + message("one\ntwo"),
        ">From a@e.org Tue\n" + message("one\ntwo"),
        message("one\ntwo", head=HEAD.replace("Subject: S", "and a line that is no header\nSubject : S")),
        message("one\ntwo").encode("utf-16"),
    ],
    ids=[
        "CR",
        "mbox line with CR",
        "byte order mark",
        "blank lines first",
        "quoted mbox line",
        "broken header",
        "UTF-16",
    ],
)
def test_the_message_is_found_in_its_file(raw: str | bytes) -> None:
    content = read(raw)
    assert (content.text, content.metadata["title"]) == ("one\ntwo", "S")


@pytest.mark.parametrize("gap", ["", " \n"])
def test_prose_without_a_blank_line_before_it_is_the_body(gap: str) -> None:
    prose = "Dear all,\nthis is what we said of the plan\nin May.\nTo: the board"
    assert read(f"{HEAD}{gap}{prose}\n\nEnd").text == f"{prose}\n\nEnd"


def test_an_archive_of_messages_is_read_whole() -> None:
    mbox = "".join(f"From a@e.org Tue Mar  5 10:11:12 2024\n{message(ENCODED, UTF8, 'base64')}\n\n" for _ in range(3))
    content = read(mbox)
    assert content.text.count("Grüße ans Meer") == 3
    assert content.text.count("Subject: S") == 2
    assert "3 messages" in content.warnings[-1]


def test_the_first_of_several_dates_counts() -> None:
    dated = "Date: Tue, 5 Mar 2024 10:11:12 GMT\nDate: Wed, 6 Mar 2024 10:11:12 GMT\n"
    assert read(message("x", head=HEAD + dated)).metadata["date"] == "2024-03-05T10:11:12+00:00"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(lines, min_size=1, max_size=4), st.integers(0, 3), st.sampled_from(["base64", "quoted-printable", "8bit"])
)
def test_texts_written_in_parts_of_any_depth_are_read_in_order(texts: list[str], depth: int, encoding: str) -> None:
    made = EmailMessage()
    made.make_mixed()
    for text in texts:
        part = EmailMessage()
        part.set_content(text, cte=encoding)
        for _ in range(depth):
            outer = EmailMessage()
            outer.make_mixed()
            outer.attach(part)
            part = outer
        made.attach(part)
    made["Message-ID"] = "<1>"
    content = read(made.as_bytes())
    assert content.text == "\n\n".join(texts)
    at = content.text.rindex(texts[-1])
    assert place_of(content, texts[-1], at) == f"part {len(texts)}"


@pytest.mark.parametrize("disposition", ["", "Content-Disposition: attachment\n"])
def test_a_part_that_is_called_text_but_is_none_is_a_file(disposition: str) -> None:
    archive = base64.encodebytes(samples.archive({"a.txt": b"\0\1\2" * 50})).decode()
    raw = (
        f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; name=photo.htm\n"
        f"{disposition}Content-Transfer-Encoding: base64\n\n{archive}\n--b--\n"
    )
    content = read(raw)
    assert (content.text, content.metadata["attachments"]) == ("S", "photo.htm")
    assert content.status == DocumentStatus.PARTIAL
