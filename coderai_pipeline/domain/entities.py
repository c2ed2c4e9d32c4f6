"""Which of the rows found in a document's chunks are the same entity: joined by their key variables, never by guessing.

Values come settled (`settling`); the id given here stands in each cell. What is asked about entities is in `prompts`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.name_forms import COURTESIES, LEGAL_FORMS, Part, comparable


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One row of one reply. chunk: the index asked. key: settled values of the key variables, None = not stated.

    span: where its quote stands in the document, None = not located; position then stands in: the chunk's start.
    """

    chunk: int
    key: Mapping[str, Value]
    quote: str | None = None
    span: Span | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of a document. id: "1", "2", ... by first appearance. key: the fullest value of each key variable.

    mentions: indexes of the rows found, the first to appear first. reasons: why each mention belongs here, "" for the
    first. note: why it was kept apart from another that looks alike, "" = nothing looks alike.
    """

    id: str
    key: Mapping[str, Value]
    mentions: tuple[int, ...]
    reasons: tuple[str, ...]
    quote: str | None
    note: str = ""


def join(found: Sequence[FoundRow], keys: Sequence[Variable]) -> tuple[Entity, ...]:
    """The entities behind the rows found, in order of appearance.

    Rows of different chunks are one entity when every key agrees in normalised form, or when one says less (a key not
    stated, a month instead of a day, a firm without its form) and fits exactly one other. Two rows of one chunk are two entities unless
    they rest on the same passage: the model saw both and told them apart. Without keys only the same passage joins.
    """
    order = sorted(range(len(found)), key=lambda index: (_position(found[index]), index))
    groups = _joined_by_equal_keys(found, order, keys)
    groups = _joined_by_fit(found, groups, keys)
    rank = {index: place for place, index in enumerate(order)}
    groups.sort(key=lambda group: min(rank[member] for member in group.members))
    return tuple(_entity(number, group, found, keys) for number, group in enumerate(groups, start=1))


_Key: TypeAlias = tuple[Part, ...]


@dataclass(slots=True)
class _Group:
    key: _Key
    members: list[int]
    reasons: list[str] = field(default_factory=lambda: [""])
    note: str = ""

    def add(self, member: int, reason: str) -> None:
        self.members.append(member)
        self.reasons.append(reason)

    def has_chunk(self, chunk: int, found: Sequence[FoundRow]) -> bool:
        return any(found[member].chunk == chunk for member in self.members)

    def shares_passage(self, row: FoundRow, found: Sequence[FoundRow]) -> bool:
        """Rests on the same passage; in one chunk it must be the very same, across chunks an overlap is enough."""
        spans = ((found[member].chunk, found[member].span) for member in self.members)
        return any(_same_passage(row, chunk, span) for chunk, span in spans)


def _joined_by_equal_keys(found: Sequence[FoundRow], order: Iterable[int], keys: Sequence[Variable]) -> list[_Group]:
    by_key: dict[_Key, list[_Group]] = {}
    for index in order:
        row = found[index]
        key = tuple(comparable(row.key.get(variable.name), variable.type) for variable in keys)
        groups = by_key.setdefault(key, [])
        same_passage = [group for group in groups if group.shares_passage(row, found)]
        elsewhere = [group for group in groups if not group.has_chunk(row.chunk, found)]
        if same_passage:
            same_passage[0].add(index, "the same passage")
        elif len(elsewhere) == 1 and key and None not in key:
            elsewhere[0].add(index, f"same {_names(keys)}")
        else:
            groups.append(_Group(key, [index], note=_alike_note(len(groups), key)))
    return [group for groups in by_key.values() for group in groups]


def _alike_note(alike: int, key: _Key) -> str:
    return f"has the key of {alike} other{'s' if alike > 1 else ''} and was kept apart" if alike and any(key) else ""


def _joined_by_fit(found: Sequence[FoundRow], groups: list[_Group], keys: Sequence[Variable]) -> list[_Group]:
    """Groups that say less go to the one group they fit; where they fit several, or none, they stay."""
    kept: list[_Group] = []
    for group in sorted(groups, key=lambda group: (-_information(group.key), group.members[0])):
        comparable = [other for other in kept if other.key != group.key or None in group.key]
        fits = [other for other in comparable if _fits(group.key, other.key, keys)]
        chunks = {found[member].chunk for member in group.members}
        if len(fits) == 1 and not any(fits[0].has_chunk(chunk, found) for chunk in chunks):
            for member in group.members:
                fits[0].add(member, _fit_reason(group.key, keys))
            fits[0].key = _fuller(fits[0].key, group.key, keys)
            continue
        if len(fits) > 1:
            group.note = f"fits {len(fits)} others equally well and was kept apart"
        kept.append(group)
    return kept


def _fits(less: _Key, more: _Key, keys: Sequence[Variable]) -> bool:
    """Whether `more` states each key that `less` states, the same or one of them more precisely, and at least one in common."""
    compared = list(zip(less, more, keys, strict=True))
    return any(mine is not None for mine in less) and all(
        mine is None
        or (yours is not None and (_includes(yours, mine, variable.type) or _includes(mine, yours, variable.type)))
        for mine, yours, variable in compared
    )


def _fuller(first: _Key, second: _Key, keys: Sequence[Variable]) -> _Key:
    """What two keys that fit say together."""
    return tuple(
        other if one is None or (other is not None and _includes(other, one, variable.type)) else one
        for one, other, variable in zip(first, second, keys, strict=True)
    )


def _includes(yours: Part, mine: Part, kind: VariableType) -> bool:
    if yours == mine:
        return True
    if not isinstance(yours, str) or not isinstance(mine, str):
        return False
    if kind is VariableType.DATE:
        return yours.startswith(mine) and yours[len(mine)] in "-t"
    if kind is VariableType.LOCATION:
        return set(mine.split(", ")) < set(yours.split(", "))
    return kind is VariableType.TEXT and (
        _is_shorter_name(mine.split(), yours.split())
        or _is_without_form(mine.split(), yours.split())
        or yours in {f"{title} {mine}" for title in COURTESIES}
    )


def _is_without_form(mine: Sequence[str], yours: Sequence[str]) -> bool:
    """`siemens` and `siemens ag`, `bank of america` and `bank of america n a`."""
    rest = yours[len(mine) :]
    known = all(word in LEGAL_FORMS for word in rest) or "".join(rest) in LEGAL_FORMS
    return bool(mine and rest) and known and list(yours[: len(mine)]) == list(mine)


def _is_shorter_name(mine: Sequence[str], yours: Sequence[str]) -> bool:
    """`j smith` and `john smith`, `john smith` and `john q smith`: the last name whole, initials instead or left out."""
    if not mine or mine[-1] != yours[-1] or len(mine[-1]) < 2:
        return False
    given = list(yours[:-1]) if len(mine) == len(yours) else [word for word in yours[:-1] if len(word) > 1]
    return len(mine) == len(given) + 1 and all(
        own == other or (len(own) == 1 and other.startswith(own)) for own, other in zip(mine[:-1], given, strict=True)
    )


def _fit_reason(key: _Key, keys: Sequence[Variable]) -> str:
    unstated = [variable.name for variable, part in zip(keys, key, strict=True) if part is None]
    if unstated:
        return f"the only one that fits; {', '.join(unstated)} not stated here"
    return f"the only one that fits; {_names(keys)} given less precisely here"


def _information(key: _Key) -> int:
    return sum(1_000 + (len(part) if isinstance(part, str) else 0) for part in key if part is not None)


def _entity(number: int, group: _Group, found: Sequence[FoundRow], keys: Sequence[Variable]) -> Entity:
    ordered = sorted(
        zip(group.members, group.reasons, strict=True), key=lambda pair: (_position(found[pair[0]]), pair[0])
    )
    members = tuple(member for member, _ in ordered)
    reasons = [reason for _, reason in ordered]
    if reasons[0]:  # the one that the others were joined to appears later
        reasons = [reason or reasons[0] for reason in reasons]
        reasons[0] = ""
    fullest = {variable.name: _fullest([found[m].key.get(variable.name) for m in members]) for variable in keys}
    quote = next((found[member].quote for member in members if found[member].quote), None)
    return Entity(str(number), fullest, members, tuple(reasons), quote, group.note)


def _fullest(values: Iterable[Value]) -> Value:
    """The longest written form, the first of equals: a day rather than its month, a place with its country."""
    stated = [value for value in values if value is not None]
    return max(stated, key=lambda value: len(value) if isinstance(value, str) else 0, default=None)


def _position(row: FoundRow) -> int:
    return row.span.start if row.span else row.position


def _same_passage(row: FoundRow, chunk: int, span: Span | None) -> bool:
    if row.span is None or span is None:
        return False
    if row.chunk == chunk:
        return row.span == span
    return row.span.start < span.end and span.start < row.span.end


def _names(keys: Sequence[Variable]) -> str:
    return " and ".join(variable.name for variable in keys)
