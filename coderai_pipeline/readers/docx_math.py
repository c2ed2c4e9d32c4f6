"""Formulas of Word (Office Math) -> one line of text, so that a half is not read as 12: 1/2, x^2, √(a+b), ∑_(i=1)^n.

What else stands in a paragraph is in `docx_runs`.
"""

from collections.abc import Callable

from coderai_pipeline.readers.packages import Element, is_element, text_children

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
FORMULA = _M + "oMath"
FORMULAS = (FORMULA, _M + "oMathPara")
"""What may stand between paragraphs, with no paragraph around it."""
_W_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"


def formula(element: Element) -> str:
    """The formula as it is typed on one line, properties left out."""
    return "".join(_written(child) for child in element if is_element(child))


def _written(element: Element) -> str:
    tag = element.tag
    if tag in (_M + "t", _W_TEXT):
        return "".join(text_children(element))
    if tag.endswith("Pr"):
        return ""
    writer = _WRITERS.get(tag.removeprefix(_M)) if tag.startswith(_M) else None
    return writer(element) if writer else formula(element)


def _part(element: Element, name: str) -> str:
    part = element.find(_M + name)
    return "" if part is None else formula(part)


def _group(text: str) -> str:
    """In brackets where it is more than one number or name."""
    simple = len(text) < 2 or text.isalnum() or (text[0] + text[-1] == "()" and text.count("(") == 1)
    return text if simple else f"({text})"


def _property(element: Element, name: str, default: str) -> str:
    """A character among the element's own properties (`m:dPr`, `m:naryPr`, ...), which stand first."""
    found = element.find(f"{element.tag}Pr/{_M}{name}")
    return default if found is None else found.get(_M + "val", "")


def _fraction(element: Element) -> str:
    return f"{_group(_part(element, 'num'))}/{_group(_part(element, 'den'))}"


def _scripts(element: Element) -> str:
    return _part(element, "e") + _limits(element)


def _limits(element: Element) -> str:
    sub, sup = _part(element, "sub") or _part(element, "lim"), _part(element, "sup")
    return (f"_{_group(sub)}" if sub else "") + (f"^{_group(sup)}" if sup else "")


def _root(element: Element) -> str:
    degree = _part(element, "deg")
    return f"{degree if degree.isdigit() else ''}√{_group(_part(element, 'e'))}"


def _brackets(element: Element) -> str:
    inner = _property(element, "sepChr", "|").join(formula(part) for part in element.iterchildren(_M + "e"))
    return _property(element, "begChr", "(") + inner + _property(element, "endChr", ")")


def _sum(element: Element) -> str:
    limits = _limits(element)
    return _property(element, "chr", "∫") + limits + " " * bool(limits) + _part(element, "e")


def _function(element: Element) -> str:
    name, argument = _part(element, "fName"), _part(element, "e")
    return name + (argument if argument[:1] in "([{" else f" {argument}")


def _matrix(element: Element) -> str:
    rows = element.iterchildren(_M + "mr")
    return "; ".join(", ".join(formula(cell) for cell in row.iterchildren(_M + "e")) for row in rows)


def _lines(element: Element) -> str:
    return "\n".join(formula(line) for line in element.iterchildren(_M + "e"))


_WRITERS: dict[str, Callable[[Element], str]] = {
    "f": _fraction, "sSup": _scripts, "sSub": _scripts, "sSubSup": _scripts, "limLow": _scripts, "limUpp": _scripts,
    "rad": _root, "d": _brackets, "nary": _sum, "func": _function, "m": _matrix, "eqArr": _lines,
}  # fmt: skip
