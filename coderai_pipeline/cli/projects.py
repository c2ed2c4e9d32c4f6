"""`coderai project ...`: make, list, show, check, archive and delete projects.

Thin: what a project is and what is wrong with one is in `storage.projects` and `storage.settings_files`.
"""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.errors import CoderAIError, InvalidInput, Problem
from coderai_pipeline.domain.project import Project
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder, find_home
from coderai_pipeline.storage.settings_files import check_folder, load_codebook, read_folder, save_codebook_yaml

EXIT_INVALID = 2


def _nothing(project_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ProjectHooks:
    """What else has to be done outside the project's folder; given by the program through click's `obj`.

    on_delete: forget a project elsewhere (its partitions in Dagster), before its files are removed; raising keeps it.
    """

    on_delete: Callable[[str], None] = _nothing


@click.group("project")
def project() -> None:
    """Make, list, show, check, archive and delete projects."""


@project.command("new")
@click.argument("project_id", metavar="PROJECT")
@click.option("--template", help="A codebook file, or the id of a project whose codebook is copied.")
def new(project_id: str, template: str | None) -> None:
    """Make a new project, with a tutorial in its two files."""
    with plain_errors():
        home = Home(find_home())
        folder = home.create(project_id, _template(home, template))
        click.echo(f"made {folder.path}")
        click.echo(f"  1. describe the project in      {folder.project_file}")
        click.echo(f"  2. define the variables in      {folder.codebook_file}")
        click.echo(f"  3. check both with              coderai project check {project_id}")
        click.echo(f"  4. drop documents into          {folder.inbox}")
        click.echo(f"  5. try some of them             coderai run {project_id} --sample 20")
        for problem in check_folder(folder.path):
            click.echo(str(problem), err=True)


@project.command("list")
def list_() -> None:
    """List all projects; an invalid one with its first problem."""
    home = Home(find_home())
    projects = home.list()
    if not projects:
        click.echo(f"no projects yet in {home.root}; make one with `coderai project new ID`")
    print_table(("project", "state", "variables", "name"), (_list_row(folder) for folder in projects))
    for stray in home.strays():
        click.echo(str(stray), err=True)


@project.command("show")
@click.argument("project_id", metavar="PROJECT")
def show(project_id: str) -> None:
    """Show a project's settings and variables."""
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
    for heading, value in _facts(loaded):
        click.echo(f"{heading:<16}{value}")
    click.echo()
    rows = (_variable_row(variable) for variable in loaded.codebook.variables)
    print_table(("variable", "type", "label", "rules"), rows)


@project.command("check")
@click.argument("project_ids", nargs=-1, metavar="[PROJECT]...")
def check(project_ids: tuple[str, ...]) -> None:
    """Check the files of these projects (of all, if none is named). Exit code 2 if anything is wrong."""
    with plain_errors():
        home = Home(find_home())
        folders = [home.project(project_id) for project_id in project_ids] or home.list()
    problems = {folder.id: check_folder(folder.path) or _formula_problems(folder) for folder in folders}
    for project_id, found in problems.items():
        click.echo(f"{project_id}: {_count(len(found), 'problem') if found else 'in order'}")
        for problem in found:
            click.echo(str(problem), err=True)
    if any(problems.values()):
        sys.exit(EXIT_INVALID)


def _formula_problems(folder: ProjectFolder) -> tuple[Problem, ...]:
    """Formulas that the dataset could not compute, as DuckDB reads them."""
    from coderai_pipeline.publishing.formula_check import FormulaError, formula_inputs

    found: list[Problem] = []
    for number, variable in enumerate(folder.load().codebook.variables):
        try:
            if variable.formula:
                formula_inputs(variable.formula)
        except FormulaError as error:
            file = f"{folder.id}/{folder.codebook_file.name}"
            found.append(Problem(file, None, f"variables[{number}].formula", str(error), variable.formula))
    return tuple(found)


@project.command("archive")
@click.argument("project_id", metavar="PROJECT")
def archive(project_id: str) -> None:
    """Take a project out of use. Nothing is removed."""
    with plain_errors():
        Home(find_home()).archive(project_id)
    click.echo(f"{project_id} is archived; `coderai project unarchive {project_id}` brings it back")


@project.command("unarchive")
@click.argument("project_id", metavar="PROJECT")
def unarchive(project_id: str) -> None:
    """Bring an archived project back."""
    with plain_errors():
        Home(find_home()).unarchive(project_id)
    click.echo(f"{project_id} is in use again")


@project.command("delete")
@click.argument("project_id", metavar="PROJECT")
@click.option("--yes-delete", metavar="ID", help="The id once more, for scripts; otherwise it is asked for.")
@click.pass_context
def delete(context: click.Context, project_id: str, yes_delete: str | None) -> None:
    """Remove a project with its documents, replies, cells and outputs, for good."""
    hooks = context.find_object(ProjectHooks) or ProjectHooks()
    with plain_errors():
        home = Home(find_home())
        folder = home.project(project_id)
        question = f"This removes {folder.path} with {_contents(folder)}, for good.\nType the project's id to go on"
        repeated = click.prompt(question, default="", show_default=False) if yes_delete is None else yes_delete
        if repeated != project_id:
            raise click.ClickException(f"{repeated!r} is not the id {project_id!r}; nothing was removed")
        home.delete(project_id, hooks.on_delete)
    click.echo(f"{project_id} is deleted")


@project.command("export-codebook")
@click.argument("project_id", metavar="PROJECT")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="A new .yaml file; otherwise it is printed."
)
def export_codebook(project_id: str, to: Path | None) -> None:
    """Write a project's codebook as YAML, to be used with `project new --template`."""
    with plain_errors():
        text = save_codebook_yaml(load_codebook(Home(find_home()).project(project_id).codebook_file))
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{to} exists already; choose another name") from None
    click.echo(f"wrote {to}; use it with `coderai project new ID --template {to}`")


