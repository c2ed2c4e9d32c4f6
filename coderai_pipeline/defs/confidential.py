"""Keeps the words of confidential documents out of what a run tells: a reason or an error may quote the document or the
model's reply. What of a document's text, values and quotes is shown is in `metadata`.
"""

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg

from coderai_pipeline.domain.errors import CoderAIError, ProviderError
from coderai_pipeline.domain.project import Privacy
from coderai_pipeline.engine.report import DocumentReport, Summary

HELD_BACK = "not shown, since it may quote the documents"


@contextmanager
def guarded(privacy: Privacy) -> Generator[None]:
    """Around a step: an error that ends it tells its kind and place, and its message only where texts may be shown."""
    try:
        yield
    except Exception as error:
        if privacy.show_text or _quotes_nothing(error):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        raise dg.Failure(
            f"{type(error).__name__} in {where}; its message is {HELD_BACK}", allow_retries=False
        ) from None


def _quotes_nothing(error: Exception) -> bool:
    """Errors of this package speak of settings and files; what a model server said may quote the request."""
    return isinstance(error, dg.Failure) or (isinstance(error, CoderAIError) and not isinstance(error, ProviderError))


def without_words(report: DocumentReport) -> DocumentReport:
    """The report with the reason of its extraction held back; why a document could not be read never quotes it."""
    settlement = report.settlement
    if settlement is None or not settlement.reason:
        return report
    return replace(report, settlement=replace(settlement, reason=f"{settlement.outcome}; {_where(report)}"))


def summary_without_words(summary: Summary, told: Summary) -> Summary:
    """The final summary, its reasons as they were `told` on the way."""
    stopped = summary.stopped
    for source, why in summary.troubles.items():
        stopped = stopped.replace(why, told.troubles.get(source, HELD_BACK))
    # A run that finds its project paused after failures, or after an outage, repeats what the last of them said.
    stopped = stopped.partition(", the last")[0]
    return replace(summary, troubles=dict(told.troubles), stopped=stopped)


def _where(report: DocumentReport) -> str:
    return f"the reason may quote the text, see the cells of {report.document.key} in the dataset"
