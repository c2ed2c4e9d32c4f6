"""Variables that have one value a document: which of them are asked, and what their answers settle to."""

from collections.abc import Generator, Sequence

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.engine.askers import Heard, Waiting
from coderai_pipeline.engine.settled import cell_of, not_asked
from coderai_pipeline.engine.work import Work


def extract_document_level(work: Work, variables: Sequence[Variable]) -> Generator[Waiting, None, None]:
    """Settles those of the variables that are due: first which of them apply at all, then the answers."""
    asked: list[Variable] = []
    for variable in variables:
        if not work.applies(variable):
            work.leave_out(variable, not_asked(work, variable))
        elif not work.keep(variable):
            asked.append(variable)
    if asked:
        heard = yield from work.answers(asked)
        settle_document_level(work, asked, heard)


def settle_document_level(work: Work, variables: Sequence[Variable], heard: Sequence[Heard]) -> None:
    seconds = work.second_reading(variables)
    for variable in variables:
        about = [one for one in heard if variable.name in one.question.ask.names]
        answers = [answer for one in about for answer in one.parsed.answers if answer.variable == variable.name]
        work.cells[variable.name] = [cell_of(work, variable, answers, about, second=seconds.get(variable.name))]
