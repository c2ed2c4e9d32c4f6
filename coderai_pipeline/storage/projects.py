"""Project folders: where everything of a project stands, and how one is made, archived and removed.

    <home>/<project id>/
        project.yaml  codebook.yaml    what people edit
        inbox/  feedback/              what people drop
        prompts/  outputs/             what the pipeline publishes
        state/                         what only the pipeline reads

Reading the two settings files is in `settings_files`, looking into the inbox in `inbox`.
"""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.errors import InvalidInput, Problem, UnknownProject
from coderai_pipeline.domain.project import PROJECT_ID_PATTERN, Project
from coderai_pipeline.storage.edited_files import is_there, read_text, read_yaml_file
from coderai_pipeline.storage.settings_files import (
    CODEBOOK_FILES,
    PROJECT_FILE,
    codebook_path,
    load_codebook,
    read_folder,
)

HOME_VARIABLE = "CODERAI_HOME"

_FOLDERS = ("inbox", "feedback", "prompts", "outputs", "state")


def find_home() -> Path:
    """The folder that holds the projects: CODERAI_HOME, or `.coderai` in the checkout.

    Where the package is installed without its checkout, `.coderai` in the working folder.
    """
    named = os.environ.get(HOME_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / ".coderai"


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """The places of one project. That the folder exists is checked by `Home.project`."""

    id: str
    path: Path

    @property
    def project_file(self) -> Path:
        return self.path / PROJECT_FILE

    @property
    def codebook_file(self) -> Path:
        """codebook.yaml, or the spreadsheet that stands in its place."""
        return codebook_path(self.path)

    @property
    def inbox(self) -> Path:
        return self.path / "inbox"

    @property
    def feedback(self) -> Path:
        return self.path / "feedback"

    @property
    def prompts(self) -> Path:
        return self.path / "prompts"

    @property
    def outputs(self) -> Path:
        return self.path / "outputs"

    @property
    def exports(self) -> Path:
        return self.outputs / "exports"

    @property
    def state(self) -> Path:
        return self.path / "state"

    def load(self) -> "LoadedProject":
        """Raises InvalidInput with every problem of both files."""
        settings = read_folder(self.path)
        if settings.project is None or settings.codebook is None or settings.problems:
            raise InvalidInput(settings.problems)
        return LoadedProject(self.id, self, settings.project, settings.codebook)


@dataclass(frozen=True, slots=True)
class LoadedProject:
    id: str
    folder: ProjectFolder
    project: Project
    codebook: Codebook


@dataclass(frozen=True, slots=True)
class Home:
    """All projects of a deployment: the folders below `root` whose name is a project id."""

    root: Path

    def project(self, project_id: str) -> ProjectFolder:
        """Raises InvalidInput where the id is not one, UnknownProject where no such project exists."""
        folder = self._folder(project_id)
        if folder.path.is_symlink():
            raise _refused(project_id, "the project's folder is a link; move the folder itself here")
        if not _is_project(folder.path):
            known = ", ".join(project.id for project in self.list()) or "none yet"
            raise UnknownProject(f"there is no project {project_id!r} in {self.root}; projects: {known}")
        return folder

    def list(self) -> "list[ProjectFolder]":
        """The projects by id, valid or not, archived or not. Other files and folders are passed over; see `strays`."""
        return [ProjectFolder(entry.name, entry) for entry in self._entries() if _is_usable(entry)]

    def strays(self) -> tuple[Problem, ...]:
        """Folders that hold a project.yaml but cannot be a project, because of their name or because they are links."""
        found: list[Problem] = []
        for entry in self._entries():
            if is_there(entry / PROJECT_FILE) and not _is_usable(entry):
                cause = "the folder is a link; move the folder itself here" if entry.is_symlink() else _ID_RULE
                found.append(Problem(entry.name, None, "", f"is passed over: {cause}"))
        return tuple(found)

    def create(self, project_id: str, template: Path | None = None) -> ProjectFolder:
        """A new project with a tutorial in its files. It appears whole or not at all.

        `template`: a codebook (.yaml, .xlsx, .csv) or a project's folder; its codebook is copied. Raises InvalidInput.
        """
        folder = self._folder(project_id)
        if folder.path.exists() or folder.path.is_symlink():
            raise _refused(project_id, f"{folder.path} exists already; choose another id")
        self.root.mkdir(parents=True, exist_ok=True)
        draft = self.root / f".new-{project_id}-{secrets.token_hex(4)}"
        try:
            _write_new(draft, project_id, template)
            draft.rename(folder.path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            raise _refused(project_id, "a project of this id has just been made; choose another id") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return folder

    def archive(self, project_id: str) -> None:
        """Takes a project out of use; nothing is removed."""
        _set_archived(self.project(project_id), archived=True)

    def unarchive(self, project_id: str) -> None:
        _set_archived(self.project(project_id), archived=False)

    def delete(self, project_id: str, forget: Callable[[str], None] = lambda project_id: None) -> None:
        """Removes a project with its documents, replies, cells and outputs.

        The folder is moved aside at once, then `forget` removes what is kept of the project elsewhere; if that fails
        the project is back as it was. Only then are the files removed, with those that a killed deletion left.
        """
        folder = self.project(project_id)
        aside = self.root / f".deleting-{project_id}-{secrets.token_hex(4)}"
        folder.path.rename(aside)
        try:
            forget(project_id)
        except BaseException:
            aside.rename(folder.path)
            raise
        aside.rename(self.root / f".deleted-{aside.name}")
        for leftover in self.root.glob(".deleted-*"):
            _remove(leftover)

    def _folder(self, project_id: str) -> ProjectFolder:
        if not re.fullmatch(PROJECT_ID_PATTERN, project_id):
            raise _refused(project_id, _ID_RULE)
        return ProjectFolder(project_id, self.root / project_id)

    def _entries(self) -> tuple[Path, ...]:
        try:
            return tuple(sorted(entry for entry in self.root.iterdir() if not entry.name.startswith(".")))
        except FileNotFoundError:
            return ()


_ID_RULE = "a project's id is a folder name of lower-case letters, digits, _ and -, at most 63, such as press-reports"


def _refused(project_id: str, cause: str) -> InvalidInput:
    return InvalidInput([Problem("project id", None, "", cause, seen=repr(project_id)[:80])])


def _is_project(path: Path) -> bool:
    """A folder without its project.yaml, or closed to us, counts too, so that it can be shown as broken."""
    if path.is_symlink() or not path.is_dir():
        return False
    return is_there(path / PROJECT_FILE) or is_there(path / "inbox") or not os.access(path, os.X_OK)


def _is_usable(path: Path) -> bool:
    return re.fullmatch(PROJECT_ID_PATTERN, path.name) is not None and _is_project(path)


def _write_new(folder: Path, project_id: str, template: Path | None) -> None:
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True)
    text = _tutorial(PROJECT_FILE).replace("name: My project", f'name: "{project_id}"')
    if template is None:
        (folder / CODEBOOK_FILES[0]).write_text(_tutorial(CODEBOOK_FILES[0]), encoding="utf-8")
    else:
        source = codebook_path(template) if template.is_dir() else template
        if _has_many_rows(template, load_codebook(source)):
            text = text.replace("rows: one", "rows: many", 1)
        shutil.copyfile(source, folder / f"codebook{source.suffix}", follow_symlinks=False)
    (folder / PROJECT_FILE).write_text(text, encoding="utf-8")


def _has_many_rows(template: Path, codebook: Codebook) -> bool:
    project = read_folder(template).project if template.is_dir() else None
    has_levels = any(variable.level for variable in codebook.variables)
    return has_levels or (project is not None and project.unit.rows == "many")


def _tutorial(name: str) -> str:
    return (Path(__file__).parent / "template" / name).read_text(encoding="utf-8")


def _set_archived(folder: ProjectFolder, *, archived: bool) -> None:
    """Changes that one line of project.yaml and leaves people's comments alone."""
    path = folder.project_file
    written = read_yaml_file(path)
    lines = read_text(path).splitlines(keepends=True)
    number, _ = written.place(("archived",))
    has_key = isinstance(written.data, dict) and "archived" in written.data
    setting = f"archived: {str(archived).lower()}"
    if has_key and number is not None:
        lines[number - 1] = re.sub(r"^archived:[ \t]*\S*", setting, lines[number - 1])
    else:
        lines.append(f"\n{setting}\n" if lines and not lines[-1].endswith("\n") else f"{setting}\n")
    _replace_checked(path, "".join(lines), archived)


def _replace_checked(path: Path, text: str, archived: bool) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        try:
            data = read_yaml_file(draft).data
        except InvalidInput:
            data = None
        if not isinstance(data, dict) or data.get("archived") is not archived:
            message = f"cannot be changed here; write `archived: {str(archived).lower()}` yourself"
            raise InvalidInput([Problem(path.name, None, "archived", message)])
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Removes a folder, also where folders in it are closed; links are removed, not followed."""
    for parent, names, _ in os.walk(folder):
        for inner in (Path(parent, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)
