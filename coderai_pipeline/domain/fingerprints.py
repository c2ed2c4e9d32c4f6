"""What decides that a held cell is still current: fingerprints of what is asked and of how the answer is settled.

Comparing them with the cells held is the engine's part. All are SHA-256 in hex.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from coderai_pipeline.domain.asks import level_of, model_of, parameters_of
from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.prompts import prompt_content


@dataclass(frozen=True, slots=True)
class Definition:
    """Fingerprints of a variable's definition, without any document. ask: what is asked. settle: and how it settles."""

    ask: str
    settle: str


def ask_fingerprint(project: Project, codebook: Codebook, variable: Variable, text_sha256: str) -> str:
    """Everything that decides what is asked about one variable of one document; unchanged, no call is made."""
    return of_document(_ask_definition(project, codebook, variable), text_sha256)


def settle_fingerprint(project: Project, codebook: Codebook, variable: Variable, text_sha256: str) -> str:
    """What is asked and how the answer becomes a cell; where only this changes, held answers are settled again."""
    return of_document(_settle_definition(project, codebook, variable), text_sha256)


def work_fingerprint(project: Project, codebook: Codebook) -> str:
    """One fingerprint over all variables, whatever their order: a document settled under it has nothing to do."""
    found = definitions(project, codebook)
    return _digest(sorted((name, definition.settle) for name, definition in found.items()))


def definitions(project: Project, codebook: Codebook) -> Mapping[str, Definition]:
    """The definitions of all variables asked, by name: compute once, then `of_document` for each document."""
    return {
        variable.name: Definition(
            _ask_definition(project, codebook, variable), _settle_definition(project, codebook, variable)
        )
        for variable in codebook.asked
    }


def of_document(definition: str, text_sha256: str) -> str:
    """A definition's fingerprint for one document, whose text (not file) has this SHA-256."""
    return hashlib.sha256(f"{definition} {text_sha256}".encode()).hexdigest()


def _ask_definition(project: Project, codebook: Codebook, variable: Variable) -> str:
    """The words and schema sent, and to which model.

    The server's address is not in it: moving a model to another host buys nothing again. Nor is the grouping of
    variables into calls, which changes with whatever else is wanted.
    """
    extractor = project.extractor
    sent = {
        "extractor": extractor.name,
        "model": model_of(variable, project),
        "parameters": dict(parameters_of(project, (variable,))),
        "prompt": "" if variable.formula else prompt_content(project, codebook, variable),
        "entities": _keys(project, codebook, variable),
        "hidden_text": project.reading.hidden_text,
        "relevant_chunks": extractor.relevant_chunks,
    }
    if extractor.name == "rules":  # reads by every rule that settles, and costs nothing to ask again
        sent |= _settling(project, variable)
    return _digest(sent)


def _keys(project: Project, codebook: Codebook, variable: Variable) -> list[str]:
    """What decides which entities there are: a value is due again when the keys that found its entity change."""
    if level_of(variable, project) == "document":
        return []
    return [prompt_content(project, codebook, key) for key in codebook.asked if key.name in project.unit.key]


def _settle_definition(project: Project, codebook: Codebook, variable: Variable) -> str:
    return _digest([_ask_definition(project, codebook, variable), _settling(project, variable)])


def _settling(project: Project, variable: Variable) -> dict[str, object]:
    kept = variable.model_dump(mode="json", exclude={"formula", "examples", "level", "scale"})
    return {
        "variable": kept,
        "level": level_of(variable, project),
        "locale": project.locale,
        "date_order": project.date_order,
        "second_reader": project.extractor.second_reader,
    }


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
