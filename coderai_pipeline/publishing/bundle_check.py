"""Whether a replication bundle is whole: every file is as its checksum says, and every reply answers the question it is named by.

Writing bundles is in `export_bundle`.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from coderai_pipeline.domain.cells import CallPurpose, CallRequest, Message
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.extractors.archive import call_id as id_of
from coderai_pipeline.publishing.bundle_archive import PIECE, SUMS

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_REPLY = re.compile(r"replies/[0-9a-f]{2}/([0-9a-f]{64})\.json")
_LARGEST_REPLY = 100_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """files, replies: how many were looked at. problems: what is wrong, by name; () where the bundle is whole."""

    files: int
    replies: int
    problems: tuple[Problem, ...]


def verify(path: Path) -> Checked:
    """Raises InvalidInput where the file is no bundle at all."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if SUMS not in names:
                raise _no_bundle(path, f"holds no {SUMS}; it is no replication bundle, or was cut")
            recorded = _recorded(path, archive)
            problems = [*_listing(names, recorded), *_contents(archive, recorded)]
    except (BadZipFile, EOFError) as error:
        raise _no_bundle(path, f"is no zip file that can be read: {error}; have it sent again") from None
    replies = sum(_REPLY.fullmatch(name) is not None for name in names)
    return Checked(len(recorded), replies, tuple(problems))


def _recorded(path: Path, archive: ZipFile) -> dict[str, str]:
    lines = archive.read(SUMS).decode(errors="replace").splitlines()
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    if len(found) != len(lines):
        raise _no_bundle(path, f"its {SUMS} cannot be read")
    return {match[2]: match[1] for match in found}


def _listing(names: list[str], recorded: Mapping[str, str]) -> Iterator[Problem]:
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(name, None, "", f"stands in the bundle {times} times")
    for name in sorted(recorded.keys() - {*names}):
        yield Problem(name, None, "", f"is listed in {SUMS} and is not in the bundle")
    for name in sorted({*names} - recorded.keys() - {SUMS}):
        yield Problem(name, None, "", f"is in the bundle and not listed in {SUMS}: it was added later")


def _contents(archive: ZipFile, recorded: Mapping[str, str]) -> Iterator[Problem]:
    for name in sorted(recorded.keys() & {*archive.namelist()}):
        try:
            found = _digest(archive, name)
        except (BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            yield Problem(name, None, "", f"cannot be read: {error}")
            continue
        if found != recorded[name]:
            yield Problem(name, None, "", "is not what it was when the bundle was made", found, recorded[name])
        elif (reply := _REPLY.fullmatch(name)) and not _answers_its_name(archive, name, reply[1]):
            yield Problem(
                name, None, "", "is not named by the SHA-256 of the request in it: one of the two was changed"
            )


def _digest(archive: ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _answers_its_name(archive: ZipFile, name: str, call_id: str) -> bool:
    """Whether the request in the file of a reply has the reply's id."""
    with archive.open(name) as file:
        text = file.read(_LARGEST_REPLY).decode("utf-8", "surrogatepass")
    try:
        asked = json.loads(text)["request"]
        messages = tuple(Message(message["role"], message["content"]) for message in asked["messages"])
        request = CallRequest(messages, asked["schema"], asked["model"], asked["parameters"], CallPurpose("", 0, ()))
    except (ValueError, KeyError, TypeError):
        return False
    return id_of(request) == call_id


def _no_bundle(path: Path, message: str) -> InvalidInput:
    return InvalidInput([Problem(str(path), None, "", message)])
