"""What is wrong with the `exports:` of a project: its variables and the filter's columns, against the codebook.

The filter itself is read by DuckDB where it is applied; here its names are looked up, so that a person hears of a slip early.
"""

from collections.abc import Iterator, Sequence

from coderai_pipeline.domain import formulas
from coderai_pipeline.domain.codebook_rules import Finding, did_you_mean, is_column
from coderai_pipeline.domain.project import ExportOptions


def check_exports(options: ExportOptions, declared: Sequence[str]) -> Iterator[Finding]:
    """Everything wrong. declared: names of the codebook's variables."""
    for index, name in enumerate(options.variables or ()):
        if name not in declared:
            message = f"is no variable of the codebook{did_you_mean(name, declared)}"
            yield Finding(("exports", "variables", index), message, name)
    if options.filter.strip():
        yield from _filter(options.filter, declared)


def _filter(condition: str, declared: Sequence[str]) -> Iterator[Finding]:
    where = ("exports", "filter")
    try:
        names = formulas.names(condition, declared)
    except formulas.FormulaError as error:
        yield Finding(
            where, str(error).replace("a formula", "a filter").replace("the formula", "the filter"), condition
        )
        return
    for name in names:
        if name not in declared and not is_column(name.rstrip("_"), declared):
            yield Finding(where, f"`{name}` is no column of the dataset{did_you_mean(name, declared)}", condition)
