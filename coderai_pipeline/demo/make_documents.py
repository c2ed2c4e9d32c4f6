"""Makes the documents and gold files of the demo projects from `sources/`: `python -m coderai_pipeline.demo.make_documents`.

The results are committed, so that nobody has to run this to use the demo. How each format looks is in `drawing`.
"""

import csv
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from coderai_pipeline.demo import drawing
from coderai_pipeline.demo.drawing import Block, Source

_HERE = Path(__file__).parent
_SOURCES = _HERE / "sources"
_GOLD_COLUMNS = ("document", "entity", "variable", "expected")
_TRACK_ROWS = 430


def main() -> None:
    for project in sorted(path.parent for path in _HERE.glob("*/project.yaml")):
        sources = list(read_sources(project.name))
        for source in sources:
            drawing.draw(source, project / "inbox" / source["file"])
        _write_gold(project, sources)


def read_sources(project_id: str) -> Iterator[Source]:
    """The sources of a project's documents, in the order of their files, blocks of other files included."""
    for path in sorted(_SOURCES.glob(f"{project_id}*.yaml")):
        if path.stem.endswith(".inquiry"):
            continue
        for raw in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            source = cast(Source, raw)
            source["blocks"] = [block for each in source["blocks"] for block in _included(project_id, each)]
            yield source


def _included(project_id: str, block: Block) -> list[Block]:
    if "include" not in block:
        return [block]
    path = _SOURCES / f"{project_id}.{block['include']}.yaml"
    return [*cast("list[Block]", yaml.safe_load(path.read_text(encoding="utf-8"))), {"table": _track_record()}]


def _track_record() -> list[list[str]]:
    """A ferry's track of two and a half hours, one row every twenty seconds: smooth, with the noise that instruments have."""
    noise = random.Random(41)  # noqa: S311 - the same documents each time, no secret
    rows = [["Time", "Latitude", "Longitude", "Speed", "Course", "Distance"]]
    for step in range(_TRACK_ROWS):
        seconds = 1_080 + 20 * step
        left = (_TRACK_ROWS - 1 - step) / (_TRACK_ROWS - 1)
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        speed = 15.8 + 2.6 * math.sin(3 * left) * left + noise.uniform(-0.2, 0.2)
        course = 68 + 9 * math.sin(5 * left) + noise.uniform(-1.5, 1.5)
        rows.append(
            [
                clock,
                f"54° {31.2 - 14.4 * left + noise.uniform(-0.01, 0.01):06.3f}' N",
                f"010° {52.7 - 36.9 * left + noise.uniform(-0.01, 0.01):06.3f}' E",
                f"{speed:.1f} kn",
                f"{course:03.0f}°",
                f"{38.4 * left:.2f} nm",
            ]
        )
    return rows


def _write_gold(project: Path, sources: list[Source]) -> None:
    with (project / "gold.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_GOLD_COLUMNS)
        for source in sources:
            writer.writerows(_gold_rows(project, source))


def _gold_rows(project: Path, source: Source) -> Iterator[tuple[str, str, str, str]]:
    gold = source["gold"]
    if "rows" not in gold:
        for variable, expected in gold.items():
            yield source["file"], "", variable, str(expected)
        return
    for variable, expected in cast("dict[str, str]", gold["document"]).items():
        yield source["file"], "", variable, expected
    for number, row in enumerate(cast("list[dict[str, str]]", gold["rows"]), start=1):
        for variable in _entity_variables(project):
            yield source["file"], str(number), variable, row.get(variable, "")


def _entity_variables(project: Path) -> list[str]:
    """The variables asked of each entity: neither computed nor of the document as a whole."""
    codebook = cast("dict[str, list[dict[str, str]]]", yaml.safe_load((project / "codebook.yaml").read_text("utf-8")))
    return [v["name"] for v in codebook["variables"] if "formula" not in v and v.get("level") != "document"]


if __name__ == "__main__":
    main()
