"""`coderai ledger`: shows that every cell a project wants is settled, or what is open and why.

The account itself is made in `engine.ledger`.
"""

import json
import sys
from collections import Counter

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.engine.ledger import Ledger, named, open_ledger
from coderai_pipeline.engine.report import counted
from coderai_pipeline.storage.projects import Home, find_home

EXIT_OPEN = 1
LISTED = 40
"""Reasons shown in the table; `--open` and `--json` give everything."""


@click.command("ledger")
@click.argument("project_id", metavar="PROJECT")
@click.option("--open", "each_cell", is_flag=True, help="List every cell that is not settled, tab-separated.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole account as JSON.")
def ledger(project_id: str, *, each_cell: bool, as_json: bool) -> None:
    """Prove that every wanted cell is settled, or list what is open and why.

    Exit code 0: every document was read and every wanted cell is settled. 1: something is open or failed.
    """
    with plain_errors(), open_ledger(Home(find_home()).project(project_id).load()) as account:
        if as_json:
            click.echo(json.dumps(_stated(account, each_cell=each_cell), ensure_ascii=False, indent=1))
        elif each_cell:
            _print_cells(account)
        else:
            _print(account, project_id)
        closes = account.closes
    sys.exit(0 if closes else EXIT_OPEN)


def _print(account: Ledger, project_id: str) -> None:
    states = Counter(line.state for line in account.lines)
    click.echo(f"documents: {len(account.lines):,} ({_counted(states)})")
    click.echo(f"cells:     {_counted(Counter(account.statuses))}")
    click.echo(f"ledger:    {account.stated}")
    if account.gone:
        click.echo(
            f"gone:      {counted(len(account.gone), 'document')} no longer in the inbox ({_printable(named(account.gone))}); cells "
            f"stay in the dataset until you say: coderai document forget {project_id} KEY"
        )
    if account.paused:
        click.echo(f"paused:    {account.paused}; `coderai resume {project_id}` lets it go on")
    if not account.closes:
        _print_reasons(account)


def _print_reasons(account: Ledger) -> None:
    reasons = account.reasons()
    table = Table(title="open", title_justify="left")
    table.add_column("state")
    table.add_column("why", overflow="fold")
    table.add_column("documents", justify="right")
    table.add_column("cells", justify="right")
    table.add_column("which", overflow="fold")
    for state, why, documents, cells, which in reasons[:LISTED]:
        table.add_row(Text(state), Text(_printable(why)), f"{documents:,}", f"{cells:,}", Text(_printable(which)))
    Console().print(table)
    if len(reasons) > LISTED:
        click.echo(f"... and {len(reasons) - LISTED} more reasons: --open lists every cell")


def _print_cells(account: Ledger) -> None:
    """A line a cell; documents that want no cells, since they could not be read, have one line with no variable."""
    for line in account.lines:
        if not line.closes and not line.open + line.failed:
            click.echo("\t".join((_printable(line.source), "", "", _printable(line.why))))
    for cell in account.open_cells():
        click.echo("\t".join((_printable(cell.source), cell.entity, cell.variable, _printable(cell.why))))


def _stated(account: Ledger, *, each_cell: bool) -> dict[str, object]:
    stated: dict[str, object] = {
        "closes": account.closes,
        "wanted": account.wanted,
        "settled": account.settled,
        "failed": account.failed,
        "open": account.open,
        "cells": dict(account.statuses),
        "documents": dict(Counter(line.state for line in account.lines)),
        "gone": list(account.gone),
        "paused": account.paused,
        "not_settled": [
            {
                "document": line.document,
                "source": line.source,
                "state": line.state,
                "why": line.why,
                "wanted": line.wanted,
                "settled": line.settled,
                "failed": line.failed,
                "open": line.open,
            }
            for line in account.lines
            if not line.closes
        ],
    }
    if each_cell:
        stated["open_cells"] = [
            {"document": cell.document, "entity": cell.entity, "variable": cell.variable, "why": cell.why}
            for cell in account.open_cells()
        ]
    return stated


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.most_common()) or "none"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
