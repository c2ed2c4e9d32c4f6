"""What one written row of feedback says: of which cell, how it was when it was judged, and what it should hold.

A row that could mean two things is refused with a remedy, never guessed. Files and blocks are the matter of `feedback`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coderai_pipeline.domain.asks import level_of
from coderai_pipeline.domain.cells import CellStatus, JsonValue, Value
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.conventions import conventions_of_project
from coderai_pipeline.domain.corrections import NO_VALUE, NotTaken, read_correction
from coderai_pipeline.domain.errors import CoderAIError
from coderai_pipeline.domain.feedback import Feedback, Verdict, same_value
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.domain.wording import short, shown, shown_json
from coderai_pipeline.engine.judged_cells import CellKey, JudgedCells, JudgedDocument, judged_documents
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.feedback_files import WrittenRow
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.records import value_from

_VERDICTS = {str(verdict): verdict for verdict in Verdict} | {
    "partly_correct": Verdict.PARTIALLY_CORRECT, "right": Verdict.CORRECT, "wrong": Verdict.INCORRECT
}  # fmt: skip
_YES = ("true", "yes", "1", "x")
_FLAGS = ("is_corrected", "is_blind")
"""A program that saves a workbook anew may write 0 or FALSE for no."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not applied. row: None = the file as a whole. said: what stands in it, short. why: cause and remedy."""

    row: int | None
    said: str
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """A row that can be applied."""

    row: int
    feedback: Feedback
    words: str

    def refused(self, why: str) -> Refused:
        return Refused(self.row, self.words, why)


class _Unclear(CoderAIError):
    """Why a row is not applied, and what to do next."""


@dataclass(frozen=True, slots=True)
class Judging:
    """What rows are judged by: the codebook, the documents by key and by source, their cells of all times, earlier feedback."""

    loaded: LoadedProject
    documents: Mapping[str, JudgedDocument]
    cells: JudgedCells
    corrected: Mapping[CellKey, Feedback]
    """The newest feedback on a cell, where it is a correction."""

    @classmethod
    def of(
        cls, loaded: LoadedProject, blocks: BlockStore, rows: Sequence[WrittenRow], before: Sequence[Feedback]
    ) -> "Judging":
        documents = judged_documents(blocks)
        named = (documents.get(_text(row, "document")) for row in rows)
        keys = sorted({document.original or document.key for document in named if document is not None})
        newest = {(one.document, one.entity, one.variable): one for one in before}
        corrected = {place: one for place, one in newest.items() if one.is_corrected}
        return cls(loaded, documents, JudgedCells.of(blocks, keys), corrected)

    def judge(self, row: WrittenRow, file: str) -> Said | Refused:
        words = _words(row)
        if row.problem:
            return Refused(row.row, words, row.problem)
        try:
            return Said(row.row, self._feedback(row, file), words)
        except _Unclear as unclear:
            return Refused(row.row, words, str(unclear))

    def _feedback(self, row: WrittenRow, file: str) -> Feedback:
        document, variable = self._document(row), self._variable(row)
        entity = self._entity(row, document, variable)
        cell = self._cell(row, document, entity, variable)
        judged = Feedback(
            feedback_id=_identity(row, document.key, entity, variable.name),
            document=document.key,
            entity=entity,
            variable=variable.name,
            verdict=Verdict.CORRECT,
            judged_value=value_from(cell["value"]),
            judged_status=CellStatus(cell["status"]),
            note=_text(row, "note"),
            reviewer=_text(row, "reviewer"),
            text_sha256=cell["text_sha256"],
            prompt_version=cell["prompt_version"],
            confidence=cell["confidence"],
            quote=cell["quote"],
            inclusion_probability=_probability(row),
            is_blind=_is_yes(row, "is_blind"),
            file=file,
            row=row.row,
        )
        return self._decided(row, judged, document, variable)

    def _document(self, row: WrittenRow) -> JudgedDocument:
        named = _text(row, "document")
        if not named:
            raise _Unclear("names no document; fill in the column document")
        document = self.documents.get(named)
        if document is None:
            raise _Unclear(
                f'the project has not read a document "{short(named)}"{did_you_mean(named, self.documents)}; '
                "name it as the table `documents` of the dataset does"
            )
        if document.removed:
            raise _Unclear(f'"{short(named)}" was taken out of the project; put it back into the inbox first')
        if document.original and self.loaded.project.reading.duplicates == "once":
            raise _Unclear(f'"{short(named)}" has no cells, as it repeats {document.original}; judge that document')
        return document

    def _variable(self, row: WrittenRow) -> Variable:
        named = _text(row, "variable")
        if not named:
            raise _Unclear("names no variable; fill in the column variable")
        codebook = self.loaded.codebook
        folded = named.casefold()
        found = [one for one in codebook.variables if folded in (one.name, one.heading.casefold())]
        exact = [one for one in found if one.name == folded]
        if len(exact or found) != 1:
            known = [one.name for one in codebook.variables]
            raise _Unclear(f'the codebook has no variable "{short(named)}"{did_you_mean(named, known)}')
        variable = (exact or found)[0]
        if variable.formula:
            raise _Unclear(f"{variable.name} is computed by a formula; correct the variables that it reads")
        return variable

    def _entity(self, row: WrittenRow, document: JudgedDocument, variable: Variable) -> str:
        """ "" of a variable of the whole document, whichever of its rows the reviewer looked at."""
        if level_of(variable, self.loaded.project) == "document":
            return ""
        named = _text(row, "entity")
        known = self.cells.entities(document.original or document.key, variable.name)
        if not named and len(known) == 1:
            return known[0]
        if not named and len(known) > 1:
            raise _Unclear(f"the document has {len(known)} rows; say in the column entity which (1 to {len(known)})")
        if known and named not in known and "cell" not in row.fields:
            raise _Unclear(f'the document has no row "{short(named)}"; its rows are {", ".join(known[:20])}')
        return named

    def _cell(self, row: WrittenRow, document: JudgedDocument, entity: str, variable: Variable) -> Mapping[str, Any]:
        """The cell as it was judged: the very one that the review showed, else the one that is there now."""
        place = (document.original or document.key, entity, variable.name)
        shown_version = _text(row, "cell")
        if shown_version:
            cell = self.cells.version(place, shown_version)
            if cell is None:
                raise _Unclear(
                    "the columns cell, document and variable do not belong together, or the review was made from cells "
                    "that the project no longer holds; write the row from a new review"
                )
            if entity and not self.cells.is_same_row(place, cell):
                raise _Unclear(
                    "the document's rows were extracted anew since the review was made; judge it in a new one"
                )
            return cell
        cell = self.cells.present(place)
        if cell is None:
            raise _Unclear("the cell is not extracted yet; run the project, then apply the file again")
        return cell

    def _decided(self, row: WrittenRow, judged: Feedback, document: JudgedDocument, variable: Variable) -> Feedback:
        """The verdict and the corrected value, which must not contradict each other."""
        verdict = _verdict(row)
        is_corrected = "corrected_value" in row.fields or _is_yes(row, "is_corrected")
        if not is_corrected:
            self._check_bare(verdict, judged)
            assert verdict is not None, "checked"
            return replace(judged, verdict=verdict)
        value = self._value(row, document, variable)
        is_same = same_value(value, judged.judged_value) and judged.judged_status is not CellStatus.FAILED
        if verdict is None or judged.is_blind:
            verdict = Verdict.CORRECT if is_same else Verdict.INCORRECT
        elif (verdict is Verdict.CORRECT) is not is_same:
            held = short(shown(judged.judged_value)) or NO_VALUE
            raise _Unclear(f"is judged {verdict}, but the corrected value and the cell's ({held}) say otherwise")
        if is_same:
            return replace(judged, verdict=verdict)
        return replace(judged, verdict=verdict, corrected_value=value, is_corrected=True)

    def _check_bare(self, verdict: Verdict | None, judged: Feedback) -> None:
        """A verdict without a corrected value."""
        place = (judged.document, judged.entity, judged.variable)
        if judged.is_blind:
            raise _Unclear(f"a blind review asks for the value; write it, or {NO_VALUE}, into corrected_value")
        if verdict is None:
            raise _Unclear("has a note but no verdict; write correct, incorrect or partially_correct")
        if verdict is Verdict.CORRECT and judged.judged_status is CellStatus.FAILED:
            raise _Unclear(
                "the cell has failed, so that there is no answer to confirm; write the value as corrected_value"
            )
        if place in self.corrected and self.cells.is_present(judged):
            before = self.corrected[place]
            now = short(shown(before.corrected_value)) or NO_VALUE
            raise _Unclear(
                f"the cell was corrected to {now} {before.by}, and whether that or the extracted value is meant cannot be "
                "told; write the right value as corrected_value"
            )

    def _value(self, row: WrittenRow, document: JudgedDocument, variable: Variable) -> Value:
        project = self.loaded.project
        theirs = Conventions(document.language, document.language, project.date_order) if document.language else None
        read = read_correction(row.fields.get("corrected_value"), variable, conventions_of_project(project), theirs)
        if isinstance(read, NotTaken):
            raise _Unclear(f"the corrected value cannot be taken: {read.reason}")
        return read


