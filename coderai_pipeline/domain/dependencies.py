"""Who needs whom: waves and circles among names. What makes one variable need another is in `codebook_rules`."""

from collections.abc import Iterator, Mapping, Sequence

Needs = Mapping[str, tuple[str, ...]]
"""Name -> the names it needs. Names that are not keys need nothing."""


def waves(names: Sequence[str], needs: Needs) -> tuple[tuple[str, ...], ...]:
    """The names in waves, each in the given order: those of a wave need names of earlier waves alone.

    Raises ValueError where they need each other in a circle.
    """
    waiting: list[str] = list(names)
    found: list[tuple[str, ...]] = []
    while waiting:
        left = set(waiting)
        wave = tuple(name for name in waiting if left.isdisjoint(needs.get(name, ())))
        if not wave:
            raise ValueError(f"variables depend on each other in a circle: {', '.join(waiting)}")
        found.append(wave)
        waiting = [name for name in waiting if name not in wave]
    return tuple(found)


def circles(names: Sequence[str], needs: Needs) -> Iterator[tuple[str, ...]]:
    """The circles among the names, each once, beginning with its first name in the given order."""
    reported: set[str] = set()
    for name in names:
        circle = () if name in reported else _circle_from(name, needs)
        if circle:
            reported.update(circle)
            yield circle


def _circle_from(start: str, needs: Needs) -> tuple[str, ...]:
    """The shortest chain of needs that leads from a name back to it; () where there is none."""
    chains: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = [start]
    for name in queue:
        for needed in needs.get(name, ()):
            if needed == start:
                return chains[name]
            if needed not in chains:
                chains[needed] = (*chains[name], needed)
                queue.append(needed)
    return ()
