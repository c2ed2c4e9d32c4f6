"""The openai client of a run, built by dagster-openai's resource so that Dagster sees which resource a run uses.

What is sent through it, retries and usage counting are the extractor's own: the resource's counting misses most calls.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from dagster import AssetExecutionContext, OpExecutionContext

from coderai_pipeline.extractors.clients import make_client, proxies_understood, require_key
from coderai_pipeline.storage.projects import LoadedProject

if TYPE_CHECKING:
    import openai


def client_factory(
    loaded: LoadedProject, context: AssetExecutionContext | OpExecutionContext
) -> "Callable[[], openai.OpenAI] | None":
    """Makes the client of the project's extractor; None where it needs none. Raises MissingKey, before anything is done."""
    settings = loaded.project.extractor
    if settings.name != "openai":
        return None
    key = require_key(settings)
    if settings.api == "azure":
        return lambda: make_client(settings, key)

    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context

    def from_resource() -> "openai.OpenAI":
        from dagster_openai import OpenAIResource  # here, as openai takes half a second to load and `rules` needs none

        organization = os.environ.get(settings.organization_env) if settings.organization_env else None
        resource = OpenAIResource(api_key=key, base_url=settings.base_url, organization=organization)
        with proxies_understood():
            resource.setup_for_execution(None)  # pyright: ignore[reportArgumentType] - the resource does not look at it
            with resource.get_client(op_context) as client:
                return client.with_options(max_retries=0)

    return from_resource
