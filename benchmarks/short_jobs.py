"""Three short jobs as people run them: receipts, long contracts, and reports of several rows each, beside a bare HTTP client.

In jobs that last two seconds the start, the end and the slowest reply decide. Run: python -m benchmarks.short_jobs
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.corpus import KEY, UNLIMITED, model_server, prose
from benchmarks.throughput import SPREAD, Measured, apart, bare_client, once_more, read_documents
from coderai_pipeline.storage.projects import HOME_VARIABLE, LoadedProject
from tests.engine.projects import answer, cells, drop, labelled, make
from tests.server_moods import Moods
from tests.servers import ModelServer

IN_FLIGHT = 32
USUAL = Moods(latency_s=0.4, latency_spread=SPREAD)
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """Documents, and the rows that each of them states: variable -> value."""

    name: str
    variables: Sequence[Mapping[str, Any]]
    unit: Mapping[str, Any]
    texts: Sequence[str]
    rows: Sequence[Sequence[Values]]

    def write(self, home: Path) -> LoadedProject:
        """The job as a project whose documents are read already."""
        folder = make(
            home,
            self.variables,
            self.name,
            unit=self.unit,
            limits={"tokens": UNLIMITED},
            extractor={"api_key_env": KEY},
        )
        for number, text in enumerate(self.texts):
            drop(folder, f"{number:03d}.txt", text)
        apart(read_documents, folder.path)
        return folder.load()

    def right(self, loaded: LoadedProject) -> float:
        """The share of cells that hold what their document states, of those stated."""
        found: dict[str, list[tuple[str, str]]] = {}
        for (document, _, variable), cell in cells(loaded.folder).items():
            found.setdefault(document, []).append((variable, _plain(str(cell.value))))
        wanted = {
            f"{number:03d}.txt": [(variable, _plain(value)) for row in rows for variable, value in row.items()]
            for number, rows in enumerate(self.rows)
        }
        settled = sum(len(pairs) for pairs in found.values())
        same = sum(_shared(pairs, found.get(document, [])) for document, pairs in wanted.items())
        return same / max(settled, sum(map(len, wanted.values())))


def _plain(value: str) -> str:
    """The same for 12.50 and 12.5."""
    try:
        return str(float(value))
    except ValueError:
        return value


def _shared(wanted: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> int:
    left = list(found)
    for pair in wanted:
        if pair in left:
            left.remove(pair)
    return len(found) - len(left)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault(KEY, "any-word")
    with tempfile.TemporaryDirectory(prefix="coderai-benchmark-") as folder:
        for job in (receipts(), contracts(), reports()):
            beside_bare_client(job, Path(folder), options.repeat)
        troubled(receipts(), Path(folder) / "limited", Moods(latency_s=0.4, requests_per_minute=600), 600)
        troubled(receipts(), Path(folder) / "failing", Moods(latency_s=0.4, errors=0.02, malformed=0.01), UNLIMITED)
        start_up(receipts(), Path(folder) / "start")


def beside_bare_client(job: Job, home: Path, repeat: int) -> None:
    loaded = job.write(home)
    with model_server(USUAL, answer) as server:
        bare: list[float] = []
        ours: list[Measured] = []
        for _ in range(repeat):
            server.forget()  # or the same request would take another time
            ours.append(once_more(loaded, server.base_url, IN_FLIGHT))
            server.forget()
            bare.append(apart(bare_client, loaded.folder.path, server.base_url, IN_FLIGHT))
    wall, last = median(one.wall_s for one in ours), ours[-1]
    print(
        f"{job.name}: {len(job.texts)} documents, {wall:.2f} s, bare client {median(bare):.2f} s: {wall / median(bare):.2f} x; "
        f"{last.calls / last.extracted:.2f} calls and {last.input_tokens / last.extracted:.0f} prompt tokens a document; "
        f"{job.right(loaded):.1%} of cells right",
        flush=True,
    )


def troubled(job: Job, home: Path, moods: Moods, requests_per_minute: int) -> None:
    """Documents lost where the server limits or fails, and the share of the allowed rate that was used."""
    loaded = job.write(home)
    with model_server(moods, answer) as server:
        done = once_more(loaded, server.base_url, IN_FLIGHT, requests_per_minute=requests_per_minute)
        counts = server.counts()
    rate = done.calls / (moods.burst + 10 * (done.wall_s - moods.latency_s)) if moods.requests_per_minute else 0.0
    said = f", {rate:.2f} of the allowed rate" if rate else ""
    print(
        f"{home.name}: {done.wall_s:.1f} s{said}; {len(job.texts) - done.extracted} of {len(job.texts)} documents lost, "
        f"{job.right(loaded):.1%} of cells right; the server's replies: {dict(counts)}",
        flush=True,
    )


def start_up(job: Job, home: Path) -> None:
    """Seconds from a command to the first request about a new document: of the engine alone, and with all that Dagster does."""
    loaded = job.write(home)
    engine = [sys.executable, "-m", "tests.engine.drive", str(home), loaded.folder.id]
    whole = [str(Path(sys.executable).with_name("coderai")), "run", loaded.folder.id]
    with model_server(USUAL, answer) as server:
        once_more(loaded, server.base_url, IN_FLIGHT)
        for name, command in (("the engine alone", engine), ("`coderai run`", whole)):
            drop(loaded.folder, f"new-{time.time_ns()}.txt", f"{job.texts[0]} {time.time_ns()}")
            server.forget()
            print(f"start: {_until_asked(command, home, server):.1f} s until the first request, {name}", flush=True)


def _until_asked(command: Sequence[str], home: Path, server: ModelServer) -> float:
    started = time.perf_counter()
    environment = {**os.environ, HOME_VARIABLE: str(home)}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not server.counts()["received"] and run.poll() is None:
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    run.wait()
    return seconds


def receipts() -> Job:
    """80 of about 100 words, four values each."""
    variables = [
        {"name": "company", "type": "text"},
        {"name": "bought", "type": "date"},
        {"name": "address", "type": "text"},
        {"name": "total", "type": "number"},
    ]
    rows: list[list[Values]] = []
    texts: list[str] = []
    for number in range(80):
        chance = random.Random(number)
        row = {
            "company": f"{_name(chance)} {_name(chance)} Market",
            "bought": _day(chance),
            "address": f"{chance.randint(1, 99)} {_name(chance)} Road, {_name(chance)}",
            "total": f"{chance.randint(1, 900)}.{chance.randint(11, 99)}",
        }
        goods = [f"{chance.randint(1, 9)} x {prose(chance, 3)} {chance.randint(1, 90)}.50" for _ in range(14)]
        rows.append([row])
        texts.append("\n".join([labelled(row), *goods, f"Receipt {number}. Thank you, come again."]))
    return Job("receipts", variables, {"rows": "one"}, texts, rows)


def contracts() -> Job:
    """55 of about 3,500 words: as long as is still asked as a whole."""
    variables = [
        {"name": "party", "type": "text"},
        {"name": "signed", "type": "date"},
        {"name": "rent", "type": "number"},
        {"name": "court", "type": "location"},
    ]
    rows: list[list[Values]] = []
    texts: list[str] = []
    for number in range(55):
        chance = random.Random(number)
        row = {
            "party": f"{_name(chance)} & {_name(chance)} Ltd",
            "signed": _day(chance),
            "rent": str(chance.randint(100, 9_000)),
            "court": _name(chance),
        }
        clauses = [f"{clause}. {prose(chance, 70)}" for clause in range(1, 51)]
        for place, stated in zip((3, 17, 31, 48), row.items(), strict=True):
            clauses.insert(place, labelled(dict([stated])).strip())
        rows.append([row])
        texts.append(f"Lease {number}\n\n" + "\n\n".join(clauses))
    return Job("contracts", variables, {"rows": "one"}, texts, rows)


def reports() -> Job:
    """100 of about 250 words with one to five events each."""
    variables = [
        {"name": "place", "type": "location"},
        {"name": "day", "type": "date"},
        {"name": "injured", "type": "number"},
        {"name": "cause", "type": "text"},
    ]
    unit = {"rows": "many", "represents": "each protest", "key": ["place", "day"]}
    rows: list[list[Values]] = []
    texts: list[str] = []
    for number in range(100):
        chance = random.Random(number)
        places = chance.sample(_NAMES, chance.randint(1, 5))
        events = [
            {"place": place, "day": _day(chance), "injured": str(chance.randint(0, 40)), "cause": prose(chance, 3)}
            for place in places
        ]
        lines = ["event: " + "; ".join(f"{name}={value}" for name, value in event.items()) for event in events]
        parts = [part for line in lines for part in (prose(chance, 60), line)]
        rows.append(events)
        texts.append(f"Report {number}\n\n" + "\n\n".join([*parts, prose(chance, 60)]))
    return Job("reports", variables, unit, texts, rows)


_NAMES = ("Graz", "Leipzig", "Porto", "Turku", "Lyon", "Gdansk", "Bilbao", "Cork", "Uppsala", "Trieste")


def _name(chance: random.Random) -> str:
    return chance.choice(_NAMES)


def _day(chance: random.Random) -> str:
    return f"{chance.randint(2001, 2024)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"


if __name__ == "__main__":
    main()
