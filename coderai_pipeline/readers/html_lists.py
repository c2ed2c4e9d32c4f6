"""The markers of a web page's lists: which number or sign each item shows. How numbers are written is in `counting`."""

from collections.abc import Mapping
from dataclasses import dataclass

from bs4.element import Tag

from coderai_pipeline.readers.counting import counted
from coderai_pipeline.readers.normalise import whole_number

LISTS = ("ul", "ol", "menu")
_TYPES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_STYLES = {
    "decimal": "decimal", "decimal-leading-zero": "decimalZero", "lower-alpha": "lowerLetter",
    "lower-latin": "lowerLetter", "upper-alpha": "upperLetter", "upper-latin": "upperLetter",
    "lower-roman": "lowerRoman", "upper-roman": "upperRoman", "disc": "bullet", "circle": "bullet",
    "square": "bullet", "none": "none",
}  # fmt: skip
"""Values of `list-style-type` -> formats of `counting`, signs, or nothing."""


@dataclass(slots=True)
class ItemMarkers:
    """The markers of one list as it is walked."""

    format: str
    number: int
    step: int

    @classmethod
    def of(cls, tag: Tag, style: Mapping[str, str], *, counts_itself: bool) -> "ItemMarkers":
        """counts_itself: the page's styles write numbers, so a list said to have none shows the usual ones."""
        numbered = tag.name == "ol"
        written = _TYPES.get(str(tag.get("type") or ""), "decimal") if numbered else "bullet"
        styled = _styled(style)
        back = numbered and tag.has_attr("reversed")
        start = len(tag.find_all("li", recursive=False)) if back else 1
        keeps = styled == "none" and numbered and counts_itself
        return cls(
            written if styled is None or keeps else styled,
            whole_number(str(tag.get("start") or ""), start),
            -1 if back else 1,
        )

    def next(self, item: Tag, style: Mapping[str, str]) -> str:
        """The marker of the next item, with a space after it; "" where it shows none."""
        number = whole_number(str(item.get("value") or ""), self.number)
        self.number = number + self.step
        format_ = _styled(style) or self.format
        if format_ == "none":
            return ""
        return "- " if format_ == "bullet" else f"{counted(number, format_)}. "


def _styled(style: Mapping[str, str]) -> str | None:
    words = (style.get("list-style-type") or style.get("list-style") or "").split()
    return next((_STYLES[word] for word in words if word in _STYLES), None)
