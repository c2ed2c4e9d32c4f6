"""Small plots of quality as SVG: accuracy with its intervals, calibration of confidence, accuracy over time."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from coderai_pipeline.domain.quality import Measure

MOST_LINES = 40
_LEFT, _WIDTH, _LINE = 220, 400, 22
_TALL = 240
_TOP = 16
_COLOURS = ("#4f43dd", "#c2410c", "#15803d", "#a21caf", "#0e7490", "#854d0e", "#be123c", "#475569")


def accuracy_plot(measures: Sequence[Measure]) -> str:
    """A point and a whisker for each variable and source."""
    shown = [one for one in measures if one.value is not None][:MOST_LINES]
    parts = [_axis(len(shown) * _LINE)]
    for row, one in enumerate(shown):
        y = row * _LINE + _LINE / 2
        parts.append(_text(_LEFT - 8, y + 4, f"{one.variable} ({one.source}, n = {one.n})", "end"))
        if one.low is not None and one.high is not None:
            parts.append(_line(_x(one.low), y, _x(one.high), y))
        parts.append(_dot(_x(one.value or 0), y, 4))
    return _svg(len(shown) * _LINE + 24, parts)


def calibration_plot(measures: Sequence[Measure]) -> str:
    """Stated confidence across, share of right cells up, all variables together; on the diagonal the two are the same."""
    bins = list(_bins(measures))
    parts = [_axis(_TALL), _line(_x(0), _TALL, _x(1), 0, "#bbb"), _upright(_LEFT - 8, "end")]
    parts.append(_text(8, _TALL / 2, "share of right cells", "start"))
    parts.append(_text(_x(0.75), _TALL + 16, "stated confidence", "middle"))
    for confidence, accuracy, n in bins:
        parts.append(_dot(_x(confidence), _TALL * (1 - accuracy), min(12.0, 3 + n**0.5 / 2)))
    return _svg(_TALL + 24, parts)


def history_plot(history: Sequence[tuple[int, Measure]]) -> str:
    """A line for each variable and source, a step for each time that a measurement changed."""
    times = sorted({version for version, _ in history})
    lines: dict[str, list[tuple[float, float]]] = {}
    for version, one in history:
        if one.value is not None:
            across = times.index(version) / max(1, len(times) - 1)
            lines.setdefault(f"{one.variable} ({one.source})", []).append((across, one.value))
    parts = [_axis(_TALL, ("first", "", "last")), _upright(_x(1) + 6, "start")]
    for number, (name, points) in enumerate(list(lines.items())[: len(_COLOURS)]):
        colour = _COLOURS[number]
        path = " ".join(f"{_x(across):.1f},{_TALL * (1 - value):.1f}" for across, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT - 8, 14 + 16 * number, name, "end", colour))
    return _svg(_TALL + 24, parts)


def _bins(measures: Sequence[Measure]) -> Iterator[tuple[float, float, int]]:
    """(mean confidence, share right, cells) of each range of confidence over all variables."""
    sums: dict[tuple[str, str], list[float]] = {}
    for one in measures:
        if one.name in ("mean_confidence", "accuracy_at_confidence") and one.value is not None:
            entry = sums.setdefault((one.of, one.name), [0.0, 0.0])
            entry[0] += one.value * one.n
            entry[1] += one.n
    means: Mapping[tuple[str, str], float] = {key: total / n for key, (total, n) in sums.items()}
    for (of, name), mean in means.items():
        if name == "mean_confidence":
            yield mean, means[of, "accuracy_at_confidence"], int(sums[of, name][1])


def _axis(height: float, labels: Sequence[str] = ("0 %", "50 %", "100 %")) -> str:
    ticks = zip((0.0, 0.5, 1.0), labels, strict=True)
    return "".join(
        _line(_x(at), 0, _x(at), height, "#ddd") + _text(_x(at), height + 16, label, "middle") for at, label in ticks
    )


def _upright(x: float, anchor: str) -> str:
    """The marks of shares from bottom to top."""
    marks = ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %"))
    return "".join(_text(x, _TALL * (1 - at) + 4, label, anchor) for at, label in marks)


def _x(share: float) -> float:
    return _LEFT + share * _WIDTH


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#4f43dd") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="2"/>'


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#4f43dd"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#555") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    width = _LEFT + _WIDTH + 50
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + _TOP:.0f}" '
    drawn = f'<g transform="translate(0,{_TOP})">{"".join(parts)}</g>'
    return f'{head}font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>'
