"""What a web page states of itself: title, author, date, address, language, description, site.

Taken from JSON-LD, meta tags, OpenGraph, `time` elements and the page's head, in that order of trust for each.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import urljoin

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
_DOCUMENT_TYPES = tuple(
    re.compile(pattern, re.I)
    for pattern in (r"article|posting|report|thesis|legislation|recipe|^book$", r"creativework|review|event", r"page")
)
"""Kinds of things that are documents; where a page has several, it is about the first kind: a web page says less of a
text than the article on it, beside which events and reviews often stand."""
_WRAPPING = re.compile(
    r"^\s*(?:<!--|(?:(?://|/\*)\s*)?<!\[CDATA\[(?:\*/)?)|(?:-->|(?:(?://|/\*)\s*)?\]\]>(?:\*/)?|;)\s*$"
)
_YEAR = re.compile(r"(?<!\d)(1[5-9]|20)\d\d(?!\d)")
_LAST_COMMA = re.compile(r",(\s*[}\]])")
_ASIDES = ("aside", "nav", "footer")
_REPEATED = ("citation_author", "article:author", "author", "dc.creator", "dcterms.creator")
_MAX_LENGTH = 2000
_MAX_JSON = 200_000


def page_metadata(elements: Elements) -> dict[str, str]:
    linked = _linked_data(elements, _text(elements.first("title")) or "")
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
        if name and _says_something(content):
            if name in _REPEATED and name in found:
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
            return _published(elements)
        case "canonical_url":
            links = (tag for tag in elements.named("link") if "canonical" in tag.get_attribute_list("rel"))
            address = str(next((tag.get("href") for tag in links), None) or "")
            base = elements.first("base")
            return _joined(str(base.get("href") or ""), address) if base and address else address
        case "language":
            root = elements.first("html")
            return str(root.get("lang") or root.get("xml:lang") or "") if root else None
        case _:
            return None


def _published(elements: Elements) -> str | None:
    """What is marked as the day of publication, else the first time on the page that stands in no margin of it."""
    times = [tag for tag in elements.named("time") if tag.has_attr("datetime")]
    marked = [tag for tag in times if tag.has_attr("pubdate") or tag.get("itemprop") == "datePublished"]
    property_ = elements.with_property("datePublished")
    in_text = (tag for tag in times if tag.find_parent(_ASIDES) is None)
    tag = marked[0] if marked else property_ or next(in_text, times[0] if times else None)
    if tag is None:
        return None
    title = str(tag.get("title") or "")  # where an abbreviation is written out
    stated = tag.get("datetime") or tag.get("content") or (title if _YEAR.search(title) else "")
    return str(stated).strip() or _text(tag)


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _text(tag: Tag | None) -> str | None:
    text = tag.get_text(" ", strip=True) if tag else ""
    return text if _says_something(text) else None


def _says_something(text: str) -> bool:
    """Converters fill in a dash where a page has no title."""
    return any(map(str.isalnum, text))


def _linked_data(elements: Elements, title: str) -> dict[str, str]:
    """JSON-LD of the thing on the page that is most likely its document, not of its publisher or breadcrumbs. title: the
    page's, which tells a name from a headline that only describes it."""
    things = [thing for data in _linked_sources(elements) for thing in _things(data)]
    by_id = {str(thing["@id"]): thing for thing in things if "@id" in thing and len(thing) > 1}
    documents = [(rank, thing) for thing in things if (rank := _rank(thing)) is not None]
    if not documents:
        return {}
    document = min(documents, key=lambda ranked: ranked[0])[1]
    found = _properties(document, by_id)
    name, headline = _named(document.get("name"), by_id), found.get("title", "")
    if name and name.casefold() in title.casefold() and headline.casefold() not in title.casefold():
        found["title"] = name
    return found


def _linked_sources(elements: Elements) -> Iterator[JsonValue]:
    for script in elements.named("script"):
        if str(script.get("type") or "").strip().lower() == "application/ld+json":
            source = script.get_text()
            if len(source) <= _MAX_JSON:
                yield _loaded(source)


def _rank(thing: dict[str, JsonValue]) -> int | None:
    """The lower, the likelier it is the document of its page; None for what is no document."""
    kinds = [str(kind) for kind in _as_list(thing.get("@type"))]
    return next((rank for rank, types in enumerate(_DOCUMENT_TYPES) if any(map(types.search, kinds))), None)


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


def _properties(thing: dict[str, JsonValue], by_id: Mapping[str, dict[str, JsonValue]]) -> dict[str, str]:
    """by_id: the things of the page that others only refer to."""
    found: dict[str, str] = {}
    for name, keys in _LINKED.items():
        for key in keys:
            values = [
                _address(value) if name == "canonical_url" else _named(value, by_id)
                for value in _as_list(thing.get(key))
            ]
            if joined := "; ".join(dict.fromkeys(value for value in values if value)):
                found[name] = joined
                break
    return found


def _named(value: JsonValue, by_id: Mapping[str, dict[str, JsonValue]]) -> str:
    if isinstance(value, dict):
        full = {**by_id.get(str(value.get("@id")), {}), **value}
        parts = [str(full[part]) for part in ("givenName", "familyName") if full.get(part)]
        value = full.get("name") or " ".join(parts) or full.get("@id") or ""
    return unescape(str(value)).strip() if isinstance(value, str | int | float) else ""


def _address(value: JsonValue) -> str:
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url") or ""
    return value.strip() if isinstance(value, str) else ""


def _as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [] if value is None else [value]
