"""The snapshot's table `quality`: what is measured of the present cells, and every measurement before it.

The measures are in `domain.quality`; here the cells that they rest on are found in the blocks: as the extractor settled
them, before any correction, since it is the extractor that is measured.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.agreement import GoldCell, read_gold
from coderai_pipeline.domain.cells import Cell, CellStatus
from coderai_pipeline.domain.judgements import Judgement, Place, is_about, said_twice, that_count
from coderai_pipeline.domain.quality import (
    Compared,
    Counts,
    Measure,
    between_reviewers,
    compare_gold,
    compare_judged,
    measures,
    not_used,
    rates,
)
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.latest import list_blocks, load, open_blocks
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.judgements import judgements
from coderai_pipeline.storage.measurements import keep_measurement, measurement_rows
from coderai_pipeline.storage.records import value_from

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMMENT = (
    "Per variable and measure: value, 95 % interval and the number of cells that it rests on, each time it changed."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """prompt_versions: variable -> the version that most of its cells were made with."""

    measures: tuple[Measure, ...]
    prompt_versions: Mapping[str, str]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return measurement_rows(self.measures, self.prompt_versions)


def measure_now(definition: Definition, blocks: BlockStore, gold: Sequence[GoldCell] = ()) -> Measured:
    """What can be measured now, without publishing anything."""
    with duck.in_memory() as connection:
        open_blocks(connection, list_blocks(blocks))
        load(connection, definition, texts_up_to=-1)
        return measure(connection, definition, judgements(blocks), gold)


def measure(
    connection: "DuckDBPyConnection", definition: Definition, judged: Sequence[Judgement], gold: Sequence[GoldCell]
) -> Measured:
    """Needs the current rows as `latest.load` fills them, before anything is corrected in them."""
    connection.execute(_MODEL_CELLS)
    texts = dict(connection.execute("SELECT document, text_sha256 FROM now_documents").fetchall())
    about_now = [one for one in judged if one.variable in definition.codebook and is_about(one, texts)]
    counting = that_count(about_now)
    keys = _keys_of_sources(connection)
    gold = [_read(cell, definition, keys) for cell in gold]
    cells = _cells(connection, {place[0] for place in counting} | {cell.document for cell in gold})
    by_judges, gone, moved = _compared(counting, cells)
    unused = {"the document's text has changed": len({one.place for one in judged} - {*counting})}
    unused |= {
        "there is no such cell any more": gone,
        "the cell holds another value, and none is known to be right": moved,
    }
    gold, nameless = _rows_named(gold, cells)
    unused |= {"gold names no entity, and its document has several": nameless}
    of_gold = _compared_gold(gold, cells)
    twice = said_twice(about_now)
    found = list(_all_measures(connection, definition, by_judges, of_gold, twice))
    versions = connection.execute("SELECT variable, mode(prompt_version) FROM model_cells GROUP BY variable").fetchall()
    return Measured((*found, *not_used(unused)), dict(versions))


def build_quality(connection: "DuckDBPyConnection", blocks: BlockStore, measured: Measured) -> None:
    """Keeps the measurement, if it says something new, and makes the table of all there were."""
    keep_measurement(blocks, measured.rows)
    connection.register("every_measurement", blocks.table("quality"))
    connection.execute(_QUALITY)
    connection.unregister("every_measurement")


def _all_measures(
    connection: "DuckDBPyConnection",
    definition: Definition,
    judged: Mapping[str, Sequence[Compared]],
    gold: Mapping[str, Sequence[Compared]],
    twice: Mapping[Place, Sequence[Judgement]],
) -> Iterator[Measure]:
    counted = {row[0]: Counts(*row[1:]) for row in connection.execute(_COUNTS).fetchall()}
    for variable in definition.codebook.asked:
        name = variable.name
        yield from measures(variable, judged.get(name, ()), "feedback")
        yield from measures(variable, gold.get(name, ()), "gold")
        yield from between_reviewers(name, {place: said for place, said in twice.items() if place[2] == name})
        if name in counted:
            yield from rates(name, counted[name])


def _compared(
    counting: Mapping[Place, Judgement], cells: Mapping[Place, Cell]
) -> tuple[dict[str, list[Compared]], int, int]:
    """By variable; and how many verdicts are on cells that are gone, or on values that have given way to others."""
    found: dict[str, list[Compared]] = {}
    gone = moved = 0
    for place, judgement in counting.items():
        cell = cells.get(place)
        compared = compare_judged(judgement, cell) if cell is not None else None
        if compared is not None:
            found.setdefault(judgement.variable, []).append(compared)
        gone += cell is None
        moved += cell is not None and compared is None
    return found, gone, moved


def _rows_named(gold: Sequence[GoldCell], cells: Mapping[Place, Cell]) -> tuple[list[GoldCell], int]:
    """Gold cells that name no entity, of documents that gave just one: its. And how many could be of several."""
    rows: dict[tuple[str, str], list[str]] = {}
    for document, entity, variable in cells:
        rows.setdefault((document, variable), []).append(entity)
    named: list[GoldCell] = []
    for one in gold:
        entities = rows.get((one.document, one.variable), [])
        if one.entity or len(entities) <= 1:
            named.append(one if one.entity or not entities else replace(one, entity=entities[0]))
    return named, len(gold) - len(named)


def _compared_gold(gold: Sequence[GoldCell], cells: Mapping[Place, Cell]) -> dict[str, list[Compared]]:
    """Of documents that were extracted; a gold cell that these lack was missed."""
    extracted = {document for document, _, _ in cells}
    found: dict[str, list[Compared]] = {}
    for one in gold:
        if one.document in extracted:
            cell = cells.get((one.document, one.entity, one.variable))
            compared = Compared(one.document, one.expected, None, False) if cell is None else compare_gold(one, cell)
            found.setdefault(one.variable, []).append(compared)
    return found


def _read(cell: GoldCell, definition: Definition, keys: Mapping[str, str]) -> GoldCell:
    """With the document's key, and numbers and dates read as what they mean."""
    project = definition.project
    conventions = Conventions(project.language, project.locale, project.date_order)
    read = read_gold(cell, str(definition.codebook[cell.variable].type), conventions)
    return GoldCell(keys.get(cell.document, cell.document), read.entity, read.variable, read.expected)


