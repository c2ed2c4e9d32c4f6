"""A deployment of its own for a test: a home of projects and a Dagster instance, on SQLite or PostgreSQL.

Documents and model servers come from `tests.engine.projects` and `tests.servers`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psycopg2
import psycopg2.sql

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Deployment:
    """postgres: URL of the database that holds Dagster's storage; "" = SQLite below `dagster`."""

    root: Path
    postgres: str = ""

    @property
    def projects(self) -> Path:
        return self.root / "projects"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def environment(self) -> dict[str, str]:
        """What has to stand in the environment of a process that is to work in this deployment."""
        stated = {"CODERAI_HOME": str(self.projects), "DAGSTER_HOME": str(self.dagster)}
        return stated | ({"CODERAI_POSTGRES_URL": self.postgres} if self.postgres else {})

    def coderai(
        self, *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """The command line in a process of its own, started in a folder that is not the checkout."""
        return subprocess.run(
            coderai_command(*arguments),
            env={**os.environ, **self.environment, **(environment or {})},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def holding(self, words: str) -> list[str]:
        """Where in Dagster's storage and logs these words stand: files, and tables of the database."""
        wanted = words.encode()
        files = [str(path) for path in self.dagster.rglob("*") if path.is_file() and wanted in path.read_bytes()]
        return files + (_tables_holding(self.postgres, words) if self.postgres else [])


def coderai_command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from coderai_pipeline.cli import main; main()", *arguments]


@contextmanager
def deployed(root: Path, postgres: str = "") -> Iterator[Deployment]:
    """Makes a deployment below `root`, and this process work in it."""
    deployment = Deployment(root, postgres)
    deployment.projects.mkdir(parents=True)
    with mock.patch.dict(os.environ, deployment.environment):
        yield deployment


def new_database(server_url: str, name: str) -> str:
    """Makes an empty database on a PostgreSQL server; its URL."""
    connection = psycopg2.connect(server_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(psycopg2.sql.SQL("DROP DATABASE IF EXISTS {}").format(psycopg2.sql.Identifier(name)))
        cursor.execute(psycopg2.sql.SQL("CREATE DATABASE {}").format(psycopg2.sql.Identifier(name)))
    connection.close()
    return re.sub(r"/postgres(?=\?|$)", f"/{name}", server_url, count=1)


def _tables_holding(url: str, words: str) -> list[str]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found: list[str] = []
        for table in tables:
            query = psycopg2.sql.SQL("SELECT count(*) FROM {} AS t WHERE strpos(t::text, %s) > 0")
            cursor.execute(query.format(psycopg2.sql.Identifier(table)), (words,))
            counted = cursor.fetchone()
            if counted and counted[0]:
                found.append(table)
    connection.close()
    return found
