"""What people have said about a project's runs, and who is running it now: pause, sample acceptance, the run lock.

Small files below the project's `state/`; the runs themselves are in `engine`.
"""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from coderai_pipeline.domain.errors import ProjectBusy


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted the sample, and when (ISO 8601, UTC): from then on the full corpus is extracted."""

    by: str
    at: str
    note: str = ""


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

    def accept(self, by: str, note: str = "") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        acceptance = Acceptance(by, datetime.now(UTC).isoformat(timespec="seconds"), note)
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

    @contextmanager
    def extracting(self, run_id: str) -> Generator[None]:
        """Holds the project for one run; released by the system when the process dies, however it dies.

        Raises ProjectBusy where another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "another run"
                raise ProjectBusy(f"{holder} is extracting this project; wait for it or cancel it") from None
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
    def _accepted(self) -> Path:
        return self.folder / "accepted.json"

    @property
    def _paused(self) -> Path:
        return self.folder / "paused"

    @property
    def _lock(self) -> Path:
        return self.folder / "extracting.lock"
