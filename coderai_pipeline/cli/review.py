"""`coderai review` writes out what people should look at, `coderai feedback` applies what they said."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.domain.review_order import AUDIT_SAMPLE
from coderai_pipeline.engine.feedback import FileReport
from coderai_pipeline.storage.inbox import InboxFile, InboxScan
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home

EXIT_NOT_APPLIED = 1
HELD_BACK = "the reason may quote values, see the table `feedback` of the dataset"


@click.command("review")
@click.argument("project_id", metavar="PROJECT")
@click.option("--blind", is_flag=True, help="Hide the model's values; the audit sample alone.")
@click.option(
    "--sample", type=click.IntRange(0), default=AUDIT_SAMPLE, show_default=True, help="Cells drawn by chance."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the sample.")
def review(project_id: str, *, blind: bool, sample: int, seed: int) -> None:
    """Write a workbook and a page with the cells to look at first: flagged and uncertain ones, and an audit sample."""
    from coderai_pipeline.engine.review import make_review

    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        made = make_review(loaded, _published(loaded), sample=sample, seed=seed, blind=blind)
    drawn = sum(cell.inclusion_probability is not None for cell in made.review.cells)
    click.echo(
        f"{len(made.review.cells)} cells to look at, {drawn} of them drawn by chance; {made.review.judged} judged before"
    )
    for note in made.review.left_out:
        click.echo(note)
    click.echo(f"workbook:  {made.workbook}")
    click.echo(f"page:      {made.page}")
    click.echo(f"filled in, either goes into {loaded.folder.feedback}, or: coderai feedback {project_id} FILE")


@click.command("feedback")
@click.argument("project_id", metavar="PROJECT")
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def feedback(project_id: str, files: tuple[Path, ...]) -> None:
    """Apply feedback: these FILES, or everything in the project's folder feedback/. Applying a file again changes nothing.

    Exit code 0: every row was applied. 1: some were not; each is listed with the reason.
    """
    from coderai_pipeline.engine.feedback import adopt
    from coderai_pipeline.storage.inbox import scan_feedback

    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        scan = None if files else scan_feedback(loaded.folder, settled_after_s=0)
        reports = _apply(loaded, [adopt(loaded.folder, path) for path in files] if scan is None else scan.files)
        _print(reports, scan, quoted=loaded.project.privacy.show_text)
        if reports:
            _published(loaded)
            click.echo(f"dataset:   {loaded.folder.outputs / 'dataset.duckdb'}")
        else:
            click.echo(f"no files in {loaded.folder.feedback}")
    sys.exit(EXIT_NOT_APPLIED if any(report.refused for report in reports) else 0)


def _apply(loaded: LoadedProject, files: Sequence[InboxFile]) -> list[FileReport]:
    from coderai_pipeline.engine.feedback import COMMAND_LINE, apply_files

    return list(apply_files(loaded, files, COMMAND_LINE))


def _print(reports: Sequence[FileReport], scan: InboxScan | None, *, quoted: bool) -> None:
    """quoted: whether what stands in a row may be printed; what a command prints ends in logs."""
    for report in reports:
        click.echo(f"{_printable(report.file)}: {report.stated}")
        for refused in report.refused:
            place = f"row {refused.row}" if refused.row is not None else "the file"
            said = f"{refused.why} [{refused.said}]" if refused.said else refused.why
            click.echo(_printable(f"  {place}: {said if quoted else HELD_BACK}"))
    for refused in scan.refused if scan else ():
        click.echo(_printable(f"{refused.source}: {refused.reason}"))


def _published(loaded: LoadedProject) -> Path:
    """The newest snapshot, made now where something has changed since the last."""
    from datetime import UTC, datetime

    from coderai_pipeline.publishing.definition import Definition
    from coderai_pipeline.publishing.snapshot import publish
    from coderai_pipeline.storage.blocks import BlockStore

    definition = Definition(loaded.id, loaded.project, loaded.codebook)
    return publish(definition, BlockStore(loaded.folder.state), loaded.folder.outputs, datetime.now(UTC)).path


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
