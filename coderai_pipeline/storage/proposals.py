"""What the co-pilot keeps of a project, below `state/copilot/`: its conversation, and its proposals, one numbered file each.

What a proposal says is made in `engine.copilot`; only a person's `apply` changes codebook.yaml.
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from coderai_pipeline.domain.copilot import Turn
from coderai_pipeline.domain.errors import CoderAIError
from coderai_pipeline.domain.suggesting import Suggestion


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of codebook.yaml that waits for a person. by: the model, or that none was asked. suggestions: variables to add, and
    changes of those there are. refused: (name, reason) of what would be no valid codebook. diff: lines against the file whose
    SHA-256 is `codebook_sha256`. applied_at, applied_by: "" while it waits."""

    asked: str
    at: str
    by: str
    codebook_sha256: str
    suggestions: tuple[Suggestion, ...]
    refused: tuple[tuple[str, str], ...]
    diff: tuple[str, ...]
    number: int = 0
    applied_at: str = ""
    applied_by: str = ""


def keep_proposal(state: Path, proposal: Proposal) -> Proposal:
    """The proposal with the number that it got."""
    folder = _proposals(state)
    folder.mkdir(parents=True, exist_ok=True)
    number = max(numbers(state), default=0) + 1
    while True:
        numbered = replace(proposal, number=number)
        draft = _draft(folder, numbered)
        try:
            os.link(draft, folder / f"{number}.yaml")
        except FileExistsError:
            number += 1  # another command was quicker
            continue
        finally:
            draft.unlink()
        return numbered


def keep_applied(state: Path, proposal: Proposal, at: str, by: str) -> None:
    folder = _proposals(state)
    applied = replace(proposal, applied_at=at, applied_by=by)
    _draft(folder, applied).replace(folder / f"{proposal.number}.yaml")


def numbers(state: Path) -> list[int]:
    """Of all proposals, in order."""
    found = (re.fullmatch(r"(\d+)\.yaml", path.name) for path in _proposals(state).glob("*.yaml"))
    return sorted(int(match[1]) for match in found if match)


def kept_proposal(state: Path, number: int) -> Proposal:
    """Raises CoderAIError where there is none of that number."""
    try:
        held: dict[str, Any] = yaml.safe_load((_proposals(state) / f"{number}.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(map(str, numbers(state))) or "none yet; `coderai copilot PROJECT suggest` makes some"
        raise CoderAIError(f"there is no proposal {number}; proposals: {there}") from None
    suggestions = tuple(
        Suggestion(one["variable"], one["why"], tuple((source, quote) for source, quote in one["quotes"]))
        for one in held.pop("suggestions")
    )
    refused = tuple((name, reason) for name, reason in held.pop("refused"))
    return Proposal(suggestions=suggestions, refused=refused, diff=tuple(held.pop("diff")), **held)


def keep_turn(state: Path, turn: Turn, about: Mapping[str, object]) -> None:
    path = _conversation(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = "\n" + json.dumps({**about, **asdict(turn)}, ensure_ascii=False)
    with path.open("ab") as file:
        file.write(line.encode("utf-8", "backslashreplace"))


def kept_turns(state: Path) -> list[Turn]:
    """The conversation since the last reset. A line that a kill has cut is left out."""
    try:
        lines = _conversation(state).read_bytes().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return []
    turns: list[Turn] = []
    for line in lines:
        with suppress(ValueError):
            held = json.loads(line)
            turns.append(Turn(held["asked"], held["reply"]))
    return turns


def forget_turns(state: Path) -> int:
    """How many turns there were."""
    turns = len(kept_turns(state))
    _conversation(state).unlink(missing_ok=True)
    return turns


def _draft(folder: Path, proposal: Proposal) -> Path:
    draft = folder / f".{proposal.number}.{os.getpid()}.unfinished"
    plain = json.loads(json.dumps(asdict(proposal)))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    draft.write_text(f"# Nothing changes until a person applies this.\n{text}", "utf-8")
    return draft


def _proposals(state: Path) -> Path:
    return state / "copilot" / "proposals"


def _conversation(state: Path) -> Path:
    return state / "copilot" / "conversation.jsonl"
