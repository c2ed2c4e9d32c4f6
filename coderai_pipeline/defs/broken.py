"""A project whose files are wrong stands in the UI as one asset that says what is wrong; the other projects work."""

from typing import Any

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.engine.report import counted
from coderai_pipeline.storage.projects import ProjectFolder


def broken_project(folder: ProjectFolder, error: InvalidInput) -> dg.AssetsDefinition:
    problems = "\n".join(f"- {problem}" for problem in error.problems)
    message = f"{counted(len(error.problems), 'problem')} in the files of `{folder.id}`; mend them and the project appears:\n\n{problems}"

    @dg.asset(
        key=names.asset_key(folder.id, "invalid_project"),
        group_name=names.group_of(folder.id),
        description=message,
        kinds={"yaml"},
        tags={"coderai/invalid": "true"},
        metadata={"problems": dg.MetadataValue.md(problems)},
    )
    def invalid_project() -> dg.MaterializeResult[Any]:
        folder.load()
        return dg.MaterializeResult(
            metadata={"now": "The files are in order; the project appears with the next reload."}
        )

    return invalid_project
