"""Applies feedback files: each row becomes a row of the `feedback` blocks, or is listed with the reason why it did not.

What a file holds is read in `storage.feedback_files`, what a row means for one cell decided in `judging`; that the dataset
shows it is the work of `publishing.reviewed`. Applying a file twice changes nothing.
"""

import fcntl
import json
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coderai_pipeline.domain.feedback import Feedback
from coderai_pipeline.engine.judging import Judging, Refused, Said
from coderai_pipeline.engine.telling import tell_feedback
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.storage.blocks import BlockStore, next_version, start_after
from coderai_pipeline.storage.feedback_files import WrittenRow, read_feedback
from coderai_pipeline.storage.inbox import InboxFile, document_key, scan_feedback
from coderai_pipeline.storage.projects import LoadedProject, ProjectFolder
from coderai_pipeline.storage.records import feedback_from, feedback_row

COMMAND_LINE = "the command line"
"""In the place of a run's id where no run applied a file."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file's rows: applied + unchanged + blank + refused = all of them. unchanged: said before.
    blank: rows of a review in which nothing was filled in. size_bytes, mtime_ns: of the file as it was applied."""

    file: str
    sha256: str
    size_bytes: int
    mtime_ns: int
    applied: int = 0
    unchanged: int = 0
    blank: int = 0
    refused: tuple[Refused, ...] = ()

    @property
    def stated(self) -> str:
        """The account in a line."""
        parts = [f"{self.applied} applied", f"{self.unchanged} known already", f"{len(self.refused)} not applied"]
        return ", ".join([*parts, *([f"{self.blank} left blank"] if self.blank else [])])


def unapplied_files(folder: ProjectFolder) -> list[InboxFile]:
    """The files in `feedback/` that are new or changed since they were applied; those still being written are left."""
    files = scan_feedback(folder).files
    if not files:
        return []
    applied = {(one.file, one.size_bytes, one.mtime_ns) for one in reports(BlockStore(folder.state))}
    return [file for file in files if (file.source, file.size, file.mtime_ns) not in applied]


def untold_reports(blocks: BlockStore) -> list[FileReport]:
    """Of what the command line applied, that of which no run has told since (`keep_told`)."""
    return [_report_from(row) for row in _newest_reports(blocks) if row["run_id"] == COMMAND_LINE]


def keep_told(blocks: BlockStore, report: FileReport, run_id: str) -> None:
    """For a report that a run has made known."""
    row = {**asdict(report), "refused": json.dumps([asdict(one) for one in report.refused], ensure_ascii=False)}
    blocks.append("feedback_files", [{**row, "version": next_version(), "run_id": run_id}])


def apply_files(loaded: LoadedProject, files: Iterable[InboxFile], run_id: str) -> Iterator[FileReport]:
    """Apply files in this order; where two speak of one cell, the later one stands."""
    blocks = BlockStore(loaded.folder.state)
    for file in files:
        with _alone(loaded.folder):
            report = _apply(loaded, blocks, file, run_id)
        tell_feedback(loaded, report, run_id)
        yield report


def adopt(folder: ProjectFolder, path: Path) -> InboxFile:
    """A file named by a person, copied into `feedback/` where it is not there yet: what was applied is kept."""
    root = folder.feedback.resolve()
    target = path.resolve()
    if not target.is_relative_to(root):
        root.mkdir(exist_ok=True)
        target = _free_name(root, target)
        shutil.copyfile(path, target)
    source, found = str(target.relative_to(root)), target.stat()
    return InboxFile(document_key(source), source, str(target), found.st_size, found.st_mtime_ns)


def reports(blocks: BlockStore) -> list[FileReport]:
    """What became of each file when it was last applied."""
    return [_report_from(row) for row in _newest_reports(blocks)]


def _newest_reports(blocks: BlockStore) -> list[Mapping[str, Any]]:
    newest: dict[str, Mapping[str, Any]] = {}
    for row in (row for batch in blocks.batches("feedback_files") for row in batch):
        if row["file"] not in newest or newest[row["file"]]["version"] <= row["version"]:
            newest[row["file"]] = row
    return list(newest.values())


def _apply(loaded: LoadedProject, blocks: BlockStore, file: InboxFile, run_id: str) -> FileReport:
    content = read_feedback(file.path, lambda data: decode(data).text)
    before = _held(blocks)
    rows = _Rows(file.source, _Known(before))
    if content.trouble:
        rows.refused.append(Refused(None, "", content.trouble))
    else:
        rows.sort(Judging.of(loaded, blocks, content.rows, before), content.rows)
    blocks.append("feedback", [feedback_row(one, version=next_version(), run_id=run_id) for one in rows.new])
    report = FileReport(
        file.source, content.sha256, file.size, file.mtime_ns,
        len(rows.new), rows.unchanged, rows.blank, tuple(sorted(rows.refused, key=lambda one: one.row or 0)),
    )  # fmt: skip
    _tell(blocks, report, run_id)
    return report


