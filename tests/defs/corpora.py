"""A small mixed inbox (PDF, DOCX, HTML, text; one corrupt, one duplicate) and the project that extracts it, for Dagster."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from coderai_pipeline.defs import names
from coderai_pipeline.defs.factory import project_definitions
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import LONG_AGO, make

SECRET = "Quibbling ottoman 7261"
VARIABLES: list[dict[str, Any]] = [
    {"name": "total", "type": "number"},
    {"name": "city", "type": "text"},
    {"name": "note", "type": "text"},
]
GOOD = ("letter.docx", "note.txt", "page.html", "report.pdf")
DUPLICATE = "second note.txt"
CORRUPT = "broken.pdf"
EVERY = tuple(sorted((*GOOD, DUPLICATE, CORRUPT)))
ASSETS = ("documents", "chunks", "extractions")
TOTALS = {name: 10.5 + number for number, name in enumerate(GOOD)}


def make_corpus(home: Path, project_id: str = "study", **project: Any) -> ProjectFolder:
    folder = make(home, VARIABLES, project_id, **project)
    lines = {name: [f"total: {TOTALS[name]}", f"city: Town{name[0]}", f"note: {SECRET}"] for name in GOOD}
    _write_docx(folder.inbox / "letter.docx", lines["letter.docx"])
    write_pdf(folder.inbox / "report.pdf", lines["report.pdf"])
    (folder.inbox / "page.html").write_text(f"<html><body>{_paragraphs(lines['page.html'])}</body></html>")
    for name in ("note.txt", DUPLICATE):
        (folder.inbox / name).write_text("\n".join(lines["note.txt"]))
    (folder.inbox / CORRUPT).write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 8)
    settle(folder)
    return folder


def settle(folder: ProjectFolder, at: int = LONG_AGO) -> None:
    """Makes the inbox look as if it had been there for long."""
    for path in folder.inbox.iterdir():
        os.utime(path, (at, at))


def write_pdf(path: Path, lines: list[str]) -> None:
    import pymupdf

    with pymupdf.open() as pdf:
        page = pdf.new_page()
        for number, line in enumerate(lines):
            page.insert_text((72, 72 + 40 * number), line)
        pdf.save(path)


def _write_docx(path: Path, lines: list[str]) -> None:
    import docx

    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    document.save(str(path))


def _paragraphs(lines: list[str]) -> str:
    return "".join(f"<p>{line}</p>" for line in lines)


def partitions_of(instance: dg.DagsterInstance, project_id: str) -> set[str]:
    return set(instance.get_dynamic_partitions(names.documents_of(project_id).name or ""))


def materialised(instance: dg.DagsterInstance, project_id: str, asset: str) -> set[str]:
    return set(instance.get_materialized_partitions(names.asset_key(project_id, asset)))


def materialised_by(instance: dg.DagsterInstance, run_id: str, asset: str) -> set[str]:
    """The partitions of the asset for which this run says so."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    events = [entry.get_dagster_event() for entry in entries]
    return {event.partition or "" for event in events if event.asset_key and event.asset_key.path[-1] == asset}


def failed(instance: dg.DagsterInstance, folder: ProjectFolder, asset: str) -> set[str]:
    """The partitions that the UI shows as failed."""
    key = names.asset_key(folder.id, asset)
    status = get_and_update_asset_status_cache_value(instance, key, names.documents_of(folder.id), instance)
    assert status is not None
    subset = status.deserialize_failed_partition_subsets(names.documents_of(folder.id))
    return set(subset.get_partition_keys())


def observations(
    instance: dg.DagsterInstance, project_id: str, asset: str, partition: str
) -> list[dg.AssetObservation]:
    """Newest first."""
    filter_ = dg.AssetRecordsFilter(names.asset_key(project_id, asset), asset_partitions=[partition])
    records = instance.fetch_observations(filter_, limit=50).records
    return [record.asset_observation for record in records if record.asset_observation]


def materialisations(
    instance: dg.DagsterInstance, project_id: str, asset: str, partition: str | None = None
) -> Iterator[dg.AssetMaterialization]:
    """Newest first."""
    wanted = [partition] if partition is not None else None
    filter_ = dg.AssetRecordsFilter(names.asset_key(project_id, asset), asset_partitions=wanted)
    for record in instance.fetch_materializations(filter_, limit=500).records:
        assert record.asset_materialization is not None
        yield record.asset_materialization


def materialise_by_hand(
    instance: dg.DagsterInstance, folder: ProjectFolder, assets: tuple[str, ...], tags: dict[str, str]
) -> dg.ExecuteInProcessResult:
    """What the Materialize button does for the partitions that `tags` name."""
    keys = [names.asset_key(folder.id, asset) for asset in assets]
    repository = project_definitions(folder).get_repository_def()
    job = repository.get_implicit_job_def_for_assets(keys)
    assert job is not None
    return job.execute_in_process(instance=instance, asset_selection=keys, tags=tags, raise_on_error=False)
