"""Word files: everything a person sees, in order, once, each piece with its place."""

import io

import docx as python_docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import docx
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from tests.readers import samples
from tests.readers.checks import assert_consistent, lines, place_of
from tests.readers.samples import paragraph, part, table


def read(body: str, parts: dict[str, str] | None = None, links: dict[str, tuple[str, str]] | None = None) -> Content:
    content = docx.read(samples.docx(body, parts, links), ReadOptions())
    assert_consistent(content)
    return content


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


blocks = st.lists(
    st.one_of(lines, st.lists(st.lists(lines, min_size=3, max_size=3), min_size=1, max_size=3)), min_size=1, max_size=6
)


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_text_written_is_text_read_and_stands_where_it_was_written(written: list[str | list[list[str]]]) -> None:
    content = read("".join(paragraph(block) if isinstance(block, str) else table(block) for block in written))
    expected = [block if isinstance(block, str) else "\n".join(map(" | ".join, block)) for block in written]
    assert content.text == "\n\n".join(expected)
    at, paragraphs, tables = 0, 0, 0
    for block, text in zip(written, expected, strict=True):
        if isinstance(block, str):
            paragraphs += 1
            assert place_of(content, block, at) == f"paragraph {paragraphs}"
        else:
            tables += 1
            assert content.tables[tables - 1].span.of(content.text) == text
            cell = at + len(text) - len(block[-1][-1])
            assert place_of(content, block[-1][-1], cell) == f"table {tables}, row {len(block)}, cell 3"
        at += len(text) + 2


@settings(max_examples=20, deadline=None)
@given(st.lists(lines, min_size=1, max_size=5))
def test_a_file_of_another_program_reads_the_same(written: list[str]) -> None:
    document = python_docx.Document()
    document.core_properties.title = "On harbours"
    for text in written:
        document.add_paragraph(text)
    packed = io.BytesIO()
    document.save(packed)
    content = docx.read(packed.getvalue(), ReadOptions())
    assert content.text == "\n\n".join(written)
    assert content.metadata["title"] == "On harbours"


def test_insertions_are_in_and_deletions_out() -> None:
    body = (
        f"<w:p>{run('kept ')}<w:del>{run('gone')}<w:r><w:delText>gone</w:delText></w:r></w:del>"
        f"<w:ins>{run('added')}</w:ins></w:p><w:p><w:moveFrom>{run('moved')}</w:moveFrom></w:p>"
        f"<w:p><w:moveTo>{run('moved')}</w:moveTo></w:p>"
    )
    assert read(body).text == "kept added\n\nmoved"


def test_a_paragraph_whose_end_is_deleted_runs_on() -> None:
    def cut(text: str) -> str:
        return f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{text and run(text)}</w:p>"

    assert read(cut("one ") + paragraph("two")).text == "one two"
    assert read(cut("wo") + cut("") + paragraph("rd") + paragraph("next")).text == "word\n\nnext"
    assert read(cut("one") + paragraph("") + paragraph("two")).text == "one\n\ntwo"
    row = f"<w:tr><w:tc>{cut('wo')}{paragraph('rd')}{paragraph('next')}</w:tc><w:tc>{paragraph('b')}</w:tc></w:tr>"
    assert read(f"<w:tbl>{row}</w:tbl>").text == "word next | b"


def test_a_large_initial_is_part_of_its_word() -> None:
    def initial(text: str) -> str:
        return paragraph(text, '<w:framePr w:dropCap="drop" w:lines="3"/>')

    assert read(initial("T") + paragraph("he fox") + paragraph("next")).text == "The fox\n\nnext"
    assert read(initial("A") + paragraph(" fox")).text == "A fox"


