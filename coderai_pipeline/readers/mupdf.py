"""The part of PyMuPDF that the PDF reader uses, with its types: the library itself is only half typed.

Boxes are plain tuples (x0, y0, x1, y1) in points, top-left origin. What is read from a page is in `pdf_page`.
"""

import math
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

# PyMuPDF loads these where they are installed and does without them. They bring neural networks that nothing here asks,
# two thirds of the time that a worker takes to start, and 60 MB of its memory.
for unused in ("pymupdf.layout", "pymupdf4llm"):
    sys.modules.setdefault(unused, cast("ModuleType", None))

import pymupdf  # noqa: E402
from pymupdf import extra, mupdf  # noqa: E402
from pymupdf.mupdf import FzErrorBase  # noqa: E402

# Boxes of letters as tall as the font itself says: pymupdf4llm would ask for that too.
pymupdf.TOOLS.unset_quad_corrections(True)  # pyright: ignore[reportUnknownMemberType] its switch is untyped

Box: TypeAlias = tuple[float, float, float, float]
Word: TypeAlias = tuple[float, float, float, float, str, int, int, int]
Matrix: TypeAlias = tuple[float, float, float, float, float, float]
Record: TypeAlias = Mapping[str, Any]


def _constant(name: str) -> int:
    """PyMuPDF makes its constants when it is imported; a type checker does not see them."""
    return int(getattr(pymupdf, name))


ERRORS: tuple[type[Exception], ...] = (RuntimeError, ValueError, LookupError, TypeError, FzErrorBase)
"""What PyMuPDF raises on a file that breaks its format."""
CHECKBOX, RADIO = _constant("PDF_WIDGET_TYPE_CHECKBOX"), _constant("PDF_WIDGET_TYPE_RADIOBUTTON")
SILENT_FIELDS = (_constant("PDF_WIDGET_TYPE_BUTTON"), _constant("PDF_WIDGET_TYPE_SIGNATURE"))
COLLECT_VECTORS, IGNORE_ACTUALTEXT = _constant("TEXT_COLLECT_VECTORS"), _constant("TEXT_IGNORE_ACTUALTEXT")
CLIP = _constant("TEXT_CLIP")
TEXT, VECTOR = 0, 3
"""Kinds of a block: written, and a drawn line or shape."""
_MOST_FORMS = 20
"""Pictures and forms that are looked at on a page."""
_USUAL_HTML = 1 << 15
"""Bytes; the buffer grows where a page needs more."""
EVERYWHERE: Box = (-1e6, -1e6, 1e6, 1e6)
"""Without it MuPDF drops text that stands outside the page, and hidden text would go unreported."""
_WIDEST = 1e6
"""Points: what is wider stands for a page without bounds."""
_UNMOVED: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
FILE_NOTE = _constant("PDF_ANNOT_FILE_ATTACHMENT")
KEEP_ENCRYPTION = _constant("PDF_ENCRYPT_KEEP")


class Rectangle(Protocol):
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    def __iter__(self) -> Iterator[float]: ...


class Block(Protocol):
    """What stands together on a page: text, or one drawn shape. They follow each other in the order they are drawn."""

    @property
    def type(self) -> int: ...
    @property
    def next(self) -> "Block | None": ...


class TextPage(Protocol):
    def extractBLOCKS(self) -> list[tuple[float, float, float, float, str, int, int]]: ...  # noqa: N802
    def extractWORDS(self) -> list[Word]: ...  # noqa: N802  PyMuPDF's name
    def extractDICT(self) -> Record: ...  # noqa: N802
    def extractRAWDICT(self) -> Record: ...  # noqa: N802

    this: Any


class Pixmap(Protocol):
    width: int
    height: int
    stride: int
    x: int
    y: int
    samples: bytes

    def tobytes(self, output: str) -> bytes: ...


class Note(Protocol):
    """An annotation."""

    type: tuple[int, str]
    info: Mapping[str, str]
    file_info: Mapping[str, str]

    def set_colors(self, *, stroke: tuple[float, float, float]) -> None: ...
    def set_info(self, *, content: str) -> None: ...
    def update(self) -> object: ...


class Widget(Protocol):
    field_type: int
    field_name: str | None
    field_label: str | None
    field_value: object
    rect: Rectangle


