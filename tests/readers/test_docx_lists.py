"""Lists of Word files: every item with the marker that Word shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.readers import docx
from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.readers.counting import counted
from tests.readers import samples
from tests.readers.checks import assert_consistent, lines, place_of
from tests.readers.samples import paragraph, part


def level(depth: int, kind: str, text: str, extra: str = "") -> str:
    return f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{extra}<w:lvlText w:val="{text}"/></w:lvl>'


def abstract(number: int, *inner: str) -> str:
    return f'<w:abstractNum w:abstractNumId="{number}">{"".join(inner)}</w:abstractNum>'


def list_of(number: int, abstract_id: int, override: str = "") -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{abstract_id}"/>{override}</w:num>'


def item(text: str, number: int, depth: int = 0) -> str:
    return paragraph(text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')


def styled(text: str, style: str) -> str:
    return paragraph(text, f'<w:pStyle w:val="{style}"/>')


def read(body: str, numbering: str, styles: str = "") -> str:
    parts = {"word/numbering.xml": part("numbering", numbering), "word/styles.xml": part("styles", styles)}
    links = {"n": ("numbering", "numbering.xml"), "s": ("styles", "styles.xml")}
    return docx.read(samples.docx(body, parts, links), ReadOptions()).text


PLAIN = abstract(0, level(0, "decimal", "%1."), level(1, "decimal", "%1.%2."))
START_AT_5 = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
LETTERS = f'<w:lvlOverride w:ilvl="0">{level(0, "lowerLetter", "(%1)")}</w:lvlOverride>'
DELETED = '<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:rPr><w:del/></w:rPr></w:pPr><w:del/></w:p>'


@pytest.mark.parametrize(
    ("body", "numbering", "expected"),
    [
        (item("a", 1) + item("b", 2), PLAIN + list_of(1, 0) + list_of(2, 0), "1. a\n2. b"),
        (item("a", 1) + item("b", 2), PLAIN + list_of(1, 0) + list_of(2, 0, START_AT_5), "1. a\n5. b"),
        (item("a", 1) + item("b", 1), PLAIN + list_of(1, 0, LETTERS), "(a) a\n(b) b"),
        (item("a", 1) + item("", 1) + item("c", 1), PLAIN + list_of(1, 0), "1. a\n3. c"),
        (item("a", 1) + DELETED + item("c", 1), PLAIN + list_of(1, 0), "1. a\n2. c"),
        (
            item("a", 1) + item("b", 1, 1),
            abstract(0, level(0, "upperRoman", "%1."), level(1, "decimal", "%1.%2", "<w:isLgl/>")) + list_of(1, 0),
            "I. a\n1.1 b",
        ),
        (
            item("a", 1) + item("x", 1, 1) + item("b", 1) + item("y", 1, 1),
            abstract(0, level(0, "decimal", "%1."), level(1, "decimal", "%2)", '<w:lvlRestart w:val="0"/>')) + list_of(1, 0),
            "1. a\n1) x\n2. b\n2) y",
        ),
        (item("a", 1, 8) + item("b", 1, 99), PLAIN + list_of(1, 0), "• a\n\nb"),
    ],
    ids=["lists that share a count go on", "a list may start anew", "a list may have other signs",
         "an empty item is counted", "a deleted item is not", "legal numbers", "a level that never starts anew",
         "levels that are not defined"],
)  # fmt: skip
def test_items_are_counted_as_word_counts_them(body: str, numbering: str, expected: str) -> None:
    assert read(body, numbering) == expected


def test_styles_say_the_list_and_the_list_says_the_level_of_a_style() -> None:
    numbered = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    inherited = '<w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr>'
    based = (
        f'<w:style w:styleId="A">{numbered}</w:style><w:style w:styleId="B"><w:basedOn w:val="A"/>{inherited}</w:style>'
    )
    assert read(styled("a", "A") + styled("b", "B"), PLAIN + list_of(1, 0), based) == "1. a\n1.1. b"
    bound = f'<w:style w:styleId="A">{numbered}</w:style><w:style w:styleId="B">{numbered}</w:style>'
    levels = abstract(
        0, level(0, "decimal", "%1.", '<w:pStyle w:val="A"/>'), level(1, "decimal", "%1.%2.", '<w:pStyle w:val="B"/>')
    )
    assert read(styled("a", "A") + styled("b", "B"), levels + list_of(1, 0), bound) == "1. a\n1.1. b"


def test_a_list_may_take_its_levels_from_a_numbering_style() -> None:
    linked = abstract(0, '<w:numStyleLink w:val="L"/>') + abstract(
        1, '<w:styleLink w:val="L"/>', level(0, "decimal", "%1)")
    )
    style = '<w:style w:type="numbering" w:styleId="L"><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>'
    assert read(item("a", 1) + item("b", 1), linked + list_of(1, 0) + list_of(2, 1), style) == "1) a\n2) b"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(lines, st.integers(0, 2)), min_size=1, max_size=8))
def test_items_of_any_depth_are_numbered_and_stand_in_their_paragraphs(written: list[tuple[str, int]]) -> None:
    levels = (level(depth, "decimal", "".join(f"%{n + 1}." for n in range(depth + 1))) for depth in range(3))
    parts = {"word/numbering.xml": part("numbering", abstract(0, *levels) + list_of(1, 0))}
    body = "".join(item(text, 1, depth) for text, depth in written)
    content = docx.read(samples.docx(body, parts, {"n": ("numbering", "numbering.xml")}), ReadOptions())
    assert_consistent(content)
    counts = [0, 0, 0]
    for number, ((text, depth), line) in enumerate(zip(written, content.text.split("\n"), strict=True), 1):
        counts = [*counts[:depth], counts[depth] + 1, 0, 0][:3]
        marker = "".join(f"{count or 1}." for count in counts[: depth + 1])
        assert line == f"{marker} {text}"
        at = sum(len(before) + 1 for before in content.text.split("\n")[: number - 1])
        assert place_of(content, line, at) == f"paragraph {number}"


@pytest.mark.parametrize(
    ("style", "numbers", "written"),
    [
        ("lowerLetter", (1, 26, 27, 28), "a z aa bb"),
        ("upperRoman", (4, 1999), "IV MCMXCIX"),
        ("ordinal", (1, 2, 3, 11, 112, 23), "1st 2nd 3rd 11th 112th 23rd"),
        ("cardinalText", (0, 1, 20, 45, 100), "0 One Twenty Forty-five 100"),
        ("ordinalText", (5, 20, 32), "Fifth Twentieth Thirty-second"),
        ("decimalEnclosedCircle", (1, 20, 21), "① ⑳ 21"),
        ("chineseCounting", (9, 10, 11, 20, 99), "九 十 十一 二十 九十九"),
        ("ideographTraditional", (1, 10), "甲 癸"),
        ("russianUpper", (1, 29), "А Я"),
        ("hebrew1", (1, 15, 29, 123), "א טו כט קכג"),
        ("hindiArabic", (10,), "١٠"),
        ("numberInDash", (3,), "- 3 -"),
        ("decimalZero", (3, 12), "03 12"),
        ("no such format", (3, -1), "3 -1"),
    ],
)
def test_numbers_are_written_in_the_formats_of_word(style: str, numbers: tuple[int, ...], written: str) -> None:
    assert " ".join(counted(number, style) for number in numbers) == written


def test_a_blank_bullet_sets_a_paragraph_in_without_a_marker() -> None:
    numbering = (
        abstract(0, level(0, "decimal", "%1.")) + abstract(1, level(0, "bullet", " ")) + list_of(1, 0) + list_of(2, 1)
    )
    assert read(item("one", 1) + item("goes on", 2) + item("two", 1), numbering) == "1. one\n\ngoes on\n\n2. two"
