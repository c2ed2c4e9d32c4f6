"""Which conventions a document follows in writing numbers and dates: its own language's, else the project's."""

from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.values import Conventions

LANGUAGE_CHARACTERS = 200
"""In shorter texts the language is too often told wrongly for numbers to be read by it."""


def conventions_of(project: Project, document: Document) -> Conventions:
    """A document in another language than the project's writes `64.000` in that language's way; date_order is the project's."""
    language = document.language
    if language is None or language == project.language or len(document.text) < LANGUAGE_CHARACTERS:
        return conventions_of_project(project)
    return Conventions(language, language, project.date_order)


def conventions_of_project(project: Project) -> Conventions:
    """How the project's people write."""
    return Conventions(project.language, project.locale, project.date_order)
