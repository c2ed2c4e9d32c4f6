"""How close the extraction comes to what the server allows: wall time, processor time and memory, beside a bare HTTP client.

The documents and the server are in `corpus`. Each figure is measured in a process of its own.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.corpus import KEY, asking, model_server, new_project, write_settings
from coderai_pipeline.storage.projects import Home, LoadedProject
from tests.server_moods import Moods

RULES = {"name": "rules"}
SPREAD = 0.6
"""Sigma of the log-normal latency: one reply in twenty takes 2.7 times the median."""
KEPT = {"documents", "tables.json"}
"""What of a project's state stays when an extraction is to be done once more."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One extraction, from listing the inbox to the summary. planned_s: until the plan. cpu_s: of the process that extracts;
    sending_s: of the one that sends, its start included. rss_mb: largest, of both together."""

    wall_s: float
    planned_s: float
    opening_s: float
    cpu_s: float
    sending_s: float
    rss_mb: float
    extracted: int
    calls: int
    input_tokens: int
    cells: Mapping[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts", nargs="*", default=["extraction"], help="extraction, memory, whole, limit (default: extraction)"
    )
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--many", type=int, default=20_000, help="documents of the larger corpus of `memory`")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--latency", type=float, default=0.4, help="median seconds to a reply")
    parser.add_argument("--spread", action="store_true", help="log-normal latency instead of a fixed one")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace, Path], None]] = {
        "extraction": extraction,
        "memory": memory,
        "whole": whole_run,
        "limit": rate_limit,
    }
    for part in options.parts:
        with tempfile.TemporaryDirectory(prefix="coderai-benchmark-") as folder:
            parts[part](options, Path(folder))


def extraction(options: argparse.Namespace, home: Path) -> None:
    """Wall / ideal of the extraction itself, documents being read already, and of a bare client in turn with it."""
    loaded = stored_project(home, options.documents)
    moods = Moods(latency_s=options.latency, latency_spread=SPREAD if options.spread else 0.0)
    with model_server(moods) as server:
        for in_flight in options.in_flight:
            bare: list[float] = []
            ours: list[Measured] = []
            for _ in range(options.repeat):
                server.forget()  # or the same request would take another time
                bare.append(apart(bare_client, loaded.folder.path, server.base_url, in_flight))
                server.forget()
                ours.append(once_more(loaded, server.base_url, in_flight))
            ideal = options.documents * options.latency / in_flight
            _print_extraction(in_flight, ideal, bare, ours, options.spread)


def _print_extraction(in_flight: int, ideal: float, bare: list[float], ours: list[Measured], is_spread: bool) -> None:
    walls = [one.wall_s for one in ours]
    last = ours[-1]
    print(f"{in_flight} in flight, {last.extracted} documents, {last.calls} calls, cells {dict(last.cells)}")
    print(f"  ideal {ideal:.2f} s" + (" (calls x median latency / in flight)" if is_spread else ""))
    print(
        f"  extraction {_listed(walls)}: {median(walls) / ideal:.3f} x ideal, {median(walls) / median(bare):.3f} x bare client"
    )
    print(f"  bare client {_listed(bare)}: {median(bare) / ideal:.3f} x ideal")
    cpu, sending = (
        median(each) / last.calls * 1000 for each in ([one.cpu_s for one in ours], [one.sending_s for one in ours])
    )
    print(
        f"  processor {cpu:.2f} ms a call to extract, {sending:.2f} ms to send; opening {median(one.opening_s for one in ours):.2f} s, of it no part in the above; ",
        end="",
    )
    print(f"plan after {median(one.planned_s for one in ours):.2f} s")
    print(
        f"  {last.calls / last.extracted:.2f} calls and {last.input_tokens / last.extracted:.0f} prompt tokens a document"
    )
    print(f"  largest memory {max(one.rss_mb for one in ours):.0f} MB", flush=True)


def memory(options: argparse.Namespace, home: Path) -> None:
    """Largest memory of the extracting process for few and for many documents, at no latency."""
    with model_server(Moods()) as server:
        for documents in (options.documents, options.many):
            loaded = stored_project(home / str(documents), documents)
            done = once_more(loaded, server.base_url, options.in_flight[0])
            print(f"{done.extracted} documents: largest memory {done.rss_mb:.0f} MB; {done.wall_s:.1f} s", flush=True)
            shutil.rmtree(home / str(documents))


def whole_run(options: argparse.Namespace, home: Path) -> None:
    """What a run through Dagster adds to each document: reading, blocks, events. Start-up ends when the plan is told."""
    for name in ("rules", "a server without latency"):
        with model_server(Moods()) as server:
            extractor = RULES if name == "rules" else asking(server.base_url)
            loaded = new_project(home / name[0], "notices", range(options.documents), extractor=extractor)
            startup_s, wall_s, cpu_s = apart(run_through_dagster, loaded.folder.path)
        each = (wall_s - startup_s) / options.documents * 1000
        print(f"{name}, {options.documents} documents: {each:.1f} ms a document; ", end="")
        print(
            f"whole {wall_s:.1f} s, of it start-up {startup_s:.1f} s; processor {cpu_s / options.documents * 1000:.1f} ms a document",
            flush=True,
        )


def rate_limit(options: argparse.Namespace, home: Path) -> None:
    """600 requests a minute, given as 10 at once, then 10 a second: how much of it is used, and how many calls are refused."""
    documents = min(options.documents, 400)
    loaded = stored_project(home, documents)
    with model_server(Moods(latency_s=options.latency, requests_per_minute=600, burst=10)) as server:
        done = once_more(loaded, server.base_url, 32, requests_per_minute=600)
        counts = server.counts()
    allowed = 10 + 10 * (done.wall_s - options.latency)
    print(
        f"600 a minute, {documents} documents in {done.wall_s:.1f} s: {done.calls / allowed:.3f} of the allowed rate; ",
        end="",
    )
    print(
        f"{counts['limited']} of {counts['received']} calls answered 429 ({counts['limited'] / counts['received']:.2%})",
        flush=True,
    )


def stored_project(home: Path, documents: int) -> LoadedProject:
    """A project whose documents are read and stored."""
    loaded = new_project(home, "notices", range(documents), extractor=RULES)
    apart(read_documents, loaded.folder.path)
    return loaded


def once_more(loaded: LoadedProject, base_url: str, in_flight: int, **limits: int) -> Measured:
    """The extraction as if nothing were extracted yet.

    What was is put aside, not deleted: for minutes ext4 passes over each inode that was just freed when it makes a new
    file, and the archive's files would take twenty times as long as in any run that people start.
    """
    home = loaded.folder.path.parent
    aside = Path(tempfile.mkdtemp(dir=home, prefix=".aside-"))
    for held in (*loaded.folder.state.iterdir(), home / ".shared"):
        if held.name not in KEPT and held.exists():
            held.rename(aside / held.name)
    write_settings(loaded.folder.project_file, asking(base_url), {"in_flight": in_flight, **limits})
    return apart(extract, loaded.folder.path)


def apart(measure: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a measurement in a fresh process, which shares no memory and no interpreter with this one."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        return processes.submit(measure, *arguments).result()


def read_documents(path: Path) -> None:
    from coderai_pipeline.engine.run import Scope, work
    from coderai_pipeline.engine.session import open_extractions

    loaded = _loaded(path)
    with open_extractions(loaded) as extractions:
        for _ in work(loaded, Scope(extract=False), extractions, "reading"):
            pass


def extract(path: Path) -> Measured:
    from coderai_pipeline.engine.report import Planned, Summary
    from coderai_pipeline.engine.run import Scope, work
    from coderai_pipeline.engine.session import open_extractions

    opened = time.perf_counter()
    loaded = _loaded(path)
    planned_s, summary = 0.0, Summary()
    with open_extractions(loaded) as extractions:
        started, cpu = time.perf_counter(), time.process_time()
        for event in work(loaded, Scope(), extractions, "benchmark"):
            if isinstance(event, Planned):
                planned_s = time.perf_counter() - started
            elif isinstance(event, Summary):
                summary = event
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        rss_mb = largest_mb()
    sending = resource.getrusage(resource.RUSAGE_CHILDREN)
    sending_s = sending.ru_utime + sending.ru_stime
    return Measured(
        wall_s,
        planned_s,
        started - opened,
        cpu_s,
        sending_s,
        rss_mb,
        summary.extracted,
        summary.calls,
        summary.input_tokens,
        summary.cells,
    )


def largest_mb() -> float:
    """Of this process and those it started; `getrusage` counts what a process was before it became another program, too."""
    processes = [psutil.Process(), *psutil.Process().children()]
    lines = [line for one in processes for line in Path(f"/proc/{one.pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def bare_client(path: Path, base_url: str, in_flight: int) -> float:
    """Seconds that plain HTTP takes for the same requests: bodies made beforehand, a connection a thread, nothing read or kept."""
    bodies = _bodies(_loaded(path))
    address = urlsplit(base_url)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ[KEY]}"}
    waiting = iter(bodies)

    def post() -> None:
        connection = http.client.HTTPConnection(str(address.hostname), address.port)
        for body in waiting:
            connection.request("POST", f"{address.path}/chat/completions", body, headers)
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(in_flight) as pool:
        started = time.perf_counter()
        for done in [pool.submit(post) for _ in range(in_flight)]:
            done.result()
        return time.perf_counter() - started


def _bodies(loaded: LoadedProject) -> list[bytes]:
    from coderai_pipeline.domain.chunks import split
    from coderai_pipeline.domain.prompts import plan_asks, render
    from coderai_pipeline.engine.held import held_documents, stored_documents
    from coderai_pipeline.extractors.chat import body_for
    from coderai_pipeline.extractors.wire import Asking
    from coderai_pipeline.storage.blocks import BlockStore

    blocks = BlockStore(loaded.folder.state)
    versions = {key: record.version for key, record in held_documents(blocks).items()}
    (ask,) = plan_asks(loaded.project, loaded.codebook, {variable.name for variable in loaded.codebook.asked})
    return [
        json.dumps(body_for(render(ask, document, chunk), Asking())).encode()
        for document in stored_documents(blocks, versions)
        for chunk in split(document)
    ]


def run_through_dagster(path: Path) -> tuple[float, float, float]:
    """Seconds to the plan, seconds in all, processor seconds."""
    started = time.perf_counter()
    from coderai_pipeline.defs.headless import open_instance, run_job
    from coderai_pipeline.defs.listeners import listening
    from coderai_pipeline.engine.report import Event, Planned, Summary

    planned: list[float] = []

    def listen(event: Event, _: Summary) -> None:
        if isinstance(event, Planned):
            planned.append(time.perf_counter() - started)

    with open_instance(path.parent) as instance, listening(path.name, listen):
        result = run_job(instance, _loaded(path).folder, "extract")
        assert result.success
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = time.process_time() + children.ru_utime + children.ru_stime
    return planned[0], time.perf_counter() - started, cpu_s


def _loaded(path: Path) -> LoadedProject:
    return Home(path.parent).project(path.name).load()


def _listed(seconds: list[float]) -> str:
    return " ".join(f"{one:.2f}" for one in sorted(seconds)) + " s"


if __name__ == "__main__":
    main()
