"""`coderai batch ...`: batch mode by hand, where no UI runs: submit a project's calls, ask after them, collect the replies.

The sensor `batches` does the same by itself; the rules are in `engine.batching`.
"""

import sys
from collections.abc import Sequence

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home

EXIT_NOT_SUBMITTED = 1
REASONS = 10


@click.group("batch")
def batch() -> None:
    """Send a project's calls through the provider's Batch API: half the price, replies within a day.

    Needs `batch: true` under `extractor` in project.yaml. `coderai run` then settles what was collected.
    """


@batch.command("submit")
@click.argument("project_id", metavar="PROJECT")
@click.option("--sample", type=click.IntRange(1), help="Only so many documents, chosen by the seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the sample.")
@click.option("--documents", multiple=True, metavar="KEY", help="Only these documents: keys, or paths below the inbox.")
@click.option("--retry-failed", is_flag=True, help="Also what failed, once more.")
def submit(project_id: str, sample: int | None, seed: int, documents: Sequence[str], *, retry_failed: bool) -> None:
    """Read what is new, and submit every call that is neither answered nor under way."""
    from coderai_pipeline.defs.headless import open_instance, run_job

    with plain_errors():
        home = Home(find_home())
        loaded = home.project(project_id).load()
        config = {"documents": list(documents), "sample_size": sample or 0, "seed": seed, "retry_failed": retry_failed}
        with open_instance(home.root) as instance:
            result = run_job(instance, loaded.folder, "submit_batch", config)
        _print_tickets(loaded)
    if not result.success:
        click.echo(f"not everything was submitted: {_why(result.all_events)}", err=True)
        sys.exit(EXIT_NOT_SUBMITTED)


@batch.command("status")
@click.argument("project_id", metavar="PROJECT")
def status(project_id: str) -> None:
    """List the batches whose replies are not collected yet. The server is not asked."""
    with plain_errors():
        _print_tickets(Home(find_home()).project(project_id).load())


@batch.command("collect")
@click.argument("project_id", metavar="PROJECT")
def collect(project_id: str) -> None:
    """Ask after the batches, and put the replies of those that ended into the archive."""
    from coderai_pipeline.engine import batching

    with plain_errors():
        came = batching.collect(Home(find_home()).project(project_id).load())
    click.echo(f"collected: {came.answered} replies of {len(came.ended)} batches; {len(came.open)} are under way")
    for why, number in list(came.without.items())[:REASONS]:
        click.echo(f"no reply:  {number} calls: {why}")
    if came.ended:
        click.echo(f"`coderai run {project_id}` settles what has come back")


@batch.command("cancel")
@click.argument("project_id", metavar="PROJECT")
def cancel(project_id: str) -> None:
    """End the batches under way. What they answered until then is paid for, and collected.

    Nothing is submitted again by itself until the project is run or resumed.
    """
    from coderai_pipeline.engine import batching

    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        under_way = batching.tickets(loaded)
        batching.cancel(loaded, "from the command line")
        came = batching.collect(loaded)
    click.echo(f"cancelled: {len(under_way) - len(came.open)} batches; {len(came.open)} are still ending")
    click.echo(f"collected: {came.answered} replies")
    if came.open:
        click.echo(f"`coderai batch collect {project_id}` collects what the others answered, as the UI does by itself")


def _print_tickets(loaded: LoadedProject) -> None:
    from coderai_pipeline.engine import batching

    tickets = batching.tickets(loaded)
    click.echo(f"batches under way: {len(tickets)}")
    for ticket in tickets:
        name = ticket.batch or "not told its name yet"
        reserved = f"{ticket.estimated_tokens:,} tokens reserved"
        click.echo(
            f"  {name}: {ticket.status}, {len(ticket.call_ids):,} calls, {reserved}, since {ticket.submitted_at}"
        )


def _why(events: Sequence[object]) -> str:
    import dagster as dg

    failures = [event for event in events if isinstance(event, dg.DagsterEvent) and event.is_step_failure]
    data = failures[0].step_failure_data if failures else None
    said = data.user_failure_data.description if data is not None and data.user_failure_data else None
    error = data.error.message if data is not None and data.error else ""
    return said or error or "the run in the UI says why"
