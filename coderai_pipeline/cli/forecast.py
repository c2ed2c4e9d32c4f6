"""`coderai forecast`: what the next run takes, before anything is paid for.

The numbers are made in `engine.forecasting`.
"""

import json
from dataclasses import asdict

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.domain.forecast import Figure
from coderai_pipeline.engine.forecasting import Forecast
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.projects import Home, find_home


@click.command("forecast")
@click.argument("project_id")
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
    else:
        _print(made)


def _print(made: Forecast) -> None:
    totals = made.totals
    unread = f", {made.unread:,} of them not read yet" if made.unread else ""
    click.echo(f"documents:         {made.documents:,} to extract{unread}")
    click.echo(f"calls:             {_number(totals.calls)}")
    click.echo(f"prompt tokens:     {_number(totals.prompt_tokens)}")
    click.echo(f"completion tokens: {_number(totals.completion_tokens)}")
    if totals.cost is not None:
        cost = totals.cost
        click.echo(f"cost:              {cost.expected:.4g} {made.currency} ({cost.low:.4g} to {cost.high:.4g})")
    if not made.batch:
        seconds = totals.seconds
        click.echo(
            f"time:              {_time(seconds.expected)} ({_time(seconds.low)} to {_time(seconds.high)}) at the limits"
        )
    click.echo(f"budget:            {made.tokens_left:,} tokens left: {'it fits' if made.fits else 'see below'}")
    for note in made.notes:
        click.echo(f"- {note}")


def _number(figure: Figure) -> str:
    return f"{figure.expected:,.0f} ({figure.low:,.0f} to {figure.high:,.0f})"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
