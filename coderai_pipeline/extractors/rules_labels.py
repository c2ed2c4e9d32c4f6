"""The labels by which a variable's value is found: the codebook's own, and common ones of common notions (`rules_lexicon`).

Where a label stands on a page is found here; what stands beside it is read in `rules_values`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.extractors.rules_layout import IN_BRACKETS, Line, Sheet, Word, cell_index, folded_words
from coderai_pipeline.extractors.rules_lexicon import LABELS, OTHER_NAMES, ROLES, TYPES, Notion
from coderai_pipeline.extractors.rules_ticks import without_boxes


@dataclass(frozen=True, slots=True)
class Label:
    """Folded words of a label. own: the codebook's, not the lexicon's."""

    words: tuple[str, ...]
    own: bool


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A label as it stands on a line.

    after: where the text after label and separator begins. leads: it opens its cell. marked: a colon, a cell break or the line's end follows.
    numbered: `No.`, `№` or the like follows, so that an identifier does.
    """

    label: Label
    line: Line
    cell: int
    span: Span
    after: int
    leads: bool
    marked: bool
    numbered: bool = False


@lru_cache(maxsize=4096)
def _words_of(phrase: str) -> tuple[str, ...]:
    return tuple(word.folded for word in folded_words(phrase.replace("_", " ")))


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[Notion, frozenset[tuple[str, ...]]]:
    return {notion: frozenset(_words_of(phrase) for phrase in phrases.split(";")) for notion, phrases in LABELS.items()}


@lru_cache(maxsize=1)
def _roles() -> frozenset[tuple[str, ...]]:
    return frozenset(map(_words_of, ROLES))


def own_phrases(variable: Variable) -> tuple[str, ...]:
    """Everything the codebook calls the variable, longest first, with and without what stands in brackets."""
    names = [variable.label, *variable.labels, variable.name.replace("_", " ")]
    short = [IN_BRACKETS.sub(" ", name).strip() for name in names]
    return tuple(sorted({name for name in (*names, *short) if _words_of(name)}, key=lambda name: (-len(name), name)))


def notion_of(variable: Variable) -> Notion | None:
    """The common notion that the codebook's own names are among the labels of, None for everything else."""
    own = {_words_of(phrase) for phrase in own_phrases(variable)}
    for notion, phrases in _lexicon().items():
        if own & (phrases - _roles()) or own & {_words_of(phrase) for phrase in OTHER_NAMES.get(notion, "").split(";")}:
            return notion if _fits(notion, variable) else None
    return None


def _fits(notion: Notion, variable: Variable) -> bool:
    return variable.type.value in TYPES[notion]


def labels_of(variable: Variable) -> tuple[Label, ...]:
    own = [Label(_words_of(phrase), own=True) for phrase in own_phrases(variable)]
    notion = notion_of(variable)
    common = sorted(_lexicon()[notion] if notion else ())
    known = {label.words for label in own}
    return (*own, *(Label(words, own=False) for words in common if words not in known))


def occurrences(sheet: Sheet, labels: Sequence[Label]) -> Iterator[Occurrence]:
    """Every place where one of the labels stands, in the order of the text; of overlapping ones the longest."""
    by_first: dict[str, list[Label]] = {}
    for label in sorted(labels, key=lambda label: -len(label.words)):
        by_first.setdefault(label.words[0], []).append(label)
    for line in sheet.lines:
        at = 0
        while at < len(line.words):
            stop = at + 1
            for label in by_first.get(line.words[at].folded, ()):
                if found := _end_of(label, line.words, at):
                    yield _occurrence(sheet, line, label, line.words[at].start, line.words[found - 1].end)
                    stop = found
                    break
            at = stop


def _end_of(label: Label, words: Sequence[Word], at: int) -> int | None:
    """Behind which word a label ends that begins at a word; None = it does not stand there. Its words may have articles
    between them: `Date of the incident` is `Date of incident`."""
    for position, wanted in enumerate(label.words):
        if position and at < len(words) and words[at].folded != wanted and words[at].folded in _ARTICLES:
            at += 1
        if at >= len(words) or words[at].folded != wanted:
            return None
        at += 1
    return at