def _held(blocks: BlockStore) -> list[Feedback]:
    """All feedback ever applied, oldest first; the versions given from here on are higher than any of it."""
    rows = [row for batch in blocks.batches("feedback") for row in batch]
    start_after(max((row["version"] for row in rows), default=0))
    return [feedback_from(row) for row in sorted(rows, key=lambda row: row["version"])]


@dataclass(slots=True)
class _Known:
    """What was said before. A row is known where its very words were, unless its author has since changed them in the
    same file and now changes them back."""

    said: Sequence[Feedback]
    _ids: set[str] = field(init=False)
    _newest: dict[tuple[str, ...], str] = field(init=False)

    def __post_init__(self) -> None:
        self._ids = {one.feedback_id for one in self.said}
        self._newest = {_author(one): one.feedback_id for one in self.said}

    def has(self, one: Feedback) -> bool:
        return one.feedback_id in self._ids and self._newest.get(_author(one), one.feedback_id) == one.feedback_id


def _author(one: Feedback) -> tuple[str, ...]:
    return one.document, one.entity, one.variable, one.reviewer, one.file


@dataclass(slots=True)
class _Rows:
    """The rows of one file, sorted by what becomes of them."""

    file: str
    known: _Known
    new: list[Feedback] = field(default_factory=list[Feedback])
    refused: list[Refused] = field(default_factory=list[Refused])
    unchanged: int = 0
    blank: int = 0

    def sort(self, judging: Judging, rows: Sequence[WrittenRow]) -> None:
        said: list[Said] = []
        for row in rows:
            judged = None if row.is_blank else judging.judge(row, self.file)
            if judged is None:
                self.blank += 1
            elif isinstance(judged, Refused):
                self.refused.append(judged)
            else:
                said.append(judged)
        for feedback in self._without_contradictions(said):
            if self.known.has(feedback):
                self.unchanged += 1
            else:
                self.new.append(feedback)

    def _without_contradictions(self, said: Sequence[Said]) -> Iterator[Feedback]:
        """Rows of one file that say different things of one cell in one reviewer's name: nobody can tell which is meant."""
        words: dict[tuple[str, ...], dict[str, int]] = {}
        for one in said:
            words.setdefault(_author(one.feedback), {}).setdefault(one.feedback.feedback_id, one.row)
        taken: set[str] = set()
        for one in said:
            rows = words[_author(one.feedback)]
            if len(rows) > 1:
                listed = " and ".join(map(str, rows.values()))
                self.refused.append(
                    one.refused(f"rows {listed} say different things of the same cell; keep one of them")
                )
            elif one.feedback.feedback_id in taken:
                self.unchanged += 1
            else:
                taken.add(one.feedback.feedback_id)
                yield one.feedback


def _tell(blocks: BlockStore, report: FileReport, run_id: str) -> None:
    """Keeps the report, unless it would only repeat the last one."""
    held = next((one for one in reports(blocks) if one.file == report.file), None)
    if held is not None and not report.applied and _same(held, report):
        return
    keep_told(blocks, report, run_id)


def _same(held: FileReport, report: FileReport) -> bool:
    return (held.sha256, held.mtime_ns, held.refused) == (report.sha256, report.mtime_ns, report.refused)


def _report_from(row: Mapping[str, Any]) -> FileReport:
    kept: dict[str, Any] = {name: row[name] for name in FileReport.__slots__}
    kept["refused"] = tuple(Refused(**one) for one in json.loads(row["refused"] or "[]"))
    return FileReport(**kept)


@contextmanager
def _alone(folder: ProjectFolder) -> Generator[None]:
    """One application of a project's feedback at a time, over all processes: two would say everything twice."""
    folder.state.mkdir(exist_ok=True)
    with (folder.state / "feedback.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _free_name(folder: Path, path: Path) -> Path:
    """The file's own name, or name-2 and so on where another file has it; the same content keeps its place."""
    data = path.read_bytes()
    number = 1
    while True:
        target = folder / (path.name if number == 1 else f"{path.stem}-{number}{path.suffix}")
        if not target.exists() or target.read_bytes() == data:
            return target
        number += 1
