"""project.yaml and codebook.yaml (or .xlsx, .csv): read, checked in full, and written as a template for others.

Every problem of a file is gathered before anything is refused. What the keys mean is in `domain.project` and
`domain.codebook`; which values fit each other is in `domain.codebook_rules`.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar, cast

import yaml
from pydantic import ValidationError

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.codebook_rules import Finding, check, check_project
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.export_rules import check_exports
from coderai_pipeline.domain.project import Project, Settings
from coderai_pipeline.storage.edited_files import Written, is_there, read_yaml_file
from coderai_pipeline.storage.plain_errors import bounded, explain, holds_secret, without_secrets
from coderai_pipeline.storage.spreadsheet_codebook import read_spreadsheet
from coderai_pipeline.storage.yaml_lines import KeyPath, key_text

PROJECT_FILE = "project.yaml"
CODEBOOK_FILES = ("codebook.yaml", "codebook.xlsx", "codebook.csv")
"""One of them stands in a folder; where there are several, the first is read and named as a problem."""

_SEEN_BY_OTHERS = ("name", "type", "categories", "depends_on", "formula", "level")

Model = TypeVar("Model", bound=Settings)


def load_project(path: Path) -> Project:
    """Raises InvalidInput with every problem of the file, but for those that take the codebook to see."""
    parsed = _parsed(path, Project)
    return _usable(parsed.value, _project_problems(parsed, None))


def load_codebook(path: Path) -> Codebook:
    """From .yaml, .xlsx or .csv. Raises InvalidInput with every problem but those that take the project to see."""
    parsed = _parsed(path, Codebook)
    return _usable(parsed.value, _codebook_problems(parsed, None))


def codebook_path(folder: Path) -> Path:
    """The codebook that counts in a folder; codebook.yaml where there is none at all."""
    return next((folder / name for name in CODEBOOK_FILES if is_there(folder / name)), folder / CODEBOOK_FILES[0])


def check_folder(folder: Path) -> tuple[Problem, ...]:
    """Everything wrong in a project's two files, project.yaml first, each in line order; () where all is well."""
    return read_folder(folder).problems


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """A project's two files as read; None where one cannot be used. With no problems, both are there."""

    project: Project | None
    codebook: Codebook | None
    problems: tuple[Problem, ...]


def read_folder(folder: Path) -> FolderSettings:
    """Reads and checks both files, each by itself and against the other. Raises nothing."""
    project = _parsed(folder / PROJECT_FILE, Project)
    codebook = _parsed(codebook_path(folder), Codebook)
    problems = (*_project_problems(project, codebook), *_codebook_problems(codebook, project.value))
    return FolderSettings(project.value, codebook.value, (*problems, *_rival_codebooks(folder)))


def _rival_codebooks(folder: Path) -> tuple[Problem, ...]:
    """Where several codebooks stand side by side, nobody can tell from the files which of them is meant."""
    there = [name for name in CODEBOOK_FILES if is_there(folder / name)]
    if len(there) < 2:
        return ()
    message = f"stands beside {' and '.join(there[1:])}; keep the codebook that is meant, move or rename the other"
    return (Problem(f"{folder.name}/{there[0]}", None, "", message),)


def problems_of(data: JsonValue, project: Project) -> tuple[Problem, ...]:
    """Everything that would be wrong in a codebook file that held this; keys such as `variables[2].type`, no lines."""
    written = Written(CODEBOOK_FILES[0], data, lambda path: (None, key_text(path)))
    return _codebook_problems(_checked(written, Codebook), project)


def save_codebook_yaml(codebook: Codebook) -> str:
    """The codebook as codebook.yaml holds it, without keys that have their default. Loading it gives an equal one."""
    variables = [_plain_numbers(_dumped(variable)) for variable in codebook.variables]
    blocks = [
        yaml.dump([variable], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110) for variable in variables
    ]
    return "variables:\n" + "\n".join(blocks)


