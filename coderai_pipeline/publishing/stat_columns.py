"""The wide table as statistics packages want it: categories and booleans as labelled numbers, whole days as days, texts,
and empty values with the reason why they are empty. Writing them is in `export_spss` and `export_stata`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_tables import Column, Table, wide_table
from coderai_pipeline.publishing.export_text import as_shown
from coderai_pipeline.publishing.safety import printable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Missing(StrEnum):
    """Why a value is missing, as its label in the file says."""

    ABSENT = "absent: not stated in the document"
    SKIPPED = "skipped: not asked, its condition does not hold"
    FLAGGED = "flagged: no certain value, to be looked at"
    FAILED = "failed: something went wrong"
    NO_DAY = "not a whole day, or too early: see the text beside it"


_REASONS: Mapping[str | None, Missing] = {
    CellStatus.ABSENT: Missing.ABSENT,
    CellStatus.VALIDATED: Missing.ABSENT,  # a person confirmed that there is none
    CellStatus.CORRECTED: Missing.ABSENT,
    CellStatus.SKIPPED: Missing.SKIPPED,
    CellStatus.FLAGGED: Missing.FLAGGED,
    CellStatus.FAILED: Missing.FAILED,
}
_STATUS_CODES: Mapping[str | None, int] = {status: code for code, status in enumerate(CellStatus, start=1)}
_YES_NO: Mapping[int, str] = {0: "no", 1: "yes"}
OTHER = "another value: see the text beside it"

StatValue: TypeAlias = str | float | date | Missing | None
"""None: missing without a reason, such as a value that is not extracted yet."""

Row: TypeAlias = Sequence[Any]
_Rule: TypeAlias = Mapping[str, Any]
"""A row of the codebook."""


@dataclass(frozen=True, slots=True)
class StatColumn:
    """One variable of the file. value: what it holds for a row of the table; texts are never None.

    kind: number (float or int), day (date) or text. labels: of its whole numbers.
    """

    name: str
    label: str
    kind: Literal["number", "day", "text"]
    value: Callable[[Row], StatValue]
    labels: Mapping[int, str] = field(default_factory=dict[int, str])
    variable: bool = False
    """Whether it holds the values of a variable, so that empty ones have a reason."""

    @property
    def reasons(self) -> tuple[Missing, ...]:
        """The reasons that its values may be missing for."""
        if not self.variable or self.kind == "text":
            return ()
        return tuple(Missing) if self.kind == "day" else tuple(one for one in Missing if one is not Missing.NO_DAY)


def stat_table(
    connection: "DuckDBPyConnection", options: ExportOptions, *, first_day: date
) -> tuple[Table, tuple[StatColumn, ...]]:
    """The rows, and the columns that read them. first_day: the earliest that the format knows."""
    table = wide_table(connection, options, statuses=True)
    found = connection.execute("SELECT name, type, allow_other, categories FROM codebook").fetchall()
    rules = {name: {"type": kind, "other": other, "categories": values} for name, kind, other, values in found}
    sources = [
        _Source(table, index, column, rules.get(column.variable, {}), first_day)
        for index, column in enumerate(table.columns)
    ]
    met = _met(table, [condition for source in sources for condition in source.conditions])
    return table, tuple(column for source in sources for column in _columns_of(replace(source, met=met)))


def _met(table: Table, conditions: Sequence[str]) -> frozenset[str]:
    """Those that hold for any row. Asked at once: one by one, each of thousands of columns would read the whole table."""
    if not conditions:
        return frozenset()
    asked = ", ".join(f"coalesce(bool_or({condition}), false)" for condition in conditions)
    found = duck.one(table.connection, f"SELECT {asked} FROM ({table.sql})")  # noqa: S608
    return frozenset(condition for condition, holds in zip(conditions, found, strict=True) if holds)


@dataclass(frozen=True, slots=True)
class _Source:
    """A column of the wide table. rule: of the variable whose value it holds; empty where it holds something else.

    met: the conditions, of all columns, that hold for any row.
    """

    table: Table
    index: int
    column: Column
    rule: _Rule
    first_day: date
    met: frozenset[str] = frozenset()

    def value(self, row: Row) -> Any:
        return row[self.index]

    def status(self, row: Row) -> str | None:
        return row[self.table.statuses[self.column.name]] if self.rule else None

    def why(self, row: Row) -> Missing | None:
        """Why there is no value. Of several values in columns, those beyond the last given miss for no reason."""
        return _REASONS.get(self.status(row)) if self.rule and not self.is_later else None

    @property
    def is_later(self) -> bool:
        """One of variable_2 ... variable_n."""
        name, variable = self.column.name, self.column.variable
        return name != variable and name.rstrip("_") != f"{variable}_1" and self.column.kind != "DATE"

    @property
    def numbers_categories(self) -> bool:
        """Whether each value can be a labelled number. Of several values in columns, others would have no place for their text."""
        single = self.column.name == self.column.variable
        return self.has_categories and (single or not (self.rule["other"] or self.outside in self.met))

    @property
    def has_categories(self) -> bool:
        return bool(self.rule.get("categories")) and self.column.kind == "VARCHAR"

    @property
    def is_date(self) -> bool:
        return self.rule.get("type") == "date" and self.column.name == self.column.variable

    @property
    def conditions(self) -> list[str]:
        """What has to be known of all rows before it can be said which columns there are."""
        return [self.outside] if self.has_categories else [self.parts] if self.is_date else []

    @property
    def outside(self) -> str:
        """SQL: the value is none of the categories."""
        listed = ", ".join(duck.text(value) for value in self.rule["categories"])
        return f"{duck.name(self.column.name)} NOT IN ({listed})"

    @property
    def parts(self) -> str:
        """SQL: the variable's date is less or more than a day, or one that the format does not know."""
        name = duck.name(self.column.variable)
        return f"length({name}) <> 10 OR {name} < '{self.first_day.isoformat()}'"


