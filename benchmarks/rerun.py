"""How long it takes until a run over unchanged documents says that nothing is to be done, by the engine alone and through Dagster.

The documents are made in `corpus`; they are read and extracted once, with the local rules.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.corpus import new_project
from benchmarks.throughput import RULES, apart, run_through_dagster
from coderai_pipeline.storage.projects import Home, LoadedProject


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coderai-benchmark-") as folder:
        loaded = new_project(Path(folder), "notices", range(options.documents), extractor=RULES)
        _, seconds, _ = apart(run_through_dagster, loaded.folder.path)
        print(f"first run, through Dagster: {options.documents} documents in {seconds:.1f} s", flush=True)
        for _ in range(2):
            done, seconds, parts = apart(run_engine, loaded.folder.path)
            print(f"again, engine alone: {done} documents to do, said after {seconds:.2f} s ({parts})", flush=True)
        for _ in range(2):
            planned_s, whole_s = apart(run_dagster, loaded.folder.path)
            print(
                f"again, through Dagster: said after {planned_s:.2f} s, ended after {whole_s:.2f} s, all from a new process",
                flush=True,
            )


def run_engine(path: Path) -> tuple[int, float, str]:
    """Documents done, seconds of the whole run, and how its first steps share the time."""
    from coderai_pipeline.engine.held import Held
    from coderai_pipeline.engine.intake import list_inbox
    from coderai_pipeline.engine.report import Summary
    from coderai_pipeline.engine.run import Scope, work
    from coderai_pipeline.engine.session import open_extractions
    from coderai_pipeline.storage.blocks import BlockStore

    loaded = _loaded(path)
    done = 0
    with open_extractions(loaded) as extractions:
        started = time.perf_counter()
        for event in work(loaded, Scope(), extractions, "benchmark"):
            if isinstance(event, Summary):
                done = event.done
        seconds = time.perf_counter() - started
    started = time.perf_counter()
    held = Held.load(BlockStore(loaded.folder.state))
    loaded_s = time.perf_counter() - started
    list_inbox(loaded.folder, loaded.project, held.documents)
    listed_s = time.perf_counter() - started - loaded_s
    return done, seconds, f"loading what is held {loaded_s:.2f} s, listing the inbox {listed_s:.2f} s"


def run_dagster(path: Path) -> tuple[float, float]:
    """Seconds until the plan, seconds in all."""
    started = time.perf_counter()
    from coderai_pipeline.defs.headless import open_instance, run_job
    from coderai_pipeline.defs.listeners import listening
    from coderai_pipeline.engine.report import Event, Planned, Summary

    planned: list[float] = []

    def listen(event: Event, _: Summary) -> None:
        if isinstance(event, Planned):
            assert not event.to_read + event.to_extract, "something is still to be done"
            planned.append(time.perf_counter() - started)

    with open_instance(path.parent) as instance, listening(path.name, listen):
        assert run_job(instance, _loaded(path).folder, "extract").success
    return planned[0], time.perf_counter() - started


def _loaded(path: Path) -> LoadedProject:
    return Home(path.parent).project(path.name).load()


if __name__ == "__main__":
    main()
