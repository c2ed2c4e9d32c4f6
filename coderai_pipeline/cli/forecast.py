"""`coderai forecast`: what the next run takes, before anything is paid for.

The numbers are made in `engine.forecasting`.
"""

import json
from dataclasses import asdict

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.projects import Home, find_home


@click.command("forecast")
@click.argument("project_id", metavar="PROJECT")
@click.option("--sample", type=click.IntRange(1), help="Of a sample of so many documents instead of everything.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the sample.")
@click.option("--retry-failed", is_flag=True, help="Also of documents whose extraction failed.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def forecast(project_id: str, sample: int | None, seed: int, *, retry_failed: bool, as_json: bool) -> None:
    """Calls, tokens, cost and time of the next run, each with the interval that holds it in 95 of 100 cases.

    What is held costs nothing and is left out. Nothing is sent.
    """
    from coderai_pipeline.engine import forecasting

    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        made = forecasting.forecast(loaded, Scope(sample=sample, seed=seed, retry_failed=retry_failed))
    if as_json:
        click.echo(json.dumps({**asdict(made), "fits": made.fits}, ensure_ascii=False, indent=1))
        return
    for what, number in forecasting.stated(made).items():
        if what != "notes":
            click.echo(f"{what + ':':<19}{number}")
    for note in made.notes:
        click.echo(f"- {note}")
    if not made.documents:
        click.echo(f"- nothing is missing of what is in {loaded.folder.inbox}: drop documents there")
