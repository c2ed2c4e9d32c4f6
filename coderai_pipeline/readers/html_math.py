"""Formulas of web pages (MathML) -> one line of text, so that a half is not read as 12: 1/2, x^2, √(a+b).

All else of a page is walked in `html_blocks`.
"""

from collections.abc import Iterable

from bs4.element import NavigableString, PageElement, Tag

_LEFT_OUT = frozenset(("annotation", "annotation-xml", "none", "mprescripts"))
_MAX_DEPTH = 100


def formula(tag: Tag, depth: int = 0) -> str:
    """A MathML element as it is typed on one line."""
    parts = [_written(child, depth + 1) for child in tag.contents if not _is_space(child)]
    match tag.name, parts:
        case "mfrac", [above, below]:
            return f"{_group(above)}/{_group(below)}"
        case (("msup" | "mover"), [base, above]):
            return f"{base}^{_group(above)}"
        case (("msub" | "munder"), [base, below]):
            return f"{base}_{_group(below)}"
        case (("msubsup" | "munderover"), [base, below, above]):
            return f"{base}_{_group(below)}^{_group(above)}" + " " * (not base.isalnum())
        case "msqrt", _:
            return f"√{_group(''.join(parts))}"
        case "mroot", [base, degree]:
            return f"{degree}√{_group(base)}"
        case "mfenced", _:
            return f"({', '.join(parts)})"
        case "mtr", _:
            return ", ".join(parts)
        case "mtable", _:
            return "; ".join(parts)
        case _:
            return "".join(parts)


def holding_formulas(formulas: Iterable[Tag]) -> set[int]:
    """ids of the given elements and of all that they stand in."""
    found: set[int] = set()
    for math in formulas:
        for element in (math, *math.parents):
            if id(element) in found:
                break
            found.add(id(element))
    return found


def _written(child: PageElement, depth: int) -> str:
    if isinstance(child, Tag):
        if child.name in _LEFT_OUT:
            return ""
        return formula(child, depth) if depth < _MAX_DEPTH else child.get_text()
    return " ".join(str(child).split()) if type(child) is NavigableString else ""


def _is_space(child: PageElement) -> bool:
    return not isinstance(child, Tag) and not str(child).strip()


def _group(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
