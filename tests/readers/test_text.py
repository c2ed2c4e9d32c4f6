"""Plain text and Markdown: nothing changed but NULs and line ends, and what is odd reported."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers import language, markdown, text
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.detect import detect
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.readers.language import detect_language
from coderai_pipeline.readers.normalise import is_blank

plain = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\ufeff"), min_size=1).filter(
    lambda written: not is_blank(written)
)


def read(data: bytes) -> Content:
    return text.read(data, ReadOptions())


@settings(max_examples=200, deadline=None)
@given(plain.filter(lambda written: "\x1b" not in written and not written.endswith("\x1a")))
def test_clean_utf8_is_read_as_it_is_written(written: str) -> None:
    data = written.encode()
    if data[:1] in (b"\xff", b"\xfe"):
        return
    content = read(data)
    assert content.text == written
    for number, line in enumerate(written.split("\n"), 1):
        if line:
            start = sum(len(before) + 1 for before in written.split("\n")[: number - 1])
            assert content.places.locate(Span(start, start + len(line)))[0].path == f"line {number}"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_known_by_its_mark_or_its_nuls(encoding: str) -> None:
    written = "A letter from Zürich, 5 March\nsecond line"
    assert read(written.encode(encoding)).text == written


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("cp1252", "Der Bürgermeister erklärte, daß die Brücke über den Fluß gesperrt wird – für drei Wochen."),
        ("cp1251", "Администрация города сообщила, что мост через реку будет закрыт на три недели."),
        ("shift_jis", "市役所は、川にかかる橋を三週間閉鎖すると発表しました。住民は不便を感じています。"),
        ("gb18030", "市政府宣布，这座桥将关闭三个星期，居民们感到很不方便。"),
        ("iso2022_jp", "市役所は、橋を三週間閉鎖すると発表しました。"),
    ],
)
def test_other_encodings_are_detected_and_said(encoding: str, written: str) -> None:
    content = read(written.encode(encoding))
    assert content.text == written
    assert "confidence" in content.warnings[0]


def test_line_ends_are_made_one_kind_and_mixed_ones_reported() -> None:
    content = read(b"one\r\ntwo\rthree\n")
    assert content.text == "one\ntwo\nthree\n"
    assert "mixed line ends" in content.warnings[0]
    assert read(b"one\r\ntwo\r\n").warnings == []


def test_nuls_are_left_out_and_reported() -> None:
    content = read(b"some text\0 with a few\0 NULs")
    assert content.text == "some text with a few NULs"
    assert content.warnings == ["2 NUL characters were left out"]


def test_invisible_marks_stay_and_are_reported() -> None:
    written = "abc ‮def‬ g​h"
    content = read(written.encode())
    assert content.text == written
    assert "overrides" in content.warnings[0]
    assert "zero-width" in content.warnings[1]


def test_white_space_is_no_text() -> None:
    with pytest.raises(NotReadable):
        read(b" \n\t\n")


def test_markdown_is_kept_and_its_headings_known() -> None:
    source = "# One\ntext\n\n## Two ##\n```\n# no heading\n```\nThree\n=====\n- item\n---\n    # code\n"
    content = markdown.read(source.encode(), ReadOptions())
    assert content.text == source
    found = [(heading.span.of(source), heading.level) for heading in content.headings]
    assert found == [("One", 1), ("Two", 2), ("Three", 1)]
    assert content.metadata["title"] == "One"


def test_what_front_matter_states_is_metadata_and_no_heading() -> None:
    source = "---\ntitle: 'Field notes'\nauthor: A. Lee\ndate: 2024-03-05\n---\n\n# Day one\n\nText\n"
    content = markdown.read(source.encode(), ReadOptions())
    assert content.text == source
    assert [heading.span.of(source) for heading in content.headings] == ["Day one"]
    assert content.metadata == {"title": "Field notes", "author": "A. Lee", "date": "2024-03-05"}


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("The committee has decided to postpone the vote until next week.", "en"),
        ("Der Ausschuss hat beschlossen, die Abstimmung auf nächste Woche zu verschieben.", "de"),
        ("委员会决定将投票推迟到下周，因为许多成员无法出席会议。", "zh"),
        ("قررت اللجنة تأجيل التصويت إلى الأسبوع المقبل", "ar"),
        ("too short", None),
        ("12,5 13,7 2024-01-01 " * 20, None),
    ],
)
def test_the_language_is_told_where_there_is_enough_text(written: str, language: str | None) -> None:
    assert detect_language(written) == language


WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize(
    "written",
    [
        "A letter from Zürich, 5 March",
        "Администрация города сообщила, что мост через реку закрыт",
        "市役所は、橋を三週間閉鎖すると発表しました。\n住民は不便を感じています。",
        "시장은 다리가 가까운 시일 안에 폐쇄될 것이라고 발표했다.",
        "أعلن رئيس البلدية أن الجسر سيكون مغلقا",
    ],
)
def test_unicode_without_a_mark_is_known_in_every_script(encoding: str, written: str) -> None:
    data = written.encode(encoding)
    assert detect(data, "x.txt") == "text"
    assert read(data).text == written


@pytest.mark.parametrize("broken", [b"\xe4", b"\xff", "ü".encode()[:1]])
def test_a_few_broken_places_do_not_make_utf8_something_else(broken: bytes) -> None:
    written = "Der Bürgermeister erklärte, daß die Brücke über den Fluß gesperrt wird."
    content = read(written.encode() + b"\n" + broken + b"\n")
    assert content.text == f"{written}\n\ufffd\n"
    assert "1 broken places" in content.warnings[0]


def test_a_page_that_says_it_is_utf8_is_read_so_where_most_of_it_is() -> None:
    page = (
        '<meta charset="utf-8"><p>Gärten für Zürich, schöne Bäume'.encode() + b"<p>" + "Früchte, Äpfel".encode("cp1252")
    )
    assert decode(page, "UTF-8").text.startswith('<meta charset="utf-8"><p>Gärten für Zürich, schöne Bäume<p>Fr\ufffd')


def test_what_a_terminal_acts_on_is_left_out() -> None:
    content = read(b"\x1b]0;a title\x07\x1b[1;31mred\x1b[0m text\x1b[K\n\x1a")
    assert content.text == "red text\n"
    assert "terminal" in content.warnings[0]


def test_a_single_sign_is_read_as_windows_has_it() -> None:
    assert read("Preis: 5 €".encode("cp1252")).text == "Preis: 5 €"


@pytest.mark.parametrize("written", ["Åke Öberg, Malmö", "Müller & Söhne"])
def test_a_few_accents_are_no_evidence_of_a_code_page_of_dos(written: str) -> None:
    assert read(written.encode("cp1252")).text == written


def test_marks_without_a_shape_are_no_text() -> None:
    for written in ("\u200b\n\u2060", "\ufeff\ufeff", "\x01\x02"):
        with pytest.raises(NotReadable):
            read(written.encode())


def test_the_language_model_says_the_same_whether_it_is_unpacked_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [
        "The bridge will be closed for three weeks.",
        "Die Brücke wird drei Wochen lang gesperrt.",
        "Мост будет закрыт на три недели.",
        "市政府宣布，这座桥将关闭三个星期，居民们感到很不方便。",
        "Zubia hiru astez itxiko da, udalak esan duenez.",
    ]
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    def found() -> list[str | None]:
        language._identifier.cache_clear()
        return [detect_language(sentence) for sentence in said]

    packed = found()
    language.unpack()
    assert [path.name for path in tmp_path.glob("share/coderai_pipeline/*/chances.npy")]
    assert found() == packed == ["en", "de", "ru", "zh", "eu"]
    language._identifier.cache_clear()


@pytest.mark.parametrize(
    ("written", "encoding"),
    [
        ("ort;größe\nKöln;½ Liter\n", "cp1252"),
        ("price is €5 – too high\n", "cp1252"),
        ("a,b,± 5 µm at 20 °C\n", "cp1252"),
        ("Århus, Ærø, Øresund\n", "cp1252"),
        ("L’Unità territoriale è “nuova”\n", "cp1252"),
        ("¼ cup, ¾ spoon, ½ litre of crème fraîche\n", "cp1252"),
        ("Zürich,«Grüezi»\n", "cp1252"),
        ("Er sagte „nein“ und ging\n", "cp1252"),
        ("Škoda, Žižek in Windows\n", "cp1252"),
        ("resumé – 3×4 m² · 2 µg\n", "cp1252"),
        ("Puškin kirjutas värsse.\n", "cp1252"),
        ("Iaşi, Timişoara, Braşov\n", "cp1250"),
        ("acción y nación\n", "cp850"),
        ("die Länge der Brücke über den Fluß\n", "cp850"),
    ],
)
def test_few_signs_are_read_as_windows_has_them_where_they_make_sense_so(written: str, encoding: str) -> None:
    assert decode(written.encode(encoding)).text == written
