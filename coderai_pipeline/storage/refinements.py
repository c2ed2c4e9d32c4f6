"""What refinements found and what became of them: one file a variable below `state/refinements/`, a page for people among
the prompts, and a record of who applied or undid what.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from coderai_pipeline.domain.refinement_scores import Refinement, RefusedCandidate, Score, ScoredCandidate
from coderai_pipeline.storage.projects import ProjectFolder


@dataclass(frozen=True, slots=True)
class Applied:
    """One change of the codebook by a candidate. before: the whole file as it was. after_sha256: of the file it became.
    undone_by, undone_at: "" while it stands."""

    variable: str
    number: int
    origin: str
    by: str
    at: str
    from_version: str
    to_version: str
    before: str
    after_sha256: str
    undone_by: str = ""
    undone_at: str = ""


def candidates_file(folder: ProjectFolder, variable: str) -> Path:
    return folder.prompts / f"{variable}.candidates.yaml"


def keep_refinement(folder: ProjectFolder, refinement: Refinement) -> None:
    path = _kept(folder, refinement.variable)
    _write(path, json.dumps(asdict(refinement), ensure_ascii=False, indent=1))
    _write(candidates_file(folder, refinement.variable), _page(folder.id, refinement))


def kept_refinement(folder: ProjectFolder, variable: str) -> Refinement | None:
    """The latest of a variable; None where there was none."""
    try:
        held: dict[str, Any] = json.loads(_kept(folder, variable).read_text())
    except FileNotFoundError:
        return None
    candidates = tuple(_candidate(one) for one in held.pop("candidates"))
    refused = tuple(RefusedCandidate(**one) for one in held.pop("refused"))
    listed: dict[str, Any] = {name: tuple(held.pop(name)) for name in ("patterns", "notes")}
    return Refinement(**held, **listed, candidates=candidates, refused=refused)


def keep_applied(folder: ProjectFolder, applied: Applied) -> None:
    _write(_applied(folder), json.dumps([*map(asdict, all_applied(folder)), asdict(applied)], ensure_ascii=False))


def all_applied(folder: ProjectFolder) -> list[Applied]:
    """Every change by a refinement, in order."""
    try:
        return [Applied(**one) for one in json.loads(_applied(folder).read_text())]
    except FileNotFoundError:
        return []


def mark_undone(folder: ProjectFolder, undone: Applied, by: str) -> None:
    records = [asdict(one) for one in all_applied(folder)]
    for record in records:
        if (record["variable"], record["at"]) == (undone.variable, undone.at):
            record |= {"undone_by": by, "undone_at": now()}
    _write(_applied(folder), json.dumps(records, ensure_ascii=False))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _candidate(held: dict[str, Any]) -> ScoredCandidate:
    score = held.pop("score")
    return ScoredCandidate(**held, score=Score(**score) if score else None)


def _page(project_id: str, refinement: Refinement) -> str:
    """For reading: what a person needs to choose."""
    command = f"coderai refine {project_id} {refinement.variable} --apply N"
    head = (
        f"# Candidates for other words for {refinement.variable}, made {refinement.made_at[:19]}. Nothing has changed.\n"
        f"# `{command}` takes one; editing this file changes nothing.\n"
    )
    shown: dict[str, object] = {
        "variable": refinement.variable,
        "judged_cells": refinement.judged,
        "mistakes": list(refinement.patterns),
        "compared_on": refinement.split,
        "candidates": [_shown(one) for one in refinement.candidates],
        "refused": [asdict(one) for one in refinement.refused],
        "notes": list(refinement.notes),
    }
    return head + yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110)


def _shown(one: ScoredCandidate) -> Mapping[str, object]:
    changes: dict[str, object] = {
        "instructions": one.instructions,
        "categories": dict(one.descriptions),
        "examples": [dict(example) for example in one.examples],
    }
    return {
        "number": one.number,
        "from": one.origin,
        "result": f"{one.score.verdict}: {one.score.stated}" if one.score else "not scored",
        "why": one.why,
        **{name: value for name, value in changes.items() if value},
    }


def _kept(folder: ProjectFolder, variable: str) -> Path:
    return folder.state / "refinements" / f"{variable}.json"


def _applied(folder: ProjectFolder) -> Path:
    return folder.state / "refinements" / ".applied.json"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