def save_project_yaml(project: Project) -> str:
    """The project as project.yaml holds it, without keys that have their default. Loading it gives an equal one."""
    kept = _plain_numbers(cast("JsonValue", project.model_dump(mode="json", exclude_defaults=True)))
    return yaml.dump(kept, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


@dataclass(frozen=True, slots=True)
class _Parsed(Generic[Model]):
    """One file: as written (None: not readable), as a value (None: not valid), and what is wrong with it by itself."""

    written: Written | None
    value: Model | None
    problems: tuple[Problem, ...]


def _parsed(path: Path, model: type[Model]) -> _Parsed[Model]:
    try:
        written = read_yaml_file(path) if path.suffix == ".yaml" else read_spreadsheet(path)
    except InvalidInput as error:
        return _Parsed(None, None, _presentable(error.problems))
    return _checked(written, model)


def _checked(written: Written, model: type[Model]) -> _Parsed[Model]:
    secrets = tuple(_secrets(written, written.data, ()))
    if not isinstance(written.data, dict):
        problem = written.problem((), _not_a_mapping(written.data, model))
        return _Parsed(written, None, (*written.problems, *secrets, problem))
    try:
        value = model.model_validate_json(json.dumps(written.data), strict=True)
    except ValidationError as error:
        found = _located(written, explain(error, model, written.data))
        return _Parsed(written, None, (*written.problems, *secrets, *found))
    return _Parsed(written, value, (*written.problems, *secrets))


def _usable(value: Model | None, problems: tuple[Problem, ...]) -> Model:
    if value is None or problems:
        raise InvalidInput(problems)
    return value


def _project_problems(project: _Parsed[Project], codebook: _Parsed[Codebook] | None) -> tuple[Problem, ...]:
    if project.written is None or project.value is None:
        return _presentable(project.problems)
    variables = _usable_variables(codebook) if codebook is not None and codebook.written is not None else None
    declared = _declared(codebook) if codebook is not None else ()
    findings = list(check_project(project.value, variables, declared))
    if codebook is not None and codebook.written is not None:
        findings += check_exports(project.value.exports, declared)
    return _presentable((*project.problems, *_located(project.written, findings)))


def _codebook_problems(codebook: _Parsed[Codebook], project: Project | None) -> tuple[Problem, ...]:
    if codebook.written is None:
        return codebook.problems
    found = _located(codebook.written, check(_usable_variables(codebook), _declared(codebook), project))
    return _presentable((*codebook.problems, *found))


def _entries(codebook: _Parsed[Codebook]) -> list[JsonValue]:
    data = codebook.written.data if codebook.written is not None else None
    entries = data.get("variables") if isinstance(data, dict) else None
    return entries if isinstance(entries, list) else []


def _usable_variables(codebook: _Parsed[Codebook]) -> dict[int, Variable]:
    """Position -> variable. Of one with faults, only what the others see of it, so that theirs are found as well."""
    if codebook.value is not None:
        return dict(enumerate(codebook.value.variables))
    usable: dict[int, Variable] = {}
    for index, entry in enumerate(_entries(codebook)):
        outside = {key: entry[key] for key in _SEEN_BY_OTHERS if key in entry} if isinstance(entry, dict) else entry
        for attempt in (entry, outside):
            with suppress(ValidationError):
                usable.setdefault(index, Variable.model_validate_json(json.dumps(attempt), strict=True))
    return usable


def _declared(codebook: _Parsed[Codebook]) -> tuple[str, ...]:
    names = [entry.get("name") for entry in _entries(codebook) if isinstance(entry, dict)]
    return tuple(name for name in names if isinstance(name, str))


def _secrets(written: Written, data: JsonValue, path: KeyPath) -> Iterator[Problem]:
    """Keys of a provider pasted into the file. Passwords of documents have their own place and are left alone."""
    if isinstance(data, str) and "passwords" not in path and holds_secret(data):
        message = (
            "looks like an access key or a password; remove it (and have the key replaced, since it stood in a file), "
            "set it as an environment variable and write that variable's name under extractor: api_key_env"
        )
        yield written.problem(path, message)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _secrets(written, value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _secrets(written, value, (*path, index))


def _not_a_mapping(data: JsonValue, model: type[Settings]) -> str:
    first = "name: ..." if model is Project else "variables:"
    return "the file is empty" if data is None else f"the file must hold keys with values; begin it with `{first}`"


def _located(written: Written, findings: Iterable[Finding]) -> Iterator[Problem]:
    return (written.problem(found.path, found.message, found.seen, found.allowed) for found in findings)


def _presentable(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """In line order, without secrets wherever they may have got to."""
    shown = [
        replace(
            problem,
            key=without_secrets(problem.key),
            message=without_secrets(problem.message),
            seen=None if problem.seen is None else bounded(problem.seen),
        )
        for problem in problems
    ]
    return tuple(sorted(shown, key=lambda problem: problem.line or 0))


def _dumped(variable: Variable) -> JsonValue:
    return cast("JsonValue", variable.model_dump(mode="json", exclude_defaults=True))


def _plain_numbers(value: JsonValue) -> JsonValue:
    """5 rather than 5.0, as people write it."""
    if isinstance(value, dict):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # pyright: ignore[reportUnknownMemberType]


_Dumper.add_representer(str, _represent_text)
