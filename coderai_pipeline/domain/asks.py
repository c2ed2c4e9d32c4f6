"""Which variables are asked together, of which model and how: the plan behind the calls of a document.

What an ask looks like to the model is in `prompts` and `reply_schema`; running it is the engine's part.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from coderai_pipeline.domain.codebook import Codebook, Variable, VariableType
from coderai_pipeline.domain.project import Project

Mode: TypeAlias = Literal["row", "rows", "identify", "fill"]

TEMPERATURES = {
    VariableType.BOOLEAN: 0.1,
    VariableType.CATEGORY: 0.1,
    VariableType.DATE: 0.15,
    VariableType.NUMBER: 0.15,
    VariableType.TEXT: 0.2,
    VariableType.LOCATION: 0.2,
}


@dataclass(frozen=True, eq=False, slots=True)
class Ask:
    """The question put to a model about every chunk of a document.

    mode: `row` = one row; `rows` = find the entities and fill them; `identify` = find them by their key variables and a
    quote; both also ask the document's own variables; `fill` = variables of given entities.
    Two asks are the same only if they are the same object: plan once, then render every document with it.
    """

    project: Project
    variables: tuple[Variable, ...]
    mode: Mode
    model: str
    parameters: Mapping[str, float | int | str]

    @property
    def document_variables(self) -> tuple[Variable, ...]:
        """Those whose value belongs to the document as a whole; all of them in `row` mode."""
        if self.mode == "row":
            return self.variables
        return tuple(variable for variable in self.variables if level_of(variable, self.project) == "document")

    @property
    def row_variables(self) -> tuple[Variable, ...]:
        """Those that each entity has a value of; none in `row` mode."""
        if self.mode == "row":
            return ()
        return tuple(variable for variable in self.variables if level_of(variable, self.project) == "entity")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)


def plan_asks(
    project: Project, codebook: Codebook, names: Set[str], *, entities_known: bool = False
) -> tuple[Ask, ...]:
    """The asks that answer the variables `names`: those that share settings in one, in the codebook's order.

    Asks in mode `fill` come last: they need the entities that the asks before them find. entities_known: the document's
    entities are held from an earlier run, so their variables need only `fill` asks, unless a key is among `names`.
    Where entities are not known, the key variables are asked even if not in `names`.
    """
    wanted = tuple(variable for variable in codebook.asked if variable.name in names)
    of_document = tuple(variable for variable in wanted if level_of(variable, project) == "document")
    of_entities = tuple(variable for variable in wanted if level_of(variable, project) == "entity")
    if not of_entities:
        return _grouped(project, of_document, "row")
    keys = tuple(variable for variable in codebook.asked if variable.name in project.unit.key)
    if entities_known and not any(variable in keys for variable in of_entities):
        return _grouped(project, of_document, "row") + _grouped(project, of_entities, "fill")
    return _finding_entities(project, of_document, of_entities, keys)


def level_of(variable: Variable, project: Project) -> Literal["document", "entity"]:
    """Whether a variable's value belongs to the document or to each of its entities."""
    if project.unit.rows == "one":
        return "document"
    if variable.name in project.unit.key:
        return "entity"
    return variable.level or "entity"


def model_of(variable: Variable, project: Project) -> str:
    return variable.model or project.extractor.model


def parameters_of(project: Project, variables: tuple[Variable, ...]) -> Mapping[str, float | int | str]:
    """Sampling parameters of a call: the project's own, else by type, the lowest temperature where types share it."""
    settings = project.extractor
    parameters: dict[str, float | int | str] = {
        "temperature": min((TEMPERATURES[variable.type] for variable in variables), default=0.1)
        if settings.temperature is None
        else settings.temperature
    }
    if settings.seed is not None:
        parameters["seed"] = settings.seed
    if settings.max_output_tokens is not None:
        parameters["max_output_tokens"] = settings.max_output_tokens
    return parameters


def _finding_entities(
    project: Project, of_document: tuple[Variable, ...], of_entities: tuple[Variable, ...], keys: tuple[Variable, ...]
) -> tuple[Ask, ...]:
    """Entities are found by one ask only, so that two models never find two sets of them."""
    model = project.extractor.model
    others = tuple(variable for variable in of_entities if variable not in keys)
    shares = project.extractor.calls == "together"
    together = tuple(variable for variable in others if shares and model_of(variable, project) == model)
    with_document = tuple(variable for variable in of_document if shares and model_of(variable, project) == model)
    found_at_once = together if project.extractor.passes == "one" else ()
    first = _ask(project, (*with_document, *keys, *found_at_once), "rows" if found_at_once else "identify", model)
    alone = tuple(variable for variable in of_document if variable not in with_document)
    later = tuple(variable for variable in others if variable not in found_at_once)
    return (*_grouped(project, alone, "row"), first, *_grouped(project, later, "fill"))


def _grouped(project: Project, variables: tuple[Variable, ...], mode: Mode) -> tuple[Ask, ...]:
    if project.extractor.calls == "per_variable":
        return tuple(_ask(project, (variable,), mode, model_of(variable, project)) for variable in variables)
    by_model = sorted(variables, key=lambda variable: model_of(variable, project))
    groups = groupby(by_model, key=lambda variable: model_of(variable, project))
    return tuple(_ask(project, tuple(group), mode, model) for model, group in groups)


def _ask(project: Project, variables: tuple[Variable, ...], mode: Mode, model: str) -> Ask:
    return Ask(project, variables, mode, model, parameters_of(project, variables))
