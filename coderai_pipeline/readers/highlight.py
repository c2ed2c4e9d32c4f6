"""Shows evidence on the page of a PDF: one page as an image with a quote marked, or a copy of the file with all of them.

Where a quote stands is known from the document's evidence map (`EvidenceMap.locate`).
"""

from collections.abc import Sequence

from coderai_pipeline.domain.documents import Place
from coderai_pipeline.readers.mupdf import KEEP_ENCRYPTION, Box, Page, PdfFile, draw, moved, quad
from coderai_pipeline.readers.pdf import open_pdf

_MARKER = (1.0, 0.85, 0.2)
_LONGEST_EDGE = 8000
"""Pixels: a page is never drawn larger than this, whatever the zoom."""


def page_png(
    data: bytes, places: Sequence[Place], page: int, passwords: Sequence[str] = (), zoom: float = 2.0
) -> bytes:
    """The page (1-based) drawn as PNG, the places that stand on it marked. Raises ValueError where there is no such page."""
    with open_pdf(data, passwords) as document:
        sheet = _page(document, page)
        for place in places:
            if place.page == page:
                _mark(sheet, place, "")
        scale = min(zoom, _LONGEST_EDGE / max(sheet.rect.width, sheet.rect.height, 1.0))
        return draw(sheet, scale).tobytes("png")


def highlighted_copy(data: bytes, marks: Sequence[tuple[Place, str]], passwords: Sequence[str] = ()) -> bytes:
    """A copy of the PDF in which each place is highlighted with its label as note; the copy needs the same password."""
    with open_pdf(data, passwords) as document:
        for place, label in marks:
            if place.page is not None and place.rectangles:
                _mark(_page(document, place.page), place, label)
        return document.tobytes(garbage=1, deflate=True, encryption=KEEP_ENCRYPTION)


def _page(document: PdfFile, number: int) -> Page:
    if not 1 <= number <= document.page_count:
        raise ValueError(f"page {number}: the document has pages 1 to {document.page_count}")
    return document.load_page(number - 1)


def _mark(page: Page, place: Place, label: str) -> None:
    """Places are in points of the page as displayed; annotations are not rotated with it."""
    quads = [quad(moved(box, page.derotation_matrix)) for box in _lines(place.rectangles)]
    if not quads:
        return
    annotation = page.add_highlight_annot(quads)
    annotation.set_colors(stroke=_MARKER)
    annotation.set_info(content=label)
    annotation.update()


def _lines(boxes: Sequence[Box]) -> list[Box]:
    """Neighbouring words of a line as one box, so that a quote is one stroke of the marker per line."""
    joined: list[Box] = []
    for box in boxes:
        if joined:
            x0, y0, x1, y1 = joined[-1]
            height = y1 - y0
            if abs(box[1] - y0) < 0.3 * height and abs(box[3] - y1) < 0.3 * height and -height < box[0] - x1 < height:
                joined[-1] = x0, min(y0, box[1]), max(x1, box[2]), max(y1, box[3])
                continue
        joined.append(box)
    return joined
