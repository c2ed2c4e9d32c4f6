"""The quality gate: whether a project may extract its whole corpus, by the thresholds it has set for itself.

What is measured is in `publishing.quality`, what the thresholds are in `domain.thresholds`. A project without a gate is
never held back.
"""

from coderai_pipeline.domain.agreement import GoldCell
from coderai_pipeline.domain.errors import NoSample, QualityTooLow
from coderai_pipeline.domain.thresholds import refusal
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.quality import Measured, measure_now
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.gold import gold_files, read_gold_file
from coderai_pipeline.storage.measurements import last_measurement
from coderai_pipeline.storage.projects import LoadedProject


def gold_of(loaded: LoadedProject) -> list[GoldCell]:
    """The cells of the project's gold files. Raises InvalidInput where one cannot be read."""
    return [cell for path in gold_files(loaded.folder.path) for cell in read_gold_file(path, loaded.codebook)]


def measure_project(loaded: LoadedProject) -> Measured:
    """The quality of the project's cells as they are now."""
    definition = Definition(loaded.id, loaded.project, loaded.codebook)
    return measure_now(definition, BlockStore(loaded.folder.state), gold_of(loaded))


def accept_sample(loaded: LoadedProject, by: str, note: str = "", override: str = "") -> None:
    """Lets the whole corpus be extracted. override: why it may be although the gate is shut.

    Raises NoSample before anything is extracted, and QualityTooLow where the gate is shut; neither where somebody overrides it.
    """
    if not override and not BlockStore(loaded.folder.state).files("cells"):
        raise NoSample(
            f"{loaded.id}: nothing has been extracted yet that could be accepted. Drop documents into {loaded.folder.inbox}, "
            f"then run a sample and look at it: coderai run {loaded.id} --sample 20"
        )
    if loaded.project.quality.gate and not override:
        _require(loaded)
    Control(loaded.folder.state).accept(by, override or note, overrides_gate=bool(override))


def require_open(loaded: LoadedProject) -> None:
    """Raises QualityTooLow where the whole corpus may not be extracted: measured anew, unless somebody has overridden it."""
    acceptance = Control(loaded.folder.state).acceptance
    if loaded.project.quality.gate and not (acceptance and acceptance.overrides_gate):
        _require(loaded)


def gate_closed(loaded: LoadedProject) -> str:
    """Why the gate is shut by the last measurement, which costs nothing to look at; "" = it is open."""
    if not loaded.project.quality.gate:
        return ""
    acceptance = Control(loaded.folder.state).acceptance
    if acceptance is not None and acceptance.overrides_gate:
        return ""
    measures = last_measurement(BlockStore(loaded.folder.state))
    return refusal(loaded.project.quality, measures, _asked(loaded))


def _require(loaded: LoadedProject) -> None:
    why = refusal(loaded.project.quality, measure_project(loaded).measures, _asked(loaded))
    if why:
        raise QualityTooLow(
            f"{loaded.id}: the quality gate is shut: {why}. Review and refine, change the thresholds under `quality` in "
            f"project.yaml, or override it: coderai accept {loaded.id} --override REASON"
        )


def _asked(loaded: LoadedProject) -> list[str]:
    return [variable.name for variable in loaded.codebook.asked]
