"""What exports hold: the wide and the long table of a snapshot as queries, narrowed by the options a person chose.

Writing them in a format is in the `export_*` modules; the registry of formats is in `exports`, the filter in `export_filter`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_filter import filtered_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """kind: the DuckDB type (VARCHAR, DOUBLE, BOOLEAN, DATE, VARCHAR[], ...). variable: whose value it holds, or ""."""

    name: str
    label: str
    kind: str
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A query over a snapshot, and what its columns are. statuses: column -> position, in a row, of the cell status it
    shows; such positions may lie beyond the columns."""

    connection: "DuckDBPyConnection"
    columns: tuple[Column, ...]
    sql: str
    statuses: Mapping[str, int] = field(default_factory=dict[str, int])

    def rows(self) -> Iterator[tuple[Any, ...]]:
        result = self.connection.cursor().execute(self.sql)
        while batch := result.fetchmany(_BATCH):
            yield from batch

    def count(self) -> int:
        (rows,) = duck.one(self.connection, f"SELECT count(*) FROM ({self.sql})")  # noqa: S608  # our own query
        return int(rows)


@dataclass(frozen=True, slots=True)
class ExportedVariable:
    """kind: the DuckDB type of its column. level: document or entity."""

    name: str
    label: str
    kind: str
    level: str
    first_day: str | None
    """Of dates: the dataset's column with the first day."""

    @property
    def several(self) -> bool:
        return self.kind.endswith("[]")


def wide_table(connection: "DuckDBPyConnection", options: ExportOptions, *, statuses: bool = False) -> Table:
    """One row per unit of observation. statuses: with the status of each value, beyond the columns."""
    variables = chosen_variables(connection, options)
    keys = _row_columns(connection)
    picked = [(column, f"dataset.{duck.name(column.name)}") for column in keys]
    for variable in variables:
        picked += _variable_columns(connection, variable, options)
    columns = _distinct([column for column, _ in picked], {variable.name for variable in variables})
    picks = [f"{sql} AS {duck.name(column.name)}" for column, (_, sql) in zip(columns, picked, strict=True)]
    places: dict[str, int] = {}
    if statuses:
        of_variable = {variable.name: len(columns) + index for index, variable in enumerate(variables)}
        places = {column.name: of_variable[column.variable] for column in columns if column.variable}
        picks += [f"{_fact(one, 'status')} AS {duck.name(f'status of {one.name}')}" for one in variables]
    return Table(connection, tuple(columns), _wide_sql(filtered_rows(connection, options), keys, picks), places)


def long_table(connection: "DuckDBPyConnection", options: ExportOptions) -> Table:
    """One row per cell, in the order of the dataset."""
    names = ", ".join(duck.text(variable.name) for variable in chosen_variables(connection, options)) or "NULL"
    wanted = f"variable IN ({names})" + (f" AND {_status_filter('status', options)}" if options.statuses else "")
    if options.filter.strip():
        wanted += f" AND {_of_rows(filtered_rows(connection, options), _row_columns(connection))}"
    sql = f"SELECT {', '.join(_LONG)} FROM cells WHERE {wanted} ORDER BY rowid"  # noqa: S608
    return Table(connection, _described(connection, sql), sql)


_LONG = (
    "document", "entity", "source", "variable", "type", "value", "value_number", "unit", "precision", "status", "reason",
    "confidence", "quote", "page", "quote_start", "quote_end", "grounding", "changes", "alternatives", "prompt_version",
    "extractor", "model", "call_ids", "input_tokens", "output_tokens", "cost",
)  # fmt: skip


def evidence_table(connection: "DuckDBPyConnection", options: ExportOptions) -> Table:
    """The columns of the long table that a person reads beside the values, with the status of each."""
    columns = "document, entity, variable, value, status, reason, quote, page, confidence, grounding"
    table = query_table(connection, f"SELECT {columns} FROM ({long_table(connection, options).sql})")  # noqa: S608
    place = [column.name for column in table.columns].index("status")
    return replace(table, statuses={"value": place, "status": place})


def query_table(connection: "DuckDBPyConnection", sql: str) -> Table:
    return Table(connection, _described(connection, sql), sql)


def project_facts(connection: "DuckDBPyConnection") -> dict[str, str]:
    return dict(connection.execute("SELECT key, value FROM project").fetchall())


def chosen_variables(connection: "DuckDBPyConnection", options: ExportOptions) -> list[ExportedVariable]:
    """The variables that the options name, in the codebook's order.

    Raises:
        InvalidInput: a name is not in the codebook.
    """
    rows = connection.execute(
        "SELECT name, label, column_type, level, first_day_column FROM codebook ORDER BY position"
    ).fetchall()
    variables = [ExportedVariable(*row) for row in rows]
    if options.variables is None:
        return variables
    known = {variable.name for variable in variables}
    unknown = [name for name in options.variables if name not in known]
    if unknown:
        allowed = ", ".join(variable.name for variable in variables)
        raise InvalidInput(
            [Problem("export options", None, "variables", "no such variable", name, allowed) for name in unknown]
        )
    return [variable for variable in variables if variable.name in options.variables]


def _row_columns(connection: "DuckDBPyConnection") -> list[Column]:
    """The columns before the first variable: document, entity, source and those of the table of documents."""
    (first,) = duck.one(connection, "SELECT name FROM codebook ORDER BY position LIMIT 1")
    columns = [Column(*row) for row in connection.execute(_DATASET_COLUMNS).fetchall()]
    return columns[: [column.name for column in columns].index(first)]


