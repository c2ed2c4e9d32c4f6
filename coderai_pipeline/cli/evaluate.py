"""`coderai evaluate`: how far the local rules, or cells exported earlier, agree with a gold file, per variable.

How values are compared is in `domain.agreement`; how rules read is in `extractors.rules`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.domain.agreement import (
    Agreement,
    GoldCell,
    Tally,
    agreement,
    read_gold,
    same_value,
    wilson_interval,
)
from coderai_pipeline.domain.candidates import SettleContext
from coderai_pipeline.domain.cells import Answer, Cell, CellStatus
from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.settling import settle
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors import rules
from coderai_pipeline.readers import ReadOptions, read_files
from coderai_pipeline.storage.gold import read_gold_file, table_rows
from coderai_pipeline.storage.settings_files import load_codebook, load_project

_Path = click.Path(exists=True, path_type=Path)


@click.command("evaluate")
@click.argument("gold_file", type=_Path)
@click.option("--codebook", "codebook_file", required=True, type=_Path, help="The variables.")
@click.option("--documents", "folder", type=_Path, help="Folder of the documents: they are read by the local rules.")
@click.option("--cells", "cells_file", type=_Path, help="Instead: a long CSV with document, entity, variable, value.")
@click.option("--project", "project_file", type=_Path, help="project.yaml: language, country, date order, unit.")
@click.option("--misses", is_flag=True, help="Also list the cells that do not agree.")
def evaluate(
    gold_file: Path,
    codebook_file: Path,
    folder: Path | None,
    cells_file: Path | None,
    project_file: Path | None,
    *,
    misses: bool,
) -> None:
    """Compare cells with GOLD_FILE, a CSV with the columns document, variable, expected (and entity, alternatives).

    An empty `expected` means that the document does not state it; several alternatives are parted by |.
    """
    if (folder is None) == (cells_file is None):
        raise click.UsageError("give either --documents or --cells")
    with plain_errors():
        codebook = load_codebook(codebook_file)
        project = load_project(project_file) if project_file else Project(name="evaluation")
        conventions = Conventions(project.language, project.locale, project.date_order)
        gold = [
            read_gold(cell, codebook[cell.variable].type, conventions) for cell in read_gold_file(gold_file, codebook)
        ]
        if folder is not None:
            cells = list(_read_by_rules(folder, {cell.document for cell in gold}, codebook, project, conventions))
        else:
            assert cells_file is not None
            cells = list(_exported(cells_file, codebook))
        _print(agreement(gold, cells))
        if misses:
            _print_misses(gold, cells)


def _exported(path: Path, codebook: Codebook) -> Iterator[Cell]:
    for row in table_rows(path, ("document", "variable", "value")):
        if row["variable"] in codebook:
            type_ = codebook[row["variable"]].type.value
            yield _cell(row["document"], row.get("entity", ""), row["variable"], type_, row["value"] or None)


def _cell(document: str, entity: str, variable: str, type_: str, value: str | None) -> Cell:
    status = CellStatus.ABSENT if value is None else CellStatus.EXTRACTED
    return Cell(document, entity, variable, type_, status, "", value)


def _read_by_rules(
    folder: Path, names: Iterable[str], codebook: Codebook, project: Project, conventions: Conventions
) -> Iterator[Cell]:
    paths = {folder.resolve() / name: name for name in sorted(names)}
    for path in (path for path in paths if not path.is_file()):
        click.echo(f"{path}: no such file; its cells count as missing", err=True)
    options = ReadOptions(ocr=project.reading.ocr != "off", language=project.language)
    for document in read_files([path for path in paths if path.is_file()], options):
        name = paths[Path(document.source)]
        if document.status.is_readable:
            yield from _settled(name, document, codebook, project, conventions)
        else:
            click.echo(f"{name}: {document.status}: {document.reason}; its cells count as missing", err=True)


def _settled(
    name: str, document: Document, codebook: Codebook, project: Project, conventions: Conventions
) -> Iterator[Cell]:
    context = SettleContext.of(document, conventions)
    for entity, answer in _answers(document, codebook, project, conventions):
        variable = codebook[answer.variable]
        outcome = settle([answer], variable, context)
        yield Cell(name, entity, variable.name, variable.type.value, outcome.status, outcome.reason, outcome.value)


def _answers(
    document: Document, codebook: Codebook, project: Project, conventions: Conventions
) -> Iterator[tuple[str, Answer]]:
    whole = Span(0, len(document.text))
    many = project.unit.rows == "many"
    own = [variable for variable in codebook.asked if not many or variable.level == "document"]
    yield from (("", answer) for answer in rules.answer(own, document, whole, conventions))
    rows = rules.answer_rows(project.unit, codebook.asked, document, whole, conventions) if many else ()
    for number, row in enumerate(rows, start=1):
        yield from ((str(number), answer) for answer in row.answers)


def _print(result: Agreement) -> None:
    tallies: Mapping[str, Tally] = {**result.per_variable, "all": result}
    width = max(len(name) for name in tallies)
    click.echo(f"{'variable':<{width}}  right  of    share  95 % interval  missing")
    for name, tally in tallies.items():
        low, high = wilson_interval(tally.right, tally.total)
        share = "-" if tally.share is None else f"{tally.share:.1%}"
        click.echo(
            f"{name:<{width}}  {tally.right:>5}  {tally.total:<4} {share:>6}  {low:>6.1%} - {high:<6.1%} {tally.missing:>6}"
        )


def _print_misses(gold: Sequence[GoldCell], cells: Sequence[Cell]) -> None:
    found = {(cell.document, cell.entity, cell.variable): cell for cell in cells}
    for wanted in gold:
        cell = found.get((wanted.document, wanted.entity, wanted.variable))
        if cell is None or not same_value(wanted.expected, cell.value, cell.type):
            said = (
                "no cell"
                if cell is None
                else f"{cell.value!r} ({cell.status}{': ' if cell.reason else ''}{cell.reason})"
            )
            where = f"{wanted.document} {wanted.entity}".strip()
            click.echo(f"{where}: {wanted.variable}: {said}; expected {' | '.join(wanted.expected) or 'nothing'}")
