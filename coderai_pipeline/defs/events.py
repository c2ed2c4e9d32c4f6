"""Per-document events, many at a time: the one module that writes Dagster's asset events in batches.

Leans on `DagsterEvent` and on `DAGSTER_EVENT_BATCH_SIZE`, which are not public; its test fails when Dagster changes.
Emit from one thread.
"""

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    DagsterEventType,
    OpExecutionContext,
)
from dagster._core.definitions.data_version import (
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    DagsterEvent,
    DagsterEventBatchMetadata,
    StepMaterializationData,
)

BATCH_SIZE = 150
"""Events of a few dozen documents, so that what is shown is never far behind."""


def enable_batches(environment: Mapping[str, str] = os.environ) -> None:
    """Dagster takes the batch size from the environment of the run's process; without it events are stored one by one."""
    if "DAGSTER_EVENT_BATCH_SIZE" not in environment:
        os.environ["DAGSTER_EVENT_BATCH_SIZE"] = str(BATCH_SIZE)


@dataclass(frozen=True, slots=True)
class DocumentEvents:
    """Writes the events of one run. Each call has stored its events when it returns."""

    context: AssetExecutionContext | OpExecutionContext

    def plan(self, keys: Sequence[AssetKey], partitions: Sequence[str], says: str = "is in work") -> None:
        """The UI shows these partitions in progress from now on, and as failed where the run ends without them."""
        planned = [
            (AssetMaterializationPlannedData(key, partition=partition), f"{partition} {says}")
            for key in keys
            for partition in partitions
        ]
        self._store(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, planned)

    def materialise(self, materializations: Sequence[AssetMaterialization]) -> None:
        by_asset: dict[AssetKey, list[tuple[StepMaterializationData, str | None]]] = {}
        for one in materializations:  # a batch is stored under the asset of its last event
            by_asset.setdefault(one.asset_key, []).append((StepMaterializationData(one), one.description))
        for group in by_asset.values():
            self._store(DagsterEventType.ASSET_MATERIALIZATION, group)

    def provenance(self, dependencies: Iterable[AssetKey]) -> dict[str, str]:
        """Tags that say what a materialisation is made from: without them Dagster cannot tell that it has become stale.

        The version of a partitioned dependency is looked up by the event pointer; the tag must only be there.
        """
        tags: dict[str, str] = {}
        for key in dependencies:
            latest = self.context.instance.fetch_materializations(key, limit=1).records
            tags[get_input_data_version_tag(key)] = "by event"
            tags[get_input_event_pointer_tag(key)] = str(latest[0].storage_id) if latest else NULL_EVENT_POINTER
        return tags

    def observe(self, observations: Sequence[AssetObservation]) -> None:
        observed = [(AssetObservationData(one), one.description) for one in observations]
        self._store(DagsterEventType.ASSET_OBSERVATION, observed)

    def _store(self, kind: DagsterEventType, data: Sequence[tuple[Any, str | None]]) -> None:
        """data: what each event holds, and what the run's log says of it."""
        step = self.context.get_step_execution_context()
        batch = uuid.uuid4().hex
        for position, (one, message) in enumerate(data, start=1):
            mark = DagsterEventBatchMetadata(batch, is_end=position == len(data))
            DagsterEvent.from_step(kind, step, one, message, batch_metadata=mark)  # stores the event as it makes it


def made_from_version(key: AssetKey, version: str) -> dict[str, str]:
    """Tags of a materialisation that is made from a version of an unpartitioned asset whose own event is still to come."""
    return {get_input_data_version_tag(key): version, get_input_event_pointer_tag(key): NULL_EVENT_POINTER}
