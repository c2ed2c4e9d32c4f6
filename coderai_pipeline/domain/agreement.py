"""How far settled cells agree with true values that people wrote down. Reading gold files is at the edge; statistics are in `quality`."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from coderai_pipeline.domain.cells import Cell, Scalar, Value
from coderai_pipeline.domain.values import Conventions, Reading

_WHOLE_DAY = len("2024-03-05")


@dataclass(frozen=True, slots=True)
class GoldCell:
    """The true value of a cell. expected: the acceptable written forms, the first the preferred; () = not stated."""

    document: str
    entity: str
    variable: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Cells compared. missing: how many of the wrong ones have no cell at all, such as those of an unread document."""

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def total(self) -> int:
        return self.right + self.wrong

    def plus(self, agrees: bool, missing: bool = False) -> "Tally":
        return Tally(self.right + agrees, self.wrong + (not agrees), self.missing + missing)

    @property
    def share(self) -> float | None:
        """The share of right cells, None where nothing was compared."""
        return self.right / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Agreement(Tally):
    per_variable: Mapping[str, Tally] = field(default_factory=dict[str, Tally])


def read_gold(cell: GoldCell, type_: str, conventions: Conventions) -> GoldCell:
    """The gold cell with numbers and dates that are given as a document writes them (`RM 1,200`) read as what they mean."""
    from coderai_pipeline.domain.values.dates import read_date
    from coderai_pipeline.domain.values.numbers import read_number

    read = {"number": read_number, "date": read_date}.get(type_)
    if read is None:
        return cell
    readings = [(written, read(written.strip("()"), conventions)) for written in cell.expected]
    return replace(cell, expected=tuple(str(r.value) if isinstance(r, Reading) else written for written, r in readings))


def agreement(gold: Iterable[GoldCell], cells: Iterable[Cell]) -> Agreement:
    """Compares each gold cell with the settled cell of the same document, entity and variable.

    A gold cell without a settled one is wrong, and counted in `missing` too. Cells without gold are not counted.
    """
    settled = {(cell.document, cell.entity, cell.variable): cell for cell in cells}
    everything = Tally()
    per_variable: dict[str, Tally] = {}
    for wanted in gold:
        cell = settled.get((wanted.document, wanted.entity, wanted.variable))
        agrees = cell is not None and same_value(wanted.expected, cell.value, cell.type)
        everything = everything.plus(agrees, cell is None)
        per_variable[wanted.variable] = per_variable.get(wanted.variable, Tally()).plus(agrees, cell is None)
    return Agreement(everything.right, everything.wrong, everything.missing, per_variable)


def same_value(expected: tuple[str, ...], value: Value, type_: str) -> bool:
    """Whether a value is one of the expected ones: numbers as numbers, dates by the day, all else as folded text.

    Of locations only letters and digits count, as line ends and commas change places from one transcript to the next.

    Several values agree where each is expected and none is lacking, in any order; in `expected` they are parted by `; `.
    """
    if value is None or not expected:
        return value is None and not expected
    if isinstance(value, tuple):
        found = sorted(comparable(part, type_) for part in value)
        return any(found == sorted(comparable(part, type_) for part in form.split("; ")) for form in expected)
    return any(_same(form, value, type_) for form in expected)


def _same(form: str, value: Scalar, type_: str) -> bool:
    wanted, found = comparable(form, type_), comparable(value, type_)
    if type_ == "date" and len(wanted) == _WHOLE_DAY:
        return found[:_WHOLE_DAY] == wanted  # the time of day, where the cell has one, was not asked for
    return found == wanted


def comparable(value: Scalar, type_: str) -> str:
    """A value in the one form in which it is compared with others of its type."""
    if isinstance(value, bool):
        return str(value).lower()
    if type_ == "number":
        return _number(value)
    if type_ == "location":
        return "".join(char for char in folded(str(value)) if char.isalnum())
    return folded(str(value))


def _number(value: Scalar) -> str:
    try:
        number = float(value)
    except ValueError:
        return folded(str(value))
    return f"{number:.9g}" if math.isfinite(number) else str(value)


def folded(text: str) -> str:
    """Text without the differences that do not matter in a comparison: case, width, spacing and punctuation around it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return plain.strip(" .,;:")


def wilson_interval(right: float, total: float, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927), which holds its level for small counts and near 0 and 1."""
    if total == 0:
        return 0.0, 1.0
    share = right / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
