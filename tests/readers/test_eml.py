"""E-mail: the body a person reads, headers as metadata, and no message so broken that it stops the reader."""

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import eml
from coderai_pipeline.readers.base import Content, ReadOptions
from coderai_pipeline.readers.detect import detect
from tests.readers.checks import assert_consistent, lines, place_of


def read(message: EmailMessage | bytes) -> Content:
    content = eml.read(message if isinstance(message, bytes) else message.as_bytes(), ReadOptions())
    assert_consistent(content)
    return content


def message(subject: str = "A subject") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Ann Writer <ann@example.org>"
    made["To"] = "bob@example.org, carl@example.org"
    made["Subject"] = subject
    made["Date"] = "Tue, 05 Mar 2024 10:11:12 +0100"
    return made


@settings(max_examples=60, deadline=None)
@given(lines, st.lists(lines, min_size=1, max_size=5), st.sampled_from(["base64", "quoted-printable", "8bit"]))
def test_text_written_is_text_read(subject: str, body: list[str], encoding: str) -> None:
    made = message(subject)
    made.set_content("\n\n".join(body), cte=encoding)
    content = read(made)
    assert content.text == "\n\n".join(body)
    # The standard library, which writes the header here, may lose a space where it folds encoded words.
    assert "".join(content.metadata["title"].split()) == "".join(subject.split())
    assert place_of(content, content.text) == "part 1"


def test_headers_are_metadata() -> None:
    made = message("Grüße")
    made.set_content("text")
    expected = {
        "from": "Ann Writer <ann@example.org>", "author": "Ann Writer <ann@example.org>", "title": "Grüße",
        "to": "bob@example.org, carl@example.org", "date": "2024-03-05T10:11:12+01:00",
    }  # fmt: skip
    assert read(made).metadata == expected


def test_the_plain_body_is_taken_before_the_page_and_attachments_are_named() -> None:
    made = message()
    made.set_content("plain body")
    made.add_alternative("<p>page body</p>", subtype="html")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="Bericht März.pdf")
    content = read(made)
    assert content.text == "plain body"
    assert content.metadata["attachments"] == "Bericht März.pdf"


def test_a_page_is_read_where_it_is_the_only_body() -> None:
    made = message()
    made.set_content("<p>seen</p><p style='display:none'>not seen</p><script>x</script>", subtype="html")
    content = read(made)
    assert content.text == "seen\n\nnot seen"
    assert [hidden.span.of(content.text) for hidden in content.hidden] == ["not seen"]


def test_a_message_within_a_message_is_read_after_it_below_its_own_head() -> None:
    inner = message("Inner")
    inner.set_content("inner body")
    outer = message("Outer")
    outer.set_content("outer body")
    outer.add_attachment(inner)
    content = read(outer)
    head = (
        "From: Ann Writer <ann@example.org>\nTo: bob@example.org, carl@example.org\n"
        "Date: Tue, 05 Mar 2024 10:11:12 +0100\nSubject: Inner"
    )
    assert content.text == f"outer body\n\n{head}\n\ninner body"
    assert content.metadata["title"] == "Outer"
    assert content.metadata["attachments"] == "Inner"


def test_raw_bytes_and_unknown_encodings_in_headers_and_body_are_repaired() -> None:
    raw = "From: Jürgen <j@e.org>\nMessage-ID: <1>\nSubject: Über\nContent-Type: text/plain; charset=no-such\n\nGrüße"
    content = read(raw.encode())
    assert (content.text, content.metadata["title"]) == ("Grüße", "Über")
    assert "no-such" in content.warnings[0]


def test_a_broken_boundary_degrades_to_what_there_is() -> None:
    raw = (
        b"From: a@e.org\nMessage-ID: <1>\nSubject: s\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--y\nContent-Type: text/plain\n\nthe body\n--y--\n"
    )
    content = read(raw)
    assert "the body" in content.text
    assert any("boundary" in warning for warning in content.warnings)


def test_a_message_without_a_body_is_its_subject_and_says_so() -> None:
    content = read(b"From: a@e.org\nMessage-ID: <1>\nSubject: only this\n\n")
    assert content.text == "only this"
    assert "no body" in content.warnings[0]
    assert read(b"From: a@e.org\nMessage-ID: <1>\n\n").status == DocumentStatus.NO_TEXT


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("Content-Type: application/pkcs7-mime; name=smime.p7m", "MIAG", "open it in the mail program"),
        (
            "Content-Type: multipart/encrypted; boundary=x",
            "--x\nContent-Type: a/b; name=e.asc\n\nq\n--x--",
            "is encrypted",
        ),
        ("Content-Type: text/plain", "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----", "is encrypted"),
        ("Content-Type: application/ms-tnef; name=winmail.dat", "eJ8", "open it in Outlook"),
    ],
)
def test_a_message_that_only_a_mail_program_can_open_is_partial_and_says_so(head: str, body: str, said: str) -> None:
    content = read(f"From: a@e.org\nMessage-ID: <1>\nSubject: only this\n{head}\n\n{body}\n".encode())
    assert (content.text, content.status) == ("only this", DocumentStatus.PARTIAL)
    assert said in content.reason


def test_an_encrypted_part_beside_a_text_makes_the_message_partial_and_outlooks_copy_of_it_does_not() -> None:
    raw = "From: a@e.org\nMessage-ID: <1>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nthe list\n--x\nContent-Type: {}\n\nq\n--x--"
    statuses = [read(raw.format(kind).encode()).status for kind in ("application/pkcs7-mime", "application/ms-tnef")]
    assert statuses == [DocumentStatus.PARTIAL, DocumentStatus.READY]


def test_a_page_saved_as_one_file_states_what_the_page_states() -> None:
    page = '<html><head><meta name=author content="Ann"><title>Real title</title></head><body><p>Text</p></body></html>'
    raw = (
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://e.org/a\nSubject: Saved\n"
        "Date: Mon, 1 Jan 2024 10:00:00 +0100\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n"
        f"--x\nContent-Type: text/html\n\n{page}\n--x\nContent-Type: image/png\nContent-Location: i.png\n\nq\n--x--\n"
    )
    content = read(raw.encode())
    assert content.text == "Text"
    assert content.metadata == {"title": "Real title", "author": "Ann", "canonical_url": "https://e.org/a"}


def test_the_style_sheets_of_a_page_saved_as_one_file_say_what_is_hidden() -> None:
    raw = (
        "From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n"
        "--x\nContent-Type: text/html\n\n<link rel=stylesheet href=cid:a><p class=gone>secret</p><p>Text</p>\n"
        "--x\nContent-Type: text/css\nContent-Location: cid:a\n\n.gone {display: none}\n--x--\n"
    )
    content = read(raw.encode())
    assert [hidden.span.of(content.text) for hidden in content.hidden] == ["secret"]


def test_a_message_of_apple_mail_is_what_stands_between_its_length_and_its_flags() -> None:
    message = b"Received: from x\nFrom: a@e.org\nSubject: S\n\nHello.\n"
    data = b"%d      \n%s<?xml version='1.0'?><plist><dict/></plist>\n" % (len(message), message)
    assert detect(data, "1.emlx") == "eml"
    content = read(data)
    assert (content.text.strip(), content.metadata["title"]) == ("Hello.", "S")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["multipart/mixed; boundary=a", "text/html", "message/rfc822", "x/y"]))
def test_no_message_stops_the_reader(body: bytes, kind: str) -> None:
    eml.read(b"From: a@e.org\nContent-Type: " + kind.encode() + b"\n\n" + body, ReadOptions())
