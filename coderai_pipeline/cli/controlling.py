"""`coderai retry` and `coderai cancel`: words to a project's runs that start or end one. Pause and resume are in `running`."""

import sys

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home


@click.command("retry")
@click.argument("project_id", metavar="PROJECT")
def retry(project_id: str) -> None:
    """Read and extract once more what failed, and nothing else.

    Exit code 0: all of it is settled now.
    """
    from coderai_pipeline.cli.running import EXIT_NOT_SETTLED, run_project
    from coderai_pipeline.engine.run import Scope

    with plain_errors():
        home = Home(find_home())
        loaded = home.project(project_id).load()
        failed = _failed(loaded)
        if not failed:
            click.echo(f"{project_id}: nothing has failed")
            return
        settled = run_project(home, loaded, Scope(documents=failed, retry_failed=True))
    sys.exit(0 if settled else EXIT_NOT_SETTLED)


@click.command("cancel")
@click.argument("project_id", metavar="PROJECT")
def cancel(project_id: str) -> None:
    """End the project's runs; what they have stored is kept. None starts by itself until it is run or resumed."""
    from coderai_pipeline.defs.headless import open_instance
    from coderai_pipeline.defs.stopping import cancel_runs

    with plain_errors():
        home = Home(find_home())
        home.project(project_id)
        with open_instance(home.root) as instance:
            outcomes = cancel_runs(instance, project_id)
    for run_id, what in outcomes.items():
        click.echo(f"run {run_id}: {what}")
    if not outcomes:
        click.echo(f"{project_id}: no run is under way")


def _failed(loaded: LoadedProject) -> tuple[str, ...]:
    from coderai_pipeline.engine.held import Held

    held = Held.load(BlockStore(loaded.folder.state))
    unread = [
        one.key for one in held.documents.values() if not (one.status.is_readable or one.duplicate_of or one.removed)
    ]
    return (*unread, *(one.document for one in held.settlements.values() if one.outcome == "failed"))
