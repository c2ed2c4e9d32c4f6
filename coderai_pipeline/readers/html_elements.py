"""A web page's elements by name, gathered in one walk: each search of BeautifulSoup's own walks the whole page again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import Tag


@dataclass(frozen=True, slots=True)
class Elements:
    """`marked` are those with an itemprop, rel, role or class, in page order."""

    by_name: dict[str, list[Tag]] = field(default_factory=dict[str, list[Tag]])
    marked: list[Tag] = field(default_factory=list[Tag])

    @classmethod
    def of(cls, soup: BeautifulSoup) -> "Elements":
        elements = cls()
        for element in soup.descendants:
            if isinstance(element, Tag):
                elements.by_name.setdefault(element.name, []).append(element)
                if not element.attrs.keys().isdisjoint(("itemprop", "rel", "role", "class")):
                    elements.marked.append(element)
        return elements

    def named(self, *names: str) -> Iterator[Tag]:
        for name in names:
            yield from self.by_name.get(name, ())

    def ids_and_classes(self) -> set[str]:
        every = (tag for tags in self.by_name.values() for tag in tags)
        return {str(name) for tag in every for name in (tag.get("id") or "", *classes(tag)) if name}

    def first(self, name: str) -> Tag | None:
        return next(self.named(name), None)

    def with_property(self, itemprop: str) -> Tag | None:
        return next((tag for tag in self.marked if tag.get("itemprop") == itemprop), None)


def classes(tag: Tag) -> list[str]:
    return [name for name in tag.get_attribute_list("class") if name]
