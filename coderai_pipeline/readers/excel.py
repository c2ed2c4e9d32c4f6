"""Excel workbooks (.xlsx, .xlsm) -> the cells of their visible sheets, as text. What the rows mean is in `tables`.

A sheet is walked as a stream, so that cells which are not there cost nothing. How numbers are shown is in `excel_formats`.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lxml import etree

from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.readers.excel_formats import NumberFormat, built_in, general
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element, Package, damaged, text_children

Rows = list[list[str]]

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MAX_COLUMNS = 16_384


def visible_sheets(
    data: bytes, options: ReadOptions, *, as_shown: bool = False
) -> tuple[list[tuple[str, Rows]], list[str]]:
    """Name and filled rows of each sheet that is shown, and what there is to say of the others.

    as_shown: numbers with their units and decimals as on the screen, else as they are kept.
    """
    package = Package(data, options.memory_mb)
    package.verify()
    book = _Book.of(package, as_shown=as_shown)
    sheets = [(name, list(_rows(package, part, book))) for name, part in book.visible]
    return sheets, book.warnings()


def written(value: Any) -> str:
    """A value of a table as people write it: whole numbers without .0, dates in ISO form, nothing as ""."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bytes):
        return decode(value).text
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, dt.datetime) and value.time() == dt.time() and value.tzinfo is None:
        return value.date().isoformat()
    return str(value)


@dataclass(slots=True)
class _Book:
    """What all sheets of a workbook have in common."""

    visible: list[tuple[str, str]]
    """Name and part of each sheet that is shown."""
    hidden: list[str]
    strings: list[str]
    formats: list[NumberFormat]
    as_shown: bool
    from_1904: bool
    notes: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, package: Package, *, as_shown: bool) -> "_Book":
        main = next((part for kind, part in package.relations("").values() if kind == "officeDocument"), "")
        main = main if package.has(main) else "xl/workbook.xml"
        root, relations = package.xml(main), package.relations(main)
        if root is None:
            raise damaged("the workbook is missing")
        related = dict(relations.values())
        visible: list[tuple[str, str]] = []
        hidden: list[str] = []
        for sheet in root.iter(_S + "sheet"):
            kind, part = relations.get(sheet.get(_RELATION, ""), ("", ""))
            if kind == "worksheet" and sheet.get("state", "visible") == "visible":
                visible.append((sheet.get("name", ""), part))
            elif kind == "worksheet":
                hidden.append(sheet.get("name", ""))
        settings = root.find(_S + "workbookPr")
        from_1904 = settings is not None and settings.get("date1904") in ("1", "true")
        strings = list(_shared_strings(package, related.get("sharedStrings", "")))
        return cls(visible, hidden, strings, _formats(package, related.get("styles", "")), as_shown, from_1904)

    def warnings(self) -> list[str]:
        names = ", ".join(self.hidden)
        return [f"hidden sheets were left out: {names[:200]}"] * bool(names) + [
            f"{what}: {count}" for what, count in self.notes.items() if count
        ]


_UNCOMPUTED = "formulas without a stored value, empty here until the file is opened in Excel and saved again"
_HIDDEN_ROWS = "rows that Excel does not show (hidden or filtered out), read as well"
_HIDDEN_COLUMNS = "columns that Excel does not show, read as well"


def _rows(package: Package, part: str, book: _Book) -> Iterator[list[str]]:
    for row in _elements(package, part, "row", "col"):
        hidden = row.get("hidden") in ("1", "true")
        if row.tag == _S + "col":
            first, last = whole_number(row.get("min"), 1), whole_number(row.get("max"), 1)
            book.notes[_HIDDEN_COLUMNS] += hidden * max(0, min(last, _MAX_COLUMNS) - first + 1)
            continue
        cells: list[str] = []
        following = 0
        for cell in row.iterchildren(_S + "c"):
            letters = cell.get("r", "").rstrip("0123456789")
            column = _column(letters) if letters else following
            following = column + 1
            if text := _text(cell, book):
                cells += [""] * (column - len(cells))
                cells[column:] = [text]
        if cells:
            book.notes[_HIDDEN_ROWS] += hidden
            yield cells


def _text(cell: Element, book: _Book) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(_S + "is")
        return "" if inline is None else _rich(inline)
    value = cell.findtext(_S + "v") or ""
    if not value:
        book.notes[_UNCOMPUTED] += cell.find(_S + "f") is not None and kind != "str"
        return ""
    if kind == "s":
        index = whole_number(value, -1)
        return book.strings[index] if 0 <= index < len(book.strings) else ""
    if kind == "b":
        return "true" if value == "1" else "false"
    return _unescaped(value) if kind != "n" else _number(value, whole_number(cell.get("s"), 0), book)


def _number(value: str, style: int, book: _Book) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    if not abs(number) < float("inf"):
        return value
    if not style < len(book.formats):
        return general(number)
    return book.formats[style].written(number, as_shown=book.as_shown, from_1904=book.from_1904)


@lru_cache(maxsize=_MAX_COLUMNS)
def _column(letters: str) -> int:
    """Position of the column A, B, ..., Z, AA, ..."""
    number = 0
    for letter in letters[:3].upper():
        number = number * 26 + max(ord(letter) - 64, 1)
    return min(number, _MAX_COLUMNS) - 1


def _shared_strings(package: Package, part: str) -> Iterator[str]:
    if package.has(part):
        yield from (_rich(item) for item in _elements(package, part, "si"))


def _rich(item: Element) -> str:
    """Text in one or several runs; how East Asian words are read aloud stands beside it and is no text."""
    pieces = (text for text in item.iter(_S + "t") if (parent := text.getparent()) is None or parent.tag != _S + "rPh")
    return _unescaped("".join("".join(text_children(text)) for text in pieces))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _formats(package: Package, part: str) -> list[NumberFormat]:
    """The number format of each style that cells may have."""
    root = package.xml(part)
    if root is None:
        return []
    own = {one.get("numFmtId", ""): one.get("formatCode", "") for one in root.iter(_S + "numFmt")}
    styles = root.find(_S + "cellXfs")
    ids = [style.get("numFmtId", "0") for style in (() if styles is None else styles)]
    known = {id_: NumberFormat.of(own.get(id_) or built_in(whole_number(id_, 0))) for id_ in set(ids)}
    return [known[id_] for id_ in ids]


def _elements(package: Package, part: str, *names: str) -> Iterator[Element]:
    """The elements of a part with these names, one after the other, so that it never stands in memory as a whole."""
    with package.xml_stream(part) as stream:
        try:
            events = etree.iterparse(
                stream, events=("end",), tag=[_S + name for name in names], resolve_entities=False, load_dtd=False,
                no_network=True, huge_tree=False,
            )  # fmt: skip
            for _, element in events:
                yield element
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]
        except etree.XMLSyntaxError as error:
            raise damaged(f"{part}: {error.msg}") from error
