"""Word files of unusual make, and what stands in other parts of theirs: drawings, formulas, documents within documents."""

import io
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import docx
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.detect import detect
from coderai_pipeline.readers.docx_fields import shown_instead
from tests.readers import samples
from tests.readers.checks import assert_consistent, lines, place_of
from tests.readers.samples import document_xml, paragraph, part, relations, table

Links = dict[str, tuple[str, str]]
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
C = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
DGM = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
V = 'xmlns:v="urn:schemas-microsoft-com:vml"'


def read(data: bytes) -> Content:
    content = docx.read(data, ReadOptions())
    assert_consistent(content)
    return content


def words(text: str) -> str:
    return f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"


def drawn(inner: str) -> str:
    return f"<w:p><w:r><w:drawing><a:graphic {A}><a:graphicData>{inner}</a:graphicData></a:graphic></w:drawing></w:r></w:p>"


def diagram() -> str:
    points = "".join(
        f'<dgm:pt modelId="{number}" type="{kind}"><dgm:t>{words(text)}</dgm:t></dgm:pt>'
        for number, kind, text in (
            (0, "doc", ""),
            (2, "node", "second"),
            (1, "node", "first"),
            (3, "node", "below first"),
        )
    )
    links = "".join(
        f'<dgm:cxn srcId="{above}" destId="{below}" srcOrd="{order}"/>'
        for above, below, order in ((0, 1, 0), (0, 2, 1), (1, 3, 0), (3, 1, 0))
    )
    return f"<dgm:dataModel {DGM} {A}><dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{links}</dgm:cxnLst></dgm:dataModel>"


SMART_ART = drawn(f'<dgm:relIds {DGM} r:dm="d"/>')
SMART_ART_PARTS: tuple[dict[str, str], Links] = (
    {"word/diagrams/data1.xml": diagram()},
    {"d": ("diagramData", "diagrams/data1.xml")},
)


def test_smart_art_is_read_in_the_order_of_its_connections_and_once_even_where_they_form_a_loop() -> None:
    content = read(samples.docx(paragraph("before") + SMART_ART + paragraph("after"), *SMART_ART_PARTS))
    assert content.text == "before\n\nfirst\n\nbelow first\n\nsecond\n\nafter"
    assert place_of(content, "second") == "paragraph 2, text box"
    cells = f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{SMART_ART}</w:tc></w:tr></w:tbl>"
    assert read(samples.docx(cells, *SMART_ART_PARTS)).text == "a | first below first second"


def test_a_damaged_drawing_does_not_cost_the_document() -> None:
    parts, links = SMART_ART_PARTS
    broken = {name: xml[:-20] for name, xml in parts.items()}
    assert read(samples.docx(paragraph("text") + SMART_ART, broken, links)).text == "text"


def test_charts_shapes_and_word_art_show_their_words() -> None:
    cache = "<c:strRef><c:strCache><c:pt><c:v>{}</c:v></c:pt></c:strCache></c:strRef>"
    series = f"<c:ser><c:tx>{cache.format('North')}</c:tx><c:cat>{cache.format('2019')}</c:cat></c:ser>"
    title = f"<c:title><c:tx><c:rich>{words('Sales')}</c:rich></c:tx></c:title>"
    chart = f"<c:chartSpace {C} {A}><c:chart>{title}<c:plotArea>{series}</c:plotArea></c:chart></c:chartSpace>"
    art = f'<w:p><w:r><w:pict><v:shape {V}><v:textpath string="DRAFT"/></v:shape></w:pict></w:r></w:p>'
    body = drawn(f'<c:chart {C} r:id="c"/>') + drawn(f"<a:sp><a:txBody>{words('a shape')}</a:txBody></a:sp>") + art
    content = read(samples.docx(body, {"word/charts/chart1.xml": chart}, {"c": ("chart", "charts/chart1.xml")}))
    assert content.text == "Sales\n\nNorth, 2019\n\na shape\n\nDRAFT"