def test_an_item_that_was_moved_away_is_not_counted() -> None:
    numbering = (
        '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    )
    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    moved = f"<w:p><w:pPr>{item}<w:rPr><w:moveFrom/></w:rPr></w:pPr><w:moveFrom>{run('gone')}</w:moveFrom></w:p>"
    parts, links = {"word/numbering.xml": part("numbering", numbering)}, {"n": ("numbering", "numbering.xml")}
    assert read(moved + paragraph("a", item), parts, links).text == "1. a"


def test_fields_show_their_result_and_links_their_words() -> None:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    instruction = "<w:r><w:instrText>PAGEREF secret</w:instrText></w:r>"
    nested = f"{mark('begin')}{instruction}{mark('separate')}{run('inner')}{mark('end')}"
    body = (
        f"<w:p>{mark('begin')}{instruction}{nested}{mark('separate')}{run('result')}{mark('end')}{run(' and ')}"
        f'<w:fldSimple w:instr="DATE">{run("today")}</w:fldSimple><w:hyperlink>{run(" link")}</w:hyperlink></w:p>'
        f"<w:p>{mark('begin')}{run('never separated')}</w:p>"
    )
    assert read(body).text == "result and today link\n\nnever separated"


def test_content_controls_are_read_at_every_level() -> None:
    def control(inner: str) -> str:
        return f"<w:sdt><w:sdtPr/><w:sdtContent>{inner}</w:sdtContent></w:sdt>"

    cell = control(f"<w:tc>{paragraph('b')}</w:tc>")
    row = control(f"<w:tr><w:tc>{paragraph('a')}</w:tc>{cell}</w:tr>")
    body = f"<w:p>{run('x ')}{control(run('inline'))}</w:p>{control(paragraph('block'))}<w:tbl>{row}</w:tbl>"
    assert read(body).text == "x inline\n\nblock\n\na | b"


def test_a_text_box_comes_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph('in the box')}</w:txbxContent>"
    body = (
        f'<w:p>{run("before")}<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>{paragraph('after')}"
    )
    content = read(body)
    assert content.text == "before\n\nin the box\n\nafter"
    assert place_of(content, "in the box") == "paragraph 1, text box"


def test_merged_cells_have_their_text_once() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    rows = [
        [cell("a"), cell("b"), cell("c")],
        [cell("wide", '<w:gridSpan w:val="2"/>'), cell("x")],
        [cell("tall", '<w:vMerge w:val="restart"/>'), cell("1"), cell("2")],
        [cell("repeated", "<w:vMerge/>"), cell("3"), cell("4")],
    ]
    content = read("<w:tbl>" + "".join(f"<w:tr>{''.join(row)}</w:tr>" for row in rows) + "</w:tbl>")
    assert content.text == "a | b | c\nwide |  | x\ntall | 1 | 2\n | 3 | 4"
    assert content.tables[0].header is not None
    assert content.tables[0].header.of(content.text) == "a | b | c"


def test_a_table_that_only_arranges_is_read_as_blocks() -> None:
    inner = table([["a", "b"], ["1", "2"]])
    body = f"<w:tbl><w:tr><w:tc>{paragraph('left')}</w:tc><w:tc>{inner}{paragraph('right')}</w:tc></w:tr></w:tbl>"
    content = read(body)
    assert content.text == "left\n\na | b\n1 | 2\n\nright"
    assert place_of(content, "2") == "table 1, row 1, cell 2, table 1, row 2, cell 2"


