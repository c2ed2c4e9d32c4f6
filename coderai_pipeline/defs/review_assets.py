"""The assets of people's judgement: `review` (what to look at), and `feedback` (what they said; one partition a file).

Which cells are shown is decided in `domain.review_order`; feedback is applied in `engine.feedback`. The same steps run as
the jobs `review` and `apply_feedback`.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from coderai_pipeline.defs import metadata, names
from coderai_pipeline.defs.confidential import guarded
from coderai_pipeline.defs.partitions import register_feedback
from coderai_pipeline.defs.product_assets import FOLLOWS, common
from coderai_pipeline.defs.telling import told
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.review_order import AUDIT_SAMPLE
from coderai_pipeline.engine.feedback import FileReport, apply_files, keep_told, unapplied_files, untold_reports
from coderai_pipeline.engine.review import Made, make_review
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.inbox import InboxFile, document_key, scan_feedback
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder


class ReviewConfig(dg.Config):
    """What the launchpad asks for."""

    sample: int = Field(default=AUDIT_SAMPLE, ge=0, description="Cells of the audit sample.")
    seed: int = Field(default=0, description="Draws the sample: the same seed, the same cells.")
    blind: bool = Field(default=False, description="Hide the model's values; the audit sample alone.")


def review_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    @dg.asset(
        key=names.asset_key(folder.id, "review"),
        deps=[names.asset_key(folder.id, "dataset")],
        description="What to look at first, as an Excel workbook and as a web page; filled in, it goes into feedback/.",
        automation_condition=FOLLOWS,
        kinds={"excel", "html"},
        **common(folder, project),
    )
    def review(context: dg.AssetExecutionContext, config: ReviewConfig) -> dg.MaterializeResult[Any]:
        with told(context, folder):
            return dg.MaterializeResult(metadata=write_review(folder.load(), config))

    return review


def write_review(loaded: LoadedProject, config: ReviewConfig) -> metadata.Metadata:
    """Writes the review of the newest snapshot; what is shown of it holds no values."""
    snapshot = newest_snapshot(loaded.folder.outputs)
    if snapshot is None:
        raise dg.Failure("There is no dataset yet; materialise `dataset` first.", allow_retries=False)
    with guarded(loaded.project.privacy):
        made = make_review(loaded, snapshot, sample=config.sample, seed=config.seed, blind=config.blind)
    return _review_shown(made)


def _review_shown(made: Made) -> metadata.Metadata:
    cells = made.review.cells
    whys: dict[str, int] = {}
    for cell in cells:
        for why in cell.why.split("; "):
            whys[why] = whys.get(why, 0) + 1
    return {
        "workbook": dg.MetadataValue.path(str(made.workbook)),
        "page": dg.MetadataValue.path(str(made.page)),
        "cells": len(cells),
        "cells_by_why": metadata.counts_table(whys, "why"),
        "judged_before": made.review.judged,
        "snapshot": made.review.snapshot,
        **({"left_out": "\n".join(made.review.left_out)} if made.review.left_out else {}),
    }


def feedback_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=names.job_name(folder.id, "feedback"),
        specs=[
            dg.AssetSpec(
                names.asset_key(folder.id, "feedback"),
                partitions_def=names.feedback_of(folder.id),
                description="The files dropped into feedback/: what each says of which cells, and what could not be applied.",
                skippable=True,
                kinds={"python", "excel"},
                **common(folder, project),
            )
        ],
    )
    def feedback(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()
        wanted = set(context.partition_keys)
        files = [file for file in scan_feedback(folder).files if file.key in wanted]
        if missing := sorted(wanted - {file.key for file in files}):
            raise dg.Failure(f"no longer in feedback/: {', '.join(missing[:10])}", allow_retries=False)
        with told(context, folder):
            apply_feedback(context, folder.load(), files)

    return feedback


def apply_new_feedback(context: dg.OpExecutionContext, folder: ProjectFolder) -> None:
    """Applies the files that are new or have changed, and tells of what the command line applied."""
    loaded, files = folder.load(), unapplied_files(folder)
    register_feedback(context.instance, folder.id, (file.key for file in files))
    apply_feedback(context, loaded, files)
    blocks = BlockStore(folder.state)
    untold = untold_reports(blocks)
    register_feedback(context.instance, folder.id, (document_key(report.file) for report in untold))
    with guarded(loaded.project.privacy):
        for report in untold:
            _tell(context, loaded, document_key(report.file), report)
            keep_told(blocks, report, context.run_id)


def apply_feedback(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, loaded: LoadedProject, files: Sequence[InboxFile]
) -> None:
    """Applies files, and materialises the partition of each."""
    with guarded(loaded.project.privacy):
        for file, report in zip(files, apply_files(loaded, files, context.run_id), strict=True):
            _tell(context, loaded, file.key, report)


def _tell(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, loaded: LoadedProject, key: str, report: FileReport
) -> None:
    context.log.info(f"{report.file}: {report.stated}")
    event = dg.AssetMaterialization(
        names.asset_key(loaded.id, "feedback"),
        partition=key,
        metadata=_feedback_shown(report, loaded),
        tags={"dagster/data_version": report.sha256 or "unreadable"},
    )
    context.log_event(event)


def _feedback_shown(report: FileReport, loaded: LoadedProject) -> metadata.Metadata:
    shown: dict[str, Any] = {"report": report.stated}
    if report.refused:
        shown["not_applied"] = metadata.refused_table(report.refused, loaded.project.privacy)
    return {
        **shown,
        "file": dg.MetadataValue.path(str(loaded.folder.feedback / report.file)),
        "rows_applied": report.applied,
        "rows_known_already": report.unchanged,
        "rows_not_applied": len(report.refused),
        "rows_left_blank": report.blank,
    }
