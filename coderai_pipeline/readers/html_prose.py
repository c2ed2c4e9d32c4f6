"""How much running text each element of a web page holds, whatever elements its paragraphs are made of.

A run is the text between two bounds of blocks or line breaks. Which element is the main text is chosen in `html_main`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "em", "font", "i", "img", "ins",
    "kbd", "label", "mark", "nobr", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "var", "wbr",
))  # fmt: skip
PARAGRAPHS = frozenset(
    ("p", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "dd", "dt", "li")
)
_LEAST = 20
_LONG = 80
"""Letters from which a run counts in full wherever it stands."""
_SHORT_SHARE = 0.3


@dataclass(slots=True)
class Run:
    """Text without a break. letters: of it, those in links taken off twice."""

    block: Tag
    letters: float = 0.0

    @property
    def weight(self) -> float:
        if self.letters < _LEAST:
            return 0.0
        counts_in_full = self.letters >= _LONG or self.block.name in ("p", "pre", "blockquote")
        return self.letters * (1.0 if counts_in_full else _SHORT_SHARE)


@dataclass(frozen=True, slots=True)
class Prose:
    """runs: in page order. Weights are by the element's id; an element without any is not among them."""

    runs: list[Run] = field(default_factory=list[Run])
    _weights: dict[int, float] = field(default_factory=dict[int, float])
    _loose: dict[int, float] = field(default_factory=dict[int, float])
    _letters: dict[int, float] = field(default_factory=dict[int, float])

    @classmethod
    def of(cls, soup: BeautifulSoup, left_out: set[int]) -> "Prose":
        """left_out: ids of elements whose text does not count."""
        prose = cls(list(_runs(soup, left_out)))
        for run in prose.runs:
            _add(prose._letters, run.block, run.letters)
            _add(prose._loose, run.block, run.weight)
        prose._weights.update(prose._loose)
        for tag in reversed(soup.find_all(True)):  # those within it come before it
            if tag.parent is not None:
                _add(prose._letters, tag.parent, prose.letters(tag))
                _add(prose._weights, tag.parent, prose.weight(tag))
        return prose

    def letters(self, tag: Tag) -> float:
        """Letters of all its text, those in links taken off twice."""
        return self._letters.get(id(tag), 0.0)

    def weight(self, tag: Tag) -> float:
        """Letters of running text in an element and all that is in it."""
        return self._weights.get(id(tag), 0.0)

    def loose(self, tag: Tag) -> float:
        """Of these, the letters that stand in no block within it."""
        return self._loose.get(id(tag), 0.0)


def _add(sums: dict[int, float], tag: Tag, number: float) -> None:
    if number:
        sums[id(tag)] = sums.get(id(tag), 0.0) + number


def _runs(soup: BeautifulSoup, left_out: set[int]) -> Iterator[Run]:
    """An element is met before what is in it, so what holds for it is known by then: its block, whether it is a link."""
    inherited: dict[int, tuple[Tag, bool]] = {id(soup): (soup, False)}
    run = Run(soup)
    for node in soup.descendants:
        above = inherited.get(id(node.parent))
        if above is None:
            continue  # within what is left out
        block, linked = above
        if isinstance(node, Tag):
            if id(node) in left_out:
                continue
            is_inline = node.name in _INLINE
            inherited[id(node)] = block if is_inline else node, linked or node.name == "a"
            if is_inline:
                continue
        elif run.block is block:
            run.letters += _letters(node) * (-1 if linked else 1)
            continue
        if run.letters:
            yield run
        run = Run(block, _letters(node) * (-1 if linked else 1))
    yield run


def _letters(node: PageElement) -> int:
    """Bytes of UTF-8 without white space at the ends: an ideograph says as much as three letters."""
    return len(node.strip().encode("utf-8", "ignore")) if type(node) is NavigableString else 0
