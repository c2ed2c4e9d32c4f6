"""The ledger: that every cell a project wants is settled, and what is open and why.

It is worked out anew from the inbox and the blocks, so that it proves what the runs say of themselves. How one document
stands is in `standing`; the dataset's own `ledger` tables are made in `publishing.tables`.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyarrow ships no types.

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from coderai_pipeline.domain.asks import level_of
from coderai_pipeline.domain.fingerprints import definitions, work_fingerprint
from coderai_pipeline.engine.backlog import SAMPLE
from coderai_pipeline.engine.held import Held, HeldDocument
from coderai_pipeline.engine.intake import Listing, list_inbox
from coderai_pipeline.engine.report import counted
from coderai_pipeline.engine.run import Scope, choose
from coderai_pipeline.engine.standing import Standing, standings
from coderai_pipeline.publishing import duck, latest
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.reviewed import apply_reviews
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import LoadedProject

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAMED = 3
"""Documents that are named with the reason they are open for; the others stand in the dataset's `ledger`."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One document's account, in cells: wanted = settled + failed + open. why: "" = there is nothing to do about it.

    document: "" for a file that is not taken in yet. Of a document whose entities are not known, one is counted; one
    that cannot be read wants no cells, but its line does not close.
    """

    document: str
    source: str
    state: str
    why: str
    wanted: int = 0
    settled: int = 0
    failed: int = 0

    @property
    def open(self) -> int:
        return self.wanted - self.settled - self.failed

    @property
    def closes(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A wanted cell that is not settled. entity: "" at document level, or where the entities are not known."""

    document: str
    source: str
    entity: str
    variable: str
    why: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account of a project. statuses: of the current cells. gone: sources that are no longer in the inbox, whose
    cells stay in the dataset until they are forgotten. paused: why no run goes on, "" = runs may."""

    lines: tuple[Line, ...]
    statuses: Mapping[str, int]
    gone: tuple[str, ...]
    paused: str
    _connection: "DuckDBPyConnection"

    @property
    def wanted(self) -> int:
        return sum(line.wanted for line in self.lines)

    @property
    def settled(self) -> int:
        return sum(line.settled for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.failed for line in self.lines)

    @property
    def open(self) -> int:
        return sum(line.open for line in self.lines)

    @property
    def closes(self) -> bool:
        """Every document was read and every wanted cell is settled."""
        return all(line.closes for line in self.lines)

    @property
    def stated(self) -> str:
        """The account in a line."""
        parts = f"{self.settled:,} settled + {self.failed:,} failed + {self.open:,} open"
        unread = sum(1 for line in self.lines if not (line.closes or line.wanted))
        also = f"; {counted(unread, 'document')} could not be read" if unread else ""
        return f"{self.wanted:,} wanted = {parts}{also}: {'it closes' if self.closes else 'it does not close'}"

    def reasons(self) -> list[tuple[str, str, int, int, str]]:
        """What is open, as (state, why, documents, cells not settled, which), the reason of most documents first."""
        sources: dict[tuple[str, str], list[str]] = {}
        cells: Counter[tuple[str, str]] = Counter()
        for line in self.lines:
            if not line.closes:
                sources.setdefault((line.state, line.why), []).append(line.source)
                cells[line.state, line.why] += line.open + line.failed
        return [
            (state, why, len(found), cells[state, why], named(found))
            for (state, why), found in sorted(sources.items(), key=lambda group: -len(group[1]))
        ]

    def open_cells(self) -> Iterator[OpenCell]:
        """Every wanted cell that is not settled, by document and in the codebook's order."""
        whys = {line.document: line.why for line in self.lines}
        rows = self._connection.execute(_OPEN_CELLS)
        while group := rows.fetchmany(10_000):
            for document, source, entity, variable, why in group:
                yield OpenCell(document, source, entity, variable, why or whys[document])


def named(sources: Sequence[str]) -> str:
    """The first of these documents, and that there are more."""
    return ", ".join([*sources[:NAMED], *(["..."] if len(sources) > NAMED else [])])