_DATASET_COLUMNS = """
    SELECT column_name, coalesce(comment, ''), data_type FROM duckdb_columns()
    WHERE table_name = 'dataset' ORDER BY column_index"""

_Picked: TypeAlias = tuple[Column, str]
"""A column and the SQL that gives it."""


def _variable_columns(
    connection: "DuckDBPyConnection", variable: ExportedVariable, options: ExportOptions
) -> list[_Picked]:
    facts = [("confidence", "DOUBLE")] if options.confidence else []
    facts += [("quote", "VARCHAR"), ("page", "INTEGER")] if options.evidence else []
    facts += [("prompt_version", "VARCHAR")] if options.prompt_version else []
    return [
        *_value_columns(connection, variable, options),
        *((_beside(variable, fact, kind), _fact(variable, fact)) for fact, kind in facts),
    ]


def _value_columns(
    connection: "DuckDBPyConnection", variable: ExportedVariable, options: ExportOptions
) -> list[_Picked]:
    value = _shown_where(variable, f"dataset.{duck.name(variable.name)}", options)
    own = Column(variable.name, variable.label, variable.kind, variable.name)
    if variable.several and options.several_values == "numbered":
        kind = variable.kind.removesuffix("[]")
        many = f"SELECT coalesce(max(len({duck.name(variable.name)})), 0) FROM dataset"  # noqa: S608
        most = max(int(duck.one(connection, many)[0]), 1)
        return [
            (replace(_beside(variable, str(n), kind), variable=variable.name), f"({value})[{n}]")
            for n in range(1, most + 1)
        ]
    if variable.first_day is None:
        return [(own, value)]
    day = _shown_where(variable, f"dataset.{duck.name(variable.first_day)}", options)
    return [(own, value), (Column(variable.first_day, f"{variable.label}: first day", "DATE", variable.name), day)]


def _shown_where(variable: ExportedVariable, value: str, options: ExportOptions) -> str:
    if options.statuses is None:
        return value
    return f"CASE WHEN {_status_filter(_fact(variable, 'status'), options)} THEN {value} END"


def _beside(variable: ExportedVariable, what: str, kind: str) -> Column:
    return Column(f"{variable.name}_{what}", f"{variable.label}: {what.replace('_', ' ')}", kind)


def _distinct(columns: Sequence[Column], variables: set[str]) -> list[Column]:
    """The columns, renamed where two would have one name; a variable's own name stays what it is."""
    taken = set(variables)
    distinct: list[Column] = []
    for column in columns:
        name = column.name
        while name.casefold() in taken and name != column.variable:
            name += "_"
        taken.add(name.casefold())
        distinct.append(replace(column, name=name))
    return distinct


def _status_filter(status: str, options: ExportOptions) -> str:
    listed = ", ".join(duck.text(one) for one in options.statuses or ()) or "NULL"
    return f"{status} IN ({listed})"


def _fact(variable: ExportedVariable, fact: str) -> str:
    return f"{variable.level}_facts.of[{duck.text(variable.name)}].{fact}"


def _of_rows(rows: str, keys: Sequence[Column]) -> str:
    """SQL: whether a cell is of one of the rows, or of the document of one."""
    document, entity = (duck.name(column.name) for column in keys[:2])
    own = f"(document, entity) IN (SELECT ({document}, {entity}) FROM {rows})"  # noqa: S608
    whole = f"entity = '' AND document IN (SELECT {document} FROM {rows})"  # noqa: S608
    return f"({whole} OR {own})" if has_entities(keys) else f"({whole})"


def has_entities(keys: Sequence[Column]) -> bool:
    """Whether a document gives many rows. keys: the dataset's columns before the first variable."""
    return keys[1].label.startswith("entity:")


def _wide_sql(rows: str, columns: Sequence[Column], picks: Sequence[str]) -> str:
    """The rows, and beside each the facts of its document's and of its entity's cells."""
    keys = [f"dataset.{duck.name(column.name)}" for column in columns[:2]]  # document, and entity where there are many
    sql = f"SELECT {', '.join(picks)} FROM {rows} AS dataset"  # noqa: S608
    if any("document_facts." in pick for pick in picks):
        sql += f" LEFT JOIN ({_DOCUMENT_FACTS}) AS document_facts ON document_facts.document = {keys[0]}"
    if any("entity_facts." in pick for pick in picks):
        sql += f""" LEFT JOIN ({_ENTITY_FACTS}) AS entity_facts
            ON entity_facts.document = {keys[0]} AND entity_facts.entity = {keys[1]}"""
    entity = f", TRY_CAST({keys[1]} AS BIGINT), {keys[1]}" if has_entities(columns) else ""
    return f"{sql} ORDER BY {keys[0]}{entity}"


_FACTS = """map_from_entries(list((variable, {
    status: status, confidence: confidence, quote: quote, page: page, prompt_version: prompt_version}))) AS of"""
_DOCUMENT_FACTS = f"SELECT document, {_FACTS} FROM cells WHERE entity = '' GROUP BY document"  # noqa: S608
_ENTITY_FACTS = f"SELECT document, entity, {_FACTS} FROM cells WHERE entity <> '' GROUP BY document, entity"  # noqa: S608


def _described(connection: "DuckDBPyConnection", sql: str) -> tuple[Column, ...]:
    described = connection.execute(f"DESCRIBE {sql}").fetchall()
    return tuple(Column(name, name.replace("_", " "), kind) for name, kind, *_ in described)