def term(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("inner", "written"),
    [
        (f"<m:f><m:fPr/><m:num>{term('1')}</m:num><m:den>{term('2')}</m:den></m:f>", "1/2"),
        (f"<m:f><m:num>{term('a+b')}</m:num><m:den>{term('2')}</m:den></m:f>", "(a+b)/2"),
        (f"<m:sSup><m:e>{term('10')}</m:e><m:sup>{term('6')}</m:sup></m:sSup>", "10^6"),
        (f"<m:sSub><m:e>{term('x')}</m:e><m:sub>{term('i+1')}</m:sub></m:sSub>", "x_(i+1)"),
        (f"<m:rad><m:deg/><m:e>{term('2')}</m:e></m:rad>", "√2"),
        (f"{term('f')}<m:d><m:e>{term('x')}</m:e></m:d>", "f(x)"),
        (f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{term("i=1")}</m:sub><m:sup>{term("n")}</m:sup>'
         f"<m:e>{term('i')}</m:e></m:nary>", "∑_(i=1)^n i"),
    ],
)  # fmt: skip
def test_formulas_are_written_on_one_line(inner: str, written: str) -> None:
    assert read(samples.docx(f"<w:p><m:oMath {M}>{inner}</m:oMath></w:p>")).text == written


MAIL = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    "<p>inner</p>\r\n--b\r\nContent-Type: text/css\r\n\r\np{}\r\n--b--\r\n"
)
CHUNK = paragraph("one") + '<w:altChunk r:id="k"/>' + paragraph("two")


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("a.htm", "<html><body><p>inner</p></body></html>"),
        ("a.docx", samples.docx(paragraph("inner"))),
        ("a.txt", "inner"),
        ("a.mht", MAIL),
    ],
)
def test_a_document_shown_in_place_is_read_in_place(name: str, inner: str | bytes) -> None:
    parts: dict[str, str | bytes] = {f"word/{name}": inner}
    content = read(samples.docx(CHUNK, parts, {"k": ("aFChunk", name)}))
    assert (content.text, content.status) == ("one\n\ninner\n\ntwo", DocumentStatus.READY)
    assert place_of(content, "inner").startswith("after paragraph 1, ")


def test_tables_and_hidden_text_of_a_document_shown_in_place_are_known() -> None:
    page = "<table><tr><th>a<th>b<tr><td>1<td>2</table><p hidden>unseen</p>"
    content = read(samples.docx(CHUNK, {"word/a.htm": page}, {"k": ("aFChunk", "a.htm")}))
    assert content.tables[0].span.of(content.text) == "a | b\n1 | 2"
    assert [hidden.span.of(content.text) for hidden in content.hidden] == ["unseen"]
    assert sum("cannot see" in warning for warning in content.warnings) == 1


@pytest.mark.parametrize("parts", [{}, {"word/a.rtf": "{\\rtf1 x}"}, {"word/a.rtf": b"\x89PNG\r\n\x1a\n"}])
def test_a_document_that_cannot_be_read_in_place_makes_the_whole_partial(parts: dict[str, str | bytes]) -> None:
    content = read(samples.docx(CHUNK, parts, {"k": ("aFChunk", "a.rtf")}))
    assert (content.text, content.status) == ("one\n\ntwo", DocumentStatus.PARTIAL)
    assert "not read" in content.reason


def test_an_empty_document_shown_in_place_is_no_loss() -> None:
    content = read(samples.docx(CHUNK, {"word/a.htm": ""}, {"k": ("aFChunk", "a.htm")}))
    assert (content.text, content.status) == ("one\n\ntwo", DocumentStatus.READY)


def test_documents_within_documents_end_somewhere() -> None:
    data = samples.docx(paragraph("innermost"))
    for _ in range(5):
        inner: dict[str, str | bytes] = {"word/a.docx": data}
        data = samples.docx(CHUNK, inner, {"k": ("aFChunk", "a.docx")})
    content = read(data)
    assert content.status == DocumentStatus.PARTIAL
    assert "innermost" not in content.text


def repacked(data: bytes, old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return samples.archive({name: package.read(name).replace(old, new) for name in package.namelist()})


def strict(data: bytes) -> bytes:
    for name in (b"wordprocessingml", b"officeDocument"):
        data = repacked(
            data, b"http://schemas.openxmlformats.org/%b/2006/" % name, b"http://purl.oclc.org/ooxml/%b/" % name
        )
    return data


def test_strict_files_read_as_others_however_long() -> None:
    section = '<w:sectPr><w:headerReference w:type="default" r:id="h"/></w:sectPr>'
    body = "".join(paragraph(f"paragraph {number}") for number in range(3000)) + table([["a", "b"]]) + section
    plain = samples.docx(body, {"word/h.xml": part("hdr", paragraph("the header"))}, {"h": ("header", "h.xml")})
    assert read(strict(plain)).text == read(plain).text
    redeclared = document_xml(body).replace("<w:p>", f'<w:p xmlns:w="{samples.W}">')
    assert read(strict(samples.docx("", {"word/document.xml": redeclared}))).text.endswith("a | b")


DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = document_xml(paragraph("hello"))
OVERRIDE = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/other.xml" '
    'ContentType="application/vnd.ms-word.template.macroEnabledTemplate.main+xml"/></Types>'
)