def _columns_of(source: _Source) -> Iterator[StatColumn]:
    kind = source.column.kind
    if kind == "BOOLEAN":
        yield _number(source, lambda row: _or_why(source, row, int), _YES_NO)
    elif kind in ("DOUBLE", "INTEGER", "BIGINT"):
        yield _number(source, lambda row: _or_why(source, row, lambda value: value))
    elif source.numbers_categories:
        yield from _category(source)
    elif source.is_date:
        yield from _date(source)
    elif kind == "DATE":
        yield from _first_day(source)
    else:
        yield from _text(source)


def _number(source: _Source, value: Callable[[Row], StatValue], labels: Mapping[int, str] | None = None) -> StatColumn:
    return StatColumn(source.column.name, source.column.label, "number", value, labels or {}, bool(source.rule))


def _or_why(source: _Source, row: Row, read: Callable[[Any], StatValue]) -> StatValue:
    value = source.value(row)
    return source.why(row) if value is None else read(value)


def _category(source: _Source) -> Iterator[StatColumn]:
    """1 to n in the codebook's order. Where others may be given, n + 1, and a column with what they are."""
    codes = {value: code for code, value in enumerate(source.rule["categories"], start=1)}
    labels = {code: printable(value) for value, code in codes.items()}
    other = len(codes) + 1
    has_others = source.rule["other"] or source.outside in source.met
    if has_others:
        labels[other] = OTHER
    yield _number(source, lambda row: _or_why(source, row, lambda value: codes.get(value, other)), labels)
    if has_others:
        given = replace(source.column, name=f"{source.column.name}_other", label=f"{source.column.label}: as given")
        yield _plain_text(given, lambda row: None if source.value(row) in codes else source.value(row))


def _date(source: _Source) -> Iterator[StatColumn]:
    """The day where a whole day is given. Where less or more than a day is given anywhere, also the texts as they are."""

    def day(row: Row) -> StatValue:
        return _or_why(source, row, lambda iso: _day(iso, source.first_day) or Missing.NO_DAY)

    yield StatColumn(source.column.name, source.column.label, "day", day, {}, variable=True)
    if source.parts in source.met:
        given = replace(source.column, name=f"{source.column.name}_text", label=f"{source.column.label}: as given")
        yield _plain_text(given, source.value)


def _first_day(source: _Source) -> Iterator[StatColumn]:
    """Left out where it would repeat the days of the date's own column."""

    def day(row: Row) -> StatValue:
        return _or_why(source, row, lambda value: value if value >= source.first_day else Missing.NO_DAY)

    if source.parts in source.met:
        yield StatColumn(source.column.name, source.column.label, "day", day, {}, variable=True)


def _day(iso: str, earliest: date) -> date | None:
    """The day of an ISO 8601 date; None where it names none, or one that the format does not know."""
    try:
        day = date.fromisoformat(iso[:10])
    except ValueError:
        return None
    return day if len(iso) >= 10 and day >= earliest else None


def _text(source: _Source) -> Iterator[StatColumn]:
    """The text, and beside a variable's its status, since an empty text cannot say why it is empty."""
    yield _plain_text(source.column, source.value)
    if source.rule and not source.is_later:
        labels = {code: str(status) for status, code in _STATUS_CODES.items()}
        label = f"{source.column.label}: status"
        yield StatColumn(
            f"{source.column.variable}_status",
            label,
            "number",
            lambda row: _STATUS_CODES.get(source.status(row)),
            labels,
        )


def _plain_text(column: Column, value: Callable[[Row], Any]) -> StatColumn:
    def text(row: Row) -> str:
        given = value(row)
        return "" if given is None else printable(str(as_shown(given)))

    return StatColumn(column.name, column.label, "text", text)
