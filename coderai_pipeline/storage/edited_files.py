"""Opens a file that people edit: bounded, never through a link, decoded as text.

What it means is in `settings_files`.
"""

import errno
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.storage.yaml_lines import KeyPath, LinedYaml, key_text, read_yaml

MAX_BYTES = 2_000_000
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])[ \t]*(?:\r\n|\r|\n)", re.I)


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds. place: key path -> its 1-based line (None: not known) and how the file calls that key."""

    file: str
    data: JsonValue
    place: Callable[[KeyPath], tuple[int | None, str]]
    problems: tuple[Problem, ...] = ()

    def problem(self, path: KeyPath, message: str, seen: str | None = None, allowed: str | None = None) -> Problem:
        line, key = self.place(path)
        return Problem(self.file, line, key, message, seen, allowed)


def label(path: Path) -> str:
    """How a file is called in problems: `my-project/codebook.yaml`."""
    return f"{path.parent.name}/{path.name}"


def read_yaml_file(path: Path) -> Written:
    """Raises InvalidInput where the file cannot be read as YAML."""
    lined = read_yaml(read_text(path), label(path))
    return Written(label(path), lined.data, lambda key: _place(lined, key), lined.problems)


def read_text(path: Path) -> str:
    """UTF-8, with or without a byte order mark, or UTF-16 with one. Raises InvalidInput."""
    return decoded(path, read_bytes(path))


def decoded(path: Path, data: bytes) -> str:
    """The bytes of a file as `read_text` gives them. Raises InvalidInput."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = (
            "a character here is not stored as UTF-8; save the file again with the encoding UTF-8 (in Excel: CSV UTF-8)"
        )
        raise InvalidInput([Problem(label(path), line, "", message)]) from None


def without_separator_line(text: str) -> tuple[str, str | None]:
    """The text below Excel's first line `sep=;`, which no spreadsheet counts as a row, and the separator it states, if any."""
    stated = _SEPARATOR_LINE.match(text)
    return (text[stated.end() :], stated[1]) if stated else (text, None)


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of at most `most` bytes. Raises InvalidInput."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        other = path.with_suffix(".yml")
        raise _unusable(path, f"there is no such file{f'; rename {other.name}' if is_there(other) else ''}") from None
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        cause = "is a link; put the file itself into the folder" if is_link else f"cannot be opened ({error.strerror})"
        raise _unusable(path, cause) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _unusable(path, "is not a file")
        data = file.read(most + 1)
    if len(data) > most:
        raise _unusable(path, f"is larger than {most // 1_000_000} MB, too large for a file that people edit")
    return data


def is_there(path: Path) -> bool:
    """Whether anything of that name can be seen, a dangling link too. False where the folder is closed to us."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _unusable(path: Path, message: str) -> InvalidInput:
    return InvalidInput([Problem(label(path), None, "", message)])


def _place(lined: LinedYaml, path: KeyPath) -> tuple[int | None, str]:
    """The line of a key, or of the nearest key above it where it is missing."""
    for depth in range(len(path), -1, -1):
        if path[:depth] in lined.lines:
            return lined.lines[path[:depth]], key_text(path)
    return None, key_text(path)
