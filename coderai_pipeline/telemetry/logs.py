"""Structured logs: one JSON object a line, on stderr or appended to a file that several processes share.

On where `CODERAI_LOG_FORMAT` is `json` or `CODERAI_LOG_FILE` names a file. What is told of a run is in `engine.telling`, of
a call in `extractors.telling`.
"""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.telemetry.about import About, Attribute, Attributes, current, known

FORMAT, FILE, LEVEL = "CODERAI_LOG_FORMAT", "CODERAI_LOG_FILE", "CODERAI_LOG_LEVEL"
DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
LEVELS = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR}

LONGEST_WORDS = 300
"""Characters of a text that may quote a document."""
LONGEST_TEXT = 1_000
LONGEST_LINE = 4_096
"""Bytes that a pipe takes from several processes without mixing their lines."""

Choice = TypeVar("Choice")

_NOWHERE = (0, -1)

_root = logging.getLogger("coderai_pipeline")
_log = logging.getLogger("coderai_pipeline.events")
_handler: logging.Handler | None = None


def is_on() -> bool:
    return _handler is not None


def set_up() -> None:
    """Does as the environment says, for this process. Raises InvalidInput where it cannot be done."""
    global _handler
    is_wanted = _stated(FORMAT, "text", {"text": False, "json": True}) or bool(os.environ.get(FILE, "").strip())
    level = _stated(LEVEL, "info", LEVELS)
    if _handler is not None:
        _root.removeHandler(_handler)
        _handler.close()
    _handler = _opened() if is_wanted else None
    _root.propagate = _handler is None
    _root.setLevel(level if _handler else logging.NOTSET)
    if _handler:
        _root.addHandler(_handler)


def tell(
    event: str,
    about: About,
    fields: Attributes | None = None,
    level: int = INFO,
    *,
    quoting: Mapping[str, str] | None = None,
) -> None:
    """Writes an event with its identifiers and figures. quoting: texts that may quote a document or what a server said of one;
    they are left out where the project does not let texts be shown."""
    if _handler is None or not _log.isEnabledFor(level):
        return
    said = {name: text[:LONGEST_WORDS] for name, text in (quoting or {}).items()} if about.shows_text else {}
    extra = {"about": about, "fields": {**(fields or {}), **said}}
    _log.handle(_log.makeRecord(_log.name, level, "", 0, event, (), None, extra=extra))


def _stated(name: str, default: str, choices: Mapping[str, Choice]) -> Choice:
    value = os.environ.get(name, "").strip().lower() or default
    if value not in choices:
        raise InvalidInput([Problem("environment", None, name, "is not known", value, ", ".join(choices))])
    return choices[value]


class _Appending(logging.Handler):
    """Writes each record with one call, so that lines of several processes stand one after the other.

    path: of a file, which is opened anew where it was moved away meanwhile; None = standard error. Raises OSError where it
    cannot be opened; later trouble, such as a full disk, costs lines and stops no run.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = 2 if path is None else self._opened(path)
        super().__init__()  # only now: `logging` knows of it from here on, and closes whatever handlers it knows of
        self.setFormatter(_Lines())

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n".encode()
        with suppress(OSError):
            if self._path is not None and self._place != _place(self._path):
                self._leave()
                self._file = self._opened(self._path)
            os.write(self._file, line)

    def close(self) -> None:
        """Not the end: whoever configures logging anew, as Dagster does, closes all handlers there are. The next line opens
        the file again."""
        with self.lock or nullcontext():
            self._leave()
        super().close()

    def _opened(self, path: Path) -> int:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._place = _place(path)
        return file

    def _leave(self) -> None:
        if self._path is not None and self._file >= 0:
            left, self._file, self._place = self._file, -1, _NOWHERE
            os.close(left)


def _place(path: Path) -> tuple[int, int]:
    """Which file stands there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _opened() -> _Appending:
    file = os.environ.get(FILE, "").strip()
    try:
        return _Appending(Path(file).expanduser().absolute() if file else None)
    except OSError as error:
        why = f"cannot be written ({error.strerror}); name a file in a folder that exists"
        raise InvalidInput([Problem("environment", None, FILE, why, file)]) from error


class _Lines(logging.Formatter):
    """A record as one line of JSON, in ASCII, so that it is one line and one encoding for whoever reads it."""

    def format(self, record: logging.LogRecord) -> str:
        about: About = getattr(record, "about", None) or current()
        _, trace, span, _ = about.parent.split("-") if about.parent else ("", "", "", "")
        line: dict[str, Attribute | None] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage()[:LONGEST_TEXT],
            "project": about.project,
            "run_id": about.run_id,
            **getattr(record, "fields", {}),
            "trace_id": trace,
            "span_id": span,
            "pid": record.process,
        }
        return _within_bounds(known(line))


def _within_bounds(line: dict[str, Attribute]) -> str:
    """Halves the longest text until the line is short enough."""
    while len(written := json.dumps(line)) >= LONGEST_LINE:
        name = max(line, key=lambda name: len(str(line[name])))
        text = str(line[name])
        line[name] = text[: len(text) // 2]
    return written
