"""`dagster dev` that does not give up the loaded projects after the machine has stood still; `coderai ui` starts it.

Dagster has a setting for the process that loads the projects, and none for the one that stands before it: that one would end as soon
as the extraction under way does, and until then refuse every other run.
"""

import os

from dagster import _cli
from dagster._cli import proxy_server_manager

STALL_S = 600
"""For so long nobody may ask after the processes that have loaded the projects before they end, which only a reload or a new start
mends. Dagster's own 30 and 45 s left a UI without projects after the machine had stood still, as when it is busy or wakes from sleep."""

_LOADING = "DAGSTER_GRPC_PROXY_HEARTBEAT_TTL_SECONDS"


def main() -> None:
    """Takes the arguments of `dagster`, from the command line."""
    os.environ.setdefault(_LOADING, str(STALL_S))
    proxy_server_manager.WEBSERVER_GRPC_SERVER_HEARTBEAT_TTL = STALL_S  # pyright: ignore[reportPrivateImportUsage]
    _cli.main()


if __name__ == "__main__":
    main()
