"""Exporting a snapshot: the formats by name, and the one way to write them.

Each format's own module writes its files; what goes in them is in `export_tables`. The snapshot is a versioned file,
never the stable name, so that what is exported cannot change while it is written.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.codebook_pages import write_codebook_excel, write_codebook_markdown
from coderai_pipeline.publishing.excel import write_excel
from coderai_pipeline.publishing.export_bundle import write_bundle
from coderai_pipeline.publishing.export_parquet import write_parquet
from coderai_pipeline.publishing.export_spss import write_spss
from coderai_pipeline.publishing.export_stata import write_stata
from coderai_pipeline.publishing.export_text import write_csv_long, write_csv_wide, write_jsonl
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.unfinished import unfinished
from coderai_pipeline.telemetry import logs, traces
from coderai_pipeline.telemetry.about import current

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Writer: TypeAlias = "Callable[[DuckDBPyConnection, Path, ExportOptions], None]"
"""Writes a format's files into an empty folder."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what people are told of it, the files it makes, and what writes them."""

    description: str
    files: tuple[str, ...]
    write: Writer


FORMATS: Mapping[str, Format] = {
    "csv_wide": Format("one row per unit of observation", ("dataset.csv",), write_csv_wide),
    "csv_long": Format("one row per value, with its evidence", ("cells.csv",), write_csv_long),
    "excel": Format("data, codebook and evidence sheets", ("dataset.xlsx",), write_excel),
    "jsonl": Format("one JSON object per row", ("dataset.jsonl",), write_jsonl),
    "parquet": Format("typed columns, wide and long", ("dataset.parquet", "cells.parquet"), write_parquet),
    "spss": Format("SPSS: labels, and reasons of missing values", ("dataset.sav",), write_spss),
    "stata": Format("Stata: labels, and reasons of missing values", ("dataset.dta",), write_stata),
    "bundle": Format("what it takes to check the dataset or make it again", ("replication.zip",), write_bundle),
    "codebook_markdown": Format("the variables and how they came out", ("codebook.md",), write_codebook_markdown),
    "codebook_excel": Format("the variables and their categories", ("codebook.xlsx",), write_codebook_excel),
}


def changed_options(options: ExportOptions, changes: Mapping[str, object]) -> ExportOptions:
    """The options with those changed that somebody stated; None = not stated."""
    stated = {key: value for key, value in changes.items() if value is not None}
    return ExportOptions.model_validate({**options.model_dump(), **stated})


def export(format: str, snapshot: Path, folder: Path, options: ExportOptions | None = None) -> tuple[Path, ...]:
    """Write a snapshot in a format, and give the files' paths; each replaces the one before when it is whole.

    Raises:
        InvalidInput: there is no such format, or no variable of a name that the options give.
    """
    chosen = FORMATS.get(format)
    if chosen is None:
        raise InvalidInput([Problem("exports", None, "format", "no such format", format, ", ".join(FORMATS))])
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with traces.span("write export", {"coderai.format": format, "coderai.snapshot": snapshot.name}):
        files = _written(chosen, format, snapshot, folder, options or ExportOptions())
    shown = {"format": format, "snapshot": snapshot.name, "files": [file.name for file in files]}
    size = sum(file.stat().st_size for file in files)
    logs.tell("export written", current(), {**shown, "bytes": size, "seconds": round(time.monotonic() - began, 3)})
    return files


def export_project(
    format: str, loaded: LoadedProject, snapshot: Path, options: ExportOptions | None = None
) -> tuple[Path, ...]:
    """Write a format among the project's exports. options: None = as project.yaml says.

    Files as project.yaml says take the time of the snapshot that they hold: by it `is_current` knows them.
    """
    usual = loaded.project.exports
    files = export(format, snapshot, loaded.folder.exports, options or usual)
    if options in (None, usual):
        made = snapshot.stat()
        for file in files:
            os.utime(file, ns=(made.st_atime_ns, made.st_mtime_ns))
    return files


def is_current(format: str, loaded: LoadedProject, snapshot: Path) -> bool:
    """Whether a format's files hold the snapshot as project.yaml says, which has not changed since, and nobody wrote to them."""
    made, stated = snapshot.stat().st_mtime_ns, loaded.folder.project_file.stat().st_mtime
    files = [loaded.folder.exports / name for name in FORMATS[format].files]
    return all(file.is_file() and file.stat().st_mtime_ns == made and file.stat().st_ctime > stated for file in files)


def behind(loaded: LoadedProject, snapshot: Path) -> list[str]:
    """The formats whose files are missing or hold an older snapshot, whatever options they were written with."""
    made = snapshot.stat().st_mtime_ns

    def is_behind(file: Path) -> bool:
        return not file.is_file() or file.stat().st_mtime_ns < made

    return [key for key, one in FORMATS.items() if any(is_behind(loaded.folder.exports / name) for name in one.files)]


def _written(chosen: Format, format: str, snapshot: Path, folder: Path, options: ExportOptions) -> tuple[Path, ...]:
    with unfinished(folder, format) as work:
        with duck.read(snapshot) as connection:
            chosen.write(connection, work, options)
        return tuple((work / name).replace(folder / name) for name in chosen.files)
