"""The extraction of one document, as a generator: it yields what it waits for and ends with the document's settled cells.

Who answers is in `askers`, what is held of the document in `work`; documents with many rows are in `many_rows`.
"""

import logging
import traceback
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.fingerprints import of_document
from coderai_pipeline.domain.project import Project
from coderai_pipeline.engine.askers import Asker, Awaited, Interrupted, Waiting
from coderai_pipeline.engine.document_level import extract_document_level
from coderai_pipeline.engine.held import HeldCall
from coderai_pipeline.engine.many_rows import extract_rows
from coderai_pipeline.engine.recall import call_rows
from coderai_pipeline.engine.report import Settlement
from coderai_pipeline.engine.settled import failed, share_calls
from coderai_pipeline.engine.work import Extracted, HeldCells, Method, Steps, Work

log = logging.getLogger(__name__)

INTERRUPTIONS = 5
"""Runs that start by themselves and end at the same document without a reply, before the document is given up. The waits
between them double (`run.AFTER_OUTAGE_S`): an outage of five hours fails no document."""

REASON_CHARACTERS = 300
"""Of an unexpected error's message, which may hold a whole document."""


@dataclass(frozen=True, slots=True)
class Extractions:
    """Extracts the documents of one run. documents_at_once: how many are in work, so that calls never wait for one."""

    method: Method
    documents_at_once: int

    @classmethod
    def of(cls, project: Project, codebook: Codebook, asker: Asker) -> "Extractions":
        return cls(Method.of(project, codebook, asker), 2 * project.limits.in_flight + 8)

    @property
    def work_fingerprint(self) -> str:
        return self.method.work_fingerprint

    def of_document(
        self,
        document: Document,
        text_sha256: str,
        cells: HeldCells,
        calls: Sequence[HeldCall],
        *,
        retry_failed: bool = False,
        interruptions: int = 0,
    ) -> Steps:
        """Never raises for a document: what goes wrong with it is its outcome.

        interruptions: how many runs in a row had no reply at this document; after some, that is the document's own failure.
        """
        work = Work(self.method, document, text_sha256, cells, calls, retry_failed=retry_failed)
        try:
            yield from self._extract(work)
        except Interrupted as error:
            if interruptions >= INTERRUPTIONS and not error.needs_person:
                return _given_up(work, f"given up after {interruptions + 1} runs without a reply; the last: {error}")
            return _extracted(work, "open", str(error), stop=str(error), needs_person=error.needs_person)
        except Awaited as error:
            return _extracted(work, "open", str(error), awaited=True)
        except Exception as error:  # noqa: BLE001 - a document's boundary; it is recorded
            self._log(document, error)
            return _failed(work, f"{type(error).__name__}: {str(error)[:REASON_CHARACTERS]}")
        return _settled(work)

    def _log(self, document: Document, error: Exception) -> None:
        """Where it happened, and what only where texts may be shown: an error's message quotes the value it is about."""
        said = f": {str(error)[:REASON_CHARACTERS]}" if self.method.project.privacy.show_text else ""
        place = "".join(traceback.format_tb(error.__traceback__))
        kind = type(error).__name__
        ids = {"fields": {"document": document.key, "error": kind}}
        log.error("%s: extraction failed: %s%s\n%s", document.key, kind, said, place, extra=ids)

    def _extract(self, work: Work) -> Generator[Waiting, None, None]:
        if self.method.project.unit.rows == "many":
            yield from extract_rows(work)
        else:
            for wave in self.method.waves:
                yield from extract_document_level(work, wave)


def _settled(work: Work) -> Extracted:
    failed = [cell for cell in work.all_cells() if cell.status is CellStatus.FAILED]
    outcome = "failed" if failed or work.unread else "settled"
    reasons = [*work.unread, *dict.fromkeys(f"{cell.variable}: {cell.reason}" for cell in failed)]
    return _extracted(work, outcome, "; ".join(reasons[:5]))


def _failed(work: Work, why: str) -> Extracted:
    """What was settled before the trouble is kept; every other variable gets a cell that says why it has no value."""
    for variable in work.method.codebook.asked:
        if variable.name not in work.cells:
            work.kept.pop(variable.name, None)
            work.cells[variable.name] = [failed(work, variable, why)]
    return _extracted(work, "failed", why)


def _given_up(work: Work, why: str) -> Extracted:
    """What is settled or held is kept; the variables that there was no reply to fail, until somebody retries."""
    for variable in work.method.codebook.asked:
        if variable.name not in work.cells and not work.keep(variable):
            work.cells[variable.name] = [failed(work, variable, why)]
    return _extracted(work, "failed", why)


def _extracted(
    work: Work, outcome: str, reason: str, *, stop: str = "", needs_person: bool = False, awaited: bool = False
) -> Extracted:
    share_calls(work)
    cells = work.all_cells()
    paid = [reply for one in work.heard for reply in one.replies if not reply.from_archive]
    costs = [reply.cost for reply in paid if reply.cost is not None]
    settlement = Settlement(
        outcome=outcome,
        reason=reason,
        fingerprint=of_document(work.method.work_fingerprint, work.text_sha256),
        counts=Counter(str(cell.status) for cell in cells),
        wanted=work.wanted_cells,
        entities=len({cell.entity for cell in cells if cell.entity}),
        cells=tuple(cell for of_variable in work.cells.values() for cell in of_variable),
        calls=len(paid),
        input_tokens=sum(reply.input_tokens for reply in paid),
        output_tokens=sum(reply.output_tokens for reply in paid),
        cost=sum(costs) if costs else None,
        unpriced=len(paid) - len(costs),
        seconds=work.elapsed_s,
        awaited=awaited,
    )
    return Extracted(
        settlement,
        work.method.work_fingerprint,
        work.chunks,
        tuple(call_rows(work, work.heard)),
        tuple(work.entities),
        stop,
        needs_person,
    )
