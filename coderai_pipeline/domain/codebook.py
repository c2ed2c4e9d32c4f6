"""The codebook: the variables of the dataset, in order, each with the rules by which it is read and settled.

Reading `codebook.yaml` or a spreadsheet is in `storage.settings_files`; how the rules are applied is in `settling`.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias, cast

from pydantic import Field, StringConstraints, field_validator, model_validator

from coderai_pipeline.domain.project import Settings, VariableName


class VariableType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    LOCATION = "location"


ConfiguredValue: TypeAlias = str | float | bool


class Category(Settings):
    """One of the values that a category takes. Where only the value is given it may stand alone: `categories: [march]`."""

    value: Annotated[str, StringConstraints(min_length=1)]
    description: str = ""
    keywords: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _value_alone(cls, given: object) -> object:
        if not isinstance(given, dict):
            return {"value": given} if isinstance(given, str | int | float) else given
        keys = cast("dict[str, object]", given)
        keywords = keys.get("keywords")
        # Behind a validator pydantic no longer takes a list, which is all that JSON has, for a tuple.
        return {**keys, "keywords": tuple(cast("list[object]", keywords))} if isinstance(keywords, list) else keys


class Example(Settings):
    """A golden example: what a passage says and the value it gives. use: shown in the prompt, or kept for evaluation."""

    source_text: str
    value: ConfiguredValue | tuple[ConfiguredValue, ...] | None
    use: Literal["prompt", "evaluation"] = "prompt"


class Validation(Settings):
    """min/max: of numbers, or ISO dates of dates. pattern: the whole value must match. allowed: the only values taken."""

    min: float | str | None = None
    max: float | str | None = None
    pattern: str | None = None
    allowed: tuple[ConfiguredValue, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return pattern


class Variable(Settings):
    """One column of the dataset."""

    name: VariableName
    label: str = ""
    type: VariableType = Field(strict=False)
    instructions: str = ""
    labels: tuple[str, ...] = ()
    """Other names the documents use for it ("Total due", "Gesamtbetrag")."""
    where: str = ""
    """Where in a document to look."""
    unit: str = ""
    """The unit a number is wanted in."""
    categories: tuple[Category, ...] = ()
    allow_multiple: bool = False
    allow_other: bool = False
    examples: tuple[Example, ...] = ()
    required: bool = False
    default: ConfiguredValue | None = None
    if_multiple: Literal["first", "last", "all", "join", "flag"] = "flag"
    """What to do where a document gives several values."""
    max_values: Annotated[int, Field(ge=1, le=100)] = 10
    confidence_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    if_uncertain: Literal["flag", "null", "default", "keep"] = "flag"
    validation: Validation = Validation()
    depends_on: str = ""
    """A condition on other variables, such as `injured > 0 and kind in ["riot", "march"]`; grammar in `conditions`."""
    formula: str = ""
    """An SQL expression over other variables; the variable is computed in the dataset and never asked for."""
    level: Literal["document", "entity"] | None = None
    """Many-row projects: whether the value belongs to the document or to each entity. None: entity there, document else."""
    model: str | None = None
    """A model for this variable alone."""
    scale: Literal["nominal", "ordinal", "interval"] | None = None
    """Measurement level for agreement statistics. None: interval for numbers and dates, nominal for all else."""

    @property
    def heading(self) -> str:
        """What people call it: the label, or the name."""
        return self.label or self.name

    @property
    def takes_many(self) -> bool:
        return self.if_multiple == "all" or (self.type is VariableType.CATEGORY and self.allow_multiple)

    @property
    def measured_on(self) -> Literal["nominal", "ordinal", "interval"]:
        """The measurement level: as declared, else by type. Categories on an ordinal scale stand in their order."""
        if self.scale is not None:
            return self.scale
        return "interval" if self.type in (VariableType.NUMBER, VariableType.DATE) else "nominal"

    @model_validator(mode="after")
    def _categories_match_type(self) -> Self:
        if self.type is VariableType.CATEGORY and not self.categories and not self.formula:
            raise ValueError(
                "a category variable needs `categories`: a list of values, or of {value, description, keywords}"
            )
        if self.type is not VariableType.CATEGORY and self.categories:
            raise ValueError(f"`categories` belong to type category, not {self.type}")
        values = [category.value for category in self.categories]
        if len(set(values)) != len(values):
            raise ValueError("two categories have the same value")
        return self


class Codebook(Settings):
    """Variables in order; names unique. Conditions and formulas are checked against each other where it is loaded."""

    variables: Annotated[tuple[Variable, ...], Field(min_length=1)]

    @property
    def asked(self) -> tuple[Variable, ...]:
        """The variables that an extractor answers: all but those with a formula."""
        return tuple(variable for variable in self.variables if not variable.formula)

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(variable.name == name for variable in self.variables)