class Page(Protocol):
    number: int
    rotation: int
    rect: Rectangle
    rotation_matrix: Iterable[float]
    derotation_matrix: Iterable[float]
    this: Any

    def get_textpage(self, *, clip: Box, flags: int) -> TextPage: ...
    def get_images(self) -> Sequence[object]: ...
    def get_image_info(self) -> Sequence[Record]: ...
    def get_bboxlog(self) -> Sequence[tuple[str, Box]]: ...
    def get_cdrawings(self) -> Sequence[Record]: ...
    def get_pixmap(self, *, matrix: object, colorspace: object = ..., alpha: bool = ...) -> Pixmap: ...
    def widgets(self) -> Iterator[Widget]: ...
    def annots(self) -> Iterator[Note]: ...
    def add_highlight_annot(self, quads: Sequence[object]) -> Note: ...


class PdfFile(Protocol):
    this: Any
    page_count: int
    needs_pass: int
    is_form_pdf: int | bool
    is_repaired: int | bool
    metadata: Mapping[str, str | None] | None

    def __enter__(self) -> "PdfFile": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def authenticate(self, password: str) -> int: ...
    def load_page(self, page_id: int) -> Page: ...
    def has_annots(self) -> bool: ...
    def pdf_catalog(self) -> int: ...
    def xref_get_key(self, xref: int, key: str) -> tuple[str, str]: ...
    def embfile_count(self) -> int: ...
    def embfile_info(self, item: int) -> Mapping[str, str]: ...
    def tobytes(self, *, garbage: int, deflate: bool, encryption: int) -> bytes: ...


def open_bytes(data: bytes) -> PdfFile:
    """Raises one of ERRORS where it cannot be opened; MuPDF's own messages are kept off the process's output."""
    pymupdf.TOOLS.mupdf_display_errors(False)  # pyright: ignore[reportUnknownMemberType] its switch is untyped
    pymupdf.TOOLS.mupdf_display_warnings(False)  # pyright: ignore[reportUnknownMemberType] as above
    return cast("PdfFile", cast("object", pymupdf.open(stream=data, filetype="pdf")))


def complaints() -> str:
    """What MuPDF noted of the file since it was last asked."""
    return str(pymupdf.TOOLS.mupdf_warnings(reset=True))  # pyright: ignore[reportUnknownMemberType] untyped


def load_page(document: PdfFile, number: int) -> Page:
    """What `document.load_page` gives, in half the time: a number that is known to be right, and a page that is let go
    before its document is."""
    library, make = cast("Any", mupdf), cast("Any", pymupdf.Page)
    return cast("Page", make(library.fz_load_page(document.this, number), document))


class Paper(NamedTuple):
    """A page's width and height as displayed, in points, and its clockwise rotation in degrees.

    may_hold_pictures: whether it names any picture or form; asking `get_images` takes ten times as long.
    """

    width: float
    height: float
    rotation: int
    may_hold_pictures: bool


def paper_of(page: Page) -> Paper:
    """What PyMuPDF's own properties say with objects that nothing here needs: 40 microseconds a page."""
    library = cast("Any", mupdf)
    held = library.pdf_page_from_fz_page(page.this)
    names_any = library.pdf_dict_gets(library.pdf_page_resources(held), "XObject").m_internal is not None
    is_turned = library.pdf_dict_gets_inheritable(held.obj(), "Rotate").m_internal is not None
    bounds = library.fz_bound_page(page.this)
    width, height = bounds.x1 - bounds.x0, bounds.y1 - bounds.y0
    if width > _WIDEST:
        width, height = page.rect.width, page.rect.height
    return Paper(width, height, page.rotation if is_turned else 0, names_any)


def textpage_of(page: Page, rotation: int) -> TextPage:
    """The text of a page as it stands before it is turned, with all that stands outside of the page, and the drawn shapes."""
    if rotation:
        return page.get_textpage(clip=EVERYWHERE, flags=COLLECT_VECTORS)
    # What `get_textpage` does, which looks at the rotation again, twice, and takes matrices apart in Python.
    collect, library = cast("Any", extra), cast("Any", mupdf)
    collected = collect.page_get_textpage(page.this, EVERYWHERE, COLLECT_VECTORS, _UNMOVED)
    return cast("TextPage", pymupdf.TextPage(library.FzStextPage(collected)))


