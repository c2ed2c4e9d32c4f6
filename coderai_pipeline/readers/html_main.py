"""Which elements of a web page are its main text, with the headline, byline and date that belong to it.

Chosen by where running text stands outside links (`html_prose`); no site is known by name.
"""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import Tag

from coderai_pipeline.readers.html_elements import Elements, classes
from coderai_pipeline.readers.html_prose import PARAGRAPHS, Prose

_NEVER_TEXT = ("nav", "aside", "footer", "script", "style", "noscript", "template", "button")
_ASIDE_ROLES = ("navigation", "complementary", "contentinfo", "banner", "search")
_ASIDE_NAMES = re.compile(
    r"(^|[\s_-])(nav|menu|sidebar|footer|comments?|related|share|social|cookie|consent|banner|advert|ads?|promo|newsletter"
    r"|breadcrumbs?|popup|modal|recommend\w*|widget|pagination|pager)([\s_-]|$)",
    re.I,
)
_COMMENTS = re.compile(r"(^|[\s_-])comments?([\s_-]|$)", re.I)
_BYLINE = re.compile(
    r"(^|[\s_-])(by-?line|authors?|dateline|published|pub-?date|post-?date|posted|entry-date|timestamp)([\s_-]|$)", re.I
)
_MIN_LETTERS = 200
_MIN_MARKED = 80
_BYLINE_LETTERS = 300
_TEASER = 0.1
"""Part of the page's text up to which what is marked as an article is one that only leads to another page."""
_TABLES = ("table", "dl", "figure")
_MOST = 0.7
_ALSO_TEXT = 0.25
"""Part of the heaviest element's text from which others beside it that are like it belong to the text, too."""
_LEAST_PART = 0.4


def main_parts(soup: BeautifulSoup, elements: Elements) -> set[int] | None:
    """ids of the elements whose own text is kept; None where no part of the page stands out, so that all of it is."""
    asides = _asides(soup)
    prose = Prose.of(soup, asides)
    root = _main_element(soup, elements, prose)
    if root is None:
        return None
    kept = _without(root, asides)
    bylines = (tag for tag in (*elements.named("h1", "time"), *elements.marked) if _is_headline_or_byline(tag))
    for tag in (*_below_headline(root, prose), *_beside(root, prose), *bylines):
        if id(tag) not in kept and not any(id(outer) in asides for outer in tag.parents):
            kept |= _without(tag, asides)
    return kept


def _asides(soup: BeautifulSoup) -> set[int]:
    prose = Prose.of(soup, {id(tag) for tag in soup.find_all(_NEVER_TEXT)})
    return {
        id(tag) for tag in soup.find_all(True) if _is_aside(tag) and not _holds_the_page(tag, prose.weight(soup), prose)
    }


def _is_aside(tag: Tag) -> bool:
    if tag.name in (*_NEVER_TEXT, "form") or tag.get("role") in _ASIDE_ROLES:
        return True
    return tag.name not in ("html", "body", "article", "main") and bool(_ASIDE_NAMES.search(_names(tag)))


def _names(tag: Tag) -> str:
    return " ".join([str(tag.get("id") or ""), *classes(tag)])


def _holds_the_page(tag: Tag, most: float, prose: Prose) -> bool:
    """Whether what is called an aside goes around the text: some pages are one form, a layout "with-sidebar", a widget."""
    if tag.name in _NEVER_TEXT or prose.weight(tag) < 0.5 * most:
        return False
    return not _COMMENTS.search(_names(tag)) or tag.find("h1") is not None


def _main_element(soup: BeautifulSoup, elements: Elements, prose: Prose) -> Tag | None:
    """What is marked as the main text if it holds a fair part of the page's, else where most of it stands; None where
    that is too little to tell."""
    articles = [*elements.named("article"), *(tag for tag in elements.marked if tag.get("itemprop") == "articleBody")]
    mains = [*elements.named("main"), *(tag for tag in elements.marked if tag.get("role") == "main")]
    heaviest = max((*articles, *mains), key=prose.weight, default=None)
    if heaviest is None or prose.weight(heaviest) < max(_MIN_MARKED, _TEASER * prose.weight(soup)):
        return _descended(soup, prose) if prose.weight(soup) >= _MIN_LETTERS else None
    within = [tag for tag in articles if tag is heaviest or _is_in(tag, heaviest)]
    article = max(within, key=prose.weight, default=None)
    if article is None or prose.weight(article) < _MOST * prose.weight(heaviest):
        return _descended(heaviest, prose)
    others = [one for one in articles if one is not article and not _is_in(one, article) and not _is_in(article, one)]
    if sum(prose.weight(one) for one in others if _is_like(one, article, prose)) > _ALSO_TEXT * prose.weight(article):
        return _descended(soup if heaviest is article else heaviest, prose)
    return article


