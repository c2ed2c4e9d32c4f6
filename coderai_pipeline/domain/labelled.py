"""Labels and the values beside them, as forms of any kind write them, without knowing which labels to expect.

What becomes of labels that repeat from document to document is in `suggesting`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.normalised_text import normalised

LONGEST_LABEL = 48
MOST_WORDS = 6
LONGEST_VALUE = 400

_CELL_BREAK = re.compile(r"[ \t]*(?:\||\t|\.{3,}|…|_{3,})[ \t]*|[ \u3000\xa0]{2,}")
_DECORATION = re.compile(r"^[\s>#*•·–-]+")
_LABELLED = re.compile(
    r"(?P<label>[^\W\d_][^:：?|]{0,47}?)[\s*_]*(?P<mark>[:：?])(?:(?<=：)|(?=[\s*_]|$))[\s*_]*(?P<value>.*)"
)
_TICK = re.compile(r"(?P<tick>\[[xX ]\]|[☐☑☒✓✔])[ \t]*(?P<label>[^\W\d_][^:：|]*)")
_TICKED = {"[ ]": "☐", "☐": "☐"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label and a value as written; quote: the passage that holds both, word for word."""

    label: str
    value: str
    quote: str


def labelled_values(text: str) -> Iterator[Labelled]:
    """Every label with a value, in order: `Label: value`, `Label | value`, `Label ..... value`, a value on the line below
    its label, `Question? answer`, and boxes ticked or not."""
    lines = [(match.start(), match.group()) for match in re.finditer(r"[^\n]+", text) if match.group().strip()]
    for number, (start, line) in enumerate(lines):
        cells = _cells(line)
        for place, cell in enumerate(cells):
            if (tick := _TICK.fullmatch(cell)) and is_label(tick["label"]):
                yield Labelled(tick["label"].strip(), _TICKED.get(tick["tick"], "☑"), line.strip())
                continue
            label, value = _parted(cell)
            if not label and len(cells) == 2 and place == 0 and is_label(cell) and not _parted(cells[1])[0]:
                label, value = cell.strip("*_ "), cells[1]
            elif label and not value:
                value = _beside(cells, place) or ""
                if not value and place == len(cells) - 1 and number + 1 < len(lines):
                    below, next_line = lines[number + 1]
                    value = _alone(next_line)
                    line = text[start : below + len(next_line)]
            if label and value and len(value) <= LONGEST_VALUE:
                yield Labelled(label, value, line.strip())


def folded_label(label: str) -> str:
    """The form in which two spellings of a label are the same."""
    return " ".join(re.findall(r"\w+", normalised(label).replace("_", " ")))


def is_label(text: str) -> bool:
    """Whether a text is short and plain enough to be a label."""
    text = text.strip()
    return 0 < len(text) <= LONGEST_LABEL and len(text.split()) <= MOST_WORDS and not re.search(r"\d{2}|[.;!]\s", text)


def _cells(line: str) -> list[str]:
    return [cell for part in _CELL_BREAK.split(line) if (cell := _DECORATION.sub("", part).strip())]


def _parted(cell: str) -> tuple[str, str]:
    """(label, value); ("", "") where the cell has no label of its own, a value of "" where it has nothing else."""
    match = _LABELLED.fullmatch(cell)
    if match is None or not is_label(match["label"]):
        return "", ""
    return match["label"].strip(), match["value"].strip()


def _beside(cells: Sequence[str], place: int) -> str | None:
    """The next cell, where it has no label of its own."""
    following = cells[place + 1] if place + 1 < len(cells) else None
    return following if following and not _parted(following)[0] else None


def _alone(line: str) -> str:
    """What a line says where it is one value and nothing else."""
    cells = _cells(line)
    return cells[0] if len(cells) == 1 and not _parted(cells[0])[0] and len(cells[0]) <= LONGEST_LABEL * 2 else ""
