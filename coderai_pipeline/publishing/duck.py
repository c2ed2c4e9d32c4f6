"""DuckDB as publishing uses it: bounded memory, no extensions fetched, and names and texts quoted.

What is asked of it is in the modules that hold the SQL.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Settings: TypeAlias = dict[str, str | bool | int | float | list[str]]

MEMORY_LIMIT = "2GB"
STORAGE_VERSION = "v1.0.0"
"""The file format that every DuckDB since 1.0 reads: analysts do not update theirs with ours."""


@contextmanager
def create(path: Path, *, scratch: Path, memory: str = MEMORY_LIMIT) -> Generator["DuckDBPyConnection"]:
    """A new database file, checkpointed and closed on leaving; what does not fit in memory spills to `scratch`."""
    import duckdb

    settings: Settings = {
        "memory_limit": memory,
        "temp_directory": str(scratch),
        "storage_compatibility_version": STORAGE_VERSION,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(str(path), config=settings)
    try:
        yield connection
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


@contextmanager
def in_memory() -> Generator["DuckDBPyConnection"]:
    """A database that is gone on leaving."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "autoload_known_extensions": "false"})
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def read(path: Path) -> Generator["DuckDBPyConnection"]:
    """A snapshot, opened for reading and unable to reach anything else."""
    import duckdb

    settings: Settings = {"memory_limit": MEMORY_LIMIT, "enable_external_access": "false", "lock_configuration": "true"}
    connection = duckdb.connect(str(path), read_only=True, config=settings)
    try:
        yield connection
    finally:
        connection.close()


def seal(connection: "DuckDBPyConnection") -> None:
    """From here on the connection reads and writes its own file alone, and nothing can change that."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def one(connection: "DuckDBPyConnection", sql: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
    row = connection.execute(sql, parameters).fetchone()
    assert row is not None, "an aggregate gives a row"
    return row


def name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def names(identifiers: list[str] | tuple[str, ...]) -> str:
    return ", ".join(name(identifier) for identifier in identifiers)