@pytest.mark.parametrize(
    "members",
    [
        {"_rels/.rels": relations({"r": ("officeDocument", "doc/main.xml")}), "doc/main.xml": MAIN},
        {"_rels/.rels": relations({"r": ("officeDocument", "word/gone.xml")}), "word/document.xml": MAIN},
        {"[Content_Types].xml": OVERRIDE, "word/other.xml": MAIN},
        {"_rels\\.rels": relations({"r": ("officeDocument", "word\\document.xml")}), "word\\document.xml": MAIN},
        {"_RELS/.RELS": relations({"r": ("officeDocument", "/Word/Document.XML")}), "word/document.xml": MAIN},
    ],
    ids=["by relation", "relation leads nowhere", "by content type", "backslashes", "upper case"],
)
def test_the_main_part_is_found(members: dict[str, str | bytes]) -> None:
    assert read(samples.archive(members)).text == "hello"


def test_a_package_that_is_one_xml_file_reads_as_others() -> None:
    flat = "http://schemas.microsoft.com/office/2006/xmlPackage"
    parts = {"/_rels/.rels": relations({"r": ("officeDocument", "word/document.xml")}), "/word/document.xml": MAIN}
    inner = "".join(
        f'<pkg:part pkg:name="{name}"><pkg:xmlData>{xml.removeprefix(DECLARATION)}</pkg:xmlData></pkg:part>'
        for name, xml in parts.items()
    )
    data = f'<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="{flat}">{inner}'.encode()
    assert detect(data, "x.xml") == "docx"
    assert read(data + b"</pkg:package>").text == "hello"
    with pytest.raises(NotReadable) as trouble:
        docx.read(data, ReadOptions())
    assert trouble.value.status == DocumentStatus.CORRUPT


def test_without_a_main_part_a_file_is_corrupt() -> None:
    with pytest.raises(NotReadable) as trouble:
        docx.read(samples.archive({"[Content_Types].xml": OVERRIDE}), ReadOptions())
    assert trouble.value.status == DocumentStatus.CORRUPT


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        ('<w:r><w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Symbol" w:char="F0B3"/><w:sym w:font="Symbol" w:char="F094"/></w:r>', "α≥\ufffd"),
        ('<w:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><w:t>&#xF06D;m</w:t></w:r>', "μm"),
        ("<w:r><w:t>co\xadope</w:t><w:softHyphen/><w:t>ration</w:t></w:r>", "cooperation"),
        ('<w:r><w:t>10</w:t></w:r><w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>6</w:t></w:r>', "10⁶"),
        (
            '<w:r><w:t>10</w:t></w:r><w:r><w:rPr><w:position w:val="8"/><w:sz w:val="19"/></w:rPr><w:t>6</w:t></w:r>'
            '<w:r><w:rPr><w:position w:val="-2"/><w:sz w:val="19"/></w:rPr><w:t>2</w:t></w:r>',
            "10⁶2",
        ),
        ('<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>MACROBUTTON NoMacro [Click here]</w:instrText>'
         '<w:fldChar w:fldCharType="end"/></w:r>', "[Click here]"),
    ],
)  # fmt: skip
def test_signs_are_read_as_shown(runs: str, shown: str) -> None:
    assert read(samples.docx(f"<w:p>{runs}</w:p>")).text == shown


