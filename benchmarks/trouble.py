"""What is left after trouble: a run that is killed again and again, and a server in all its bad moods.

Each is compared, cell by cell, with an undisturbed run over the same documents. The documents are made in `corpus`.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.corpus import asking, model_server, new_project
from coderai_pipeline.domain.cells import Cell, CellStatus
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder
from tests.engine.projects import cells
from tests.server_moods import Moods
from tests.servers import ModelServer

SPREAD = 0.6
BAD_MOODS = Moods(
    latency_s=0.4, latency_spread=SPREAD, requests_per_minute=600, errors=0.02, resets=0.01, hangs=0.01, malformed=0.01,
    truncated=0.01, refusals=0.01, wrong_shapes=0.01, invented_quotes=0.01,
)  # fmt: skip
Place = tuple[str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["kills", "moods"], help="kills, moods (default: both)")
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace, Path], None]] = {"kills": kills, "moods": moods}
    for part in options.parts:
        with tempfile.TemporaryDirectory(prefix="coderai-benchmark-") as folder:
            parts[part](options, Path(folder))


def kills(options: argparse.Namespace, home: Path) -> None:
    """One job, killed with all its processes at random moments and started again each time."""
    with model_server(Moods(latency_s=0.4, latency_spread=SPREAD)) as server:
        undisturbed, calls = _undisturbed(options, home, server)
        folder = _project(options, home / "killed", server).folder
        chance = random.Random(options.seed)
        moments: list[int] = []
        for _ in range(options.kills):
            done = server.counts()["answered"]
            moments.append(_kill_after(_driven(folder), server, done + chance.randint(0, 2 * calls // options.kills)))
        _finished(folder)
        asked = server.asked()
        held = ReplyArchive(folder.state / "replies").count()
    doubled = sum(times - 1 for times in asked.values())
    print(f"{options.documents} documents, killed after {', '.join(map(str, moments))} answers")
    print(f"  {_compared(undisturbed, _cells(folder))}")
    print(f"  calls: {calls} undisturbed, {len(asked)} different ones here, {held} in the archive; ", end="")
    print(
        f"{doubled} answered twice (at most {options.kills * options.in_flight} were in flight at the kills)",
        flush=True,
    )


def moods(options: argparse.Namespace, home: Path) -> None:
    """A slow, limited, failing and lying server: 600 requests a minute, and one reply in ten is no good."""
    with model_server(Moods()) as server:
        undisturbed, _ = _undisturbed(options, home, server)
        server.set_moods(BAD_MOODS)
        loaded = _project(options, home / "moods", server, requests_per_minute=600)
        started = time.monotonic()
        _finished(loaded.folder)
        wall_s = time.monotonic() - started
        counts = server.counts()
        held = ReplyArchive(loaded.folder.state / "replies").count()
    found = _cells(loaded.folder)
    print(f"{options.documents} documents, {wall_s:.0f} s; the server's replies: {dict(counts)}")
    print(f"  replies in the archive {held}, answered calls {counts['answered']}")
    with open_ledger(loaded) as ledger:
        print(
            f"  ledger: wanted {ledger.wanted}, settled {ledger.settled}, failed {ledger.failed}, open {ledger.open}; {dict(ledger.statuses)}"
        )
    print(f"  {_compared(undisturbed, found)}")
    whys = Counter(cell.reason.split(":")[0][:90] for cell in found.values() if cell.status is not CellStatus.EXTRACTED)
    for why, number in whys.most_common(12):
        print(f"    {number} cells: {why}")


def _undisturbed(options: argparse.Namespace, home: Path, server: ModelServer) -> tuple[dict[Place, Cell], int]:
    """The cells as they should be, and how many calls they take."""
    folder = _project(options, home / "undisturbed", server).folder
    _finished(folder)
    calls = len(server.asked())
    server.forget()
    return _cells(folder), calls


def _project(options: argparse.Namespace, home: Path, server: ModelServer, **limits: int) -> LoadedProject:
    limits = {"in_flight": options.in_flight, "failures_in_a_row": 1_000, **limits}
    return new_project(home, "notices", range(options.documents), extractor=asking(server.base_url), limits=limits)


def _finished(folder: ProjectFolder) -> None:
    if _driven(folder).wait() != 0:
        raise SystemExit("the run ended with an error; see above")


def _driven(folder: ProjectFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.engine.drive", str(folder.path.parent), folder.id]
    return subprocess.Popen(command, env=os.environ, start_new_session=True)


def _kill_after(process: subprocess.Popen[bytes], server: ModelServer, answered: int) -> int:
    """Kills a run and all that it started once the server has answered so often; how often it had."""
    while (now := server.counts()["answered"]) < answered and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return now


def _cells(folder: ProjectFolder) -> dict[Place, Cell]:
    """Without what differs from run to run: how long calls took, and how often a reply had to be asked for."""
    return {place: replace(cell, seconds=0.0) for place, cell in cells(folder).items()}


def _compared(wanted: Mapping[Place, Cell], found: Mapping[Place, Cell]) -> str:
    identical = sum(found.get(place) == cell for place, cell in wanted.items())
    same = sum(place in found and found[place].value == cell.value for place, cell in wanted.items())
    unexplained = [
        place
        for place, cell in wanted.items()
        if place not in found or (found[place].value != cell.value and not found[place].reason)
    ]
    return (
        f"cells: {len(wanted)} wanted, {len(found)} found, {identical} identical in all, {same} of the same value, "
        f"{len(unexplained)} of another value without a reason, {len(found.keys() - wanted.keys())} too many"
    )


if __name__ == "__main__":
    main()
