"""What the UI and the command line show of a snapshot: the first rows of its dataset, without the columns that repeat others,
and the formulas that could not be computed."""

from dataclasses import dataclass
from pathlib import Path

from coderai_pipeline.publishing import duck

CELL_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Preview:
    """Column names, and rows of as many short texts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """A Markdown table; says so where the dataset is empty."""
        if not self.rows:
            return "The dataset has no rows yet."
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def first_rows(snapshot: Path, rows: int = 10) -> Preview:
    with duck.read(snapshot) as connection:
        result = connection.execute("SELECT * FROM dataset LIMIT ?", [rows])
        names = [column[0] for column in result.description or ()]
        found = result.fetchall()
    kept = [at for at, name in enumerate(names) if name != "source" and not name.endswith("_first_day")]
    return Preview(tuple(names[at] for at in kept), tuple(tuple(_shown(row[at]) for at in kept) for row in found))


def failed_formulas(snapshot: Path) -> list[tuple[str, int, str]]:
    """The formula variables that could not be computed somewhere, as (variable, cells, the reason of most of them)."""
    with duck.read(snapshot) as connection:
        return connection.execute("""
            SELECT variable, count(*), mode(cells.reason)
            FROM cells JOIN codebook ON codebook.name = cells.variable
            WHERE codebook.formula <> '' AND cells.status = 'failed'
            GROUP BY variable ORDER BY variable""").fetchall()


def _shown(value: object) -> str:
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"