@pytest.mark.parametrize(
    ("instruction", "shown"),
    [
        (r'EQ \* jc2 \* "Font:MS Mincho" \* hps10 \o\ad(\s\up 9(とうきょう),東京)', "東京"),
        (r"eq \o\ac(○,12)", "⑫"),
        (r"EQ \f(1;x+1)", "1/(x+1)"),
        (r"EQ \r(3,8)\r(,a b)", "3√8√(a b)"),
        (r"EQ x\s\up8(2) \b\lc\[\rc\](a\,b)", "x² [a,b]"),
        (r"EQ \i\su(i=1,n,i) \d\fo10()\a\al\co2(1,2)", "∑_(i=1)^n i 1, 2"),
        (r'SYMBOL 252 \f "Wingdings" \s 10', "✓"),
        (r"SYMBOL 0x20AC \u", "€"),
        (r"SYMBOL 169", "©"),
        ("PAGE", ""),
    ],
)
def test_a_field_without_a_result_shows_what_its_instruction_says(instruction: str, shown: str) -> None:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {escape(instruction)} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    assert read(samples.docx(f"<w:p><w:r><w:t>a</w:t></w:r>{field}<w:r><w:t>z</w:t></w:r></w:p>")).text == f"a{shown}z"


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("\\(),;fors 1a")))
def test_no_equation_stops_the_reader(equation: str) -> None:
    assert isinstance(shown_instead(f"EQ {equation}"), str)


def test_the_text_of_a_master_document_is_said_to_stand_elsewhere() -> None:
    content = read(samples.docx(f'{paragraph("Preface")}<w:p><w:subDoc r:id="one"/></w:p>'))
    assert content.status == DocumentStatus.PARTIAL
    assert "file of its own" in content.reason


def test_a_formula_may_stand_between_paragraphs() -> None:
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    formula = f"<m:oMathPara {math}><m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath></m:oMathPara>"
    content = read(samples.docx(f"{paragraph('before')}{formula}{paragraph('after')}"))
    assert content.text == "before\n\nx=1\n\nafter"
    assert place_of(content, "x=1") == "after paragraph 1"


def test_a_row_that_begins_further_right_has_empty_columns_before_it() -> None:
    row = '<w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>'
    rows = table([["a", "b", "c"]]).removesuffix("</w:tbl>") + row.format(paragraph("x"), paragraph("y"))
    assert read(samples.docx(f"{rows}</w:tbl>")).text == "a | b | c\n | x | y"


def test_embedded_files_are_named_and_marks_without_a_shape_are_no_text() -> None:
    content = read(samples.docx(paragraph("text"), {"word/embeddings/plan.xlsx": "x"}))
    assert content.metadata["attachments"] == "plan.xlsx"
    assert docx.read(samples.docx(paragraph("\u200b\ufeff")), ReadOptions()).status == DocumentStatus.NO_TEXT


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(lines, st.none() | lines), min_size=1, max_size=5))
def test_notes_written_are_read_after_the_text_with_their_marks(written: list[tuple[str, str | None]]) -> None:
    noted = [note for _, note in written if note]
    numbers = iter(range(1, len(noted) + 1))
    body, expected = "", ""
    for text, note in written:
        number = next(numbers) if note else 0
        mark = f'<w:r><w:footnoteReference w:id="{number}"/></w:r>' if note else ""
        body += paragraph(text).replace("</w:p>", f"{mark}</w:p>")
        expected += f"{text}[{number}]\n\n" if note else f"{text}\n\n"
    notes = "".join(f'<w:footnote w:id="{n}">{paragraph(note)}</w:footnote>' for n, note in enumerate(noted, 1))
    content = read(
        samples.docx(body, {"word/footnotes.xml": part("footnotes", notes)}, {"n": ("footnotes", "footnotes.xml")})
    )
    expected += "\n\n".join(f"[{number}] {note}" for number, note in enumerate(noted, 1))
    assert content.text == expected.removesuffix("\n\n")
    if noted:
        assert place_of(content, noted[-1], content.text.rindex(noted[-1])) == f"footnote {len(noted)}"


def test_a_note_with_a_mark_of_its_own_does_not_count():
    references = (
        '<w:r><w:footnoteReference w:customMarkFollows="1" w:id="2"/><w:t>*</w:t></w:r>',
        '<w:r><w:footnoteReference w:id="3"/></w:r>',
    )
    body = "".join(paragraph(f"Line {n}").replace("</w:p>", f"{mark}</w:p>") for n, mark in enumerate(references))
    notes = "".join(
        f'<w:footnote w:id="{number}">{paragraph(note)}</w:footnote>'
        for number, note in ((2, "* Starred."), (3, "Counted."))
    )
    content = read(
        samples.docx(body, {"word/footnotes.xml": part("footnotes", notes)}, {"n": ("footnotes", "footnotes.xml")})
    )
    assert content.text.split("\n\n") == ["Line 0*", "Line 1[1]", "* Starred.", "[1] Counted."]
