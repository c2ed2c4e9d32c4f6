"""The review as one HTML file that needs nothing else: the documents' texts with their evidence, verdicts, and a download.

What the page does stands in `page/`; everything of a document reaches it as JSON and is shown as text, never as markup.
"""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coderai_pipeline.domain.corrections import NO_VALUE
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.review import Review, ReviewCell

MOST_CHARACTERS = 8_000_000
"""Characters of documents' texts in one page; a browser shows them without delay, and the file can be mailed."""

PAGE = Path(__file__).parent / "page"

_HIDDEN_WHEN_BLIND: Mapping[str, Any] = {
    "value": None, "status": "", "reason": "", "confidence": None, "quote": None, "start": None, "end": None, "page": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Texts:
    """Document -> its text, of those that fit; and what there is to say of the others."""

    of: Mapping[str, str]
    note: str


def write_review_page(review: Review, snapshot: Path, path: Path, copies: Mapping[str, str]) -> None:
    """copies: document -> path, from the page, of a PDF with its evidence highlighted."""
    texts = _texts(review, snapshot)
    path.write_text(_page(review, texts, copies), encoding="utf-8", newline="\n")


def _page(review: Review, texts: _Texts, copies: Mapping[str, str]) -> str:
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ("review.css", "review.js"))
    template = (PAGE / "review.html").read_text(encoding="utf-8")
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    parts = {
        "{{policy}}": policy,
        "{{title}}": html.escape(f"Review of {review.project}"),
        "{{style}}": style,
        "{{script}}": script,
        "{{data}}": embedded(_data(review, texts, copies)),
    }
    before, *rest = template.split("{{")
    return before + "".join(_filled("{{" + part, parts) for part in rest)


def _filled(part: str, parts: Mapping[str, str]) -> str:
    """One placeholder and the text after it. Each is filled once: a document that holds {{script}} stays as it is."""
    name = part[: part.index("}}") + 2]
    return parts[name] + part[len(name) :]


def embedded(data: object) -> str:
    """JSON that no script tag ends in, whatever its texts hold."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(review: Review, texts: _Texts, copies: Mapping[str, str]) -> dict[str, Any]:
    keys = review.documents
    sources = {cell.document: cell.source for cell in review.cells}
    used = dict.fromkeys(cell.variable for cell in review.cells)
    return {
        "project": review.project_id,
        "name": review.project,
        "snapshot": review.snapshot,
        "blind": review.blind,
        "noValue": NO_VALUE,
        "leftOut": [*review.left_out, *filter(None, [texts.note])],
        "variables": {name: _variable(review, name) for name in used},
        "documents": {
            key: {"source": sources[key], "text": texts.of.get(key), "copy": copies.get(key)} for key in keys
        },
        "cells": [_cell(cell, review, texts) for cell in review.cells],
    }


def _variable(review: Review, name: str) -> dict[str, Any]:
    variable = review.variables[name]
    return {
        "label": variable.heading,
        "type": str(variable.type),
        "unit": variable.unit,
        "instructions": variable.instructions,
        "categories": [category.value for category in variable.categories],
        "several": variable.takes_many,
        "other": variable.allow_other,
    }


def _cell(cell: ReviewCell, review: Review, texts: _Texts) -> dict[str, Any]:
    if review.blind:
        cell = replace(cell, **_HIDDEN_WHEN_BLIND)
    shown = {name: getattr(cell, name) for name in ReviewCell.__slots__ if name != "source"}
    text = texts.of.get(cell.document)
    if text is None or cell.start is None or cell.end is None:
        return {**shown, "start": None, "end": None}
    return {**shown, "start": _units(text, cell.start), "end": _units(text, cell.end)}


def _units(text: str, offset: int) -> int:
    """An offset as JavaScript counts: in UTF-16 units."""
    return offset if text.isascii() else len(text[:offset].encode("utf-16-le", "surrogatepass")) // 2


def _texts(review: Review, snapshot: Path) -> _Texts:
    """The texts of the documents in the order of the cells, as long as they fit."""
    keys = review.documents
    held: dict[str, str] = {}
    with duck.read(snapshot) as connection:
        room = MOST_CHARACTERS
        for key in keys:
            row = connection.execute(
                "SELECT text FROM texts WHERE document = ? AND length(text) <= ?", [key, room]
            ).fetchone()
            if row is not None:
                held[key] = row[0]
                room -= len(row[0])
        (any_texts,) = duck.one(connection, "SELECT count(*) FROM texts")
    missing = len(keys) - len(held)
    if not missing:
        return _Texts(held, "")
    why = (
        "texts are kept out of the dataset (privacy.show_text, or a very large corpus)"
        if not any_texts
        else "too long together"
    )
    return _Texts(
        held, f"the texts of {missing:,} of {len(keys):,} documents are not in this page: {why}; their quotes are shown"
    )