@contextmanager
def plain_errors() -> Generator[None]:
    """Every problem on its own line; exit code 2 for what is wrong in input, 1 for the rest."""
    try:
        yield
    except InvalidInput as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(EXIT_INVALID)
    except CoderAIError as error:
        raise click.ClickException(str(error)) from None
    except BrokenPipeError:
        raise  # whoever read what is printed has had enough (`| head`); click ends without a word
    except OSError as error:
        said = error.strerror or str(error)
        raise click.ClickException(f"{error.filename}: {said}" if error.filename else said) from None


def _template(home: Home, named: str | None) -> Path | None:
    """A file if it looks like one or is there, else the project of that id."""
    if named is None:
        return None
    path = Path(named)
    is_file = path.suffix in (".yaml", ".xlsx", ".csv") or path.is_file() or path.parent != Path()
    return path if is_file else home.project(named).path


def _list_row(folder: ProjectFolder) -> tuple[str, ...]:
    settings = read_folder(folder.path)
    name = settings.project.name if settings.project is not None else ""
    if settings.problems:
        more = len(settings.problems) - 1
        others = f" (and {_count(more, 'other problem')})" if more else ""
        return (folder.id, "invalid", "", f"{settings.problems[0]}{others}")
    state = "archived" if settings.project is not None and settings.project.archived else "ready"
    variables = len(settings.codebook.variables) if settings.codebook is not None else 0
    return (folder.id, state, str(variables), name)


def _facts(loaded: LoadedProject) -> Iterator[tuple[str, str]]:
    settings: Project = loaded.project
    codebook: Codebook = loaded.codebook
    yield "project", f"{loaded.id}{' (archived)' if settings.archived else ''}"
    yield "name", settings.name
    yield "question", settings.description or "-"
    yield (
        "documents",
        f"{settings.document_type}, {settings.locale}, dates {settings.date_order or 'as they are written'}",
    )
    yield "one row", f"{settings.unit.represents} ({settings.unit.rows} a document)"
    yield (
        "extractor",
        settings.extractor.name + (f", {settings.extractor.model}" if settings.extractor.name != "rules" else ""),
    )
    yield "budget", f"{settings.limits.tokens:,} tokens, {settings.limits.documents:,} documents"
    yield "owners", ", ".join(settings.owners) or "-"
    yield "variables", f"{len(codebook.variables)}, {len(codebook.asked)} of them asked for"
    yield "folder", str(loaded.folder.path)


def _variable_row(variable: Variable) -> tuple[str, ...]:
    rules = [
        "required" if variable.required else "",
        f"if {variable.depends_on}" if variable.depends_on else "",
        f"= {variable.formula}" if variable.formula else "",
        f"level {variable.level}" if variable.level else "",
        " | ".join(category.value for category in variable.categories),
    ]
    return (variable.name, variable.type.value, variable.label, "; ".join(rule for rule in rules if rule))


def _contents(folder: ProjectFolder) -> str:
    files = sum(len(names) for _, _, names in os.walk(folder.path))
    return _count(files, "file")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def print_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, one_of_many: bool = False) -> None:
    """A table for people at a terminal; tab-separated lines where another program reads, with a header only where tables of
    several kinds follow each other."""
    rows = list(rows)
    if not sys.stdout.isatty():
        for row in [header, *rows] if one_of_many else rows:
            click.echo("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
