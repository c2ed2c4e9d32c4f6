"""The co-pilot at work: samples a project's documents, asks the model or looks for what repeats, and keeps what comes of it.

Prompts and replies are in `domain.copilot`, the way without a model in `domain.suggesting`, what becomes of the codebook in
`codebook_changes`. A missing key is an error: the local way is taken only with the extractor `rules`, or where it is asked for.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from coderai_pipeline.domain import suggesting
from coderai_pipeline.domain.cells import CellStatus, Reply
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.conventions import conventions_of
from coderai_pipeline.domain.copilot import Said, Task, Turn, read_reply, request
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.errors import CoderAIError, ProviderError
from coderai_pipeline.domain.prompts import visible_text
from coderai_pipeline.domain.suggesting import Sample
from coderai_pipeline.engine.askers import TRIES
from coderai_pipeline.engine.codebook_changes import diff, sifted
from coderai_pipeline.engine.due import due_documents
from coderai_pipeline.engine.held import held_cells, held_documents
from coderai_pipeline.engine.intake import list_inbox, read_options, take_in
from coderai_pipeline.engine.run import SETTLING_S
from coderai_pipeline.engine.session import check_ready, open_provider
from coderai_pipeline.extractors.archive import next_attempt
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.readers import Reader
from coderai_pipeline.storage import proposals
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.edited_files import read_bytes
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.proposals import Proposal
from coderai_pipeline.storage.refinements import now, sha256_of

if TYPE_CHECKING:
    import openai

DOCUMENTS = 6
"""Sent to the model as a sample."""
LOCAL_DOCUMENTS = 100
NO_MODEL = "no model was asked: this is only what repeats in {} documents (labels, dates, amounts, yes/no)"
NOT_JUDGED = "no model was asked: conditions were read, and counted in {} documents, not judged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task. proposal: None where there is nothing to change. by: who answered, in words. replies: paid for it."""

    said: Said
    by: str
    proposal: Proposal | None = None
    replies: tuple[Reply, ...] = ()


def consult(
    loaded: LoadedProject,
    task: Task,
    *,
    local: bool = False,
    documents: int | None = None,
    make_client: "Callable[[], openai.OpenAI] | None" = None,
    patience: Patience | None = None,
) -> Outcome:
    """Does a task and keeps its proposal and the conversation. local: without a model, as with the extractor `rules`.

    Raises CoderAIError where the task cannot be done so, and whatever ends a call: MissingKey, a used budget, an outage.
    """
    _check(loaded, task)
    if local or loaded.project.extractor.name == "rules":
        samples = sample(loaded, documents or LOCAL_DOCUMENTS)
        said, replies = _looked(loaded, task, samples), ()
        by = (NOT_JUDGED if task.kind == "check" else NO_MODEL).format(len(samples))
    else:
        check_ready(loaded.project)
        samples = sample(loaded, documents or DOCUMENTS)
        said, replies = _asked(loaded, task, samples, make_client, patience)
        by = f"{replies[-1].model or loaded.project.extractor.model}, from {len(samples)} documents"
    if not loaded.project.privacy.show_text:
        said = _without_text(said)
    proposal = _proposed(loaded, task, said, by)
    if replies:
        _remember(loaded, task, replies, proposal)
    return Outcome(said, by, proposal, replies)


def sample(loaded: LoadedProject, number: int) -> list[Sample]:
    """So many documents, always the same ones: of those already read, or, where none is, the first of the inbox."""
    blocks = BlockStore(loaded.folder.state)
    held = {key: one for key, one in held_documents(blocks).items() if one.status.is_readable and not one.removed}
    if held:
        chosen = sorted(held, key=lambda key: hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest())[:number]
        found = [due.document for due in due_documents(blocks, {key: held[key] for key in chosen})]
    else:
        found = list(_first_of_inbox(loaded, number))
    return [_as_sample(loaded, document) for document in sorted(found, key=lambda document: document.key)]


def _first_of_inbox(loaded: LoadedProject, number: int) -> Iterator[Document]:
    """Reads them for this once, without keeping them."""
    entries = [
        entry for entry in list_inbox(loaded.folder, loaded.project, wait_s=SETTLING_S).entries if not entry.refused
    ]
    with Reader(read_options(loaded.project)) as reader:
        taken = (one.document for one in take_in(entries[: 2 * number], (), reader))
        yield from islice((document for document in taken if document.status.is_readable), number)


def _as_sample(loaded: LoadedProject, document: Document) -> Sample:
    keep_hidden = loaded.project.reading.hidden_text == "keep"
    text = visible_text(document, Span(0, len(document.text)), keep_hidden)
    return Sample(document.key, document.source, text, conventions_of(loaded.project, document))


