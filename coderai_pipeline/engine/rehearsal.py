"""Settles a made-up answer of each variable, so that what settling loads on first use is there when the first reply comes.

Month names, countries and token tables take 0.2 s to load; in the run itself that time was lost twice over, while finished
calls waited and no new ones were begun.
"""

from coderai_pipeline.domain.candidates import SettleContext
from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Codebook, VariableType
from coderai_pipeline.domain.normalised_text import NormalisedText
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.settling import settle
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.domain.values import Conventions

_WRITTEN = {VariableType.DATE: "1 May 2001", VariableType.NUMBER: "1.5", VariableType.LOCATION: "Atlantis"}


def rehearse(project: Project, codebook: Codebook) -> None:
    """Belongs to opening an extractor that is waited for; what is settled here is thrown away."""
    conventions = Conventions(project.language, project.locale, project.date_order)
    count_tokens("rehearsal")
    for variable in codebook.asked:
        written = _WRITTEN.get(variable.type, "one")
        context = SettleContext(conventions, NormalisedText.of(f"It says: {written}."))
        settle([Answer(variable.name, written, written, 1.0, call_id="")], variable, context)
