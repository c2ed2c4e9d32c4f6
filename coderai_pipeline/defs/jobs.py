"""The jobs of a project: what a person launches by name in the UI, and the command line and the sensors run as well.

They are made of ops, not of assets: an asset job over partitions can only be launched for partitions picked by hand,
and these find out themselves what is missing.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

import getpass
from collections.abc import Callable
from typing import Any

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.confidential import guarded
from coderai_pipeline.defs.corpus_run import CorpusRun, ExtractConfig
from coderai_pipeline.defs.events import DocumentEvents
from coderai_pipeline.defs.export_config import ExportConfig
from coderai_pipeline.defs.partitions import register_variables
from coderai_pipeline.defs.product_assets import LEDGER_CHECK, MADE_FROM, publish_dataset, write_export, write_prompts
from coderai_pipeline.defs.quality_assets import report_quality
from coderai_pipeline.defs.review_assets import ReviewConfig, apply_new_feedback, write_review
from coderai_pipeline.defs.telling import told
from coderai_pipeline.engine.gate import accept_sample
from coderai_pipeline.publishing.exports import FORMATS, is_current
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import ProjectFolder

SAMPLE = 20


def project_jobs(folder: ProjectFolder) -> list[dg.JobDefinition]:
    return [
        _extracting(folder, "extract", "Reads and extracts whatever is missing or stale."),
        _extracting(folder, "sample", "Extracts a seeded sample, to be looked at and accepted.", sample_size=SAMPLE),
        _extracting(folder, "retry_failed", "Asks again for documents whose extraction failed.", retry_failed=True),
        _job(folder, "publish", "Publishes the dataset.", _publish),
        _exporting(folder, "export", "Writes the dataset in every export format, or in those chosen."),
        _reviewing(folder),
        _job(
            folder, "apply_feedback", "Applies what was dropped into feedback/ and not applied yet.", apply_new_feedback
        ),
        _job(folder, "write_prompts", "Writes out what the model will be asked about each variable.", _prompts),
        _accepting(folder),
        _job(folder, "pause", "Holds the project's runs; the one under way stops after the documents in work.", _pause),
        _job(folder, "resume", "Lets the project's runs go on.", _resume),
    ]


def op_name(project_id: str, job: str) -> str:
    return names.job_name(project_id, f"{job}_op")


def _extracting(folder: ProjectFolder, name: str, description: str, **config: object) -> dg.JobDefinition:
    @dg.op(name=op_name(folder.id, name), description=description)
    def extract(context: dg.OpExecutionContext, config: ExtractConfig) -> None:
        CorpusRun(context, folder.load()).extract(config)

    tags = {names.PROJECT_TAG: folder.id, names.EXTRACTING_TAG: folder.id}
    defaults: dict[str, Any] = {"ops": {op_name(folder.id, name): {"config": config}}} if config else {}

    @dg.job(name=names.job_name(folder.id, name), description=description, tags=tags, config=defaults or None)  # pyright: ignore[reportArgumentType] (None is what it defaults to)
    def extracting() -> None:
        extract()

    return extracting


def _exporting(folder: ProjectFolder, name: str, description: str) -> dg.JobDefinition:
    @dg.op(name=op_name(folder.id, name), description=description)
    def write(context: dg.OpExecutionContext, config: ExportConfig) -> None:
        with told(context, folder):
            _export(context, folder, config)

    @dg.job(name=names.job_name(folder.id, name), description=description, tags={names.PROJECT_TAG: folder.id})
    def writing() -> None:
        write()

    return writing


def _reviewing(folder: ProjectFolder) -> dg.JobDefinition:
    description = "Writes the workbook and the page with the cells to look at first."

    @dg.op(name=op_name(folder.id, "write_review"), description=description)
    def review(context: dg.OpExecutionContext, config: ReviewConfig) -> None:
        with told(context, folder):
            shown = write_review(folder.load(), config)
        context.log_event(dg.AssetMaterialization(names.asset_key(folder.id, "review"), metadata=shown))

    @dg.job(
        name=names.job_name(folder.id, "write_review"), description=description, tags={names.PROJECT_TAG: folder.id}
    )
    def reviewing() -> None:
        review()

    return reviewing


Action = Callable[[dg.OpExecutionContext, ProjectFolder], None]


def _job(folder: ProjectFolder, name: str, description: str, action: Action) -> dg.JobDefinition:
    @dg.op(name=op_name(folder.id, name), description=description)
    def act(context: dg.OpExecutionContext) -> None:
        with told(context, folder):
            action(context, folder)

    @dg.job(name=names.job_name(folder.id, name), description=description, tags={names.PROJECT_TAG: folder.id})
    def acting() -> None:
        act()

    return acting


def _publish(context: dg.OpExecutionContext, folder: ProjectFolder) -> None:
    key = names.asset_key(folder.id, "dataset")
    made_from = DocumentEvents(context).provenance([names.asset_key(folder.id, asset) for asset in MADE_FROM])
    done = publish_dataset(folder.load())
    tags = {"dagster/data_version": done.version, "dagster/code_version": names.CODE_VERSION, **made_from}
    context.log_event(dg.AssetMaterialization(key, metadata=done.shown, tags=tags))
    check = done.ledger_check
    evaluation = dg.AssetCheckEvaluation(
        key, LEDGER_CHECK, check.passed, check.metadata, severity=check.severity, description=check.description
    )
    context.log_event(evaluation)  # pyright: ignore[reportArgumentType] - taken, though its types do not say so
    report_quality(context, folder.load(), done.version)


def _export(context: dg.OpExecutionContext, folder: ProjectFolder, config: ExportConfig) -> None:
    snapshot = newest_snapshot(folder.outputs)
    if snapshot is None:
        raise dg.Failure("There is no dataset yet; publish it first.", allow_retries=False)
    loaded = folder.load()
    usual = loaded.project.exports
    with guarded(loaded.project.privacy):
        options = config.changed(usual)
        stale = [key for key in FORMATS if options != usual or not is_current(key, loaded, snapshot)]
        for key in config.formats or stale:
            shown = write_export(loaded, snapshot, key, options)
            asset = names.asset_key(folder.id, "exports")
            context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=shown))
        if not (config.formats or stale):
            context.log.info("every export holds the newest snapshot already; name formats to have them written anew")


def _prompts(context: dg.OpExecutionContext, folder: ProjectFolder) -> None:
    loaded = folder.load()
    write_prompts(context, loaded, list(register_variables(context.instance, loaded)))


class AcceptConfig(dg.Config):
    """override: why the sample counts although the project's quality gate is shut; "" = it has to be open."""

    override: str = ""


def _accepting(folder: ProjectFolder) -> dg.JobDefinition:
    description = (
        "Accepts the sample: the whole corpus may be extracted. Refused while the project's quality gate is shut."
    )

    @dg.op(name=op_name(folder.id, "accept_sample"), description=description)
    def accept(context: dg.OpExecutionContext, config: AcceptConfig) -> None:
        with told(context, folder):
            accept_sample(folder.load(), by=person(context), override=config.override)

    @dg.job(
        name=names.job_name(folder.id, "accept_sample"), description=description, tags={names.PROJECT_TAG: folder.id}
    )
    def accepting() -> None:
        accept()

    return accepting


def _pause(context: dg.OpExecutionContext, folder: ProjectFolder) -> None:
    Control(folder.state).pause(f"by {person(context)}")


def _resume(context: dg.OpExecutionContext, folder: ProjectFolder) -> None:
    Control(folder.state).resume()


def person(context: dg.OpExecutionContext) -> str:
    """Who launched the run, as far as is known."""
    return context.run.tags.get("user") or getpass.getuser()
