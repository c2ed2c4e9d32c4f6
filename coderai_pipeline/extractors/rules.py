"""The `rules` extractor: reads forms, receipts and tables without a model, by labels, patterns and typed readers.

Always the same answers for the same text, in time linear in its length, and none where nothing fits. How one variable is
read is in `rules_candidates`, layout in `rules_layout`, labels in `rules_labels`, boxes to tick in `rules_ticks`, typed reading
in `rules_values`, sentences in `rules_prose`, totals in `rules_money`, letterheads in `rules_names`, many rows in `rules_rows`.
"""

from collections.abc import Sequence

from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.project import Unit
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules_candidates import answer_to
from coderai_pipeline.extractors.rules_labels import known_labels
from coderai_pipeline.extractors.rules_layout import Sheet
from coderai_pipeline.extractors.rules_rows import RowAnswers, rows_of

__all__ = ["RowAnswers", "answer", "answer_rows"]


def answer(
    variables: Sequence[Variable], document: Document, text_span: Span, conventions: Conventions
) -> tuple[Answer, ...]:
    """One answer a variable, in their order; `value` None where the passage does not state it in a way that rules can read.

    Values are as written; of a category its value, of a boolean stated by a sentence True or False.
    """
    sheet = Sheet(document, text_span, conventions, known_labels(variables))
    return tuple(answer_to(sheet, variable) for variable in variables)


def answer_rows(
    unit: Unit, variables: Sequence[Variable], document: Document, text_span: Span, conventions: Conventions
) -> tuple[RowAnswers, ...]:
    """The entities of a passage in order of appearance, each with an answer to every variable that is not of the document.

    () where the passage has neither a table, nor repeated records, nor a list of them.
    """
    asked = tuple(variable for variable in variables if variable.level != "document")
    sheet = Sheet(document, text_span, conventions, known_labels(asked))
    return rows_of(sheet, unit, asked) if asked and sheet.lines else ()