def _check(loaded: LoadedProject, task: Task) -> None:
    if not task.variable:
        return
    names = [variable.name for variable in loaded.codebook.variables]
    if task.variable not in names:
        raise CoderAIError(f"{task.variable} is no variable of {loaded.id}{did_you_mean(task.variable, names)}")
    if loaded.codebook[task.variable].formula:
        raise CoderAIError(
            f"{task.variable} is computed by a formula and not asked; improve the variables that it uses"
        )


def _looked(loaded: LoadedProject, task: Task, samples: Sequence[Sample]) -> Said:
    """What can be done without a model."""
    if task.kind == "ask":
        raise CoderAIError("a question takes a model; without one there are suggest, improve, categories and check")
    if not samples:
        raise CoderAIError(f"{loaded.id} has no document that can be read; drop some into {loaded.folder.inbox}")
    if task.kind == "check":
        return Said(_conditions_met(loaded, samples))
    if task.kind == "suggest":
        found = suggesting.suggest(samples, loaded.codebook, loaded.project)
        return Said("" if found else "nothing repeats that the codebook does not have already", tuple(found))
    variable = loaded.codebook[task.variable]
    look = suggesting.suggest_labels if task.kind == "improve" else suggesting.suggest_categories
    one = look(samples, variable)
    nothing = "no labels of its own kind" if task.kind == "improve" else "no few values beside its labels"
    return Said("", (one,)) if one else Said(f"{nothing} were found in the documents")


def _conditions_met(loaded: LoadedProject, samples: Sequence[Sample]) -> str:
    """That the conditions are valid is known, since the codebook could be loaded; how often they held, the cells say."""
    keys = [one.key for one in samples]
    cells = held_cells(BlockStore(loaded.folder.state), keys)
    lines: list[str] = []
    for variable in loaded.codebook.variables:
        if variable.depends_on:
            held = [cell for key in keys for cell, _ in cells.get(key, {}).get(variable.name, ())]
            counts = Counter(cell.status is CellStatus.SKIPPED for cell in held)
            told = f"asked {counts[False]} times, not asked {counts[True]} times" if held else "not extracted yet"
            odd = "; never true here" if counts[True] and not counts[False] else ""
            odd = "; always true here" if counts[False] and not counts[True] else odd
            lines.append(f"{variable.name}, asked if {variable.depends_on}: {told}{odd}")
    return "\n".join(["every condition can be read, and none goes round in a circle", *lines])


def _asked(
    loaded: LoadedProject,
    task: Task,
    samples: Sequence[Sample],
    make_client: "Callable[[], openai.OpenAI] | None",
    patience: Patience | None,
) -> tuple[Said, tuple[Reply, ...]]:
    """A reply that cannot be read is asked again; each is paid for and kept. Raises ProviderError where none can be read."""
    call = request(task, loaded.project, loaded.codebook, samples, proposals.kept_turns(loaded.folder.state))
    replies: list[Reply] = []
    with open_provider(loaded, make_client, patience) as provider:
        future = provider.submit(call)
        while True:
            replies.append(future.result())
            said = read_reply(replies[-1].text, replies[-1].finish_reason, task, samples)
            if said is not None:
                return said, tuple(replies)
            if len(replies) == TRIES:
                raise ProviderError(f"{TRIES} replies and none could be read; ask in other words", replies[-1].text)
            future = provider.ask_again(call, "the co-pilot's reply cannot be read")
            call = next_attempt(call)


def _without_text(said: Said) -> Said:
    """For projects that show no text of their documents."""
    return replace(said, suggestions=tuple(replace(one, quotes=()) for one in said.suggestions), quotes=(), unfound=())


def _proposed(loaded: LoadedProject, task: Task, said: Said, by: str) -> Proposal | None:
    """Keeps what is a valid codebook, with the reasons for what is not; None where nothing was suggested."""
    kept, refused = sifted(loaded, task.kind, [one for one in said.suggestions if len(one.variable) > 1])
    if not kept and not refused:
        return None
    proposal = Proposal(
        asked=" ".join(filter(None, (task.kind, task.variable, task.question))),
        at=now(),
        by=by,
        codebook_sha256=sha256_of(read_bytes(loaded.folder.codebook_file)),
        suggestions=tuple(kept),
        refused=tuple(refused),
        diff=tuple(diff(loaded, kept)),
    )
    return proposals.keep_proposal(loaded.folder.state, proposal)


def _remember(loaded: LoadedProject, task: Task, replies: Sequence[Reply], proposal: Proposal | None) -> None:
    about = {
        "at": now(),
        "proposal": proposal.number if proposal else None,
        "model": replies[-1].model,
        "calls": [reply.call_id for reply in replies],
        "tokens": sum(reply.input_tokens + reply.output_tokens for reply in replies),
    }
    proposals.keep_turn(loaded.folder.state, Turn(task.words, replies[-1].text), about)
