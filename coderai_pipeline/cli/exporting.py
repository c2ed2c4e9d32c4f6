"""`coderai export` and `coderai bundle verify`: write a project's dataset in any format, and check a replication bundle.

What formats there are is in `publishing.exports`; what a project exports by default stands in its `project.yaml`.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.bundle_check import verify
from coderai_pipeline.publishing.exports import FORMATS, changed_options, export, export_project
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.projects import Home, find_home
from coderai_pipeline.telemetry.about import about_run

EXIT_DAMAGED = 1
COMMAND_LINE = "the command line"
"""What stands for a run where there is none."""


@click.command("export")
@click.argument("project_id", metavar="PROJECT")
@click.option("--format", "formats", multiple=True, type=click.Choice([*FORMATS]), help="One or more; otherwise all.")
@click.option("--variables", multiple=True, metavar="NAME", help="Only these, repeated or separated by commas.")
@click.option("--filter", "condition", help='Only rows for which this SQL condition holds, such as "total > 100".')
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in CellStatus], case_sensitive=False),
    help="Only values of these statuses.",
)
@click.option("--confidence/--no-confidence", default=None, help="The confidence beside each variable.")
@click.option("--evidence/--no-evidence", default=None, help="The quote and its page beside each variable.")
@click.option("--prompt-version/--no-prompt-version", default=None, help="The prompt version beside each variable.")
@click.option("--wide-values/--joined-values", default=None, help="Several values in columns, or joined in one.")
@click.option("--replies/--no-replies", default=None, help="Bundle: with the model's replies and the texts sent.")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="A folder; otherwise outputs/exports.")
def export_command(
    project_id: str,
    formats: tuple[str, ...],
    variables: tuple[str, ...],
    condition: str | None,
    statuses: tuple[str, ...],
    confidence: bool | None,
    evidence: bool | None,
    prompt_version: bool | None,
    wide_values: bool | None,
    replies: bool | None,
    to: Path | None,
) -> None:
    """Write the newest dataset in these formats. What is not said here is as `exports:` in project.yaml says."""
    named = [name.strip() for given in variables for name in given.split(",") if name.strip()]
    changes = {
        "variables": tuple(named) or None,
        "filter": condition,
        "statuses": tuple(map(CellStatus, statuses)) or None,
        "confidence": confidence,
        "evidence": evidence,
        "prompt_version": prompt_version,
        "several_values": None if wide_values is None else "numbered" if wide_values else "joined",
        "replies": replies,
    }
    with plain_errors():
        for path in _written(project_id, formats or tuple(FORMATS), changes, to):
            click.echo(str(path))


def _written(
    project_id: str, formats: tuple[str, ...], changes: Mapping[str, object], to: Path | None
) -> Iterator[Path]:
    loaded = Home(find_home()).project(project_id).load()
    snapshot = newest_snapshot(loaded.folder.outputs)
    if snapshot is None:
        remedy = f"there is no dataset yet; run `coderai run {project_id}` first"
        raise InvalidInput([Problem(project_id, None, "", remedy)])
    options: ExportOptions = changed_options(loaded.project.exports, changes)
    for format in formats:
        with about_run(loaded.id, COMMAND_LINE, shows_text=loaded.project.privacy.show_text):
            if to is None:
                files = export_project(format, loaded, snapshot, options)
            else:
                files = export(format, snapshot, to, options)
        yield from files


@click.group("bundle")
def bundle() -> None:
    """Replication bundles, which `coderai export PROJECT --format bundle` writes."""


@bundle.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify_command(file: Path) -> None:
    """Check every checksum of a replication bundle. Exit code 0: it is whole. 1: it is not. 2: it is no bundle."""
    with plain_errors():
        checked = verify(file)
    for problem in checked.problems:
        click.echo(str(problem), err=True)
    if checked.problems:
        click.echo(f"{file}: {len(checked.problems):,} problems in {checked.files:,} files", err=True)
        sys.exit(EXIT_DAMAGED)
    click.echo(f"{file}: whole; {checked.files:,} files are as recorded, {checked.replies:,} of them replies")
