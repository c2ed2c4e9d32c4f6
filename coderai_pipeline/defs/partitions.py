"""Registers a project's documents and variables as Dagster partitions, so that each can be found, opened and retried."""

from collections.abc import Iterable

from dagster import DagsterInstance

from coderai_pipeline.defs import names
from coderai_pipeline.storage.projects import LoadedProject


def register_documents(instance: DagsterInstance, project_id: str, keys: Iterable[str]) -> None:
    """Adds a partition for each document that has none yet. Documents that are gone keep theirs."""
    _add(instance, names.documents_of(project_id).name, keys)


def register_variables(instance: DagsterInstance, loaded: LoadedProject) -> tuple[str, ...]:
    """One partition for each variable of the codebook; those of variables that are gone are removed."""
    partitions = names.variables_of(loaded.id).name
    wanted = [variable.name for variable in loaded.codebook.variables]
    assert partitions is not None
    for gone in set(instance.get_dynamic_partitions(partitions)) - set(wanted):
        instance.delete_dynamic_partition(partitions, gone)
    _add(instance, partitions, wanted)
    return tuple(wanted)


def register_feedback(instance: DagsterInstance, project_id: str, keys: Iterable[str]) -> None:
    """Adds a partition for each feedback file that has none yet."""
    _add(instance, names.feedback_of(project_id).name, keys)


def forget_project(instance: DagsterInstance, project_id: str) -> None:
    """Removes the project's partitions and what Dagster remembers of its assets."""
    for of in (names.documents_of, names.variables_of, names.feedback_of):
        partitions = of(project_id).name
        assert partitions is not None
        for key in instance.get_dynamic_partitions(partitions):
            instance.delete_dynamic_partition(partitions, key)
    keys = [key for key in instance.all_asset_keys() if key.path[0] == project_id]
    if keys:
        instance.wipe_assets(keys)


def _add(instance: DagsterInstance, partitions: str | None, keys: Iterable[str]) -> None:
    assert partitions is not None
    known = set(instance.get_dynamic_partitions(partitions))
    new = [key for key in dict.fromkeys(keys) if key not in known]
    if new:
        instance.add_dynamic_partitions(partitions, new)