def test_lists_have_the_markers_that_word_shows() -> None:
    def level(depth: int, kind: str, text: str) -> str:
        return (
            f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        )

    numbering = part(
        "numbering",
        f'<w:abstractNum w:abstractNumId="0">{level(0, "decimal", "%1.")}{level(1, "lowerLetter", "%1.%2)")}</w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="1">{level(0, "bullet", chr(0xF0B7))}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>',
    )

    def item(text: str, number: int, depth: int = 0) -> str:
        return paragraph(text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')

    body = item("one", 1) + item("deep", 1, 1) + item("deeper", 1, 1) + item("two", 1) + item("point", 2)
    content = read(body, {"word/numbering.xml": numbering}, {"n": ("numbering", "numbering.xml")})
    assert content.text == "1. one\n1.a) deep\n1.b) deeper\n2. two\n• point"


def test_headers_come_first_and_footers_and_notes_last() -> None:
    section = (
        '<w:sectPr><w:headerReference w:type="default" r:id="h"/><w:headerReference w:type="first" r:id="f"/>'
        '<w:footerReference w:type="default" r:id="t"/></w:sectPr>'
    )
    body = f'<w:p>{run("text")}<w:r><w:footnoteReference w:id="7"/></w:r></w:p>{section}'
    parts = {
        "word/header1.xml": part("hdr", paragraph("the header")),
        "word/header2.xml": part("hdr", paragraph("of a first page that is not apart")),
        "word/footer1.xml": part("ftr", paragraph("the footer")),
        "word/footnotes.xml": part(
            "footnotes",
            f'<w:footnote w:id="0">{paragraph("separator")}</w:footnote><w:footnote w:id="7">{paragraph("the note")}</w:footnote>',
        ),
    }
    links = {
        "h": ("header", "header1.xml"),
        "f": ("header", "header2.xml"),
        "t": ("footer", "footer1.xml"),
        "n": ("footnotes", "/word/footnotes.xml"),
    }
    content = read(body, parts, links)
    assert content.text == "the header\n\ntext[1]\n\nthe footer\n\n[1] the note"
    assert [place_of(content, text) for text in ("the header", "text", "the footer", "the note")] == [
        "header", "paragraph 1", "footer", "footnote 1",
    ]  # fmt: skip


def test_hidden_text_is_marked_with_its_span() -> None:
    styles = part("styles", '<w:style w:styleId="s"><w:rPr><w:vanish/></w:rPr></w:style>')
    body = (
        paragraph("seen")
        + paragraph("vanished", run="<w:vanish/>")
        + paragraph("white", run='<w:color w:val="FFFFFF"/>')
        + paragraph("tiny", run='<w:sz w:val="1"/>')
        + paragraph("by style", '<w:pStyle w:val="s"/>')
        + paragraph("on black", run='<w:color w:val="FFFFFF"/><w:highlight w:val="black"/>')
        + paragraph("not vanished", '<w:pStyle w:val="s"/>', '<w:vanish w:val="0"/>')
    )
    content = read(body, {"word/styles.xml": styles}, {"s": ("styles", "styles.xml")})
    assert [(hidden.span.of(content.text), hidden.why) for hidden in content.hidden] == [
        ("vanished", "vanish"),
        ("white", "white"),
        ("tiny", "zero size"),
        ("by style", "vanish"),
    ]
    assert "cannot see" in content.warnings[0]


def test_headings_are_known_by_style_and_outline() -> None:
    styles = part(
        "styles",
        '<w:style w:styleId="a"><w:name w:val="heading 2"/></w:style><w:style w:styleId="b"><w:basedOn w:val="a"/></w:style>',
    )
    body = (
        paragraph("First", '<w:pStyle w:val="b"/>')
        + paragraph("text")
        + paragraph("Third", '<w:outlineLvl w:val="0"/>')
    )
    content = read(body, {"word/styles.xml": styles}, {"s": ("styles", "styles.xml")})
    assert [(heading.span.of(content.text), heading.level) for heading in content.headings] == [
        ("First", 2),
        ("Third", 1),
    ]


def test_tabs_breaks_symbols_and_ruby_are_read_as_seen() -> None:
    body = (
        "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t>"
        '<w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
        "<w:r><w:ruby><w:rt><w:r><w:t>kana</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>"
    )
    assert read(body).text == "a\tb\nc-d☑漢"


def test_comments_are_metadata_and_no_text() -> None:
    comments = part("comments", f'<w:comment w:author="Ann">{paragraph("check this")}</w:comment>')
    parts, links = {"word/comments.xml": comments}, {"c": ("comments", "comments.xml")}
    content = read(paragraph("text"), parts, links)
    assert content.metadata["comments"] == "Ann: check this"
    assert content.text == "text"
    empty = docx.read(samples.docx(paragraph(""), parts, links), ReadOptions())
    assert empty.status == DocumentStatus.NO_TEXT
    assert "comments" in empty.reason


def test_a_broken_package_is_corrupt_and_says_so() -> None:
    whole = samples.docx(paragraph("some text that is long enough to be damaged"))
    for harmed in (whole[: len(whole) // 2], whole.replace(b"PK\x01\x02", b"PK\x01\x09"), _flipped(whole)):
        with pytest.raises(NotReadable) as trouble:
            docx.read(harmed, ReadOptions())
        assert trouble.value.status == DocumentStatus.CORRUPT


def _flipped(whole: bytes) -> bytes:
    """One bit of the main part's content changed."""
    at = whole.index(b"word/document.xml") + len(b"word/document.xml") + 40
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


WHITE = '<w:color w:val="FFFFFF"/>'
BLACK_GROUND = '<w:shd w:val="clear" w:color="auto" w:fill="000000"/>'
LOOKS = {"word/styles.xml": part("styles", (
    f'<w:style w:styleId="white"><w:rPr>{WHITE}</w:rPr></w:style>'
    '<w:style w:styleId="tiny"><w:rPr><w:sz w:val="2"/></w:rPr></w:style>'
    f'<w:style w:styleId="band"><w:pPr>{BLACK_GROUND}</w:pPr></w:style>'
))}  # fmt: skip
CELL = "<w:tbl><w:tr><w:tc>{0}</w:tc><w:tc>{1}{2}</w:tc></w:tr></w:tbl>"


def looks(body: str) -> Content:
    return read(paragraph("seen") + body, LOOKS, {"r1": ("styles", "styles.xml")})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (paragraph("x", run='<w:color w:val="FEFEFE"/>'), "white"),
        (paragraph("x", '<w:pStyle w:val="white"/>'), "white"),
        (paragraph("x", run='<w:rStyle w:val="white"/>'), "white"),
        (paragraph("x", '<w:pStyle w:val="tiny"/>'), "zero size"),
        (paragraph("x", run='<w:color w:val="000000"/>' + BLACK_GROUND), "colour of the background"),
        (paragraph("x", run=WHITE + '<w:shd w:val="clear" w:fill="FFFFFF"/>'), "white"),
        (paragraph("x", '<w:shd w:val="clear" w:fill="auto"/>', WHITE), "white"),
        (CELL.format(paragraph("seen"), "", paragraph("x", run=WHITE)), "white"),
    ],
)
def test_what_a_colour_or_a_size_hides_is_marked(body: str, why: str) -> None:
    content = looks(body)
    assert [(hidden.span.of(content.text), hidden.why) for hidden in content.hidden] == [("x", why)]


@pytest.mark.parametrize(
    "body",
    [
        paragraph("x", '<w:pStyle w:val="white"/>', '<w:color w:val="auto"/>'),
        paragraph("x", '<w:pStyle w:val="tiny"/>', '<w:sz w:val="24"/>'),
        paragraph("x", '<w:pStyle w:val="band"/>', '<w:rStyle w:val="white"/>'),
        paragraph("x", run=WHITE + '<w:shd w:val="solid" w:color="000000" w:fill="FFFFFF"/>'),
        paragraph("x", run=WHITE + '<w:highlight w:val="black"/>'),
        CELL.format(paragraph("seen"), f"<w:tcPr>{BLACK_GROUND}</w:tcPr>", paragraph("x", run=WHITE)),
    ],
)
def test_what_stands_out_from_its_ground_is_not_marked(body: str) -> None:
    assert looks(body).hidden == ()


def test_white_on_a_coloured_page_is_seen() -> None:
    body = paragraph("x", run=WHITE)
    xml = samples.document_xml(body).replace("<w:body>", '<w:background w:color="000080"/><w:body>')
    assert read(body, {"word/document.xml": xml}).hidden == ()


def test_a_document_of_pictures_is_called_so() -> None:
    content = read("<w:p/>", {"word/media/image1.png": "its bytes"})
    assert content.status is DocumentStatus.NO_TEXT
    assert "only pictures" in content.reason
