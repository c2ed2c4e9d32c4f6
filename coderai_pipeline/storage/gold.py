"""Gold files: true values that people wrote down, as CSV with the columns document, variable, expected.

Optional columns: entity (or entity_id), alternatives (further acceptable forms, parted by |). An empty `expected` means that
the document does not state it. A project's own stand in its folder `gold/`; comparing is in `domain.agreement`.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from coderai_pipeline.domain.agreement import GoldCell
from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.errors import InvalidInput, Problem

GOLD_FOLDER = "gold"


def gold_files(project_folder: Path) -> list[Path]:
    """Those of a project, by name; none where it has no such folder."""
    return sorted((project_folder / GOLD_FOLDER).glob("*.csv"))


def read_gold_file(path: Path, codebook: Codebook) -> list[GoldCell]:
    """Raises InvalidInput where a needed column is missing. Rows of variables that the codebook lacks are passed over."""
    return [
        GoldCell(row["document"], row.get("entity") or row.get("entity_id") or "", row["variable"], _forms(row))
        for row in table_rows(path, ("document", "variable", "expected"))
        if row["variable"] in codebook
    ]


def table_rows(path: Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, blank cells as ""."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in needed if name not in (reader.fieldnames or ())]
            if lacking:
                message = f"no column {', '.join(lacking)}; there must be {', '.join(needed)}"
                raise InvalidInput([Problem(str(path), 1, "", message)])
            for row in reader:
                yield {name: value or "" for name, value in row.items() if name is not None}
    except UnicodeDecodeError:
        message = "is not stored as UTF-8; save it again with that encoding (in Excel: CSV UTF-8)"
        raise InvalidInput([Problem(str(path), None, "", message)]) from None


def _forms(row: dict[str, str]) -> tuple[str, ...]:
    forms = [row["expected"], *row.get("alternatives", "").split("|")]
    return tuple(form for form in forms if form.strip())
