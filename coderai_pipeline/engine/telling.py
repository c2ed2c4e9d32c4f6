"""What is told of a run, in logs and traces: begun, documents read and settled, cells in trouble, ended.

What is told of its calls is in `extractors.telling`; what a person sees of the run, in `report`.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from coderai_pipeline import telemetry
from coderai_pipeline.domain.cells import Cell, CellStatus
from coderai_pipeline.engine.intake import Taken
from coderai_pipeline.engine.report import Settlement, Summary
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.telemetry import logs, traces
from coderai_pipeline.telemetry.about import About, Attribute, bound, current
from coderai_pipeline.telemetry.traces import Span

if TYPE_CHECKING:
    from coderai_pipeline.engine.feedback import FileReport

IN_TROUBLE = (CellStatus.FLAGGED, CellStatus.FAILED)

_NOTHING = nullcontext()


class Telling:
    """Of one run. Where nobody listens, every method returns at once."""

    def __init__(self, loaded: LoadedProject, run_id: str) -> None:
        shows_text = loaded.project.privacy.show_text
        self._is_on = telemetry.is_on()
        self._about = replace(current(), project=loaded.id, run_id=run_id, shows_text=shows_text)
        self._documents: dict[str, Span] = {}
        """Key -> the span of a document that is being worked on."""

    @contextmanager
    def of_run(self, summary: Summary) -> Generator[None]:
        """Around the run; the summary is asked at its end."""
        if not self._is_on:
            yield
            return
        span = self._begun(summary)
        error = ""
        try:
            yield
        except BaseException as caught:
            error = type(caught).__name__
            raise
        finally:
            self._ended(summary, span, error)

    def read(self, taken: Taken) -> None:
        """A document was read; the feeding thread tells it."""
        if not self._is_on:
            return
        document = taken.document
        began, ended = taken.took or (None, None)
        shown: dict[str, Attribute | None] = {
            "status": str(document.status),
            "type": document.type,
            "pages": len(document.pages) or None,
            "words": document.words,
            "bytes": document.size_bytes,
        }
        about = self._open(document.key, began)
        is_well = document.status.is_readable or taken.duplicate_of is not None
        logs.tell(
            "document read",
            about,
            {
                "document": document.key,
                **shown,
                "reason": document.reason[: logs.LONGEST_WORDS],
                "seconds": round((ended - began) / 1e9, 4) if began and ended else None,
            },
            logs.INFO if is_well else logs.WARNING,
        )
        reading = traces.begin("read document", about, _named({**shown, "document": document.key}), at=began)
        if reading is not None:
            reading.end("" if is_well else str(document.status), ended)

    def within(self, document: str) -> AbstractContextManager[None]:
        """Whatever is asked in here is asked of this document."""
        return bound(self._open(document)) if self._is_on else _NOTHING

    def settled(self, document: str, settlement: Settlement | None) -> None:
        """The run is done with a document. settlement: None where it was not extracted."""
        if not self._is_on:
            return
        span = self._documents.pop(document, None)
        if settlement is not None:
            self._tell_settled(span.about if span else self._about, document, settlement, span)
        if span is not None:
            span.end("failed" if settlement is not None and settlement.outcome == "failed" else "")

    def _tell_settled(self, about: About, document: str, settlement: Settlement, span: Span | None) -> None:
        for cell in settlement.cells:
            if cell.status in IN_TROUBLE:
                _tell_cell(about, cell)
        shown = {**_cells(settlement.counts), **_spent(settlement)}
        level = logs.INFO if settlement.outcome == "settled" or settlement.awaited else logs.WARNING
        quoting = {"reason": settlement.reason}
        logs.tell(f"document {settlement.outcome}", about, {"document": document, **shown}, level, quoting=quoting)
        if span is not None:
            span.add(_named({"outcome": settlement.outcome, **shown}))

    def _begun(self, summary: Summary) -> Span | None:
        planned = summary.planned
        shown = {"documents": len(planned.keys), "to_read": planned.to_read, "to_extract": planned.to_extract}
        span = traces.begin("run", self._about, _named(shown))
        if span is not None:
            self._about = span.about
        waiting = {"unsettled": len(planned.unsettled), "surplus": len(planned.surplus), "gone": len(planned.missing)}
        logs.tell("run begun", self._about, {**shown, **waiting})
        return span

    def _ended(self, summary: Summary, span: Span | None, error: str) -> None:
        shown = {
            "documents_done": summary.done,
            "documents_read": summary.read,
            "documents_extracted": summary.extracted,
            "documents_not_settled": len(summary.troubles),
            **_cells(summary.cells),
            **_spent(summary),
        }
        is_whole = not (error or summary.stopped or summary.troubles)
        level = logs.INFO if is_whole else logs.WARNING
        logs.tell("run ended", self._about, {**shown, "error": error}, level, quoting={"stopped": summary.stopped})
        for left in self._documents.values():
            left.end("interrupted")
        if span is not None:
            span.add(_named(shown))
            span.end(error or ("stopped" if summary.stopped else ""))

    def _open(self, document: str, at: int | None = None) -> About:
        """What is known of whatever happens to a document; its span is begun with the first of it."""
        span = self._documents.get(document)
        if span is None:
            span = traces.begin("document", self._about, _named({"document": document}), at=at)
            if span is None:
                return self._about
            self._documents[document] = span
        return span.about


def tell_feedback(loaded: LoadedProject, report: "FileReport", run_id: str) -> None:
    """What became of a feedback file, and why some of its rows were not applied."""
    if not logs.is_on():
        return
    about = replace(current(), project=loaded.id, run_id=run_id, shows_text=loaded.project.privacy.show_text)
    counts = {
        "applied": report.applied,
        "unchanged": report.unchanged,
        "blank": report.blank,
        "refused": len(report.refused),
    }
    logs.tell("feedback applied", about, {"file": report.file, **counts})
    for one in report.refused:
        fields = {"file": report.file, "row": one.row}
        logs.tell("feedback refused", about, fields, logs.WARNING, quoting={"reason": one.why})


def _tell_cell(about: About, cell: Cell) -> None:
    logs.tell(
        f"cell {cell.status}",
        about,
        {
            "document": cell.document,
            "entity": cell.entity,
            "variable": cell.variable,
            "call_id": cell.call_ids[0] if cell.call_ids else None,
            "model": cell.model,
            "confidence": cell.confidence,
            "grounding": str(cell.evidence.grounding) if cell.evidence else None,
        },
        logs.WARNING,
        quoting={"reason": cell.reason},
    )


def _cells(counts: Mapping[str, int]) -> dict[str, Attribute | None]:
    return {f"cells_{status}": number for status, number in sorted(counts.items())}


def _spent(on: Settlement | Summary) -> dict[str, Attribute | None]:
    return {
        "calls": on.calls,
        "input_tokens": on.input_tokens,
        "output_tokens": on.output_tokens,
        "cost": on.cost,
        "seconds": round(on.seconds, 3),
    }


def _named(shown: Mapping[str, Attribute | None]) -> dict[str, Attribute | None]:
    """Attributes of a span bear the name of this package."""
    return {f"coderai.{name}": value for name, value in shown.items()}
