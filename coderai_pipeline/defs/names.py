"""How a project's things are called in Dagster: asset keys, partitions, groups, jobs. One project, one prefix."""

import hashlib

from dagster import AssetKey, DynamicPartitionsDefinition

EXTRACTING_TAG = "coderai/extracting"
"""Run tag whose value is the project that the run extracts; the run queue lets one run a project through."""

PROJECT_TAG = "coderai/project"
PROGRESS_TAG = "coderai/progress"

CODE_VERSION = "1"
"""Of the assets; raised where what they hold is to be made anew after an update of the package."""


def group_of(project_id: str) -> str:
    """The project's id spelled for Dagster names (letters, digits, `_`), never the same for two projects."""
    plain = project_id.replace("-", "_")
    if plain == project_id:
        return plain
    return f"{plain}_{hashlib.sha256(project_id.encode()).hexdigest()[:4]}"


def job_name(project_id: str, job: str) -> str:
    return f"{group_of(project_id)}__{job}"


def asset_key(project_id: str, asset: str) -> AssetKey:
    return AssetKey([project_id, asset])


def documents_of(project_id: str) -> DynamicPartitionsDefinition:
    return DynamicPartitionsDefinition(name=f"{project_id}/documents")


def feedback_of(project_id: str) -> DynamicPartitionsDefinition:
    return DynamicPartitionsDefinition(name=f"{project_id}/feedback")


def variables_of(project_id: str) -> DynamicPartitionsDefinition:
    return DynamicPartitionsDefinition(name=f"{project_id}/variables")