_SEPARATOR = re.compile(
    r"[)\]）]?[ \t]*(?:[(（][^)）\n]{0,24}[)）][ \t]*)?(?:[.:：﹕?？#№°º]|nr\.?:|no\.?:|n°|(?:n[ro°º]|n[uú]m)\.?(?=[ \t]*[A-Z]{0,3}[-/ ]?\d))*[ \t]*[:：=]*(?:[ \t]+[-–—]+(?=[ \t]+\S))?[ \t]*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[#№°º]|\bn(?:[ro]|[uú]m)\b", re.IGNORECASE)
_LISTED_ARTICLES = (
    "the your our le la les l' l’ notre votre der die das den ihr ihre unser el los las su il lo o a os as"
)
_ARTICLES = frozenset(_LISTED_ARTICLES.split())
_MARK = re.compile(r"[:：﹕=?？]|\.[ \t]*$")


def _occurrence(sheet: Sheet, line: Line, label: Label, start: int, end: int) -> Occurrence:
    index = cell_index(line, start)
    cell = line.cells[index]
    separator = _SEPARATOR.match(sheet.text, end, max(cell.end, end))
    after = separator.end() if separator else end
    marked = after >= cell.end or bool(_MARK.search(sheet.text[end:after]))
    before = without_boxes(sheet.text[cell.start : start])
    leads = len(before) <= 6 and (
        not any(char.isalpha() for char in before) or (marked and before.strip().casefold() in _ARTICLES)
    )
    numbered = _NUMBERED.search(sheet.text[end:after]) is not None
    return Occurrence(label, line, index, Span(start, end), min(after, cell.end), leads, marked, numbered)


_LABEL_LIKE = re.compile(r"[^\d|]{1,40}[:：]\s*$")


def looks_like_label(text: str) -> bool:
    """Whether a line is a label whose value stands elsewhere: short, without digits, ending in a colon."""
    return _LABEL_LIKE.fullmatch(text.strip()) is not None


_LABELLED_VALUE = re.compile(r"[^\W\d_][^\d|:：]{0,38}(?::\s|：)")


def has_label(text: str) -> bool:
    """Whether a line begins with a label of its own, so that what stands on it belongs to no label above."""
    return _LABELLED_VALUE.match(text) is not None


def known_labels(variables: Sequence[Variable]) -> frozenset[tuple[str, ...]]:
    return frozenset(label.words for variable in variables for label in labels_of(variable))


def values_below(sheet: Sheet, line: Line) -> bool:
    """Whether the values of a row of labels stand under it and not beside: the head of a table, or a grid of label over value.

    So it is where the row holds several known labels, or where those of its table stand on every second row.
    """
    if sum(sheet.is_known(cell) for cell in line.cells) > 1:
        return not any(sheet.is_known(cell) and sheet.has_digit(right) for cell, right in pairwise(line.cells))
    if line.index + 1 == len(sheet.lines) or len(sheet.lines[line.index + 1].cells) != len(line.cells):
        return False
    table = _table_around(sheet, line)
    labelled = [row.index for row in table if sheet.is_known(row.cells[0])]
    if any(sheet.has_digit(cell) for row in table if row.index in labelled for cell in row.cells):
        return False
    sure = len(labelled) > 2 or any(sum(sheet.is_known(cell) for cell in row.cells) > 1 for row in table)
    return sure and len(labelled) > 1 and all((index - line.index) % 2 == 0 for index in labelled)


def _table_around(sheet: Sheet, line: Line) -> list[Line]:
    """The neighbouring lines with as many cells, a dozen to either side."""
    first = last = line.index
    while first > max(0, line.index - 12) and len(sheet.lines[first - 1].cells) == len(line.cells):
        first -= 1
    while last + 1 < min(len(sheet.lines), line.index + 13) and len(sheet.lines[last + 1].cells) == len(line.cells):
        last += 1
    return list(sheet.lines[first : last + 1])
