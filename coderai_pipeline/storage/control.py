"""What people have said about a project's runs, and who is running it now: pause, sample acceptance, the run lock.

Small files below the project's `state/`; the runs themselves are in `engine`.
"""

import fcntl
import json
import math
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from coderai_pipeline.domain.errors import ProjectBusy

_TRIES = 10
_BETWEEN_TRIES_S = 0.02


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted the sample, and when (ISO 8601, UTC): from then on the full corpus is extracted.

    overrides_gate: whether that counts although the project's quality gate is shut; the note says why.
    """

    by: str
    at: str
    note: str = ""
    overrides_gate: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """The control files of one project, below `folder` (its `state/`)."""

    folder: Path

    @property
    def acceptance(self) -> Acceptance | None:
        try:
            return Acceptance(**json.loads(self._accepted.read_text()))
        except FileNotFoundError:
            return None

    def accept(self, by: str, note: str = "", *, overrides_gate: bool = False) -> None:
        """Whether it may be accepted is asked in `engine.gate`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        acceptance = Acceptance(by, datetime.now(UTC).isoformat(timespec="seconds"), note, overrides_gate)
        unfinished = self._accepted.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(acceptance), ensure_ascii=False))
        unfinished.replace(self._accepted)

    def withdraw_acceptance(self) -> None:
        self._accepted.unlink(missing_ok=True)

    @property
    def paused(self) -> str:
        """Why no run is to go on; "" when none is held back."""
        try:
            return self._paused.read_text() or "paused"
        except FileNotFoundError:
            return ""

    def pause(self, reason: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._paused.write_text(reason)

    def resume(self) -> None:
        self._paused.unlink(missing_ok=True)
        self.let_go()

    @property
    def held_back(self) -> str:
        """Why no run is to start by itself, as the last one could not go on; "" when one may.

        It ends when somebody resumes or runs the project, changes project.yaml, or when its time is over.
        """
        try:
            held = json.loads(self._held_back.read_text())
            changed_at = (self.folder.parent / "project.yaml").stat().st_mtime
        except (FileNotFoundError, ValueError):
            return ""
        is_over = time.time() >= held["until"] or changed_at > held["since"]
        return "" if is_over else held["reason"]

    def hold_back(self, reason: str, seconds: float = math.inf) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        self._held_back.write_text(json.dumps({"reason": reason, "since": now, "until": now + seconds}))

    def let_go(self) -> None:
        self._held_back.unlink(missing_ok=True)

    def hold_back_after(self, cancelled_run: str) -> bool:
        """For a run that a person ended. False where this was done before: somebody has let the project go on since."""
        if self._cancelled.exists() and self._cancelled.read_text() == cancelled_run:
            return False
        self.hold_back(f"run {cancelled_run[:8]} was cancelled")
        self._cancelled.write_text(cancelled_run)
        return True

    @contextmanager
    def extracting(self, run_id: str) -> Generator[None]:
        """Holds the project for one run; released by the system when the process dies, however it dies.

        Raises ProjectBusy where another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as handle:
            if not _taken(handle):
                handle.seek(0)
                holder = handle.read().strip() or "another run"
                raise ProjectBusy(f"{holder} is extracting this project; wait for it or cancel it")
            handle.truncate(0)
            handle.write(f"run {run_id} (process {os.getpid()})")
            handle.flush()
            yield

    @property
    def is_extracting(self) -> bool:
        try:
            with self._lock.open("r") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def _held_back(self) -> Path:
        return self.folder / "held-back.json"

    @property
    def _cancelled(self) -> Path:
        return self.folder / "cancelled"

    @property
    def _accepted(self) -> Path:
        return self.folder / "accepted.json"

    @property
    def _paused(self) -> Path:
        return self.folder / "paused"

    @property
    def _lock(self) -> Path:
        return self.folder / "extracting.lock"


def _taken(handle: IO[str]) -> bool:
    """Tries for a moment: somebody who asks whether the project is being extracted holds the lock for that time, too."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_BETWEEN_TRIES_S)
        else:
            return True
    return False