@contextmanager
def open_ledger(loaded: LoadedProject) -> Generator[Ledger]:
    """The ledger as it stands now; its open cells can be read until it is left."""
    blocks = BlockStore(loaded.folder.state)
    held = Held.load(blocks)
    listing = list_inbox(loaded.folder, loaded.project, held.documents)
    found = list(standings(listing, held, Scope(), work_fingerprint(loaded.project, loaded.codebook)))
    control = Control(loaded.folder.state)
    if control.acceptance is None:
        found = _awaiting_sample(loaded, listing, held, found)
    present = {entry.key for entry in listing.entries}
    gone = [one.source for one in held.documents.values() if one.key not in present and not one.removed]
    with _account(loaded, blocks, held, found) as connection:
        lines = _lines(loaded, listing, held, found, connection)
        statuses: dict[str, int] = dict(connection.execute(_STATUSES).fetchall())
        yield Ledger(tuple(lines), statuses, tuple(gone), control.paused or control.held_back, connection)


def _awaiting_sample(loaded: LoadedProject, listing: Listing, held: Held, found: Sequence[Standing]) -> list[Standing]:
    """Says of the documents outside the sample what they wait for."""
    sample = choose(listing, Scope(sample=SAMPLE, top_up=True), held.settlements)
    why = f"outside the sample, which is not accepted yet: `coderai accept {loaded.id}`"
    return [
        replace(one, why=why) if one.state == "waiting" and one.key in held.documents and one.key not in sample else one
        for one in found
    ]


@contextmanager
def _account(
    loaded: LoadedProject, blocks: BlockStore, held: Held, found: Sequence[Standing]
) -> Generator["DuckDBPyConnection"]:
    import duckdb

    definition = Definition(loaded.id, loaded.project, loaded.codebook)
    settings: duck.Settings = {"memory_limit": duck.MEMORY_LIMIT, "autoload_known_extensions": "false"}
    with duckdb.connect(config=settings) as connection:
        connection.register("documents", _documents_table(held, found))
        connection.register("variables", _variables_table(loaded))
        for attempt in range(_ATTEMPTS):
            try:
                latest.open_blocks(connection, latest.list_blocks(blocks))
                for statement in (_HELD, _ENTITIES):
                    connection.execute(statement)
                break
            except duckdb.IOException:  # a compaction in another process took a file between listing and reading
                if attempt == _ATTEMPTS - 1:
                    raise
        if latest.has_feedback(connection):
            latest.load_cells(connection, definition, judged_only=True)
            apply_reviews(connection, definition)
            connection.execute(_REVIEWED)
        connection.execute(_WANTED)
        yield connection


def _documents_table(held: Held, found: Sequence[Standing]) -> pa.Table:
    """The documents that want cells. surely: the entities held are all there are."""
    readable = [(one, held.documents[one.key]) for one in found if _is_read(held.documents.get(one.key))]
    settlements = [held.settlements.get(one.key) for one, _ in readable]
    return pa.table(
        {
            "document": [one.key for one, _ in readable],
            "source": [one.source for one, _ in readable],
            "text_sha256": [record.text_sha256 for _, record in readable],
            "surely": [one.state == "settled" for one, _ in readable],
            "settled_version": pa.array(
                [None if settlement is None else settlement.version for settlement in settlements], pa.int64()
            ),
        }
    )


def _is_read(record: HeldDocument | None) -> bool:
    return record is not None and record.status.is_readable


def _variables_table(loaded: LoadedProject) -> pa.Table:
    wanted = definitions(loaded.project, loaded.codebook)
    asked = loaded.codebook.asked
    return pa.table(
        {
            "variable": pa.array([one.name for one in asked], pa.string()),
            "position": pa.array(range(len(asked)), pa.int32()),
            "settle": pa.array([wanted[one.name].settle for one in asked], pa.string()),
            "of_entities": pa.array([level_of(one, loaded.project) == "entity" for one in asked], pa.bool_()),
        }
    )


