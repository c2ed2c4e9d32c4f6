"""The asset `refined_prompts`, one partition a variable: candidates beside the present wording; and the jobs that make them
and, where a person says so, take one over.

What a refinement does is in `engine.refining` and `engine.applying`.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from coderai_pipeline.defs import metadata, names
from coderai_pipeline.defs.clients import client_factory
from coderai_pipeline.defs.confidential import HELD_BACK, guarded
from coderai_pipeline.defs.jobs import op_name, person
from coderai_pipeline.defs.partitions import register_variables
from coderai_pipeline.defs.product_assets import write_changed_prompts
from coderai_pipeline.defs.telling import told
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.refinement_scores import Refinement, ScoredCandidate
from coderai_pipeline.engine.applying import apply_candidate, undo
from coderai_pipeline.engine.refining import refine
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder
from coderai_pipeline.storage.refinements import candidates_file

Context = dg.AssetExecutionContext | dg.OpExecutionContext

_COLUMNS = ("candidate", "from", "result", "right", "cells", "difference", "interval", "p")


class RefineConfig(dg.Config):
    variable: str = Field(description="The variable whose wording is to be refined.")
    seed: int = Field(default=0, description="Divides the judged documents into writing and scoring.")


class ApplyConfig(dg.Config):
    variable: str = Field(description="The variable whose candidate is taken over.")
    candidate: int = Field(description="The candidate's number; 0 = undo the last one applied.")


def refined_prompts_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=names.job_name(folder.id, "refined_prompts"),
        specs=[
            dg.AssetSpec(
                names.asset_key(folder.id, "refined_prompts"),
                deps=[names.asset_key(folder.id, "quality")],
                partitions_def=names.variables_of(folder.id),
                group_name=names.group_of(folder.id),
                owners=[owner for owner in project.owners if "@" in owner],
                description="Other words for a variable, written from feedback and compared with the present ones on cells "
                "held out. Nothing changes until a person applies one.",
                skippable=True,
                kinds={"python", "yaml"},
            )
        ],
    )
    def refined_prompts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()
        for variable in context.partition_keys:
            _refine(context, folder.load(), variable, seed=0)

    return refined_prompts


def refinement_jobs(folder: ProjectFolder) -> list[dg.JobDefinition]:
    """`refine` and `apply_refinement`, each for the variable that its config names."""

    @dg.op(name=op_name(folder.id, "refine"), description="Makes candidates for a variable's wording.")
    def refine_op(context: dg.OpExecutionContext, config: RefineConfig) -> None:
        loaded = folder.load()
        register_variables(context.instance, loaded)
        _refine(context, loaded, config.variable, config.seed)

    @dg.op(name=op_name(folder.id, "apply_refinement"), description="Takes a candidate over into the codebook.")
    def apply_op(context: dg.OpExecutionContext, config: ApplyConfig) -> None:
        loaded, by = folder.load(), person(context)
        if config.candidate:
            applied = apply_candidate(loaded, config.variable, config.candidate, by)
            context.log.info(
                f"{config.variable}: candidate {applied.number} applied by {by}; the next run asks with it"
            )
        else:
            undone = undo(loaded, config.variable, by)
            context.log.info(f"{config.variable}: candidate {undone.number} undone by {by}")
        write_changed_prompts(context, folder.load())

    tags = {names.PROJECT_TAG: folder.id}
    says = "Other words for a variable, from feedback, compared on held-out cells. Changes nothing."

    @dg.job(name=names.job_name(folder.id, "refine"), description=says, tags=tags)
    def refining() -> None:
        refine_op()

    says = "Takes one of a variable's candidates over into codebook.yaml (candidate 0: takes the last one back)."

    @dg.job(name=names.job_name(folder.id, "apply_refinement"), description=says, tags=tags)
    def applying() -> None:
        apply_op()

    return [refining, applying]


def _refine(context: Context, loaded: LoadedProject, variable: str, seed: int) -> None:
    with told(context, loaded.folder), guarded(loaded.project.privacy):
        found = refine(loaded, variable, context.run_id, seed=seed, make_client=client_factory(loaded, context))
    context.log_event(
        dg.AssetMaterialization(
            names.asset_key(loaded.id, "refined_prompts"),
            description=f"{variable}: {len(found.candidates)} candidates, {len(found.refused)} refused",
            partition=variable,
            metadata=refinement_metadata(loaded, found),
            tags={"dagster/data_version": hashlib.sha256(repr(found).encode()).hexdigest()[:16]},
        )
    )


def refinement_metadata(loaded: LoadedProject, found: Refinement) -> metadata.Metadata:
    """How the candidates compare and what each changes. Passages of documents only where texts may be shown."""
    visible = loaded.project.privacy.show_text
    shown: dict[str, Any] = {}
    if found.candidates:
        records = [dg.TableRecord(_record(one)) for one in found.candidates]
        schema = dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])
        shown["compared"] = dg.MetadataValue.table(records, schema)
        shown["to_apply"] = dg.MetadataValue.md(f"`coderai refine {loaded.id} {found.variable} --apply N`")
    shown["compared_on"] = found.split
    shown["mistakes"] = dg.MetadataValue.md(
        "\n".join(f"- {pattern}" for pattern in found.patterns[: metadata.ROWS]) if visible else HELD_BACK
    )
    for one in found.candidates:
        diff = f"{one.why}\n\n```diff\n{one.diff}\n```" if visible else HELD_BACK
        shown[f"candidate_{one.number}"] = dg.MetadataValue.md(diff)
    if found.refused:
        refused = (f"- {one.origin}: {one.reason if visible else HELD_BACK}" for one in found.refused)
        shown["refused"] = dg.MetadataValue.md("\n".join(refused))
    if found.notes:
        shown["notes"] = "; ".join(found.notes)
    file = dg.MetadataValue.path(str(candidates_file(loaded.folder, found.variable)))
    return {**shown, "judged": found.judged, "calls": found.calls, "tokens": found.tokens, "file": file}


def _record(one: ScoredCandidate) -> dict[str, str]:
    result = one.score
    if result is None:
        return {**dict.fromkeys(_COLUMNS, ""), "candidate": str(one.number), "from": one.origin, "result": "not scored"}
    interval = "" if result.low is None or result.high is None else f"{result.low:+.2f} to {result.high:+.2f}"
    return {
        "candidate": str(one.number),
        "from": one.origin,
        "result": result.verdict,
        "right": f"{result.candidate} (present: {result.present})",
        "cells": str(result.cells),
        "difference": f"{result.difference:+.2f}",
        "interval": interval,
        "p": f"{result.p:.2g}",
    }
