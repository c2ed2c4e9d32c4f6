"""All definitions of one project, or of all: the one place that knows what a project becomes in Dagster."""

from collections.abc import Iterable

import dagster as dg

from coderai_pipeline.defs.broken import broken_project
from coderai_pipeline.defs.corpus_assets import corpus_assets
from coderai_pipeline.defs.jobs import project_jobs
from coderai_pipeline.defs.product_assets import dataset_asset, exports_asset, prompts_asset
from coderai_pipeline.defs.sensors import following_sensor, inbox_sensor
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.storage.projects import Home, ProjectFolder


def definitions_of(home: Home) -> dg.Definitions:
    """The definitions of every project that is not archived, and the sensors that serve them all."""
    projects = list(home.list())
    shared = dg.Definitions(sensors=[inbox_sensor(home), following_sensor()], executor=dg.in_process_executor)
    return dg.Definitions.merge(shared, *_each(projects))


def _each(folders: Iterable[ProjectFolder]) -> Iterable[dg.Definitions]:
    for folder in folders:
        try:
            project = folder.load().project
        except InvalidInput as error:
            yield dg.Definitions(assets=[broken_project(folder, error)])
            continue
        if not project.archived:
            yield project_definitions(folder)


def project_definitions(folder: ProjectFolder) -> dg.Definitions:
    project = folder.load().project
    assets = [
        corpus_assets(folder, project),
        prompts_asset(folder, project),
        dataset_asset(folder, project),
        exports_asset(folder, project),
    ]
    return dg.Definitions(assets=assets, jobs=project_jobs(folder))
