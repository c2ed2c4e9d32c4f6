"""Takes a candidate over into codebook.yaml, or takes it back: the only way in which a refinement changes anything.

A person asks for it by name; who and when is kept. Changing the file is in `storage.codebook_edits`.
"""

import base64
import secrets
from pathlib import Path

from coderai_pipeline.domain.errors import NotRefinable
from coderai_pipeline.domain.prompts import prompt_version
from coderai_pipeline.domain.refinement_scores import ScoredCandidate
from coderai_pipeline.storage.codebook_edits import VariableEdit, edit_codebook
from coderai_pipeline.storage.edited_files import read_bytes
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.refinements import (
    Applied,
    all_applied,
    keep_applied,
    kept_refinement,
    mark_undone,
    now,
    sha256_of,
)
from coderai_pipeline.storage.settings_files import load_codebook


def apply_candidate(loaded: LoadedProject, name: str, number: int, by: str) -> Applied:
    """Writes the candidate's words into the codebook; the next extraction asks this variable with them.

    Raises NotRefinable where there is no such candidate or the variable has changed since it was compared, InvalidInput
    where the file cannot be changed in place.
    """
    candidate = _candidate(loaded, name, number)
    path = loaded.folder.codebook_file
    before = read_bytes(path)
    edit = VariableEdit(name, candidate.instructions, candidate.descriptions, candidate.examples)
    after = edit_codebook(path, edit)
    replace_codebook(path, after)
    changed = loaded.folder.load()
    applied = Applied(
        variable=name,
        number=number,
        origin=candidate.origin,
        by=by,
        at=now(),
        from_version=prompt_version(loaded.project, loaded.codebook, loaded.codebook[name]),
        to_version=prompt_version(changed.project, changed.codebook, changed.codebook[name]),
        before=base64.b64encode(before).decode(),
        after_sha256=sha256_of(after),
    )
    keep_applied(loaded.folder, applied)
    return applied


def undo(loaded: LoadedProject, name: str, by: str) -> Applied:
    """The codebook as it was before the variable's last candidate was applied, byte for byte.

    Raises NotRefinable where none is applied, or the file has been changed since.
    """
    standing = [one for one in all_applied(loaded.folder) if one.variable == name and not one.undone_by]
    if not standing:
        raise NotRefinable(f"{name}: no candidate has been applied, so there is nothing to undo")
    last, path = standing[-1], loaded.folder.codebook_file
    if sha256_of(read_bytes(path)) != last.after_sha256:
        raise NotRefinable(
            f"{path.name} has been changed since candidate {last.number} was applied, and undoing would take that back, too; "
            "change the words yourself (replies to the old ones are kept and cost nothing)"
        )
    replace_codebook(path, base64.b64decode(last.before))
    mark_undone(loaded.folder, last, by)
    return last


def _candidate(loaded: LoadedProject, name: str, number: int) -> ScoredCandidate:
    refinement = kept_refinement(loaded.folder, name)
    if refinement is None or name not in loaded.codebook:
        raise NotRefinable(f"{name}: there are no candidates; make some first: coderai refine {loaded.id} {name}")
    candidate = refinement.candidate(number)
    if candidate is None:
        numbers = ", ".join(str(one.number) for one in refinement.candidates) or "none"
        raise NotRefinable(f"{name}: there is no candidate {number}; there are: {numbers}")
    if refinement.prompt_version != prompt_version(loaded.project, loaded.codebook, loaded.codebook[name]):
        raise NotRefinable(
            f"{name} has changed since its candidates were compared; make new ones: coderai refine {loaded.id} {name}"
        )
    return candidate


def replace_codebook(path: Path, data: bytes) -> None:
    """Whole or not at all, and only where it can be loaded. Raises InvalidInput."""
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        draft.write_bytes(data)
        load_codebook(draft)
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
