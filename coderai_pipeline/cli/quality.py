"""`coderai quality`: how good a project's cells are, by feedback and gold files, per variable."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors, print_table
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.quality import NOT_USED, Measure
from coderai_pipeline.domain.thresholds import check_all
from coderai_pipeline.engine.gate import gold_of
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.quality import Measured, measure_now
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.gold import read_gold_file
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home

_HEADLINES = {
    "accuracy": ("accuracy",),
    "F1 of values": ("value_f1",),
    "kappa": ("kappa", "kappa_weighted"),
    "alpha": ("alpha_nominal", "alpha_ordinal", "alpha_interval"),
}
_OF_ALL = {"empty": ("null_rate",), "flagged": ("flag_rate",), "quote found": ("grounding_rate",)}
_OF_REVIEWERS = {"reviewers agree": ("reviewer_agreement",), "their alpha": ("reviewer_alpha",)}


@click.command("quality")
@click.argument("project_id", metavar="PROJECT")
@click.option(
    "--gold", "gold_file", type=click.Path(exists=True, path_type=Path), help="A gold file beside those in gold/."
)
@click.option("--variable", help="Every measure of this variable, and which cells each rests on.")
def quality(project_id: str, gold_file: Path | None, variable: str | None) -> None:
    """Measure a project's cells against feedback and gold files. Each number has its 95 % interval and its n."""
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        if variable is not None and variable not in loaded.codebook:
            names = [one.name for one in loaded.codebook.variables]
            raise click.UsageError(f"{variable!r} is no variable of {project_id}{did_you_mean(variable, names)}")
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
    if not any(one.name == "accuracy" for one in measured.measures):
        click.echo("nothing has been judged yet: review cells, or put a gold file into the project's folder gold/")
    for source, columns in (
        ("gold", _HEADLINES),
        ("feedback", _HEADLINES),
        ("reviewers", _OF_REVIEWERS),
        ("cells", _OF_ALL),
    ):
        rows = list(_rows([one for one in measured.measures if one.source == source and not one.of], columns))
        if rows:
            print_table((f"by {source}", *columns), rows, one_of_many=True)
            click.echo()
    for one in measured.measures:
        if (one.name, one.source) == ("accuracy", "feedback"):
            click.echo(f"{one.variable}, feedback: {one.basis}")
    for one in measured.measures:
        if one.name == NOT_USED:
            click.echo(f"{one.n} judged cells not used: {one.of}")


def _rows(measures: Sequence[Measure], columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """One a variable; a number always with its interval and n."""
    for variable in dict.fromkeys(one.variable for one in measures):
        stated = {one.name: one.stated for one in measures if one.variable == variable}
        yield variable, *(next((stated[name] for name in names if name in stated), "") for names in columns.values())


def _print_checks(loaded: LoadedProject, measured: Measured) -> None:
    settings = loaded.project.quality
    for check in check_all(settings, measured.measures, [one.name for one in loaded.codebook.asked]):
        said = "passed" if check.passed else "fails, and holds the full run back" if settings.gate else "warns"
        click.echo(f"{check.name}: {said}" + (f": {check.stated}" if check.passed else ""))
        for miss in check.misses:
            click.echo(f"  {miss}")
