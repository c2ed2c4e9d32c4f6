"""A review: the cells of a snapshot that people should look at, with everything that they are shown of them.

Which cells these are is decided in `domain.review_order`; the workbook and the page made of them are beside this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.review_order import AUDIT_SAMPLE, JUDGED, Pick, ReviewableCell, review_order
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_tables import project_facts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_CELLS = 2_000
"""Cells of one review. Whoever has judged them gets the next ones in the next review."""


@dataclass(frozen=True, slots=True)
class ReviewCell:
    """A cell to be judged, and why. cell: names it, and what it held, when the verdict comes back. passage: of the
    document's row that it belongs to. value: as people read it. start, end: span of the quote in the document's text. inclusion_probability: None outside the audit sample."""

    cell: str
    document: str
    source: str
    entity: str
    passage: str | None
    variable: str
    value: str | None
    status: str
    reason: str
    confidence: float | None
    quote: str | None
    start: int | None
    end: int | None
    page: int | None
    why: str
    inclusion_probability: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """A whole review. judged: cells that have been judged already. left_out: what does not fit in, for people to be told."""

    project_id: str
    project: str
    snapshot: str
    published_at: str
    blind: bool
    many: bool
    variables: Mapping[str, Variable]
    cells: tuple[ReviewCell, ...]
    judged: int
    left_out: tuple[str, ...]

    @property
    def documents(self) -> list[str]:
        """Keys of the documents that the cells are of, in the order of the cells."""
        return list(dict.fromkeys(cell.document for cell in self.cells))


def gather(
    snapshot: Path, *, sample: int = AUDIT_SAMPLE, seed: int = 0, blind: bool = False, most: int = MOST_CELLS
) -> Review:
    """The cells of a snapshot to look at first. Raises InvalidInput where an earlier version of this package made it."""
    with duck.read(snapshot) as connection:
        _check(connection, snapshot)
        facts = project_facts(connection)
        definitions = connection.execute("SELECT name, definition FROM codebook ORDER BY position").fetchall()
        variables = {name: Variable.model_validate_json(definition) for name, definition in definitions}
        cells = _reviewable(connection, variables)
        picks = review_order([cell for _, cell in cells], sample=sample, seed=seed, blind=blind)
        shown = _shown(connection, cells, picks[:most])
    return Review(
        project_id=facts["id"],
        project=facts["name"],
        snapshot=facts["version"],
        published_at=facts["published_at"],
        blind=blind,
        many=facts.get("unit.rows") == "many",
        variables=variables,
        cells=shown,
        judged=sum(cell.status in JUDGED for _, cell in cells),
        left_out=_left_out(picks, most),
    )


def _check(connection: "DuckDBPyConnection", snapshot: Path) -> None:
    columns = {name for name, *_ in connection.execute("DESCRIBE cells").fetchall()}
    if "cell_version" not in columns:
        message = "was made by an earlier version of the package; publish the dataset again"
        raise InvalidInput([Problem(snapshot.name, None, "", message)])


def _left_out(picks: Sequence[Pick], most: int) -> tuple[str, ...]:
    if len(picks) <= most:
        return ()
    return (f"{len(picks) - most:,} further cells are worth a look: the next review shows them when these are judged",)


def _reviewable(
    connection: "DuckDBPyConnection", variables: Mapping[str, Variable]
) -> list[tuple[int, ReviewableCell]]:
    """Row and cell of everything that a person can judge: not formulas, nor cells of a text that has changed since."""
    rows = connection.execute("""
        SELECT rowid, document, entity, variable, status, confidence FROM cells
        WHERE current AND cell_version IS NOT NULL ORDER BY rowid""")
    found: list[tuple[int, ReviewableCell]] = []
    while batch := rows.fetchmany(10_000):
        for row, document, entity, variable, status, confidence in batch:
            threshold = variables[variable].confidence_threshold
            cell = ReviewableCell(document, entity, variable, CellStatus(status), confidence, threshold)
            found.append((row, cell))
    return found


def _shown(
    connection: "DuckDBPyConnection", cells: Sequence[tuple[int, ReviewableCell]], picks: Sequence[Pick]
) -> tuple[ReviewCell, ...]:
    row_of = {id(cell): row for row, cell in cells}
    wanted = [row_of[id(pick.cell)] for pick in picks]
    result = connection.execute(_SHOWN, [wanted])
    names = [column[0] for column in result.description or ()]
    rows: dict[int, dict[str, Any]] = {}
    for row, *values in result.fetchall():
        rows[row] = dict(zip(names[1:], values, strict=True))
    return tuple(
        ReviewCell(**rows[row], why=pick.why, inclusion_probability=pick.inclusion_probability)
        for row, pick in zip(wanted, picks, strict=True)
    )


_SHOWN = """
    SELECT cells.rowid, 'c' || cell_version AS cell, document, source, entity, entities.quote AS passage, variable,
           CASE WHEN type = 'boolean' THEN replace(replace(value, 'true', 'yes'), 'false', 'no') ELSE value END AS value,
           status, reason, confidence, cells.quote, cells.quote_start AS start, cells.quote_end AS "end", page
    FROM cells LEFT JOIN entities USING (document, entity) WHERE cells.rowid IN (SELECT unnest(?))"""
