"""What a web page states of itself: title, author, date, address, language, description, site.

Taken from JSON-LD, meta tags, OpenGraph, `time` elements and the page's head, in that order of trust for each.
"""

import json
import re
from collections.abc import Iterator
from html import unescape

from bs4.element import Tag

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.readers.html_elements import Elements, classes

_META = {
    "title": ("og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title"),
    "author": ("author", "citation_author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "byl",
               "sailthru.author", "twitter:creator"),
    "date": ("article:published_time", "citation_publication_date", "citation_date", "og:published_time",
             "datepublished",
             "dc.date", "dcterms.date", "dcterms.created", "dc.date.issued", "parsely-pub-date", "pubdate",
             "publishdate", "sailthru.date", "date"),
    "modified": ("article:modified_time", "datemodified", "dcterms.modified", "og:updated_time", "last-modified"),
    "canonical_url": ("og:url",),
    "description": ("description", "og:description", "dc.description", "twitter:description"),
    "site": ("og:site_name", "application-name"),
    "language": ("content-language", "dc.language", "og:locale"),
    "keywords": ("keywords", "news_keywords"),
}  # fmt: skip
_LINKED = {
    "title": ("headline", "name"),
    "author": ("author", "creator"),
    "date": ("datePublished", "dateCreated", "uploadDate"),
    "modified": ("dateModified",),
    "canonical_url": ("url", "mainEntityOfPage"),
    "description": ("description",),
    "site": ("publisher",),
    "language": ("inLanguage",),
}
_DOCUMENT_TYPES = re.compile(
    r"article|posting|report|page|review|creativework|book|thesis|legislation|recipe|event", re.I
)
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$")
_LAST_COMMA = re.compile(r",(\s*[}\]])")
_MAX_LENGTH = 2000
_MAX_JSON = 200_000


def page_metadata(elements: Elements) -> dict[str, str]:
    linked = _linked_data(elements)
    metas = _metas(elements)
    found: dict[str, str] = {}
    for name, keys in _META.items():
        stated = next((metas[key] for key in keys if key in metas), None)
        value = stated or linked.get(name) if name in ("canonical_url", "description") else linked.get(name) or stated
        if value := value or _from_page(elements, name):
            found[name] = " ".join(value.split())[:_MAX_LENGTH]
    # What an author's profile page is called is no name.
    if found.get("author", "").startswith(("http://", "https://")):
        found["author_url"] = found.pop("author")
    return found


def _metas(elements: Elements) -> dict[str, str]:
    """First content of each meta tag; several authors are joined."""
    found: dict[str, str] = {}
    for meta in elements.named("meta"):
        name = str(
            meta.get("name") or meta.get("property") or meta.get("itemprop") or meta.get("http-equiv") or ""
        ).lower()
        content = str(meta.get("content") or "").strip()
        if name and content:
            if name in ("citation_author", "article:author", "author") and name in found:
                content = f"{found[name]}; {content}" if content not in found[name].split("; ") else found[name]
                found[name] = content
            else:
                found.setdefault(name, content)
    return found


def _from_page(elements: Elements, name: str) -> str | None:
    match name:
        case "title":
            return _text(elements.first("title")) or _text(elements.first("h1"))
        case "author":
            linked = (
                tag for tag in elements.marked if "author" in tag.get_attribute_list("rel") or "byline" in classes(tag)
            )
            return _text(elements.with_property("author") or next(linked, None))
        case "date":
            times = [tag for tag in elements.named("time") if tag.has_attr("datetime")]
            published = (tag for tag in times if tag.has_attr("pubdate") or tag.get("itemprop") == "datePublished")
            time = next(published, times[0] if times else None)
            if not time:
                return _text(elements.with_property("datePublished"))
            return str(time.get("datetime") or "").strip() or _text(time)
        case "canonical_url":
            links = (tag for tag in elements.named("link") if "canonical" in tag.get_attribute_list("rel"))
            return str(next((tag.get("href") for tag in links), None) or "")
        case "language":
            root = elements.first("html")
            return str(root.get("lang") or root.get("xml:lang") or "") if root else None
        case _:
            return None


def _text(tag: Tag | None) -> str | None:
    return tag.get_text(" ", strip=True) if tag else None


def _linked_data(elements: Elements) -> dict[str, str]:
    """JSON-LD of the first thing on the page that is a document, not of its publisher or breadcrumbs."""
    for script in elements.named("script"):
        if str(script.get("type") or "").strip().lower() != "application/ld+json":
            continue
        source = script.get_text()
        if len(source) > _MAX_JSON:
            continue
        data = _loaded(source)
        documents = [thing for thing in _things(data) if _is_document(thing)]
        # A web page says less of a text than the article on it.
        documents.sort(key=lambda thing: "WebPage" in _as_list(thing.get("@type")))
        if documents:
            return _properties(documents[0])
    return {}


def _is_document(thing: dict[str, JsonValue]) -> bool:
    return any(_DOCUMENT_TYPES.search(str(kind)) for kind in _as_list(thing.get("@type")))


def _loaded(source: str) -> JsonValue:
    """JSON, without the comments around it and the commas too many that pages have; None where it is none."""
    bare = _WRAPPING.sub("", source)
    for written in (bare, _LAST_COMMA.sub(r"\1", bare)):
        try:
            return json.loads(written, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _things(data: JsonValue) -> Iterator[dict[str, JsonValue]]:
    for item in _as_list(data):
        if isinstance(item, dict):
            yield item
            for inner in ("@graph", "mainEntity", "mainEntityOfPage"):
                yield from (thing for thing in _as_list(item.get(inner)) if isinstance(thing, dict))


def _properties(thing: dict[str, JsonValue]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, keys in _LINKED.items():
        for key in keys:
            values = [_named(value) for value in _as_list(thing.get(key))]
            if joined := "; ".join(dict.fromkeys(value for value in values if value)):
                found[name] = joined
                break
    return found


def _named(value: JsonValue) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@id") or ""
    return unescape(str(value)).strip() if isinstance(value, str | int | float) else ""


def _as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [] if value is None else [value]
