"""`coderai quality`: how good a project's cells are, by feedback and gold files, per variable."""

from collections.abc import Sequence
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors, print_table
from coderai_pipeline.domain.quality import Measure
from coderai_pipeline.domain.thresholds import check_all
from coderai_pipeline.engine.gate import gold_of
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.quality import Measured, measure_now
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.gold import read_gold_file
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home

HEADLINES = ("accuracy", "value_precision", "value_recall", "value_f1", "kappa", "kappa_weighted")
_OF_ALL = ("null_rate", "flag_rate", "grounding_rate")


@click.command("quality")
@click.argument("project_id")
@click.option(
    "--gold", "gold_file", type=click.Path(exists=True, path_type=Path), help="A gold file beside those in gold/."
)
@click.option("--variable", help="Every measure of this variable, and which cells each rests on.")
def quality(project_id: str, gold_file: Path | None, variable: str | None) -> None:
    """Measure a project's cells against feedback and gold files. Each number has its 95 % interval and its n."""
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        if variable is not None and variable not in loaded.codebook:
            raise click.UsageError(f"{variable!r} is no variable of {project_id}")
        more = read_gold_file(gold_file, loaded.codebook) if gold_file else []
        definition = Definition(loaded.id, loaded.project, loaded.codebook)
        measured = measure_now(definition, BlockStore(loaded.folder.state), [*gold_of(loaded), *more])
    _print(measured, variable)
    _print_checks(loaded, measured)


def _print(measured: Measured, variable: str | None) -> None:
    if variable is not None:
        chosen = [one for one in measured.measures if one.variable == variable]
        rows = [(one.name, one.of, one.stated, f"{one.source}: {one.basis}") for one in chosen]
        print_table(("measure", "of", "value (95 % interval, n)", "cells"), rows)
        return
    judged = [one for one in measured.measures if one.source in ("feedback", "gold", "reviewers") and not one.of]
    chosen = [one for one in judged if one.name in HEADLINES or one.name.startswith(("alpha", "reviewer"))]
    if not chosen:
        click.echo("nothing has been judged yet: review cells, or put a gold file into the project's folder gold/")
    print_table(("variable", "measure", "value (95 % interval, n)", "by"), [_row(one) for one in chosen])
    click.echo()
    rest = [one for one in measured.measures if one.name in _OF_ALL]
    print_table(("variable", "measure", "value (95 % interval, n)", "by"), [_row(one) for one in rest])
    for basis in _bases(chosen):
        click.echo(basis)
    for why, number in measured.unused.items():
        click.echo(f"{number} judged cells not used: {why}")


def _row(one: Measure) -> tuple[str, ...]:
    return one.variable, one.name.replace("_", " "), one.stated, one.source


def _bases(measures: Sequence[Measure]) -> list[str]:
    """Which cells the accuracies rest on."""
    return [f"{one.variable}, {one.source}: {one.basis}" for one in measures if one.name == "accuracy"]


def _print_checks(loaded: LoadedProject, measured: Measured) -> None:
    settings = loaded.project.quality
    for check in check_all(settings, measured.measures, [one.name for one in loaded.codebook.asked]):
        said = "passed" if check.passed else "fails, and holds the full run back" if settings.gate else "warns"
        click.echo(f"{check.name}: {said}: {check.stated}")
