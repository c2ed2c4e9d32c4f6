"""All definitions of one project, or of all: the one place that knows what a project becomes in Dagster."""

import dagster as dg

from coderai_pipeline.defs.batch import batches_sensor, cancel_batches_job, submit_batch_job
from coderai_pipeline.defs.broken import broken_project
from coderai_pipeline.defs.corpus_assets import corpus_assets
from coderai_pipeline.defs.jobs import project_jobs
from coderai_pipeline.defs.product_assets import dataset_asset, exports_asset, prompts_asset
from coderai_pipeline.defs.quality_assets import quality_asset
from coderai_pipeline.defs.refinement_assets import refined_prompts_asset, refinement_jobs
from coderai_pipeline.defs.review_assets import feedback_asset, review_asset
from coderai_pipeline.defs.sensors import following_sensor, inbox_sensor
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.storage.projects import Home, ProjectFolder


def definitions_of(home: Home) -> dg.Definitions:
    """The definitions of every project that is not archived, and the sensors that serve them all."""
    projects = [_definitions(folder) for folder in home.list()]
    jobs = [job for project in projects for job in project.jobs or () if isinstance(job, dg.JobDefinition)]
    shared = dg.Definitions(
        sensors=[inbox_sensor(home, jobs), batches_sensor(home, jobs), following_sensor()],
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(shared, *projects)


def _definitions(folder: ProjectFolder) -> dg.Definitions:
    try:
        return dg.Definitions() if folder.load().project.archived else project_definitions(folder)
    except InvalidInput as error:
        return dg.Definitions(assets=[broken_project(folder, error)])


def project_definitions(folder: ProjectFolder) -> dg.Definitions:
    """Raises InvalidInput where the project's files are wrong."""
    project = folder.load().project
    assets = [
        corpus_assets(folder, project),
        prompts_asset(folder, project),
        dataset_asset(folder, project),
        exports_asset(folder, project),
        review_asset(folder, project),
        feedback_asset(folder, project),
        quality_asset(folder, project),
        refined_prompts_asset(folder, project),
    ]
    jobs = [*project_jobs(folder), submit_batch_job(folder), cancel_batches_job(folder), *refinement_jobs(folder)]
    return dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor)
