"""The asset `quality`: how good the cells of each variable are, as tables, plots and checks on the project's thresholds.

It is reported with every publication and can be materialised by itself. Measuring is in `publishing.quality`.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from coderai_pipeline.defs import metadata, names
from coderai_pipeline.defs.events import made_from_version
from coderai_pipeline.defs.quality_plots import accuracy_plot, calibration_plot, history_plot
from coderai_pipeline.domain.project import Project, QualitySettings
from coderai_pipeline.domain.quality import NOT_USED, Measure
from coderai_pipeline.domain.thresholds import CHECKS, Check, check_all
from coderai_pipeline.engine.gate import measure_project
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.measurements import history, keep_measurement, last_measurement
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder

ROWS = 200
_COLUMNS = ("variable", "measure", "of", "value", "interval", "n", "basis")


def quality_asset(folder: ProjectFolder, project: Project) -> dg.AssetsDefinition:
    key = names.asset_key(folder.id, "quality")

    @dg.asset(
        key=key,
        deps=[names.asset_key(folder.id, "dataset")],
        code_version=names.CODE_VERSION,
        group_name=names.group_of(folder.id),
        owners=[owner for owner in project.owners if "@" in owner],
        description="How good the cells of each variable are, by feedback and gold files, each number with its interval.",
        kinds={"python"},
        check_specs=[dg.AssetCheckSpec(name, asset=key, description=says) for name, says in CHECKS.items()],
    )
    def quality(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        loaded = folder.load()
        measured = measure_project(loaded)
        keep_measurement(BlockStore(folder.state), measured.rows)
        found = measured.measures
        results = [_result(loaded, check) for check in _checks(loaded, found)]
        yield dg.MaterializeResult(
            metadata=quality_metadata(loaded, found), data_version=_version(found), check_results=results
        )

    return quality


def report_quality(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, loaded: LoadedProject, dataset_version: str
) -> None:
    """Materialises `quality` with what the publication in this run has measured: a run of its own would cost more than that."""
    key = names.asset_key(loaded.id, "quality")
    found = last_measurement(BlockStore(loaded.folder.state))
    dataset = names.asset_key(loaded.id, "dataset")
    tags = {
        "dagster/data_version": _version(found).value,
        "dagster/code_version": names.CODE_VERSION,
        **made_from_version(dataset, dataset_version),
    }
    context.log_event(dg.AssetMaterialization(key, metadata=quality_metadata(loaded, found), tags=tags))
    for check in _checks(loaded, found):
        severity, shown = _severity(loaded.project.quality), {"misses": len(check.misses)}
        evaluation = dg.AssetCheckEvaluation(
            key, check.name, check.passed, shown, severity=severity, description=check.stated
        )
        context.log_event(evaluation)  # pyright: ignore[reportArgumentType] - taken, though its types do not say so


def quality_metadata(loaded: LoadedProject, found: Sequence[Measure]) -> metadata.Metadata:
    """What people ask first stands first: how much is right, on how many cells that rests, and what was not used."""
    accuracy = [one for one in found if one.name == "accuracy"]
    shown: dict[str, Any] = {"judged": sum(one.n for one in accuracy)}
    if accuracy:
        shown["accuracy"] = _picture(accuracy_plot(accuracy))
        if any(one.name == "accuracy_at_confidence" for one in found):
            shown["calibration"] = _picture(calibration_plot(found))
        accuracies = _accuracies(loaded)
        if len({version for version, _ in accuracies}) > 1:
            shown["over_time"] = _picture(history_plot(accuracies))
    else:
        shown["accuracy"] = (
            "nothing has been judged yet: review cells, or put a gold file into the project's folder gold/"
        )
    shown["measures"] = _table([one for one in found if not one.of])
    if by_category := [one for one in found if one.name.startswith("category_")]:
        shown["by_category"] = _table(by_category)
    if unused := {one.of: one.n for one in found if one.name == NOT_USED}:
        shown[NOT_USED] = metadata.counts_table(unused, "why")
    return shown


def _checks(loaded: LoadedProject, found: Sequence[Measure]) -> list[Check]:
    return check_all(loaded.project.quality, found, [one.name for one in loaded.codebook.asked])


def _result(loaded: LoadedProject, check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=check.passed,
        check_name=check.name,
        severity=_severity(loaded.project.quality),
        description=check.stated,
        metadata={"misses": len(check.misses)},
    )


def _severity(settings: QualitySettings) -> dg.AssetCheckSeverity:
    """A check that only informs warns; one that holds the full run back is an error."""
    return dg.AssetCheckSeverity.ERROR if settings.gate else dg.AssetCheckSeverity.WARN


def _table(measures: Sequence[Measure]) -> dg.MetadataValue:
    records = [dg.TableRecord(_record(one)) for one in measures[:ROWS]]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS]))


def _record(one: Measure) -> Mapping[str, str]:
    value = "not defined" if one.value is None else f"{one.value:.3f}"
    interval = "" if one.low is None or one.high is None else f"{one.low:.3f} - {one.high:.3f}"
    given = (one.variable, one.name, one.of, value, interval, str(one.n), f"{one.source}: {one.basis}")
    return dict(zip(_COLUMNS, given, strict=True))


def _accuracies(loaded: LoadedProject) -> list[tuple[int, Measure]]:
    """Accuracy as it was measured each time, oldest first."""
    return [(version, one) for version, one in history(BlockStore(loaded.folder.state)) if one.name == "accuracy"]


def _picture(svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![plot](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _version(found: Sequence[Measure]) -> dg.DataVersion:
    return dg.DataVersion(hashlib.sha256(repr(list(found)).encode()).hexdigest()[:16])
