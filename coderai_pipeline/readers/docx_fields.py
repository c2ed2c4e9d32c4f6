"""What Word shows for a field that keeps no result: signs (SYMBOL), buttons, and what is written as an equation (EQ).

Where a field begins and ends is known in `docx_runs`.
"""

import re
from dataclasses import dataclass

from coderai_pipeline.readers.counting import counted
from coderai_pipeline.readers.symbols import raised, symbol

_BUTTON = re.compile(r"\s*MACROBUTTON\s+\S+\s+(.*\S)", re.S)
_SYMBOL = re.compile(r'\s*SYMBOL\s+(?:"([^"]{1,8})"|(0x[0-9a-f]{1,6}|[0-9]{1,7}))(.*)', re.S | re.I)
_SYMBOL_FONT = re.compile(r'\\f\s*"?([^"\\]+)', re.I)
_EQUATION = re.compile(r"\s*EQ\s+(.*)", re.S | re.I)
_GENERAL_SWITCH = re.compile(r'\\\*\s*("[^"]*"|\S+)\s*')
_SWITCH = re.compile(r"\\([a-z]+)\s*", re.I)
_OPTION = re.compile(r"\\(?:[lrb]c\\(.)|([a-z]+)\s*-?[0-9]*)\s*", re.I)
_RINGS = "○◯〇"
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_MAX_DEPTH = 20


def shown_instead(instruction: str) -> str:
    """The text of a field without a result, by its instruction; "" where it shows none."""
    if button := _BUTTON.match(instruction):
        return button[1]
    if sign := _SYMBOL.match(instruction):
        return _sign(*sign.groups())
    if equation := _EQUATION.match(instruction):
        return _Equation(_GENERAL_SWITCH.sub("", equation[1])).text().strip()
    return ""


def _sign(quoted: str | None, number: str | None, switches: str) -> str:
    number = (number or "0").lower()
    code = ord(quoted[0]) if quoted else int(number, 16 if number.startswith("0x") else 10)
    font = _SYMBOL_FONT.search(switches)
    if font and font[1].strip().casefold().startswith(("symbol", "wingdings", "webdings")):
        return symbol(code, font[1].strip()) or "\ufffd"
    if "\\u" in switches.lower():
        return chr(code) if 31 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
    return bytes((code,)).decode("cp1252", "replace") if 31 < code < 256 else ""


@dataclass(slots=True)
class _Equation:
    r"""Reads `\f(1,2)` and the like: a switch, its options, and arguments in brackets, which may hold further switches."""

    source: str
    at: int = 0
    depth: int = 0

    def text(self, ends: str = "") -> str:
        """What is shown up to one of the characters in `ends`, or to the end."""
        shown = ""
        while self.at < len(self.source) and self.source[self.at] not in ends:
            if found := _SWITCH.match(self.source, self.at):
                self.at = found.end()
                shown += self._switch(found[1].lower())
            else:
                self.at += self.source[self.at] == "\\"
                shown += self.source[self.at : self.at + 1]
                self.at += 1
        return shown

    def _switch(self, name: str) -> str:
        options, brackets = self._options()
        arguments = self._arguments()
        first, *others = arguments or [""]
        match name, others:
            case "f", [below]:
                return f"{_group(first)}/{_group(below)}"
            case "r", [under]:
                return f"{first}√{_group(under)}"
            case "r", _:
                return f"√{_group(first)}"
            case "s", _:
                return raised(first) if "up" in options else first
            case "o", _:
                return _overlaid(arguments)
            case "i", [upper, inner]:
                sign = "∑" if "su" in options else "∏" if "pr" in options else "∫"
                return f"{sign}_{_group(first)}^{_group(upper)} {inner}"
            case "b", _:
                opening = brackets[:1] or "("
                return f"{opening}{first}{brackets[1:] or _CLOSING.get(opening, opening)}"
            case "d", _:
                return ""
            case _:
                return ", ".join(arguments)

    def _options(self) -> tuple[set[str], str]:
        names: set[str] = set()
        brackets = ""
        while found := _OPTION.match(self.source, self.at):
            self.at = found.end()
            brackets += found[1] or ""
            names.add((found[2] or "").lower())
        return names, brackets

    def _arguments(self) -> list[str]:
        found: list[str] = []
        if self.source[self.at : self.at + 1] != "(" or self.depth > _MAX_DEPTH:
            return found
        self.depth += 1
        while self.at < len(self.source) and self.source[self.at] != ")":
            self.at += 1
            found.append(self.text(ends=",;)").strip())
        self.at += 1
        self.depth -= 1
        return found


def _overlaid(arguments: list[str]) -> str:
    """Characters on top of each other: a number in a ring, or a word below its reading, of which the word is the text."""
    if len(arguments) == 2 and arguments[0] in _RINGS and arguments[1].isdecimal():
        return counted(int(arguments[1]), "decimalEnclosedCircle")
    return arguments[-1] if arguments else ""


def _group(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
