"""The rows of a statistics file, column by column, under names that the format takes; and its date, which is the snapshot's.

Which columns there are is decided in `stat_columns`; what a format makes of them in `export_spss` and `export_stata`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from coderai_pipeline.publishing.export_tables import Table
from coderai_pipeline.publishing.stat_columns import StatColumn, StatValue
from coderai_pipeline.publishing.stat_names import free_name


def named(columns: Sequence[StatColumn], table: Table, longest: Callable[[StatColumn], int]) -> tuple[StatColumn, ...]:
    """The columns under names that the format takes, variables first in line for theirs. A label tells of a changed name."""
    own = {column.name for column in table.columns}
    taken: set[str] = set()
    names: dict[int, str] = {}
    for index, column in sorted(enumerate(columns), key=lambda pair: pair[1].name not in own):
        names[index] = free_name(column.name, longest(column), taken)
        taken.add(names[index].lower())
    return tuple(_renamed(column, names[index]) for index, column in enumerate(columns))


def gather(
    rows: Iterable[Sequence[Any]], columns: Sequence[StatColumn], coded: Callable[[StatColumn, StatValue], object]
) -> dict[str, list[object]]:
    """Column name -> its values, coded as the format wants them."""
    found: dict[str, list[object]] = {column.name: [] for column in columns}
    fill = [(column, column.value, found[column.name].append) for column in columns]
    for row in rows:
        for column, value, append in fill:
            append(coded(column, value(row)))
    return found


def stamp(path: Path, at: int, length: int, moment: datetime, form: str) -> None:
    """Write the moment over the time of writing, so that equal content gives equal bytes."""
    text = moment.strftime(form).encode()
    assert len(text) == length, "both formats give the moment a fixed width"
    with path.open("r+b") as file:
        file.seek(at)
        file.write(text)


def published_at(facts: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(facts["published_at"])


def _renamed(column: StatColumn, name: str) -> StatColumn:
    return column if name == column.name else replace(column, name=name, label=f"{column.name}: {column.label}")
