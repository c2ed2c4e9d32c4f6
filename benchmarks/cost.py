"""What ten variables cost a document when one call asks for all of them, and when each has a call of its own.

Prompt tokens are counted with the o200k vocabulary, the reply's schema included, as the budget counts them.
"""

from collections.abc import Sequence

from benchmarks.corpus import MORE_VARIABLES, text_of
from coderai_pipeline.domain.asks import plan_asks
from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.chunks import split
from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.prompts import constant_share, render
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors.budget import estimate

DOCUMENTS = 100


def main() -> None:
    codebook = Codebook.model_validate({"variables": MORE_VARIABLES}, strict=False)
    print(f"{len(codebook.variables)} variables, {DOCUMENTS} documents of about {len(text_of(1).split())} words")
    for calls in ("together", "per_variable"):
        project = Project.model_validate(
            {"name": "Notices", "document_type": "notice", "extractor": {"calls": calls}}, strict=False
        )
        _print_costs(calls, [request for number in range(DOCUMENTS) for request in requests(project, codebook, number)])


def requests(project: Project, codebook: Codebook, number: int) -> list[CallRequest]:
    key, text = f"notice-{number}", text_of(number)
    document = Document(key, key, "text", DocumentStatus.READY, "", "", len(text), text)
    asks = plan_asks(project, codebook, {variable.name for variable in codebook.asked})
    return [render(ask, document, chunk) for ask in asks for chunk in split(document)]


def _print_costs(calls: str, made: Sequence[CallRequest]) -> None:
    messages = sum(count_tokens(message.content) for request in made for message in request.messages)
    whole = sum(estimate(request).prompt for request in made)
    share = sum(constant_share(request) for request in made) / len(made)
    print(
        f"{calls}: {len(made) / DOCUMENTS:g} calls and {messages / DOCUMENTS:.0f} prompt tokens a document "
        f"({whole / DOCUMENTS:.0f} with the schema); {share:.0%} of a prompt is the same for all documents and comes first"
    )


if __name__ == "__main__":
    main()
