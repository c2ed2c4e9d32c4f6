"""The text within one Word paragraph as a person sees it: insertions in, deletions out, field results, symbols.

Which paragraphs there are, and in what order, is in `docx_blocks`.
"""

from dataclasses import dataclass, field

from coderai_pipeline.readers.counting import roman
from coderai_pipeline.readers.docx_fields import shown_instead
from coderai_pipeline.readers.docx_graphics import GRAPHICS
from coderai_pipeline.readers.docx_math import FORMULA, formula
from coderai_pipeline.readers.docx_styles import PATTERN, Styles, W, ground, half_points, is_on, look_alike, value
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element, is_element, text_children
from coderai_pipeline.readers.symbols import raised, readable, symbol

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

CHOICES = _MC + "AlternateContent"
BOX = W + "txbxContent"
_TAKEN_OUT = {W + "del", W + "moveFrom"}
_LEFT_OUT = {W + name for name in ("pPr", "rPr", "rt", "sdtPr", "sdtEndPr", "delText",
                                   "delInstrText", "tblPr", "annotationRef", "fldData")}  # fmt: skip
_CHARACTERS = {W + "tab": "\t", W + "ptab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
_PAPER = "FFFFFF"
_TINY = 2
"""Half points that nobody can read."""
_LIFTED = 4
"""Half points from which a run stands higher than its line."""
_NOTES = {W + "footnoteReference": "footnote", W + "endnoteReference": "endnote"}


@dataclass(slots=True)
class Notes:
    """Footnotes and endnotes in the order in which the text refers to them, which is how Word numbers them."""

    footnote: dict[str, str] = field(default_factory=dict[str, str])
    endnote: dict[str, str] = field(default_factory=dict[str, str])
    """Marks by the notes' ids; "" where the text has a mark of its own, which does not count."""

    def mark(self, kind: str, note_id: str, *, has_own: bool = False) -> str:
        marks = self.footnote if kind == "footnote" else self.endnote
        if note_id not in marks:
            number = sum(map(bool, marks.values())) + 1
            marks[note_id] = "" if has_own else f"[{number}]" if kind == "footnote" else f"[{roman(number)}]"
        return marks[note_id]


@dataclass(slots=True)
class Inline:
    """A paragraph's text in pieces (text, why it is hidden or ""), and the text boxes and graphics that hang on it."""

    pieces: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    boxes: list[Element] = field(default_factory=list[Element])
    entities: bool = False
    deletions: bool = False
    subdocuments: bool = False
    """Parts of a master document stand in files of their own."""

    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def _is_lifted(properties: Element | None) -> bool:
    """Whether letters are set higher and in a size of their own, as other word processors write superscript."""
    height = value(properties, "position") or ""
    return height.isdecimal() and int(height) >= _LIFTED and bool(value(properties, "sz"))


def read_inline(paragraph: Element, styles: Styles, notes: Notes, *, may_be_shaded: bool) -> Inline:
    """may_be_shaded: the paragraph stands where a background is likely (table, text box), so white is no hiding."""
    properties = paragraph.find(W + "pPr")
    style = value(properties, "pStyle") or styles.default_paragraph
    around = ground(properties) or styles.ground(style) or (PATTERN if may_be_shaded else _PAPER)
    walk = _Walk(styles, notes, style, around)
    walk.children(paragraph)
    return walk.inline


@dataclass(slots=True)
class _Walk:
    styles: Styles
    notes: Notes
    style: str
    ground: str
    """Colour behind the paragraph."""
    inline: Inline = field(default_factory=Inline)
    _why: str = ""
    _font: str = ""
    _raised: bool = False
    _fields: list[int | None] = field(default_factory=list[int | None])
    """Of each open field: where its instruction began among the pieces; None once its result has begun."""
    _instruction: str = ""

    def children(self, element: Element) -> None:
        for child in element:
            self.child(child)

    def child(self, element: Element) -> None:
        tag = element.tag
        if tag == W + "r":
            self.run(element)
        elif tag == W + "t":
            self.put(self.shown("".join(text_children(element))))
            self.inline.entities |= len(element) > 0
        elif tag == FORMULA:
            self.put(formula(element))
        elif tag in _CHARACTERS:
            self.put(_CHARACTERS[tag])
        elif tag == W + "sym":
            self.put(_symbol(element))
        elif tag in _NOTES:
            self.note(element, _NOTES[tag])
        elif tag == W + "fldChar":
            self.field(element)
        elif tag == W + "instrText":
            self._instruction += "".join(text_children(element))
        elif tag == BOX or tag in GRAPHICS:
            self.inline.boxes.append(element)
        elif tag == CHOICES:
            self.children(chosen(element))
        elif tag in _TAKEN_OUT:
            self.inline.deletions = True
        elif tag == W + "subDoc":
            self.inline.subdocuments = True
        elif is_element(element) and tag not in _LEFT_OUT:
            self.children(element)

    def run(self, run: Element) -> None:
        outer = self._why, self._font, self._raised
        properties = run.find(W + "rPr")
        self._why = self.hiding(run)
        self._font = _font(properties)
        self._raised = value(properties, "vertAlign") == "superscript" or _is_lifted(properties)
        self.children(run)
        self._why, self._font, self._raised = outer

    def shown(self, text: str) -> str:
        text = readable(text.replace("\xad", ""), self._font)
        return raised(text) if self._raised else text

    def put(self, text: str) -> None:
        if text:
            self.inline.pieces.append((text, self._why))

    def note(self, element: Element, kind: str) -> None:
        has_own = element.get(W + "customMarkFollows") in ("1", "true", "on")
        self.put(self.notes.mark(kind, element.get(W + "id", ""), has_own=has_own))

    def field(self, element: Element) -> None:
        """Text between a field's begin and its result belongs to its instruction, which is not shown."""
        kind = element.get(W + "fldCharType")
        pieces = self.inline.pieces
        if kind == "begin":
            self.put(_form_value(element))
            self._fields.append(len(pieces))
            self._instruction = ""
        elif self._fields and kind in ("separate", "end"):
            start = self._fields.pop()
            if start is not None:
                del pieces[start:]
            if kind == "separate":
                self._fields.append(None)
            elif start is not None:
                self.put(shown_instead(self._instruction))

    def hiding(self, run: Element) -> str:
        """What a run does not say of itself, its style says, or its paragraph's."""
        properties, styles = run.find(W + "rPr"), self.styles
        named = value(properties, "rStyle")
        own = is_on(properties, "vanish")
        if own is None:
            own = styles.is_hidden(self.style) or styles.is_hidden(named)
        if own:
            return "vanish"
        size = half_points(properties) or styles.half_points(named) or styles.half_points(self.style)
        if size is not None and size <= _TINY:
            return "zero size"
        colour = value(properties, "color") or styles.colour(named) or styles.colour(self.style) or "auto"
        behind = ground(properties) or styles.ground(named) or self.ground
        if not look_alike(colour, behind):
            return ""
        return "white" if look_alike(colour, _PAPER) else "colour of the background"


def chosen(alternatives: Element) -> Element:
    """One of several renderings of the same content: the first that holds anything, so that nothing comes twice."""
    holding = (choice for choice in alternatives if is_element(choice) and len(choice))
    return next(holding, alternatives[0] if len(alternatives) else alternatives)


def _symbol(element: Element) -> str:
    try:
        code = int(element.get(W + "char", ""), 16)
    except ValueError:
        return ""
    font = element.get(W + "font", "")
    if 0xF000 <= code <= 0xF0FF or font.casefold() in ("symbol", "wingdings"):
        return symbol(code, font) or "\ufffd"
    return chr(code) if 31 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _font(properties: Element | None) -> str:
    fonts = None if properties is None else properties.find(W + "rFonts")
    return "" if fonts is None else fonts.get(W + "ascii", "")


def _form_value(begin: Element) -> str:
    """What an old form field shows: a box or the chosen entry. Text fields carry theirs as the field's result."""
    box = begin.find(f"{W}ffData/{W}checkBox")
    if box is not None:
        checked = is_on(box, "checked")
        return "☒" if (is_on(box, "default") if checked is None else checked) else "☐"
    entries = begin.findall(f"{W}ffData/{W}ddList/{W}listEntry")
    if not entries:
        return ""
    choices = begin.find(f"{W}ffData/{W}ddList")
    index = whole_number(value(choices, "result") or value(choices, "default"), 0)
    return entries[index].get(W + "val", "") if 0 <= index < len(entries) else ""
