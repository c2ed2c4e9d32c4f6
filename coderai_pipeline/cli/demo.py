"""`coderai demo`: the bundled projects, from documents to dataset and exports, and how far the result agrees with the truth."""

import shutil
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.cli.running import run_project
from coderai_pipeline.demo import demo_projects, gold
from coderai_pipeline.domain.agreement import agreement
from coderai_pipeline.engine.held import held_cells
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.publishing.preview import Preview, first_rows
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.gold import GOLD_FOLDER
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder, find_home

ROWS = 8
COLUMN_WIDTH = 28
MIN_WIDTH = 120
"""Piped output has no width of its own."""


@click.command("demo")
@click.option("--no-run", is_flag=True, help="Only put the demo projects in place, for the UI.")
def demo(*, no_run: bool) -> None:
    """Run the demo projects: no key, no server. Repeating it does only what is missing."""
    with plain_errors():
        home = Home(find_home())
        folders = {put_in_place(home, source): source for source in demo_projects()}
        if not no_run:
            for folder, source in folders.items():
                show(home, folder, source)
            _print_places(list(folders))
    sys.exit(0)


def put_in_place(home: Home, source: Path) -> ProjectFolder:
    """Copies a demo project into the home of projects, without touching one that is there."""
    target = home.root / source.name
    if not target.exists():
        home.root.mkdir(parents=True, exist_ok=True)
        unfinished = home.root / f".{source.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(source, unfinished)
        (unfinished / GOLD_FOLDER).mkdir()
        (unfinished / "gold.csv").rename(unfinished / GOLD_FOLDER / "gold.csv")
        unfinished.rename(target)
    folder = home.project(source.name)
    if Control(folder.state).acceptance is None:
        Control(folder.state).accept("the demo", "its sample needs no review")
    return folder


def show(home: Home, folder: ProjectFolder, source: Path) -> None:
    """Runs one demo project and prints its first rows and its agreement with the gold file."""
    loaded = folder.load()
    click.secho(f"\n{loaded.project.name}  ({folder.id})", bold=True)
    run_project(home, loaded, Scope())
    snapshot = newest_snapshot(folder.outputs)
    assert snapshot is not None, "a run that ended has published"
    _print_rows(first_rows(snapshot, ROWS))
    click.echo(_agreement(loaded, source))


def _print_places(folders: list[ProjectFolder]) -> None:
    """The last thing on the screen: where everything is."""
    click.secho("\nWhere everything is", bold=True)
    for folder in folders:
        click.echo(f"{folder.id}")
        click.echo(f"  drop documents into   {folder.inbox}")
        click.echo(f"  dataset (DuckDB)      {folder.outputs / 'dataset.duckdb'}")
        click.echo(f"  exports (Excel, ...)  {folder.exports}")
    click.echo("The UI, which takes in what is dropped: make ui")


def _print_rows(preview: Preview) -> None:
    """As many columns as fit on a line; the whole table is in the DuckDB file and the exports."""
    console = Console(width=max(Console().width, MIN_WIDTH))
    table = Table(title=f"the first {len(preview.rows)} rows", title_justify="left")
    width = 1
    for at, name in enumerate(preview.columns):
        longest = min(COLUMN_WIDTH, max(len(name), *(len(row[at]) for row in preview.rows)))
        width += longest + 3
        if at and width > console.width:
            break
        table.add_column(name, max_width=COLUMN_WIDTH, no_wrap=True, overflow="ellipsis")
    for row in preview.rows:
        table.add_row(*map(Text, row[: len(table.columns)]))
    console.print(table)


def _agreement(loaded: LoadedProject, source: Path) -> str:
    wanted = gold(source)
    by_document = held_cells(BlockStore(loaded.folder.state), sorted({one.document for one in wanted}))
    cells = [cell for variables in by_document.values() for held in variables.values() for cell, _ in held]
    found = agreement(wanted, cells)
    return f"\n{found.right} of {found.total} cells agree with the gold file ({found.share or 0:.0%})."
