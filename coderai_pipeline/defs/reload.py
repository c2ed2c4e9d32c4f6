"""Asks the running UI to load the projects anew, so that a new project appears without a restart."""

import os
from urllib.parse import urlsplit

UI_URL = "CODERAI_UI_URL"
"""Environment variable: where the UI runs. Default http://127.0.0.1:3000."""

LOCATION = "coderai_pipeline"


def ui_address() -> str:
    return os.environ.get(UI_URL, "http://127.0.0.1:3000").rstrip("/")


def reload_location() -> str:
    """What came of it, in a sentence; a UI that does not run is no error."""
    from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError, ReloadRepositoryLocationStatus

    address = urlsplit(ui_address())
    try:
        client = DagsterGraphQLClient(
            address.hostname or "127.0.0.1", port_number=address.port, use_https=address.scheme == "https", timeout=60
        )
        reloaded = client.reload_repository_location(LOCATION)
    except DagsterGraphQLClientError as error:
        cause = type(error.__cause__ or error).__name__  # the message itself is a page of GraphQL
        return f"The projects have changed; reload the code location in the UI ({address.geturl()} could not be asked: {cause})."
    if reloaded.status is ReloadRepositoryLocationStatus.SUCCESS:
        return "The projects have changed; they were loaded anew."
    return f"The projects have changed and could not be loaded: {reloaded.message}"