def _keys_of_sources(connection: "DuckDBPyConnection") -> dict[str, str]:
    return dict(connection.execute("SELECT source, document FROM now_documents").fetchall())


def _cells(connection: "DuckDBPyConnection", documents: set[str]) -> dict[Place, Cell]:
    rows = connection.execute(
        "SELECT document, entity, variable, type, status, value, confidence FROM model_cells "
        "WHERE document IN (SELECT unnest(?))",
        [sorted(documents)],
    ).fetchall()
    return {(d, e, v): Cell(d, e, v, t, CellStatus(s), "", value_from(x), confidence=c) for d, e, v, t, s, x, c in rows}


_MODEL_CELLS = """
    CREATE TEMP VIEW model_cells AS
    SELECT document, entity, variable, type, status, nullif(value, 'null') AS value, confidence, grounding, prompt_version
    FROM now_cells"""

_COUNTS = """
    SELECT variable, count(*) FILTER (status <> 'skipped'),
           count(*) FILTER (status <> 'skipped' AND value IS NULL), count(*) FILTER (status = 'flagged'),
           count(*) FILTER (status = 'failed'), count(*) FILTER (value IS NOT NULL AND status <> 'absent'),
           count(*) FILTER (value IS NOT NULL AND status <> 'absent' AND coalesce(grounding, 'absent') <> 'absent')
    FROM model_cells GROUP BY variable"""

_QUALITY = """
    CREATE TABLE quality AS
    SELECT variable, measure, part, value, low, high, n, source, basis, prompt_version,
           make_timestamp(version // 1000) AS made_at, version = max(version) OVER () AS current
    FROM every_measurement ORDER BY version"""


def gold_fingerprint(gold: Sequence[GoldCell]) -> str:
    """ "" without gold, so that a project that has none is published as before."""
    return json.dumps([[cell.document, cell.entity, cell.variable, *cell.expected] for cell in gold]) if gold else ""
