"""Web pages: the text that a reader sees, its structure, and what the page states of itself."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import html
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from tests.readers.checks import assert_consistent, lines, place_of


def read(page: str | bytes, *, main_text: bool = False) -> Content:
    data = page if isinstance(page, bytes) else page.encode()
    content = html.read(data, ReadOptions(main_text=main_text))
    assert_consistent(content)
    return content


blocks = st.lists(
    st.one_of(st.tuples(st.sampled_from(["p", "h2", "blockquote"]), lines), st.tuples(st.just("table"), lines)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_text_written_is_text_read_and_stands_in_its_element(written: list[tuple[str, str]]) -> None:
    page, expected, counts = "<html><body>", [], dict[str, int]()
    for tag, text in written:
        inner = escape(text)
        page += (
            f"<table><tr><td>{inner}</td><td>{inner}</td></tr></table>" if tag == "table" else f"<{tag}>{inner}</{tag}>"
        )
        expected.append(f"{text} | {text}" if tag == "table" else text)
    content = read(page)
    assert content.text == "\n\n".join(expected)
    at = 0
    for (tag, text), block in zip(written, expected, strict=True):
        counts[tag] = counts.get(tag, 0) + 1
        inner = "/tr[1]/td[1]" if tag == "table" else ""
        assert place_of(content, text, at) == f"/html/body/{tag}[{counts[tag]}]{inner}"
        at += len(block) + 2


def test_scripts_styles_and_templates_are_absent() -> None:
    page = "<head><title>t</title><style>x{}</style></head>a<script>b</script><template>c</template><noscript>d</noscript><!--e-->f"
    assert read(page).text == "af"


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ("<p hidden>x</p>", "hidden"),
        ('<p style="display: none !important">x</p>', "display:none"),
        ('<p style="visibility:hidden">x</p>', "visibility:hidden"),
        ('<p style="font-size:0px">x</p>', "zero size"),
        ('<p style="position:absolute;left:-9999px">x</p>', "off page"),
        ('<p style="opacity:0">x</p>', "opacity:0"),
        ('<p style="color:#fff">x</p>', "white"),
        ('<p style="color:#eee; background:#eee">x</p>', "colour of the background"),
        ('<p class="big gone">x</p>', "display:none"),
        ('<p id="out">x</p>', "display:none"),
        ('<div style="display:none"><p>x</p></div>', "display:none"),
        ("<p><font color='#FFFFFF'>x</font></p>", "white"),
        ('<p style="color:#fefefe">x</p>', "white"),
        ('<p style="color:hsl(0, 0%, 100%)">x</p>', "white"),
        ('<p style="color:rgba(0,0,0,0)">x</p>', "transparent"),
        ('<div style="background:#369"><p style="color:rgb(51, 102, 153)">x</p></div>', "colour of the background"),
        ('<p style="position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)">x</p>', "zero size"),
        ('<p style="position:absolute;clip:rect(1px 1px 1px 1px)">x</p>', "zero size"),
        ('<p style="clip-path: inset(50%)">x</p>', "zero size"),
        ('<p style="max-height:0;overflow:hidden">x</p>', "zero size"),
        ('<p style="transform: scale(0)">x</p>', "zero size"),
        ('<p style="transform: translateX(-9999px)">x</p>', "off page"),
        ('<p style="position:fixed;left:-200vw">x</p>', "off page"),
        ('<p style="font-size:1px">x</p>', "zero size"),
        ('<p style="font:0/0 a">x</p>', "zero size"),
        ('<p style="opacity:0.01">x</p>', "opacity:0"),
        ('<p style="filter: opacity(0)">x</p>', "opacity:0"),
        ('<p style="display:/* a */none">x</p>', "display:none"),
    ],
)
def test_what_cannot_be_seen_is_marked(element: str, why: str) -> None:
    content = read(
        f"<style>/* a */ p.gone, #out {{display:none}} @media print {{p {{display:none}}}}</style><p>seen</p>{element}"
    )
    assert content.text == "seen\n\nx"
    assert [(hidden.span.of(content.text), hidden.why) for hidden in content.hidden] == [("x", why)]


@pytest.mark.parametrize(
    "element",
    [
        '<p aria-hidden="true">x</p>',
        '<p style="color:white;background:#000">x</p>',
        '<div style="background:navy"><p style="color:#fff">x</p></div>',
        "<table><tr bgcolor=navy><td><font color=white>x</font></td></tr></table>",
        "<table background=night.gif><tr><td><font color=white>x</font></td></tr></table>",
        "<body bgcolor=black text=white><p>x</p></body>",
        '<div style="color:#fff"><p style="color:#000">x</p></div>',
        '<div style="font-size:0"><span style="font-size:14px">x</span></div>',
        '<div style="visibility:hidden"><p style="visibility:visible">x</p></div>',
        '<p style="color:#fff;text-shadow:0 0 2px #000">x</p>',
        '<p style="color:transparent;background:linear-gradient(red,blue);-webkit-background-clip:text">x</p>',
        '<p style="opacity:0;animation:appear 1s forwards">x</p>',
        '<p style="max-height:0">x</p>',
        '<p style="clip-path:inset(10%)">x</p>',
        '<p style="transform:translate(-50%, -50%)">x</p>',
        '<p style="position:absolute;left:-50px">x</p>',
    ],
)
def test_what_can_be_seen_is_not_marked(element: str) -> None:
    assert read(element).hidden == ()


def test_structure_is_kept() -> None:
    page = """<h1>Main <em>title</em></h1><p>one<br>two   three
      four</p><ol start=3><li>c<li><p>d</p><ul><li>nested</ul></ol><pre>  code
    indented</pre><dl><dt>term<dd>meaning</dl>"""
    content = read(page)
    expected = "Main title\n\none\ntwo three four\n\n3. c\n4. d\n  - nested\n\n  code\n    indented\n\nterm\nmeaning"
    assert content.text == expected
    assert [(heading.span.of(content.text), heading.level) for heading in content.headings] == [("Main title", 1)]


def test_tables_are_rows_with_merged_cells_once() -> None:
    page = """<table><caption>Prices</caption><thead><tr><th>a<th>b<th>c</thead><tr><td rowspan=2>tall<td colspan=2>wide
      <tr><td>x<td><p>y</p><p>z</p></table>"""
    content = read(page)
    assert content.text == "Prices\na | b | c\ntall | wide\n | x | y z"
    (table,) = content.tables
    assert table.header is not None
    assert (table.span.of(content.text), table.header.of(content.text)) == (content.text[7:], "a | b | c")


def test_a_table_that_only_arranges_is_read_as_blocks() -> None:
    content = read("<table><tr><td>menu<td><table><tr><td>a<td>b</table><p>text</table>")
    assert content.text == "menu\n\na | b\n\ntext"
    assert len(content.tables) == 1


def test_forms_show_what_is_filled_in() -> None:
    page = 'Name: <input value="Ann"> <input type=checkbox checked> yes <select><option>a<option selected>b</select><input type=hidden value=no>'
    assert read(page).text == "Name: Ann ☒ yes b"


def test_a_page_states_title_author_date_address_and_language() -> None:
    page = """<html lang="de"><head><title>Shop title</title><meta name=author content="A. Writer">
      <meta property="article:published_time" content="2024-03-05T10:00:00Z"><link rel=canonical href="https://e.org/a">
      <meta name=description content="About it"><meta property="og:site_name" content="The Paper"></head><body>x"""
    expected = {
        "title": "Shop title", "author": "A. Writer", "date": "2024-03-05T10:00:00Z", "canonical_url": "https://e.org/a",
        "description": "About it", "site": "The Paper", "language": "de",
    }  # fmt: skip
    assert read(page).metadata == expected
    linked = """<script type="application/ld+json">{"@graph": [{"@type": "Organization", "name": "no"}, {"@type": "NewsArticle",
      "headline": "The headline", "author": [{"name": "B"}, {"name": "C"}], "datePublished": "2023-01-02"}]}</script>y"""
    assert read(linked).metadata == {"title": "The headline", "author": "B; C", "date": "2023-01-02"}
    assert read("<h1>Only this</h1><time datetime=2022-02-02>then</time>").metadata == {
        "title": "Only this",
        "date": "2022-02-02",
    }


def test_the_day_of_publication_is_the_one_that_is_marked_or_stands_in_the_text() -> None:
    times = "<aside><time datetime=2001-01-01>old</time></aside><time datetime=2024-05-06>new</time>"
    assert read(times).metadata["date"] == "2024-05-06"
    marked = "<span itemprop=datePublished content=2024-03-05>5 March</span>"
    assert read(times + marked).metadata["date"] == "2024-03-05"


def test_a_relative_address_is_told_by_the_base_of_the_page() -> None:
    page = "<base href='https://e.org/a/'><link rel=canonical href=b.html>x"
    assert read(page).metadata["canonical_url"] == "https://e.org/a/b.html"


def test_encodings_are_found() -> None:
    text = "Žluťoučký kůň"
    for encoding in ("utf-8", "utf-16", "cp1250", "iso-8859-2"):
        page = f'<html><head><meta charset="{encoding}"></head><body>{text}'
        assert read(page.encode(encoding)).text == text


def test_an_encoding_that_is_stated_late_counts() -> None:
    page = f"<html><head><script>{'x' * 9000}</script><meta charset=windows-1251></head><body>Привет"
    assert read(page.encode("cp1251")).text == "Привет"


def test_a_page_of_frames_names_the_files_that_hold_its_text() -> None:
    page = b"<frameset><frame src=menu.html><frame src=text.html><noframes>old browser</noframes></frameset>"
    content = html.read(page, ReadOptions())
    assert content.status == DocumentStatus.NO_TEXT
    assert "menu.html, text.html" in content.reason


def test_a_page_that_shows_nothing_has_no_text() -> None:
    content = html.read(b"<html><body><div id=app></div><script>x</script>", ReadOptions())
    assert content.status == DocumentStatus.NO_TEXT
    assert "browser" in content.reason


@pytest.mark.parametrize(
    ("css", "element"),
    [
        ("p.a.b {display:none}", '<p class="a b">x</p>'),
        (".a {display:block} #i {display:none}", '<p class=a id=i>x</p>'),
        (".a {display:none !important} #i {display:block}", '<p class=a id=i>x</p>'),
        (".menu .sub {display:none}", '<div class=menu><b><p class=sub>x</p></b></div>'),
        ("#m > p {display:none}", '<div id=m><p>x</p></div>'),
        ("p[data-draft] {display:none}", '<p data-draft>x</p>'),
        ("@media (min-width: 600px) {.a {display:none}}", '<p class=a>x</p>'),
    ],
)  # fmt: skip
def test_rules_of_the_page_hide_what_they_name(css: str, element: str) -> None:
    content = read(f"<style>{css}</style><p>seen</p>{element}")
    assert [hidden.span.of(content.text) for hidden in content.hidden] == ["x"]


@pytest.mark.parametrize(
    ("css", "element"),
    [
        ("p.a.b {display:none}", '<p class="a">x</p>'),
        ("#i {display:block} .a {display:none}", '<p class=a id=i>x</p>'),
        (".a {display:block !important} #i {display:none}", '<p class=a id=i>x</p>'),
        (".tab {display:none} .tab.show {display:block}", '<div class="tab show">x</div>'),
        (".item {display:none} .open .item {display:block}", '<div class=open><p class=item>x</p></div>'),
        (".item {display:none} .item:not(.gone) {display:block}", '<p class=item>x</p>'),
        ("#m > p {display:none}", '<div id=m><div><p>x</p></div></div>'),
        ("p + p {display:none}", '<p>x</p>'),
        ("b + i p {display:none}", '<i><p>x</p></i>'),
        (".no-js p {display:none}", '<div class=no-js><p>x</p></div>'),
        ("@media (max-width: 600px) {.a {display:none}}", '<p class=a>x</p>'),
        (".a {display:none} @supports (display: grid) {.a {display:grid}}", '<p class=a>x</p>'),
    ],
)  # fmt: skip
def test_what_another_rule_may_show_is_not_called_hidden(css: str, element: str) -> None:
    assert read(f"<style>{css}</style>{element}").hidden == ()


def test_what_shows_only_under_the_pointer_is_hidden() -> None:
    css = ".a {display:none} .a:hover, li:hover .a {display:block}"
    assert len(read(f"<style>{css}</style>seen <p class=a>x</p>").hidden) == 1


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("a<svg><title>icon</title><defs><text>no</text></defs><g><text>in a <tspan>drawing</tspan></text></g></svg>b",
         "a\nin a drawing\nb"),
        ("10<sup>6</sup> m<sup>2</sup> a<sup>b</sup> H<sub>2</sub>O", "10⁶ m² ab H2O"),
        ("x <math><mfrac><mn>1</mn><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfrac><annotation>tex</annotation></math> y",
         "x 1/(a+b) y"),
        ("<math><msup><mi>x</mi><mn>2</mn></msup><msqrt><mn>3</mn></msqrt></math>", "x^2√3"),
        ("<button>Save</button><button>Cancel</button><input type=button value=Go>", "Save Cancel Go"),
        ("He said <q>yes</q>.", "He said “yes”."),
        ("<noscript><p>without scripts</p></noscript>", "without scripts"),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>'
         "<body><p><![CDATA[a < b & c]]></p></body></html>", "a < b & c"),
        ("<ol type=i start=4><li>x</ol><ol type=A start=27><li>y</ol>", "iv. x\n\nAA. y"),
        ("<ol reversed><li>x<li>y</ol><menu><li>z</menu>", "2. x\n1. y\n\n- z"),
        ("<ol style='list-style-type: lower-alpha'><li>x</ol><ul style='list-style-type:none'><li>y</ul>", "a. x\n\ny"),
        ("<style>ol.r {list-style: upper-roman} .n li {list-style:none}</style><ol class=r><li>x</ol>", "I. x"),
        ("<style>ol {list-style:none} li:before {content: counters(item, '.')}</style><ol><li>x</ol>", "1. x"),
        ("<table><tr><th>a<th>n<tfoot><tr><td>sum<td>3</tfoot><tbody><tr><td>x<td>3</table>", "a | n\nx | 3\nsum | 3"),
        ("<div style='white-space: pre-line'>one\n  two\n\nthree</div>", "one\ntwo\n\nthree"),
        ("<span style='display:block'>one</span><span>two</span>", "one\ntwo"),
        ("<style>.row {display:flex}</style><div class=row><span>one</span><span>two</span></div>", "one two"),
        ("<select multiple><option>a</select><select><optgroup><option>b</optgroup><optgroup><option>c</optgroup></select>",
         "b"),
        ("Disk: <meter value=3>3 of 5</meter>full", "Disk: full"),
        ("Let <span><span><math><msup><mi>x</mi><mn>2</mn></msup></math></span><span aria-hidden=true>x2</span></span> be",
         "Let x^2 be"),
    ],
)  # fmt: skip
def test_what_is_seen_is_read(page: str, shown: str) -> None:
    assert read(page).text == shown


def test_a_page_that_says_it_is_wide_but_is_not_is_read_by_its_bytes() -> None:
    assert read('<meta charset="utf-16"><p>Grüße aus Köln, Straße und Bär'.encode("cp1252")).text.startswith(
        "Grüße aus Köln"
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('<!-- {"@type":"Article","headline":"H"} -->', {"title": "H"}),
        ('//<![CDATA[\n{"@type":"Article","headline":"A &amp; B",}\n//]]>', {"title": "A & B"}),
        ('[{"@type":"WebPage","name":"page"},{"@type":["Thing","NewsArticle"],"headline":"H"}]', {"title": "H"}),
        ('{"@type":"WebPage","mainEntity":{"@type":"Article","headline":"H","datePublished":"2020"}}',
         {"title": "H", "date": "2020"}),
        ('/*<![CDATA[*/{"@type":"Article","headline":"H"}/*]]>*/', {"title": "H"}),
        ('{"@type":"Article","headline":"H"};', {"title": "H"}),
        ('{"@type":"WebPage","name":"page"}</script><script type="application/ld+json">{"@type":"Article","headline":"H"}',
         {"title": "H"}),
        ('[{"@type":"Event","name":"fair"},{"@type":"BlogPosting","headline":"H"}]', {"title": "H"}),
        ('{"@graph":[{"@type":"Article","author":{"@id":"#a"},"mainEntityOfPage":{"@id":"https://e.org/1"}},'
         '{"@type":"WebPage","@id":"https://e.org/1","name":"page"},'
         '{"@type":"Person","@id":"#a","givenName":"Ann","familyName":"Lee"}]}',
         {"author": "Ann Lee", "canonical_url": "https://e.org/1"}),
        ("{not json", {}),
    ],
)  # fmt: skip
def test_linked_data_is_read_as_pages_write_it(source: str, found: dict[str, str]) -> None:
    assert read(f'<script type="application/ld+json">{source}</script>x').metadata == found


items = st.recursive(lines, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(items, min_size=1, max_size=4), st.lists(st.lists(lines, min_size=2, max_size=4), min_size=2, max_size=4)
)
def test_lists_and_tables_written_are_read_with_their_structure(written: list[object], rows: list[list[str]]) -> None:
    table = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    content = read(f"{_as_list(written)}<table>{table}</table>")
    assert content.text == "\n".join(_as_lines(written, 0)) + "\n\n" + "\n".join(map(" | ".join, rows))
    assert content.tables[0].span.of(content.text) == "\n".join(map(" | ".join, rows))


def _as_list(written: object) -> str:
    if isinstance(written, str):
        return escape(written)
    assert isinstance(written, list)
    return f"<ul>{''.join(f'<li>{_as_list(one)}</li>' for one in written)}</ul>"


def _as_lines(written: list[object], depth: int) -> list[str]:
    found: list[str] = []
    for one in written:
        found += _as_lines(one, depth + 1) if isinstance(one, list) else [f"{'  ' * depth}- {one}"]
    return found


def test_a_page_that_only_asks_for_its_scripts_holds_no_text() -> None:
    page = '<div id="root"></div><noscript>You need to enable JavaScript to run this app.</noscript><script src="a.js"></script>'
    with pytest.raises(NotReadable) as caught:
        read(page)
    assert caught.value.status is DocumentStatus.NO_TEXT


def test_a_page_of_pictures_is_called_so() -> None:
    content = read('<h1><img src="scan-1.png" alt=""></h1>')
    assert content.status is DocumentStatus.NO_TEXT
    assert "only pictures" in content.reason
    assert "scripts" in read('<div id="root"><img src="wait.gif"></div><script src="a.js"></script>').reason


def test_a_title_that_is_a_mere_dash_is_none() -> None:
    assert read('<title>-</title><meta name="author" content="--"><h1>How to install</h1>').metadata == {
        "title": "How to install"
    }


def test_cells_that_stand_in_no_row_are_a_row_of_their_own() -> None:
    page = "<table><td>First<td>Second<tr><td>any<td>beta</tr><td>last<td>one<tr><td>c<td>d</tr></table>"
    assert read(page).text == "First | Second\nany | beta\nlast | one\nc | d"


def test_a_row_of_blank_cells_is_none() -> None:
    page = "<table><tr><td>a<td>b<tr><td>&nbsp;<td><tr><td>&nbsp;<td>d</table>"
    assert read(page).text == "a | b\n | d"


def test_a_time_of_day_is_no_date_where_the_day_is_written_out() -> None:
    time = "<abbr itemprop=datePublished title=2011-03-30T21:05:00-07:00>9:05 PM</abbr>"
    assert read(time).metadata["date"] == "2011-03-30T21:05:00-07:00"
    assert read("<span itemprop=datePublished title='First seen'>5 March</span>").metadata["date"] == "5 March"


def test_a_headline_that_describes_the_thing_is_not_its_title() -> None:
    linked = '<script type="application/ld+json">{"@type": "Article", "name": "Sea Otter", "headline": "marine mammal"}</script>'
    assert read(f"<title>Sea otter - An Encyclopedia</title>{linked}x").metadata["title"] == "Sea Otter"
    assert read(f"<title>Marine mammal</title>{linked}x").metadata["title"] == "marine mammal"


def test_the_limits_of_a_sum_stand_apart_from_what_is_summed() -> None:
    limits = "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
    assert read(f"<math>{limits}<mi>i</mi></math>").text == "∑_(i=1)^n i"


def test_style_sheets_for_printers_hide_nothing() -> None:
    page = "<style media='print, speech'>.a{display:none}</style><style media=screen>.b{display:none}</style><p class=a>x<p class=b>y"
    content = read(page)
    assert [hidden.span.of(content.text) for hidden in content.hidden] == ["y"]
