"""How many calls an edit of the codebook takes: one variable of twenty, over documents that are extracted already.

The documents are made in `corpus`. Each edit is one run; what is to be done again for it is told by the server's own count.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from benchmarks.corpus import MORE_VARIABLES, asking, model_server, new_project
from benchmarks.throughput import apart, extract
from coderai_pipeline.storage.projects import LoadedProject
from tests.server_moods import Moods
from tests.servers import ModelServer

Codebook = dict[str, dict[str, Any]]
Edit = Callable[[Codebook], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coderai-benchmark-") as folder, model_server(Moods()) as server:
        variables = twenty_variables()
        loaded = new_project(
            Path(folder),
            "notices",
            range(options.documents),
            extractor=asking(server.base_url),
            variables=variables.values(),
        )
        _print_run("first extraction", loaded, server)
        for what, edit in EDITS.items():
            edited = deepcopy(variables)
            edit(edited)
            _save(loaded, edited)
            _print_run(what, loaded, server)
            _save(loaded, variables)
            _print_run("  undone", loaded, server)


def twenty_variables() -> Codebook:
    """Ten variables, ten more that ask for the same lines under other names, and one that is computed."""
    more = [{**variable, "name": f"{variable['name']}_again"} for variable in MORE_VARIABLES]
    computed = {"name": "claim_per_head", "type": "number", "formula": "amount / employees"}
    return {str(variable["name"]): deepcopy(variable) for variable in (*MORE_VARIABLES, *more, computed)}


def _describe_category(codebook: Codebook) -> None:
    codebook["branch"]["categories"][0]["description"] = "Food and drink, and what is sold with them."


def _validate(codebook: Codebook) -> None:
    codebook["employees"]["validation"] = {"max": 800}


def _default(codebook: Codebook) -> None:
    codebook["contact"]["default"] = "unknown"


def _formula(codebook: Codebook) -> None:
    codebook["claim_per_head"]["formula"] = "round(amount / employees, 2)"


EDITS: dict[str, Edit] = {
    "one category described otherwise": _describe_category,
    "a validation rule added": _validate,
    "a default added": _default,
    "a formula changed": _formula,
}


def _save(loaded: LoadedProject, codebook: Codebook) -> None:
    loaded.folder.codebook_file.write_text(yaml.safe_dump({"variables": list(codebook.values())}, sort_keys=False))


def _print_run(what: str, loaded: LoadedProject, server: ModelServer) -> None:
    server.forget()
    started = time.perf_counter()
    apart(extract, loaded.folder.path)
    asked = Counter(", ".join(sorted(seen.schema["properties"])) for seen in server.requests() if seen.schema)
    of = f" for {'; '.join(names if names.count(',') < 3 else 'all' for names in asked)}" if asked else ""
    print(f"{what}: {asked.total()} calls{of}; {time.perf_counter() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
