"""The Batch API of the test's model server: files up and down, batches that finish after some polls, lines in any order.

Completions themselves come from the server (`servers`).
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.server_http import HttpRequest, HttpResponse
from tests.server_moods import Moods, error

Complete = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
"""Path and body of a request -> status and body of its response."""


class Batches:
    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}

    def handle(self, request: HttpRequest, moods: Moods) -> HttpResponse:
        parts = request.path.split("/files" if "/files" in request.path else "/batches", 1)[1].strip("/").split("/")
        if "/files" in request.path:
            return self._upload(request) if request.method == "POST" else self._download(parts)
        if moods.batch_unknown:
            return _json(404, error("No such URL", "invalid_request_error", None))
        if request.method == "POST":
            return self._cancel(parts[0]) if parts[0] else self._create(json.loads(request.body))
        if not parts[0]:
            return _json(200, {"object": "list", "data": list(self._batches.values()), "has_more": False})
        return self._poll(parts[0], moods)

    def _upload(self, request: HttpRequest) -> HttpResponse:
        match = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', request.body, re.DOTALL)
        assert match is not None
        return _json(200, self._store(match.group(1)))

    def _store(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self._files) + 1}"
        self._files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 1_700_000_000,
            "filename": f"{name}.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _download(self, parts: list[str]) -> HttpResponse:
        if parts[0] not in self._files:
            return _json(404, error("No such file", "invalid_request_error", None))
        return HttpResponse(200, self._files[parts[0]], content_type="application/octet-stream")

    def _create(self, given: dict[str, Any]) -> HttpResponse:
        name = f"batch_{len(self._batches) + 1}"
        self._batches[name] = {
            "id": name,
            "object": "batch",
            "status": "in_progress",
            "polls": 0,
            "created_at": 1_700_000_000,
            "output_file_id": None,
            "error_file_id": None,
            **given,
        }
        return _json(200, self._batches[name])

    def _cancel(self, name: str) -> HttpResponse:
        if name not in self._batches:
            return _json(404, error("No such batch", "invalid_request_error", None))
        if self._batches[name]["status"] != "in_progress":
            return _json(409, error("The batch has ended", "invalid_request_error", None))
        self._batches[name]["status"] = "cancelling"
        return _json(200, self._batches[name])

    def _poll(self, name: str, moods: Moods) -> HttpResponse:
        if name not in self._batches or moods.batch_forgotten:
            return _json(404, error("No such batch", "invalid_request_error", None))
        batch = self._batches[name]
        batch["polls"] += 1
        if batch["polls"] >= moods.batch_polls and batch["status"] in ("in_progress", "cancelling"):
            self._finish(batch, moods)
        return _json(200, batch)

    def _finish(self, batch: dict[str, Any], moods: Moods) -> None:
        done: list[str] = []
        failed: list[str] = []
        lines = self._files[batch["input_file_id"]].decode().split("\n")
        is_cancelled = batch["status"] == "cancelling"
        for line in lines[: len(lines) // 2] if is_cancelled else lines:
            wanted = json.loads(line)
            at = moods.chance(f"batch{wanted['custom_id']}").random()
            if moods.batch_expires:
                failed.append(_line(wanted, None, {"code": "batch_expired", "message": "expired"}))
            elif at < moods.batch_errors:
                failed.append(_line(wanted, {"status_code": 500, "body": error("oops", "server_error", None)}, None))
            elif at >= moods.batch_errors + moods.batch_missing:
                status, body = self._complete(wanted["url"], wanted["body"])
                response = {"status_code": status, "request_id": "1", "body": body}
                doubled = at < moods.batch_errors + moods.batch_missing + moods.batch_doubled
                done += [_line(wanted, response, None)] * (2 if doubled else 1)
        moods.chance(batch["id"]).shuffle(done)
        done = [*moods.batch_odd_lines, *done]
        batch["status"] = "cancelled" if is_cancelled else "expired" if moods.batch_expires else "completed"
        batch["output_file_id"] = self._store("\n".join(done).encode())["id"] if done else None
        batch["error_file_id"] = self._store("\n".join(failed).encode())["id"] if failed else None


def _line(wanted: dict[str, Any], response: dict[str, Any] | None, trouble: dict[str, Any] | None) -> str:
    line = {"id": "1", "custom_id": wanted["custom_id"], "response": response, "error": trouble}
    return json.dumps(line, ensure_ascii=False)


def _json(status: int, body: object) -> HttpResponse:
    return HttpResponse(status, json.dumps(body).encode())