def _lines(
    loaded: LoadedProject,
    listing: Listing,
    held: Held,
    found: Sequence[Standing],
    connection: "DuckDBPyConnection",
) -> Iterator[Line]:
    counts: dict[str, list[int]] = {document: numbers for document, *numbers in connection.execute(_COUNTS).fetchall()}
    at_least = len(loaded.codebook.asked)
    lines = {one.key: _line(one, counts.get(one.key, ()), held.documents.get(one.key), at_least) for one in found}
    for line in lines.values():
        record = held.documents.get(line.document)
        original = lines.get(record.duplicate_of or "") if record is not None else None
        if original is not None and loaded.project.reading.duplicates == "each":
            line = replace(original, document=line.document, source=line.source)
        yield line
    for source in listing.unsettled:
        yield Line("", source, "waiting", "is still being written", at_least)
    limit = f"over the limit of {loaded.project.limits.documents:,} documents; raise limits.documents in project.yaml"
    for source in listing.surplus:
        yield Line("", source, "waiting", limit, at_least)


def _line(one: Standing, counts: Sequence[int], record: HeldDocument | None, at_least: int) -> Line:
    why = "" if one.is_settled else one.why or one.state
    if not counts:
        return Line(one.key, one.source, one.state, why, 0 if record else at_least)
    wanted, settled, failed = counts
    if one.state == "settled" and settled < wanted:
        why = f"{wanted - settled} cells are missing although the document counts as settled"
    return Line(one.key, one.source, one.state, why, wanted, settled, failed)


# A row may stand in two files, between the two steps of a compaction, and is then the very same row.
_HELD = """
    CREATE OR REPLACE TEMP TABLE held AS
    SELECT DISTINCT cells.document, cells.variable, coalesce(cells.entity, '') AS entity, cells.status,
           CASE WHEN cells.status = 'failed' THEN cells.reason END AS reason,
           cells.text_sha256 = documents.text_sha256 AS same_text, cells.settle_fingerprint = variables.settle AS same_rules
    FROM raw_cells AS cells
    JOIN (SELECT document, variable, max(version) AS version FROM raw_cells GROUP BY ALL) USING (document, variable, version)
    JOIN variables ON variables.variable = cells.variable
    JOIN documents ON documents.document = cells.document"""

_ENTITIES = """
    CREATE OR REPLACE TEMP TABLE found AS
    SELECT DISTINCT document, entities.entity
    FROM raw_entities AS entities
    JOIN (SELECT document, max(version) AS version FROM raw_entities GROUP BY document) USING (document, version)
    SEMI JOIN documents USING (document)
    ANTI JOIN (SELECT settled.document FROM raw_settled AS settled
               JOIN documents ON documents.document = settled.document AND documents.settled_version = settled.version
               WHERE settled.entities = 0) USING (document)"""

_REVIEWED = """
    UPDATE held SET status = changed.status FROM changed_cells AS changed
    WHERE held.document = changed.document AND held.entity = changed.entity AND held.variable = changed.variable"""

_WANTED = """
    CREATE TEMP TABLE wanted AS
    WITH units AS (SELECT document, '' AS entity, false AS of_entities FROM documents
                   UNION ALL SELECT document, entity, true FROM found
                   UNION ALL SELECT document, '', true FROM documents ANTI JOIN found USING (document) WHERE NOT surely)
    SELECT units.document, units.entity, variables.variable, variables.position, held.* EXCLUDE (document, entity, variable),
           coalesce(held.same_text AND held.same_rules, false) AS is_current
    FROM units
    JOIN variables USING (of_entities)
    LEFT JOIN held ON held.document = units.document AND held.entity = units.entity AND held.variable = variables.variable"""

_COUNTS = """
    SELECT document, count(*), count(*) FILTER (is_current AND status <> 'failed'),
           count(*) FILTER (is_current AND status = 'failed')
    FROM wanted GROUP BY document"""

_STATUSES = "SELECT status, count(*) FROM wanted WHERE is_current GROUP BY status ORDER BY status"

_OPEN_CELLS = """
    SELECT wanted.document, documents.source, wanted.entity, wanted.variable,
           CASE WHEN status IS NULL THEN ''
                WHEN NOT same_text THEN 'the document has changed since'
                WHEN NOT same_rules THEN 'the variable has changed in the codebook since'
                ELSE 'failed: ' || reason END
    FROM wanted JOIN documents USING (document)
    WHERE NOT is_current OR status = 'failed'
    ORDER BY wanted.document, TRY_CAST(wanted.entity AS BIGINT) NULLS FIRST, wanted.entity, wanted.position"""
