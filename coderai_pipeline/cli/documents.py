"""`coderai document ...`: finds a project's document for `cli.reading` to show, and lets the project forget one."""

from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.cli.reading import document_group
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.engine.held import held_documents, stored_documents
from coderai_pipeline.engine.intake import read_options
from coderai_pipeline.engine.store import forget_document
from coderai_pipeline.readers import ReadOptions
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
