"""What is the same for tables of every format: names of columns that hold texts, headers, rows without empty ends."""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TEXT_COLUMNS = (
    "text", "body", "content", "document", "full_text", "fulltext", "document_text", "text_content", "article",
    "article_text", "transcript", "abstract", "message", "contents", "raw_text", "texte", "texto", "testo", "tekst",
    "inhalt", "volltext", "contenido", "contenu",
)  # fmt: skip
"""Names by which a column of texts goes, the likelier first."""

MAX_PREAMBLE = 10
"""Rows above a table's header that may say what it is."""
_NUMBER = re.compile(r"[\s(+-]*[^\w\s]?\s*\d[\d\s.,:/%-]*\)?\s*\S{0,3}$")


def looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first of several rows names the columns: every cell short text, none a number, none twice."""
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[0]) < max(map(len, rows[1:])) - 1:
        return False
    names = [cell.strip() for cell in rows[0]]
    filled = names[1:] if not names[0] else names
    return all(0 < len(name) <= 80 and not _NUMBER.match(name) for name in filled) and len(
        {name.casefold() for name in filled}
    ) == len(filled)


def without_trailing_empty(columns: list[T], is_empty: Callable[[T], bool]) -> list[T]:
    end = len(columns)
    while end and is_empty(columns[end - 1]):
        end -= 1
    return columns[:end]


def header_position(rows: list[list[str]]) -> int | None:
    """Where the row stands that names the columns: the first, or one below rows that fill fewer cells than it does.

    Rows are equally long. None where there is none.
    """
    widest = 0
    for position, row in enumerate(rows[: MAX_PREAMBLE + 1]):
        filled = sum(bool(cell.strip()) for cell in row)
        is_header = names_text(row) or looks_like_header(rows[position:])
        if is_header and (position == 0 or filled > max(widest, 1)):
            return position
        widest = max(widest, filled)
    return None


def names_text(row: list[str]) -> bool:
    return any(cell.strip().casefold() in TEXT_COLUMNS for cell in row)
