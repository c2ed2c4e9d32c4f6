"""The assets beside the corpus: `prompts` (one partition a variable), `dataset` (a DuckDB snapshot), `exports` (one a format).

Each loads, calls and reports; what a prompt says is in `domain.prompts`, what a snapshot holds in `publishing`.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from coderai_pipeline.defs import metadata, names
from coderai_pipeline.defs.confidential import guarded
from coderai_pipeline.defs.partitions import register_variables
from coderai_pipeline.defs.quality_assets import report_quality
from coderai_pipeline.defs.telling import told
from coderai_pipeline.domain.project import ExportOptions, Project
from coderai_pipeline.domain.prompts import prompt_text, prompt_version
from coderai_pipeline.engine.gate import gold_of
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.exports import FORMATS, export_project
from coderai_pipeline.publishing.preview import failed_formulas, first_rows
from coderai_pipeline.publishing.snapshot import Published, newest_snapshot, publish
from coderai_pipeline.storage.blocks import BlockStore, next_version
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder

FORMAT_PARTITIONS = dg.StaticPartitionsDefinition(list(FORMATS))

LEDGER_CHECK = "every_wanted_cell_is_settled"
LEDGER_CHECK_SAYS = "Every document of the inbox was read, and every cell that the codebook wants of it is settled."

MADE_FROM = ("extractions", "feedback")
"""What the dataset is made from."""

_ASKED_FOR = dg.AutomationCondition.newly_requested() | dg.AutomationCondition.initial_evaluation()

FOLLOWS = (
    dg.AutomationCondition.any_deps_updated().since(_ASKED_FOR)
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
)
"""An update that comes while a run is under way is remembered until it is over; `since_last_handled` would forget it when that
run, which did not see it, ends. `eager()` would not fire while any document's partition is missing, and some always is."""


