"""What elements of the usual XML vocabularies are for a reader: within a line, lines, paragraphs; title, author and date.

An element of an unknown name is judged by what stands beside and in it. The walk over a file is in `xml`.
"""

from lxml import etree

from coderai_pipeline.readers.building import LINE, PARAGRAPH
from coderai_pipeline.readers.packages import Element, is_element

LEFT_OUT = ("teiHeader", "binary")
"""Says who made a file and how, like the head of a web page; a picture."""
FEEDS = ("rss", "feed", "RDF")
HEADINGS = frozenset(("head", "title", "article-title"))
SECTIONS = frozenset((
    "div", *(f"div{level}" for level in range(1, 8)), "sec", "section", *(f"sect{level}" for level in range(1, 6)),
    "chapter", "part", "appendix", "item", "entry",
))  # fmt: skip
NOTES = frozenset(("note", "fn", "footnote"))
ROWS, CELLS, TABLES = (
    frozenset(("row", "tr")),
    frozenset(("td", "th", "cell", "entry")),
    frozenset(("table", "informaltable")),
)
VERBATIM = frozenset(("programlisting", "screen", "literallayout", "preformat", "eg", "pre", "verbatim"))
PARTS = frozenset((
    "surname", "given-names", "forename", "firstname", "lineage", "roleName", "nameLink", "honorific", "year", "month",
    "day", "volume", "issue", "fpage", "lpage",
))  # fmt: skip
"""Of a name or date, which are read on one line."""
_FORMATS = frozenset((
    "hi", "emph", "emphasis", "b", "i", "u", "bold", "italic", "underline", "sub", "sup", "subscript", "superscript", "sc",
    "ref", "xref", "link", "ulink", "a", "ext-link", "foreign", "term", "s", "q", "persName", "placeName", "orgName", "rs", "w",
    "pc", "c", "seg", "choice", "abbr", "expan", "orig", "reg", "sic", "corr", "del", "add", "unclear", "supplied", "gap",
    "span", "em", "strong", "code", "literal", "filename", "command", "quote", "ph", "g", "x", "bpt", "ept", "it",
    "pb", "anchor", "ptr", "milestone",
))  # fmt: skip
_ON_LINES = frozenset(("l", "item", "listitem", "list-item", "li", "lb", "br", "row", "tr"))
_PARAGRAPHS = frozenset((
    "p", "para", "simpara", "ab", "head", "title", "article-title", "lg", "list", "itemizedlist", "orderedlist", "table",
    "disp-quote", "blockquote", "disp-formula", "sp", "stage", "cit", "fn", "footnote", "def-list", "variablelist",
    "programlisting", "screen", "figure", "fig", "caption", "abstract", "speaker",
))  # fmt: skip
_HOLD_TEXT = _PARAGRAPHS | _ON_LINES | CELLS | _FORMATS
_STATED = {
    "title": ("teiHeader//titleStmt/title", "front//title-group/article-title", "info/title", "articleinfo/title",
              "bookinfo/title", "channel/title", "title"),
    "author": ("teiHeader//titleStmt/author", "front//contrib/name", "info//author", "articleinfo//author",
               "bookinfo//author", "channel/creator", "author/name"),
    "date": ("teiHeader//publicationStmt//date", "front//pub-date", "info/pubdate", "info/date", "articleinfo/pubdate",
             "bookinfo/pubdate", "channel/pubDate", "channel/lastBuildDate", "updated"),
}  # fmt: skip
_DOCUMENTS = ("TEI", "article", "book", "chapter", "report", *FEEDS)
"""Roots of what is one document. A title in other XML is that of one of its records."""


def local_name(element: Element) -> str:
    return etree.QName(element).localname if is_element(element) else ""


def is_mixed(element: Element) -> bool:
    """Whether words stand beside its elements."""
    return bool((element.text or "").strip() or any((child.tail or "").strip() for child in element))


def is_inline(element: Element, *, mixed: bool) -> bool:
    """mixed: words stand beside it. Without any, an element `b` may be a field of a record as well as bold."""
    name = local_name(element)
    if mixed:
        return name not in _PARAGRAPHS | _ON_LINES | CELLS
    parent = element.getparent()
    return name in PARTS or (name in _FORMATS and parent is not None and local_name(parent) in _HOLD_TEXT)


def gap_of(element: Element) -> str:
    """What parts a block from the next one: fields of a record stand on lines, records and paragraphs apart."""
    name = local_name(element)
    if name in _PARAGRAPHS:
        return PARAGRAPH
    if name in _ON_LINES or not len(element):
        return LINE
    mixed = is_mixed(element)
    return PARAGRAPH if sum(not is_inline(child, mixed=mixed) for child in element) > 1 else LINE


def stated(root: Element) -> dict[str, str]:
    """Title, author and date, where the vocabulary has a place for them."""
    found: dict[str, str] = {}
    for key, paths in _STATED.items() if local_name(root) in _DOCUMENTS else ():
        elements = (root.find("./" + _in_any_namespace(path)) for path in paths)
        if value := next((said for one in elements if one is not None and (said := _said(one))), ""):
            found[key] = value
    return found


def _in_any_namespace(path: str) -> str:
    return "/".join(f"{{*}}{name}" if name else "" for name in path.split("/"))


def _said(element: Element) -> str:
    parts = {local_name(child): (child.text or "").strip() for child in element}
    if "year" in parts:
        return "-".join(parts[part].zfill(2) for part in ("year", "month", "day") if parts.get(part))
    return element.get("when") or " ".join(" ".join(str(text) for text in element.itertext()).split())
