"""The bundled demo projects and their true values. The documents are made by `make_documents`, comparing is in `domain.agreement`."""

import csv
from pathlib import Path

from coderai_pipeline.domain.agreement import GoldCell

_HERE = Path(__file__).parent


def demo_projects() -> tuple[Path, ...]:
    """The folders of the demo projects, each named by its project id, in alphabetical order."""
    return tuple(sorted(file.parent for file in _HERE.glob("*/project.yaml")))


def gold(project_path: Path) -> list[GoldCell]:
    """The true values of a demo project, as its `gold.csv` holds them; an empty `expected` means: not stated."""
    with (project_path / "gold.csv").open(encoding="utf-8", newline="") as file:
        return [
            GoldCell(row["document"], row["entity"], row["variable"], (row["expected"],) if row["expected"] else ())
            for row in csv.DictReader(file)
        ]