def _descended(tag: Tag, prose: Prose) -> Tag:
    """The innermost element that holds the text: not one of its paragraphs, and not one of several posts."""
    while True:
        heaviest = max(_children(tag, prose), key=prose.weight, default=None)
        if heaviest is None or heaviest.name in PARAGRAPHS or prose.weight(heaviest) < _LEAST_PART * prose.weight(tag):
            return tag
        if _is_one_of_many(heaviest, prose):
            return tag
        tag = heaviest


def _is_one_of_many(tag: Tag, prose: Prose) -> bool:
    """Whether a good part of the text stands beside an element: in others like it, in paragraphs, in no element."""
    assert tag.parent is not None
    beside = prose.loose(tag.parent)
    for other in _children(tag.parent, prose):
        if other is not tag and (other.name in PARAGRAPHS or _is_like(other, tag, prose)):
            beside += prose.weight(other)
    return beside > _ALSO_TEXT * prose.weight(tag)


def _is_like(other: Tag, tag: Tag, prose: Prose) -> bool:
    """By name and class; cells of a row, one of which may hold a page's menu, by how much text they hold."""
    if other.name != tag.name:
        return False
    if tag.name in ("td", "th"):
        return prose.weight(other) > 0.5 * prose.weight(tag)
    named, own = {*classes(other)}, {*classes(tag)}
    return bool(named & own) if named or own else not (other.get("id") or tag.get("id"))


def _is_in(tag: Tag, outer: Tag) -> bool:
    """By identity: BeautifulSoup calls elements equal that hold the same."""
    return any(parent is outer for parent in tag.parents)


def _children(tag: Tag, prose: Prose) -> list[Tag]:
    return [child for child in tag.find_all(True, recursive=False) if prose.weight(child)]


def _without(root: Tag, asides: set[int]) -> set[int]:
    """ids of an element and those in it, without what stands beside the text."""
    kept: set[int] = set()
    waiting = [root]
    while waiting:
        tag = waiting.pop()
        if id(tag) not in asides:
            kept.add(id(tag))
            waiting += tag.find_all(True, recursive=False)
    return kept


def _below_headline(root: Tag, prose: Prose) -> Iterator[Tag]:
    """Blocks between the headline and the text that are no links: subtitle, byline, date, lead."""
    if root.find("h1") is not None:
        return
    outer = {id(tag) for tag in root.parents}
    before: list[Tag] = []
    for run in prose.runs:
        if run.block is root or _is_in(run.block, root):
            yield from before
            return
        if run.block.name == "h1":
            before = [run.block]
        elif before and run.letters > 0 and id(run.block) not in outer:
            before.append(run.block)


def _beside(root: Tag, prose: Prose) -> Iterator[Tag]:
    """Its neighbours that belong to it: a few words before it, such as a headline, and tables of what it tells."""
    for before in root.find_previous_siblings(True):
        if 0 < prose.letters(before) <= _BYLINE_LETTERS or (before.name in _TABLES and prose.letters(before) > 0):
            yield before
    if root.name not in ("table", "td"):
        yield from (after for after in root.find_next_siblings(_TABLES) if prose.letters(after) > 0)


def _is_headline_or_byline(tag: Tag) -> bool:
    if (
        tag.name in ("h1", "time")
        or tag.get("itemprop") in ("author", "datePublished", "headline")
        or tag.get("rel") == ["author"]
    ):
        return True
    names = " ".join(classes(tag))
    return bool(names) and bool(_BYLINE.search(names)) and len(tag.get_text(" ", strip=True)) <= _BYLINE_LETTERS
