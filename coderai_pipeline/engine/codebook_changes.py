"""From the co-pilot's suggestions to codebook.yaml: which make a valid codebook, how the file would differ, and writing it.

The file itself is edited by `storage.codebook_edits`; suggestions come from `copilot`.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.copilot import Kind, as_changed
from coderai_pipeline.domain.errors import CoderAIError, InvalidInput, Problem
from coderai_pipeline.domain.suggesting import Suggestion
from coderai_pipeline.engine.applying import replace_codebook
from coderai_pipeline.storage import proposals
from coderai_pipeline.storage.codebook_edits import VariableEdit, edit_codebook
from coderai_pipeline.storage.edited_files import read_bytes
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.proposals import Proposal
from coderai_pipeline.storage.refinements import now, sha256_of
from coderai_pipeline.storage.settings_files import problems_of, save_codebook_yaml


def sifted(
    loaded: LoadedProject, kind: Kind, suggestions: Sequence[Suggestion]
) -> tuple[list[Suggestion], list[tuple[str, str]]]:
    """The suggestions that together make a valid codebook, and the names of the others with the reason."""
    present = [variable.name for variable in loaded.codebook.variables]
    left: list[Suggestion] = []
    refused: list[tuple[str, str]] = []
    for one in suggestions:
        reason = _misplaced(one.name, kind, present, [other.name for other in left])
        if reason:
            refused.append((one.name, reason))
        elif _changes(loaded.codebook, one):
            left.append(one)
    while problems := problems_of(_combined(loaded.codebook, left), loaded.project):
        order = [*present, *(one.name for one in left if one.name not in present)]
        blamed = {order[at]: problem for problem in problems if (at := _position(problem)) is not None}
        if not any(one.name in blamed for one in left):
            raise InvalidInput(problems)
        refused += [(one.name, _reason(blamed[one.name])) for one in left if one.name in blamed]
        left = [one for one in left if one.name not in blamed]
    return left, refused


def diff(loaded: LoadedProject, suggestions: Sequence[Suggestion]) -> Iterator[str]:
    """Against the file; where a spreadsheet holds the codebook, against what it would be as YAML."""
    path, codebook = loaded.folder.codebook_file, loaded.codebook
    if path.suffix == ".yaml":
        before, after = (
            data.decode("utf-8-sig", "replace") for data in (read_bytes(path), _edited(loaded, suggestions))
        )
    else:
        before, after = (save_codebook_yaml(one) for one in (codebook, _codebook(_combined(codebook, suggestions))))
    names = path.name, f"{path.name} with the proposal"
    return difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")


def applicable(loaded: LoadedProject, number: int) -> Proposal:
    """A proposal that can be applied. Raises CoderAIError where it was applied already, or the file has changed since."""
    proposal = proposals.kept_proposal(loaded.folder.state, number)
    path = loaded.folder.codebook_file
    if proposal.applied_at:
        raise CoderAIError(f"proposal {number} was applied by {proposal.applied_by}, {proposal.applied_at[:19]}")
    if not proposal.suggestions:
        raise CoderAIError(f"proposal {number} holds nothing that could be applied")
    if sha256_of(read_bytes(path)) != proposal.codebook_sha256:
        raise CoderAIError(f"{path.name} has been changed since proposal {number} was made; ask for a new one")
    if problems := problems_of(_combined(loaded.codebook, proposal.suggestions), loaded.project):
        raise InvalidInput(problems)
    return proposal


def apply(loaded: LoadedProject, number: int, by: str) -> None:
    """Writes a proposal into codebook.yaml. Raises as `applicable` does."""
    proposal = applicable(loaded, number)
    replace_codebook(loaded.folder.codebook_file, _edited(loaded, proposal.suggestions))
    proposals.keep_applied(loaded.folder.state, proposal, now(), by)


def _misplaced(name: str, kind: Kind, present: Sequence[str], before: Sequence[str]) -> str:
    if kind == "suggest" and name in present:
        return "is already a variable; `improve` changes it"
    if kind != "suggest" and name not in present:
        return f"is no variable of the codebook{did_you_mean(name, present)}"
    return "is suggested twice" if name in before else ""


def _changes(codebook: Codebook, one: Suggestion) -> bool:
    if one.name not in codebook:
        return True
    variable = codebook[one.name]
    return as_changed(variable, one.variable) != as_changed(variable, {})


def _combined(codebook: Codebook, suggestions: Sequence[Suggestion]) -> dict[str, JsonValue]:
    """What codebook.yaml would hold."""
    changes = {one.name: one.variable for one in suggestions}
    variables = [as_changed(variable, changes.get(variable.name, {})) for variable in codebook.variables]
    return {"variables": [*variables, *(dict(one.variable) for one in suggestions if one.name not in codebook)]}


def _codebook(data: Mapping[str, JsonValue]) -> Codebook:
    return Codebook.model_validate_json(json.dumps(data), strict=True)


def _position(problem: Problem) -> int | None:
    match = re.match(r"variables\[(\d+)\]", problem.key)
    return int(match[1]) if match else None


def _reason(problem: Problem) -> str:
    return str(replace(problem, file=re.sub(r"^variables\[\d+\]\.?", "", problem.key) or "variable", key=""))


def _edited(loaded: LoadedProject, suggestions: Sequence[Suggestion]) -> bytes:
    codebook = loaded.codebook
    edits = [_edit(codebook[one.name], one.variable) for one in suggestions if one.name in codebook]
    new: list[JsonValue] = [dict(one.variable) for one in suggestions if one.name not in codebook]
    return edit_codebook(loaded.folder.codebook_file, *edits, added=_codebook({"variables": new}) if new else None)


def _edit(variable: Variable, changes: Mapping[str, JsonValue]) -> VariableEdit:
    """What differs from what the file holds; lists have only grown at their end."""
    before, after = as_changed(variable, {}), as_changed(variable, changes)
    lists = {key: value for key, value in after.items() if isinstance(value, list)}
    more = {key: items[len(cast("list[JsonValue]", before.get(key) or [])) :] for key, items in lists.items()}
    values = {
        key: value
        for key, value in after.items()
        if isinstance(value, (str, float, int)) and (key not in before or value != before[key])
    }
    instructions = values.pop("instructions", None)
    return VariableEdit(variable.name, cast("str | None", instructions), values=values, more=more)
