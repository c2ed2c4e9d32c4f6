"""What refining a variable can rest on: the verdicts that count, the documents they are about, and the mistakes among them.

What is made of it is in `refining`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.errors import NotRefinable
from coderai_pipeline.domain.feedback_patterns import Mistake, mistake_of
from coderai_pipeline.domain.judgements import Judgement, is_about, that_count
from coderai_pipeline.engine.due import DueDocument, due_documents
from coderai_pipeline.engine.held import Held
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.judgements import judgements
from coderai_pipeline.storage.projects import LoadedProject


@dataclass(frozen=True, slots=True)
class Evidence:
    """What refining a variable rests on. judged: the verdicts that count, on present texts, with a known right value."""

    variable: Variable
    judged: Sequence[Judgement]
    documents: Mapping[str, DueDocument]
    mistakes: Sequence[Mistake]

    def judged_in(self, half: Iterable[str]) -> list[Judgement]:
        wanted = set(half)
        return [one for one in self.judged if one.document in wanted]

    def mistakes_in(self, half: Iterable[str]) -> list[Mistake]:
        wanted = set(half)
        return [one for one in self.mistakes if one.judgement.document in wanted]


def gather(loaded: LoadedProject, name: str) -> Evidence:
    """Raises NotRefinable where the variable is none that can be refined, or nobody has found a mistake in it."""
    variable = _refinable(loaded, name)
    blocks = BlockStore(loaded.folder.state)
    records = {key: one for key, one in Held.load(blocks).documents.items() if not one.removed}
    texts = {key: one.text_sha256 for key, one in records.items()}
    counting = that_count(one for one in judgements(blocks, name) if is_about(one, texts))
    judged = [one for one in counting.values() if one.has_truth and one.document in records]
    due = due_documents(blocks, {one.document: records[one.document] for one in judged})
    documents = {one.document.key: one for one in due}
    judged = [one for one in judged if one.document in documents]
    found = (mistake_of(one, variable, documents[one.document].document, loaded.project) for one in judged)
    mistakes = [one for one in found if one is not None]
    if not mistakes:
        raise NotRefinable(
            f"{name}: {len(judged)} cells have been judged and none of them was corrected; review cells of it first"
        )
    if len(documents) < 2:
        raise NotRefinable(
            f"{name}: only one document has been judged; a candidate is scored on others than it was written from"
        )
    return Evidence(variable, judged, documents, mistakes)


def _refinable(loaded: LoadedProject, name: str) -> Variable:
    if name not in loaded.codebook:
        names = [variable.name for variable in loaded.codebook.variables]
        raise NotRefinable(f"{name} is no variable of {loaded.id}{did_you_mean(name, names)}")
    variable = loaded.codebook[name]
    if variable.formula:
        raise NotRefinable(f"{name} is computed by a formula; refine the variables that it uses")
    if name in loaded.project.unit.key:
        raise NotRefinable(
            f"{name} tells the rows of a document apart: other words would give other rows, not better cells"
        )
    return variable
