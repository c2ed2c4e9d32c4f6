"""Opens what a run needs to extract: the extractor that the project names, with its key, archive and budget.

The only place where an extractor's name becomes an object. A missing key is an error before anything else is done.
"""

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from coderai_pipeline.domain.project import Project
from coderai_pipeline.engine.askers import Asker, ModelAsker, RulesAsker
from coderai_pipeline.engine.batch_asker import BatchAsker, Unanswered
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.rehearsal import rehearse
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.extractors.clients import require_key
from coderai_pipeline.extractors.provider_process import ProviderProcess, started_ahead
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.telemetry.about import About

if TYPE_CHECKING:
    import openai

SHARED_FOLDER = ".shared"
"""Below the home of all projects: where runs that use the same key agree on their pace."""


@contextmanager
def open_extractions(
    loaded: LoadedProject,
    make_client: "Callable[[], openai.OpenAI] | None" = None,
    patience: Patience | None = None,
) -> Generator[Extractions]:
    """Raises MissingKey where the project's extractor needs a key and the environment has none."""
    with _asker(loaded, make_client, patience) as asker, _what_is_loaded_stays():
        yield Extractions.of(loaded.project, loaded.codebook, asker)


def open_provider(
    loaded: LoadedProject,
    make_client: "Callable[[], openai.OpenAI] | None" = None,
    patience: Patience | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> ProviderProcess:
    """The project's model server, not entered yet. Raises MissingKey."""
    settings, folder = loaded.project.extractor, loaded.folder
    key, shared = require_key(settings), folder.path.parent / SHARED_FOLDER
    return ProviderProcess(
        settings,
        loaded.project.limits,
        key,
        folder.state,
        shared,
        make_client=make_client,
        patience=patience,
        meanwhile=meanwhile,
        about=About(loaded.id, shows_text=loaded.project.privacy.show_text),
    )


def check_ready(project: Project) -> None:
    """Raises MissingKey where the project's extractor could not be asked, so that it is said before anything is done."""
    if project.extractor.name == "openai":
        require_key(project.extractor)


@contextmanager
def started_while_loading(project: Project) -> Generator[None]:
    """Starts the process that the project's extraction will talk through, while what else a run needs is loaded here."""
    is_asked = project.extractor.name == "openai" and not project.extractor.batch
    with started_ahead() if is_asked else nullcontext():
        yield


@contextmanager
def _what_is_loaded_stays() -> Generator[None]:
    """Keeps the collector from walking modules that never go: each time it takes 0.1 s, in all a fifth of a run's own time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _asker(
    loaded: LoadedProject, make_client: "Callable[[], openai.OpenAI] | None", patience: Patience | None
) -> Generator[Asker]:
    project = loaded.project
    if project.extractor.name == "rules":
        yield RulesAsker(project)
        return
    require_key(project.extractor)
    archive = ReplyArchive(loaded.folder.state / "replies")
    if project.extractor.batch:
        yield BatchAsker(archive, Unanswered.load(loaded.folder.state))
        return
    with open_provider(loaded, make_client, patience, meanwhile=lambda: rehearse(project, loaded.codebook)) as provider:
        yield ModelAsker(provider, archive)
