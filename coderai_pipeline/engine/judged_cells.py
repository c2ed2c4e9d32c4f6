"""The cells and documents that feedback speaks of: cells of all times by version, documents by key and by source.

What a row of feedback says of them is decided in `judging`.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coderai_pipeline.domain.conventions import LANGUAGE_CHARACTERS
from coderai_pipeline.domain.feedback import Feedback, same_value
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.records import value_from

CellKey = tuple[str, str, str]
"""document, entity, variable."""


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """language: None where it was not told from enough text. original: of a duplicate, the document whose cells it repeats."""

    key: str
    removed: bool
    language: str | None
    original: str | None


_CELL_COLUMNS = (
    "document", "entity", "variable", "version", "status", "value", "confidence", "quote", "text_sha256", "prompt_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JudgedCells:
    """The cells of some documents, of all times."""

    versions: Mapping[CellKey, Mapping[int, Mapping[str, Any]]]
    newest: Mapping[tuple[str, str], int]
    """document, variable -> the version of its present cells."""
    numbers: Mapping[tuple[str, str], set[str]]
    """document, variable -> the entities that ever had such a cell."""

    @classmethod
    def of(cls, blocks: BlockStore, documents: Sequence[str]) -> "JudgedCells":
        versions: dict[CellKey, dict[int, Mapping[str, Any]]] = defaultdict(dict)
        newest: dict[tuple[str, str], int] = defaultdict(int)
        numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in blocks.rows_of("cells", documents, _CELL_COLUMNS):
            versions[row["document"], row["entity"] or "", row["variable"]][row["version"]] = row
            place = row["document"], row["variable"]
            newest[place] = max(newest[place], row["version"])
            numbers[place].add(row["entity"] or "")
        return cls(versions, newest, numbers)

    def version(self, place: CellKey, named: str) -> Mapping[str, Any] | None:
        version = named.removeprefix("c")
        return self.versions.get(place, {}).get(int(version)) if re.fullmatch(r"\d{1,19}", version) else None

    def present(self, place: CellKey) -> Mapping[str, Any] | None:
        document, _, variable = place
        return self.versions.get(place, {}).get(self.newest.get((document, variable), -1))

    def is_same_row(self, place: CellKey, cell: Mapping[str, Any]) -> bool:
        """Whether the present cell of that number belongs to the row that was shown: each extraction numbers rows anew."""
        present = self.present(place)
        return present is not None and (present["version"] == cell["version"] or present["quote"] == cell["quote"])

    def is_present(self, judged: Feedback) -> bool:
        cell = self.present((judged.document, judged.entity, judged.variable))
        return cell is None or same_value(value_from(cell["value"]), judged.judged_value)

    def entities(self, document: str, variable: str) -> list[str]:
        """The document's rows that have the variable now, in order."""
        found = self.numbers.get((document, variable), ())
        held = (one for one in found if one and self.present((document, one, variable)))
        return sorted(held, key=lambda one: (len(one), one))


def judged_documents(blocks: BlockStore) -> dict[str, JudgedDocument]:
    """The newest record of each document, by key and by source; a key goes before another document's source."""
    columns = ("document", "source", "version", "removed", "language", "characters", "status", "duplicate_of")
    newest: dict[str, Mapping[str, Any]] = {}
    for row in (row for batch in blocks.batches("documents", columns) for row in batch):
        if row["document"] not in newest or newest[row["document"]]["version"] <= row["version"]:
            newest[row["document"]] = row
    by_key = {key: _document(row) for key, row in newest.items()}
    by_source = {row["source"]: by_key[key] for key, row in newest.items() if not row["removed"]}
    return {**by_source, **by_key}


def _document(row: Mapping[str, Any]) -> JudgedDocument:
    is_long = (row["characters"] or 0) >= LANGUAGE_CHARACTERS
    original = row["duplicate_of"] if row["status"] == "duplicate" else None
    return JudgedDocument(row["document"], bool(row["removed"]), row["language"] if is_long else None, original)