def _identity(row: WrittenRow, *place: str) -> str:
    """The hash of what a row says, and of which cell. Nothing of how the cell is now: that changes, the words do not."""
    names = ("verdict", "corrected_value", "is_corrected", "note", "reviewer", "cell", "is_blind")
    said = [_is_yes(row, name) if name in _FLAGS and name in row.fields else row.fields.get(name) for name in names]
    return hashlib.sha256(json.dumps([*place, *said], ensure_ascii=False).encode()).hexdigest()


def _verdict(row: WrittenRow) -> Verdict | None:
    written = _text(row, "verdict")
    named = written.casefold().replace(" ", "_").replace("-", "_")
    if named and named not in _VERDICTS:
        raise _Unclear(f'"{short(written)}" is no verdict; write correct, incorrect or partially_correct')
    return _VERDICTS.get(named)


def _probability(row: WrittenRow) -> float | None:
    written = _text(row, "inclusion_probability")
    try:
        probability = float(written.replace(",", ".")) if written else None
    except ValueError:
        probability = -1.0
    if probability is not None and not 0 < probability <= 1:
        raise _Unclear(
            f'inclusion_probability "{short(written)}" is not between 0 and 1; leave it as the review gave it'
        )
    return probability


def _is_yes(row: WrittenRow, name: str) -> bool:
    return _text(row, name).casefold() in _YES


def _text(row: WrittenRow, name: str) -> str:
    """What stands in a column, as text; 1 for the 1.0 that spreadsheets make of it."""
    written: JsonValue = row.fields.get(name)
    return "" if written is None else shown_json(written).strip()


def _words(row: WrittenRow) -> str:
    """The row as a person finds it again."""
    place = "/".join(filter(None, (_text(row, name) for name in ("document", "entity", "variable"))))
    said = ", ".join(short(text) for name in ("verdict", "corrected_value", "note") if (text := _text(row, name)))
    return f"{place}: {said}" if place else said