def prompts_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=names.job_name(folder.id, "prompts"),
        specs=[
            dg.AssetSpec(
                names.asset_key(folder.id, "prompts"),
                description="What the model is asked about each variable, as it is sent. Look at it before anything is paid for.",
                partitions_def=names.variables_of(folder.id),
                skippable=True,
                kinds={"python", "markdown"},
                **common(folder, project),
            )
        ],
    )
    def prompts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()
        loaded = folder.load()
        known = register_variables(context.instance, loaded)
        wanted = (
            tuple(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else known
        )
        write_prompts(context, loaded, [name for name in wanted if name in known])

    return prompts


def write_changed_prompts(context: dg.AssetExecutionContext | dg.OpExecutionContext, loaded: LoadedProject) -> None:
    """Those that a run will ask with and that have not been written in this wording."""
    write_prompts(context, loaded, list(register_variables(context.instance, loaded)), changed_only=True)


def _written_versions(loaded: LoadedProject) -> dict[str, str]:
    """Variable -> the prompt version that its newest block row holds."""
    batches = BlockStore(loaded.folder.state).batches("prompts", ["variable", "prompt_version"])
    return {row["variable"]: row["prompt_version"] for rows in batches for row in rows}


def write_prompts(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    loaded: LoadedProject,
    variables: list[str],
    *,
    changed_only: bool = False,
) -> None:
    """Writes the prompts as files, new wordings also into blocks, and materialises one partition a variable."""
    rows: list[dict[str, object]] = []
    written = _written_versions(loaded)
    loaded.folder.prompts.mkdir(exist_ok=True)
    for name in variables:
        variable = loaded.codebook[name]
        version = prompt_version(loaded.project, loaded.codebook, variable)
        is_new = written.get(name) != version
        if changed_only and not is_new:
            continue
        text = prompt_text(loaded.project, loaded.codebook, variable)
        (loaded.folder.prompts / f"{name}.md").write_text(text + "\n")
        if is_new:
            row = {"variable": name, "prompt_version": version, "version": next_version(), "text": text}
            rows.append({**row, "run_id": context.run_id})
        shown = {"prompt": dg.MetadataValue.text(text), "prompt_version": version, "type": str(variable.type)}
        context.log_event(
            dg.AssetMaterialization(
                names.asset_key(loaded.id, "prompts"),
                partition=name,
                metadata=shown,
                tags={"dagster/data_version": version},
            )
        )
    BlockStore(loaded.folder.state).append("prompts", rows)


def dataset_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    key = names.asset_key(folder.id, "dataset")

    @dg.asset(
        key=key,
        deps=[names.asset_key(folder.id, asset) for asset in MADE_FROM],
        code_version=names.CODE_VERSION,
        description=f"The dataset of *{project.name}*: a DuckDB file, one row for {project.unit.represents}.",
        automation_condition=FOLLOWS,
        kinds={"duckdb"},
        op_tags={"coderai/asset": "dataset"},
        check_specs=[dg.AssetCheckSpec(LEDGER_CHECK, asset=key, description=LEDGER_CHECK_SAYS)],
        **common(folder, project),
    )
    def dataset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with told(context, folder):
            done = publish_dataset(folder.load())
            report_quality(context, folder.load(), done.version)
        version = dg.DataVersion(done.version)
        yield dg.MaterializeResult(metadata=done.shown, data_version=version, check_results=[done.ledger_check])

    return dataset


@dataclass(frozen=True, slots=True)
class Publication:
    """What is shown of the newest snapshot, its version, and whether the ledger closes."""

    shown: metadata.Metadata
    version: str
    ledger_check: dg.AssetCheckResult


def publish_dataset(loaded: LoadedProject) -> Publication:
    definition = Definition(loaded.id, loaded.project, loaded.codebook)
    privacy = loaded.project.privacy
    with guarded(privacy):
        published = publish(
            definition, BlockStore(loaded.folder.state), loaded.folder.outputs, datetime.now(UTC), gold_of(loaded)
        )
        with open_ledger(loaded) as ledger:
            account, closes = metadata.ledger_metadata(ledger, privacy), ledger.closes
        shown = _published(published, account, loaded)
    check = dg.AssetCheckResult(
        passed=closes,
        check_name=LEDGER_CHECK,
        asset_key=names.asset_key(loaded.id, "dataset"),
        metadata=account,
        severity=dg.AssetCheckSeverity.WARN,
        description=account["ledger"],
    )
    return Publication(shown, published.version, check)


def _published(published: Published, account: metadata.Metadata, loaded: LoadedProject) -> metadata.Metadata:
    shown: dict[str, Any] = {
        "duckdb": dg.MetadataValue.path(str(published.stable)),
        "dagster/row_count": published.rows,
        **account,
    }
    failed = failed_formulas(published.path)
    if failed:
        shown["failed_formulas"] = metadata.failed_formulas_table(failed, loaded.project.privacy)
    if loaded.project.privacy.show_text:
        shown["first_rows"] = dg.MetadataValue.md(first_rows(published.path).markdown)
    return {**shown, "snapshot": dg.MetadataValue.path(str(published.path))}


def exports_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=names.job_name(folder.id, "exports"),
        specs=[
            dg.AssetSpec(
                names.asset_key(folder.id, "exports"),
                deps=[names.asset_key(folder.id, "dataset")],
                partitions_def=FORMAT_PARTITIONS,
                description="The dataset in the formats people use: CSV, Excel, JSON Lines, Parquet, SPSS, Stata, a replication bundle, and the codebook.",
                automation_condition=FOLLOWS,
                kinds={"csv", "excel"},
                **common(folder, project),
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def exports(context: dg.AssetExecutionContext) -> None:
        snapshot = newest_snapshot(folder.outputs)
        if snapshot is None:
            raise dg.Failure("There is no dataset yet; materialise `dataset` first.", allow_retries=False)
        loaded = folder.load()
        with told(context, folder), guarded(loaded.project.privacy):
            for key in context.partition_keys:
                context.add_asset_metadata(write_export(loaded, snapshot, key), partition_key=key)

    return exports


def write_export(
    loaded: LoadedProject, snapshot: Path, key: str, options: ExportOptions | None = None
) -> metadata.Metadata:
    """options: None = as project.yaml says."""
    files = export_project(key, loaded, snapshot, options)
    listed = "\n".join(f"- `{file}`" for file in files)
    return {"files": dg.MetadataValue.md(listed), "snapshot": snapshot.name, "holds": FORMATS[key].description}


def common(folder: ProjectFolder, project: Project) -> dict[str, Any]:
    """Group and owners, which all assets of a project share."""
    return {"group_name": names.group_of(folder.id), "owners": [owner for owner in project.owners if "@" in owner]}
