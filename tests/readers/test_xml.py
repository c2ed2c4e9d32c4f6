"""XML: the text without tags, blocks apart, nothing taken from outside the file."""

from pathlib import Path

import pytest

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import xml
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.detect import detect
from tests.readers.checks import assert_consistent, place_of


def read(markup: str, encoding: str = "utf-8") -> Content:
    content = xml.read(f'<?xml version="1.0"?>{markup}'.encode(encoding), ReadOptions())
    assert_consistent(content)
    return content


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<r><e><a>1</a><b>2</b></e><e><a>3</a><b>4</b></e></r>", "1\n2\n\n3\n4"),
        ("<div><head>H</head><p>a <hi>b</hi>c</p><p>d</p></div>", "H\n\na bc\n\nd"),
        ("<p>\n  a\n  <x>b</x> c\n</p>", "a b c"),
        ("<lg><l>one</l><l>two</l></lg>", "one\ntwo"),
        ("<p>a<note>b</note> c</p>", "a c\n\nb"),
        ("<name><surname>S</surname><given-names>J</given-names></name>", "S J"),
        ("<table><row><cell>A</cell><cell>B</cell></row><row><cell>1</cell><cell/></row></table>", "A | B\n1"),
        ("<programlisting><![CDATA[if a < b\n  &nbsp;]]></programlisting>", "if a < b\n  &nbsp;"),
        ("<tu><tuv><seg>a <hi>b</hi></seg></tuv><tuv><seg>c</seg></tuv></tu>", "a b\nc"),
        ("<a id='1'>x<!-- y --><?z z?>w</a>", "xw"),
        ("<a>5&nbsp;&deg;C &lt;&#8211;</a>", "5\u00a0°C <–"),
        ("<rss><item><description>&lt;p&gt;a &lt;b>b&lt;/b>&lt;p>c</description></item></rss>", "a b\n\nc"),
        ("<svg><text>drawn</text></svg>", "drawn"),
        ("<b><p>x</p><binary>aGk=</binary></b>", "x"),
    ],
)  # fmt: skip
def test_the_text_stands_without_tags(markup: str, text: str) -> None:
    assert read(markup).text == text


def test_places_headings_and_tables_are_kept() -> None:
    content = read(
        "<div><head>Counts</head><table><thead><tr><th>a</th><th>b</th></tr></thead><tr><td>1</td><td>2</td></tr></table></div>"
    )
    assert place_of(content, "2") == "/div/table[1]/tr[1]/td[2]"
    assert [heading.span.of(content.text) for heading in content.headings] == ["Counts"]
    (table,) = content.tables
    assert table.header is not None
    assert table.header.of(content.text) == "a | b"


def test_entities_of_other_files_are_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    content = read(
        f'<!DOCTYPE a [<!ENTITY own "Own"><!ENTITY not SYSTEM "{secret.as_uri()}">'
        f'<!ENTITY % dtd SYSTEM "{secret.as_uri()}"> %dtd;]><a>&own; words &not; there</a>'
    )
    assert content.text == "Own words there"
    assert any("1 references to entities" in warning for warning in content.warnings)


def test_entities_within_entities_are_not_spelt_out() -> None:
    entities = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    content = xml.read(f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]><a>y &e11; z</a>'.encode(), ReadOptions())
    assert len(content.text) < 10


def test_what_the_vocabulary_states_is_metadata() -> None:
    header = "<fileDesc><titleStmt><title>T</title><author>A</author></titleStmt><publicationStmt><date when='1901-05'>M</date></publicationStmt></fileDesc>"
    content = read(
        f"<TEI xmlns='http://www.tei-c.org/ns/1.0'><teiHeader>{header}</teiHeader><text><p>x</p></text></TEI>"
    )
    assert (content.text, content.metadata) == ("x", {"title": "T", "author": "A", "date": "1901-05"})
    dated = read(
        "<article><front><pub-date><day>3</day><year>2020</year><month>5</month></pub-date></front>x</article>"
    )
    assert dated.metadata == {"date": "2020-05-03"}
    assert read("<books><book><title>One of many</title></book></books>").metadata == {}


def test_damaged_xml_says_so() -> None:
    content = read("<r><f>one</f><f>two")
    assert (content.text, content.status) == ("one\ntwo", DocumentStatus.PARTIAL)
    assert "line 1" in content.reason
    with pytest.raises(NotReadable, match="damaged"):
        read("<a>" * 5000 + "x")
    assert "tags" in read("{{ template }}").warnings[0]


def test_attributes_alone_are_no_text() -> None:
    content = read("<rows><row a='1'/></rows>")
    assert (content.status, "attributes" in content.reason) == (DocumentStatus.NO_TEXT, True)


def test_xml_declares_its_encoding() -> None:
    data = '<?xml version="1.0" encoding="ISO-8859-2"?><a>Łódź</a>'.encode("iso-8859-2")
    assert xml.read(data, ReadOptions()).text == "Łódź"


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"<?xml version='1.0'?><a>x</a>", "x.txt", "xml"),
        (b"<article><p>x</p></article>", "x.xml", "xml"),
        (b"<rss version='2.0'>", "x", "xml"),
        (b"<?xml version='1.0'?><?xml-stylesheet href='x'?><!DOCTYPE html><html>", "x.xml", "html"),
        (b"<?xml version='1.0'?><p>x</p>", "x.html", "html"),
    ],
)
def test_xml_is_told_from_pages(data: bytes, name: str, kind: str) -> None:
    assert detect(data, name) == kind
