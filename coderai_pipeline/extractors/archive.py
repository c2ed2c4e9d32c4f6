"""The reply archive: every reply that was paid for, one file a call, named by what was asked. Cache, resume and audit trail.

What is sent is decided in `provider`; nothing here knows a server or a key.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from coderai_pipeline.domain.cells import CallRequest, JsonValue, Reply

_FIELDS = tuple(field.name for field in fields(Reply))
_PARTIAL = ".partial"
_UNREAD = ".unread-"

_REPLY_TYPES: dict[str, tuple[type, ...]] = {
    "call_id": (str,),
    "text": (str,),
    "finish_reason": (str,),
    "model": (str,),
    "input_tokens": (int,),
    "output_tokens": (int,),
    "cached_tokens": (int,),
    "started_at": (str,),
    "seconds": (int, float),
    "cost": (int, float, type(None)),
}


class ReplyArchive:
    """Replies under `folder`, as `ab/abcd....json`. Any number of processes may write at once.

    A file appears whole or not at all, whenever the process is killed: it is written beside its place and renamed into
    it. After a loss of power a file may be damaged; such a file is set aside and its call counts as not asked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, call_id: str) -> Reply | None:
        """The reply held for a call, with attempts=0; None = it was never answered."""
        path = self.path(call_id)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            content = b""
        reply = _read_reply(content, call_id)
        if reply is None:
            _set_aside(path)
        return reply

    def put(self, request: CallRequest, reply: Reply, raw: JsonValue) -> None:
        """Keeps a reply with the request that it answers and the body that the server sent."""
        held = {
            "call_id": reply.call_id,
            "request": _asked(request),
            "reply": _stated(reply),
            "raw": raw,
        }
        try:
            text = json.dumps(held, ensure_ascii=False)
        except RecursionError:
            text = json.dumps({**held, "raw": "nested too deeply to be kept"}, ensure_ascii=False)
        _write(self.folder, self.path(reply.call_id), text.encode("utf-8", "surrogatepass"))

    def put_unread(self, call_id: str, request: CallRequest, body: str, why: str) -> None:
        """Keeps a body that is no reply, since it may be charged for, under a name by which no call is looked up."""
        held = {"call_id": call_id, "request": _asked(request), "unread": {"why": why, "body": body}}
        path = self.folder / call_id[:2] / f"{call_id}{_UNREAD}{time.time_ns()}.json"
        _write(self.folder, path, json.dumps(held, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def path(self, call_id: str) -> Path:
        return self.folder / call_id[:2] / f"{call_id}.json"

    def ids(self) -> Iterator[str]:
        """Call ids held, in order."""
        for shard in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(path.stem for path in shard.glob("*.json") if _UNREAD not in path.stem)

    def unread(self) -> Iterator[Path]:
        """Files of the bodies that could not be read."""
        yield from sorted(self.folder.glob(f"[0-9a-f][0-9a-f]/*{_UNREAD}*.json"))

    def count(self) -> int:
        return sum(1 for _ in self.ids())

    def __iter__(self) -> Iterator[Reply]:
        for call_id in self.ids():
            reply = self.get(call_id)
            if reply is not None:
                yield reply


def call_id(request: CallRequest) -> str:
    """SHA-256 over everything that decides the answer; what the call is for is no part of it."""
    asked = {
        "messages": [[message.role, message.content] for message in request.messages],
        "schema": request.schema,
        "model": request.model,
        "parameters": request.parameters,
    }
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def next_attempt(request: CallRequest) -> CallRequest:
    """The same question asked once more: a call of its own, so that the reply that could not be read is kept as well."""
    attempt = int(request.parameters.get("attempt", 1)) + 1
    return replace(request, parameters={**request.parameters, "attempt": attempt})


def _asked(request: CallRequest) -> dict[str, JsonValue]:
    return {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "schema": dict(request.schema),
        "model": request.model,
        "parameters": dict(request.parameters),
    }


def _stated(reply: Reply) -> dict[str, JsonValue]:
    stated = {name: getattr(reply, name) for name in _FIELDS}
    return {**stated, "started_at": reply.started_at.isoformat()}


def _read_reply(content: bytes, call_id: str) -> Reply | None:
    try:
        held = cast(object, json.loads(content.decode("utf-8", "surrogatepass")))
    except ValueError:
        return None
    if not isinstance(held, dict):
        return None
    given = cast(dict[str, object], held).get("reply")
    if not isinstance(given, dict):
        return None
    stated = cast(dict[str, object], given)
    if stated.get("call_id") != call_id:
        return None
    if not all(isinstance(stated.get(name, ...), types) for name, types in _REPLY_TYPES.items()):
        return None
    return _to_reply(stated)


def _to_reply(stated: Mapping[str, object]) -> Reply | None:
    try:
        started_at = datetime.fromisoformat(str(stated["started_at"]))
    except ValueError:
        return None
    given = {name: stated[name] for name in _FIELDS if name in stated}
    return Reply(**{**given, "started_at": started_at, "attempts": 0, "from_archive": True})  # pyright: ignore[reportArgumentType] -- types were checked above


def _write(folder: Path, path: Path, content: bytes) -> None:
    """New files begin in one folder of their own: allocating them all over the shards takes ten times as long on ext4."""
    temporary = folder / _PARTIAL / f"{path.stem}.{os.getpid()}.{threading.get_ident()}"
    try:
        temporary.write_bytes(content)
    except FileNotFoundError:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
    try:
        temporary.replace(path)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        temporary.replace(path)


def _set_aside(path: Path) -> None:
    """Another process may set the same file aside, or have written it anew, in between: then there is nothing to do."""
    try:
        path.rename(path.with_name(f"{path.stem}.damaged-{time.time_ns()}"))
    except OSError:
        return
