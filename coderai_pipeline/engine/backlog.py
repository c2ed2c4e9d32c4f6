"""What a project still wants done, worked out from what is there: the question that the sensor asks at every tick."""

from dataclasses import dataclass
from pathlib import Path

from coderai_pipeline.domain.fingerprints import work_fingerprint
from coderai_pipeline.engine.gate import gate_closed
from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import Listing, list_inbox
from coderai_pipeline.engine.run import Scope, plan
from coderai_pipeline.storage.blocks import BlockStore, newest_block
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.gold import gold_files
from coderai_pipeline.storage.projects import LoadedProject

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Backlog:
    """due: documents to read or extract now; 0 also where the last run could not go on (`Control.held_back`). waiting: readable ones that wait until the sample is accepted."""

    listing: Listing
    accepted: bool
    due: int
    waiting: int


def backlog(loaded: LoadedProject) -> Backlog:
    """Everything missing or stale; before the sample is accepted, only what reading and the sample need."""
    control = Control(loaded.folder.state)
    accepted = control.acceptance is not None and not gate_closed(loaded)
    held = Held.load(BlockStore(loaded.folder.state))
    listing = list_inbox(loaded.folder, loaded.project, held.documents)
    fingerprint = work_fingerprint(loaded.project, loaded.codebook)
    todo = plan(loaded, held, listing, Scope(sample=None if accepted else SAMPLE, top_up=True), fingerprint)
    full = todo if accepted else plan(loaded, held, listing, Scope(), fingerprint)
    due = 0 if control.held_back else len(set(todo.to_read) | set(todo.to_extract))
    return Backlog(listing, accepted, due, len(full.to_extract) - len(todo.to_extract))


def newest_change(loaded: LoadedProject) -> Path | None:
    """The file, of the state or of the project's settings, that changed the dataset last; None before anything was read."""
    newest = newest_block(BlockStore(loaded.folder.state))
    if newest is None:
        return None
    settings = (loaded.folder.project_file, loaded.folder.codebook_file, *gold_files(loaded.folder.path))
    return max(newest, *settings, key=lambda file: file.stat().st_mtime)