def may_hold_cropped_text(page: Page) -> bool:
    """Whether the page shows a form with fonts of its own, such as a page of another file, of which only a part may be seen."""
    library = cast("Any", mupdf)
    drawn = library.pdf_dict_gets(library.pdf_page_resources(library.pdf_page_from_fz_page(page.this)), "XObject")
    forms = (library.pdf_dict_get_val(drawn, number) for number in range(min(library.pdf_dict_len(drawn), _MOST_FORMS)))
    return any(
        resources.m_internal is not None and library.pdf_dict_gets(resources, key).m_internal is not None
        for resources in (library.pdf_dict_gets(form, "Resources") for form in forms)
        for key in ("Font", "XObject")
    )


def letters_of(textpage: TextPage) -> Sequence[Record]:
    """The blocks of MuPDF's dictionary by letters."""
    try:
        return textpage.extractRAWDICT()["blocks"]
    except SystemError:  # for a glyph that stands for nothing, which PyMuPDF's other forms give as U+FFFD
        for block in textpage.this:
            for letter in (letter for line in block for letter in line) if block.m_internal.type == TEXT else ():
                if not 0 <= letter.m_internal.c <= sys.maxunicode:
                    letter.m_internal.c = 0xFFFD
        return textpage.extractRAWDICT()["blocks"]


def contents_of(page: Page) -> bytes:
    """The operators that draw the page, unpacked, parts of it one after the other; without what is no stream, as MuPDF draws it."""
    library = cast("Any", mupdf)
    held = library.pdf_page_contents(library.pdf_page_from_fz_page(page.this))
    parts = (
        [library.pdf_array_get(held, number) for number in range(library.pdf_array_len(held))]
        if library.pdf_is_array(held)
        else [held]
    )
    return b"\n".join(
        library.pdf_load_stream(part).fz_buffer_extract_copy() for part in parts if library.pdf_is_stream(part)
    )


def kinds_of_blocks(textpage: TextPage) -> Iterator[int]:
    """In the order of drawing; for the first few, twenty times faster than asking for the blocks."""
    block: Block | None = textpage.this.m_internal.first_block
    while block:
        yield block.type
        block = block.next


def html_bytes(textpage: TextPage) -> bytes:
    """What PyMuPDF's `extractHTML` gives, not yet decoded."""
    library = cast("Any", mupdf)
    buffer = library.fz_new_buffer(_USUAL_HTML)
    target = library.FzOutput(buffer)
    # A buffer takes every letter by itself; what is on its way into a packed file is collected first, which is faster
    # by a third, though nothing is compressed.
    output = library.FzOutput(target, zlib.Z_NO_COMPRESSION, 1)
    library.fz_print_stext_page_as_html(output, textpage.this, 0)
    output.fz_close_output()
    target.fz_close_output()
    return zlib.decompress(buffer.fz_buffer_extract_copy(), wbits=-zlib.MAX_WBITS)


def draw(page: Page, scale: float, grey: bool = False) -> Pixmap:
    """The page as displayed, `scale` pixels a point."""
    colors = pymupdf.csGRAY if grey else pymupdf.csRGB
    return page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=colors, alpha=False)


def draw_turned(page: Page, scale: float, degrees: float) -> tuple[Pixmap, Matrix]:
    """The page in grey, turned clockwise, and the matrix that takes its points, `scale` pixels each, back to the page."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = pymupdf.Matrix(scale * cos, scale * sin, -scale * sin, scale * cos, 0, 0)
    pixmap = page.get_pixmap(matrix=turned, colorspace=pymupdf.csGRAY, alpha=False)
    x, y = pixmap.x / scale, pixmap.y / scale
    return pixmap, (cos, -sin, sin, cos, x * cos + y * sin, y * cos - x * sin)


def grey_values(pixmap: Pixmap) -> NDArray[np.uint8]:
    """Shape (height, width)."""
    rows = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride)
    return rows[:, : pixmap.width]


def quad(box: Box) -> object:
    return pymupdf.Rect(box).quad


def all_moved(boxes: NDArray[np.float32], matrix: Matrix) -> NDArray[np.float32]:
    """As `moved`, of many: shape (4, n)."""
    a, b, c, d, e, f = matrix
    x, y = boxes[[0, 2, 0, 2]], boxes[[1, 1, 3, 3]]
    xs, ys = a * x + c * y + e, b * x + d * y + f
    return np.stack((xs.min(0), ys.min(0), xs.max(0), ys.max(0))).astype(np.float32)


def moved(box: Box, matrix: Iterable[float]) -> Box:
    """The upright box around a box transformed by a matrix (a, b, c, d, e, f)."""
    a, b, c, d, e, f = matrix
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)
