"""The first rows of a snapshot's dataset as a Markdown table, for the UI and the command line."""

from pathlib import Path

from coderai_pipeline.publishing import duck

CELL_CHARACTERS = 60


def first_rows(snapshot: Path, rows: int = 10, columns: int = 14) -> str:
    """A Markdown table of at most so many rows and columns; says so where the dataset is empty."""
    with duck.read(snapshot) as connection:
        result = connection.execute("SELECT * FROM dataset LIMIT ?", [rows])
        names = [column[0] for column in result.description or ()][:columns]
        found = result.fetchall()
    if not found:
        return "The dataset has no rows yet."
    lines = [names, ["---"] * len(names), *([_shown(value) for value in row[:columns]] for row in found)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"
