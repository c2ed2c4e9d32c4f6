"""Which elements of a web page are its main text, with the headline, byline and date that belong to it.

Scored by how much text in sentences an element holds outside links; no site is known by name.
"""

import re

from bs4.element import Tag

from coderai_pipeline.readers.html_elements import Elements, classes

_ASIDE = ("nav", "aside", "footer", "form", "script", "style", "noscript", "template", "button")
_ASIDE_NAMES = re.compile(
    r"(^|[\s_-])(nav|menu|sidebar|footer|comments?|related|share|social|cookie|consent|banner|advert|ads?|promo|newsletter"
    r"|breadcrumbs?|popup|modal|recommend\w*|widget|pagination|pager)([\s_-]|$)",
    re.I,
)
_BYLINE = re.compile(
    r"(^|[\s_-])(by-?line|authors?|dateline|published|pub-?date|post-?date|posted|entry-date|timestamp)([\s_-]|$)", re.I
)
_MIN_LETTERS = 200
_BYLINE_LETTERS = 300
_TEASER = 0.1
"""Part of the text beside it up to which what is marked as an article is one that only leads to another page."""


def main_parts(elements: Elements) -> set[int] | None:
    """ids of the elements to keep; None where no part of the page stands out, so that all of it is kept."""
    root = _main_element(elements)
    if root is None:
        return None
    kept = {id(tag) for tag in root.find_all(True, recursive=False) if not is_aside(tag)}
    kept |= _unmarked_text(root)
    for tag in (*elements.named("h1", "time"), *elements.marked):
        if (
            _is_headline_or_byline(tag)
            and root not in tag.parents
            and not any(is_aside(parent) for parent in tag.parents)
        ):
            kept.add(id(tag))
    return kept


def is_aside(tag: Tag) -> bool:
    if tag.name in _ASIDE or tag.get("role") in ("navigation", "complementary", "contentinfo", "banner", "search"):
        return True
    names = " ".join([str(tag.get("id") or ""), *classes(tag)])
    return tag.name not in ("html", "body", "article", "main") and bool(_ASIDE_NAMES.search(names))


def _is_marked_main(tag: Tag) -> bool:
    return tag.get("role") == "main" or tag.get("itemprop") == "articleBody"


def _main_element(elements: Elements) -> Tag | None:
    marked = [*elements.named("article", "main"), *(tag for tag in elements.marked if _is_marked_main(tag))]
    scores = _scores(elements)
    by_score = max(scores.values(), key=lambda scored: scored[1], default=None)
    least = max(_MIN_LETTERS, _TEASER * by_score[1]) if by_score else _MIN_LETTERS
    best_marked = max(marked, key=lambda tag: _weight(tag, scores), default=None)
    if best_marked is not None and _weight(best_marked, scores) >= least:
        return best_marked
    return by_score[0] if by_score and by_score[1] >= _MIN_LETTERS else None


def _scores(elements: Elements) -> dict[int, tuple[Tag, float]]:
    """Each parent of paragraphs -> the letters of its paragraphs outside links; grandparents get half."""
    scores: dict[int, tuple[Tag, float]] = {}
    for paragraph in elements.named("p", "pre", "blockquote", "td", "li", "dd"):
        if any(is_aside(tag) for tag in (paragraph, *paragraph.parents)):
            continue
        letters = len(paragraph.get_text(" ", strip=True))
        linked = sum(len(link.get_text(" ", strip=True)) for link in paragraph.find_all("a"))
        own = (letters - 2 * linked) * (1.0 if paragraph.name in ("p", "pre", "blockquote") else 0.3)
        if own < 20:
            continue
        for parent, share in zip(list(paragraph.parents)[:2], (1.0, 0.5), strict=False):
            _, score = scores.get(id(parent), (parent, 0.0))
            scores[id(parent)] = parent, score + own * share
    return scores


def _weight(tag: Tag, scores: dict[int, tuple[Tag, float]]) -> float:
    return max((scores[id(part)][1] for part in [tag, *tag.find_all(True)] if id(part) in scores), default=0.0)


def _unmarked_text(root: Tag) -> set[int]:
    """The root itself where text stands in it directly, without an element of its own."""
    direct = "".join(str(text) for text in root.find_all(string=True, recursive=False)).strip()
    return {id(root)} if direct else set()


def _is_headline_or_byline(tag: Tag) -> bool:
    if (
        tag.name in ("h1", "time")
        or tag.get("itemprop") in ("author", "datePublished", "headline")
        or tag.get("rel") == ["author"]
    ):
        return True
    names = " ".join(classes(tag))
    return bool(names) and bool(_BYLINE.search(names)) and len(tag.get_text(" ", strip=True)) <= _BYLINE_LETTERS
