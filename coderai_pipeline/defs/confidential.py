"""Keeps the words of confidential documents out of what a run tells: a reason may quote the document or the model's reply.

What of a document's text, values and quotes is shown is in `metadata`.
"""

from dataclasses import replace

from coderai_pipeline.engine.report import DocumentReport, Summary


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
        stopped = stopped.replace(why, told.troubles[source])
    return replace(summary, troubles=dict(told.troubles), stopped=stopped)


def _where(report: DocumentReport) -> str:
    return f"the reason may quote the text, see the cells of {report.document.key} in the dataset"
