"""The `documents`, `chunks` and `extractions` of a project: one step that streams each document through all three.

One run takes a whole batch of documents, because a run's start costs more than most documents.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.corpus_run import CorpusRun, ExtractConfig
from coderai_pipeline.domain.project import Project
from coderai_pipeline.storage.projects import ProjectFolder


def corpus_assets(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    partitions = names.documents_of(folder.id)

    @dg.multi_asset(
        name=names.job_name(folder.id, "read_and_extract"),
        specs=_specs(folder, project, partitions),
        can_subset=True,
    )
    def read_and_extract(
        context: dg.AssetExecutionContext, config: ExtractConfig
    ) -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()  # a generator: with a plain return, every partition of a range counts as materialised
        assets = {key.path[-1] for key in context.selected_asset_keys}
        CorpusRun(context, folder.load(), assets, tuple(context.partition_keys)).extract(config)

    return read_and_extract


def _specs(folder: ProjectFolder, project: Project, partitions: dg.DynamicPartitionsDefinition) -> list[dg.AssetSpec]:
    def spec(asset: str, description: str, kind: str, deps: Sequence[str] = ()) -> dg.AssetSpec:
        return dg.AssetSpec(
            names.asset_key(folder.id, asset),
            description=description,
            deps=[_dependency(folder.id, dep) for dep in deps],
            partitions_def=partitions,
            group_name=names.group_of(folder.id),
            owners=[owner for owner in project.owners if "@" in owner],
            kinds={"python", kind},
            skippable=True,
            code_version=names.CODE_VERSION,
        )

    unit = project.unit.represents
    return [
        spec("documents", f"Each file of the inbox of *{project.name}*, read: its text, or why it has none.", "file"),
        spec("chunks", "Long documents split where sections, paragraphs and sentences end.", "parquet", ["documents"]),
        spec(
            "extractions",
            f"The cells of each document, one row for {unit}: value, status, reason and the quote that proves it.",
            "openai" if project.extractor.name == "openai" else "python",
            ["chunks", "prompts"],
        ),
    ]


def _dependency(project_id: str, asset: str) -> dg.AssetDep:
    """An extraction depends on every prompt, and on its own document's chunks."""
    mapping = dg.AllPartitionMapping() if asset == "prompts" else dg.IdentityPartitionMapping()
    return dg.AssetDep(names.asset_key(project_id, asset), partition_mapping=mapping)
