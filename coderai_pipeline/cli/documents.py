"""`coderai document ...`: finds a project's document for `cli.reading` to show, and lets the project forget one."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.cli.reading import document_group
from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.engine.held import held_cells, held_documents, stored_documents
from coderai_pipeline.engine.intake import read_options
from coderai_pipeline.engine.review import marks
from coderai_pipeline.engine.store import forget_document
from coderai_pipeline.readers import NotReadable, ReadOptions, mark_copy
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import Home, find_home


def find_document(project_id: str, key: str) -> tuple[Path, Document, ReadOptions]:
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
    blocks = BlockStore(loaded.folder.state)
    records = held_documents(blocks)
    record = next((one for one in records.values() if key in (one.key, one.source) and not one.removed), None)
    if record is None:
        raise click.ClickException(
            f"{project_id} has not read a document {key!r}; see the table `documents` of its dataset"
        )
    document = next(stored_documents(blocks, {record.key: record.version}))
    return loaded.folder.inbox / record.file, document, read_options(loaded.project)


document = document_group(find_document)


@document.command("highlight")
@click.argument("project_id", metavar="PROJECT")
@click.argument("key")
@click.option("--variables", multiple=True, help="Only the evidence of these variables.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The copy; by default NAME-highlighted.pdf.")
def highlight(project_id: str, key: str, variables: tuple[str, ...], output: Path | None) -> None:
    """Make a copy of a PDF in which the evidence of its cells is highlighted."""
    path, found, options = find_document(project_id, key)
    with plain_errors():
        blocks = BlockStore(Home(find_home()).project(project_id).state)
    cells = [cell for held in held_cells(blocks, [found.key]).get(found.key, {}).values() for cell, _ in held]
    wanted = [cell for cell in cells if not variables or cell.variable in variables]
    target = output or Path(f"{path.stem}-highlighted.pdf")
    try:
        target.write_bytes(mark_copy(path, list(marks(found, _evidence(wanted))), options))
    except NotReadable as trouble:
        raise click.ClickException(f"{found.source}: {trouble.reason}") from trouble
    click.echo(f"{target}: the evidence of {len(wanted)} cells of {found.source}")


def _evidence(cells: Iterable[Cell]) -> Iterator[tuple[Span, str]]:
    for cell in cells:
        evidence = cell.evidence
        if evidence is not None and evidence.start is not None and evidence.end is not None:
            label = f"{cell.variable}{f' ({cell.entity})' if cell.entity else ''}: {cell.value}"
            yield Span(evidence.start, evidence.end), label


@document.command("forget")
@click.argument("project_id", metavar="PROJECT")
@click.argument("key")
def forget(project_id: str, key: str) -> None:
    """Take a document that is no longer in the inbox, and its cells, out of the dataset."""
    path, found, _ = find_document(project_id, key)
    if path.exists():
        raise click.ClickException(f"{path} is still in the inbox; move it out first, or it would be read again")
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        forget_document(BlockStore(loaded.folder.state), found)
    click.echo(
        f"{found.source}: is forgotten; it leaves the dataset with the next publication (coderai run {project_id})"
    )
