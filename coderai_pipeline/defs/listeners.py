"""Lets the process that executes a run in itself (the command line) see the run's progress as it happens."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from coderai_pipeline.engine.report import Event, Summary

Listener = Callable[[Event, Summary], None]

_listeners: dict[str, Listener] = {}


@contextmanager
def listening(project_id: str, listener: Listener) -> Generator[None]:
    """Calls `listener` with every event of this project's run in this process, and the run's totals so far."""
    _listeners[project_id] = listener
    try:
        yield
    finally:
        del _listeners[project_id]


def tell_listeners(project_id: str, event: Event, summary: Summary) -> None:
    if project_id in _listeners:
        _listeners[project_id](event, summary)
