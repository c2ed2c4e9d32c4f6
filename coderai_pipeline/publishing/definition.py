"""What a dataset is made from besides blocks: the project's settings and codebook, and the names of the columns they give.

Reading those files is in `storage`; the tables made of them are in `dataset` and `tables`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from coderai_pipeline.domain.codebook import Codebook, Variable, VariableType
from coderai_pipeline.domain.project import Project

SQL_TYPES: Mapping[VariableType, str] = {
    VariableType.TEXT: "VARCHAR",
    VariableType.NUMBER: "DOUBLE",
    VariableType.DATE: "VARCHAR",
    VariableType.CATEGORY: "VARCHAR",
    VariableType.BOOLEAN: "BOOLEAN",
    VariableType.LOCATION: "VARCHAR",
}
"""Dates are ISO 8601 text, since a DATE cannot say that only the year is known; `<name>_first_day` is a DATE."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A project as publishing sees it."""

    id: str
    project: Project
    codebook: Codebook

    @property
    def many(self) -> bool:
        """Whether a document gives one row for each entity found in it."""
        return self.project.unit.rows == "many"

    def is_entity_level(self, variable: Variable) -> bool:
        return self.many and variable.level != "document"

    def variables(self, *, entity_level: bool) -> tuple[Variable, ...]:
        return tuple(one for one in self.codebook.variables if self.is_entity_level(one) is entity_level)

    @property
    def public_project(self) -> Project:
        """The settings that the dataset was made by; without passwords, credentials within an address, and what exports choose."""
        kept = self.project.model_dump(exclude={"exports": True, "reading": {"passwords"}})
        address = self.project.extractor.base_url
        if address:
            kept["extractor"]["base_url"] = _without_credentials(address)
        return Project.model_validate(kept)

    @property
    def public_settings(self) -> dict[str, str]:
        """The same by dotted key, as text."""
        return dict(
            _flatten(self.public_project.model_dump(mode="json", exclude={"exports": True, "reading": {"passwords"}}))
        )


def sql_type(variable: Variable) -> str:
    """The DuckDB type of the variable's column; a list where it takes several values."""
    return SQL_TYPES[variable.type] + ("[]" if variable.takes_many else "")


def has_first_day(variable: Variable) -> bool:
    return variable.type is VariableType.DATE and not variable.takes_many


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of the dataset's columns that are not variables; a variable's own name always stays what it is."""

    document: str
    entity: str
    source: str
    metadata: Mapping[str, str]
    """Metadata key of tables of documents -> column."""
    first_days: Mapping[str, str]
    """Date variable -> the column that holds its first day."""


def column_names(definition: Definition, metadata_keys: Iterable[str]) -> ColumnNames:
    taken = {variable.name for variable in definition.codebook.variables}

    def free(wanted: str) -> str:
        while wanted.casefold() in taken:
            wanted += "_"
        taken.add(wanted.casefold())
        return wanted

    document, entity, source = free("document"), free("entity"), free("source")
    dates = [variable.name for variable in definition.codebook.variables if has_first_day(variable)]
    first_days = {name: free(f"{name}_first_day") for name in dates}
    metadata = {
        key: free("meta_" + (re.sub(r"\W+", "_", key).strip("_") or "column")) for key in dict.fromkeys(metadata_keys)
    }
    return ColumnNames(document, entity, source, metadata, first_days)


def _flatten(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")  # pyright: ignore[reportUnknownArgumentType]  # JSON object
        elif isinstance(value, list):
            yield prefix + key, "; ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON array
        elif value is not None:
            yield prefix + key, str(value).lower() if isinstance(value, bool) else str(value)


def _without_credentials(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
