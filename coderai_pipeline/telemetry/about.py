"""What events and spans are about: bound where it is known, found again where something happens.

A thread starts with nothing bound, and another process hears of it only from what it is sent.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeAlias

Attribute: TypeAlias = str | int | float | bool | Sequence[str]
Attributes: TypeAlias = Mapping[str, Attribute | None]
"""Of an event or a span. None and "" = not known."""


@dataclass(frozen=True, slots=True)
class About:
    """ "" = not known. shows_text: whether words may be told that may quote a document or a reply.

    parent: W3C `traceparent` of the span of which whatever happens is a part; "" = of none.
    """

    project: str = ""
    run_id: str = ""
    shows_text: bool = False
    parent: str = ""


def known(attributes: Attributes) -> dict[str, Attribute]:
    return {name: value for name, value in attributes.items() if value is not None and value != ""}


NOT_KNOWN = About()

_now: ContextVar[About] = ContextVar("about", default=NOT_KNOWN)


def current() -> About:
    return _now.get()


@contextmanager
def bound(about: About) -> Generator[None]:
    token = _now.set(about)
    try:
        yield
    finally:
        _now.reset(token)


@contextmanager
def about_run(project: str, run_id: str, *, shows_text: bool) -> Generator[None]:
    """What happens in here belongs to this run of this project."""
    with bound(replace(current(), project=project, run_id=run_id, shows_text=shows_text)):
        yield
