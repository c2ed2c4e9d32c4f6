"""What a PDF says beside its text: title, author, date, attachments, annotations, form fields, and whether a page is a picture.

The text itself is read in `pdf_page`.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from coderai_pipeline.readers.mupdf import CHECKBOX, ERRORS, FILE_NOTE, RADIO, SILENT_FIELDS, Box, Page, PdfFile, moved

_PDF_DATE = re.compile(
    r"(?:D:)?(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\d{2})?)?(?:(Z)|([+-])(\d{2})'?(?:(\d{2})'?)?)?)?)?)?"
)
_HALF_PAGE, _CONSIDERABLE = 0.5, 0.1
"""Part of the page from which pictures are all that it shows, beside a few letters, and where there is no letter at all."""
_DRAWN_LETTERS = 30
"""A page without text on which at least this many shapes are filled is taken for text drawn as outlines."""
_LONGEST_NOTES = 10_000
_ANNOTATIONS_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class FormField:
    name: str
    value: str
    box: Box


def metadata(document: PdfFile) -> dict[str, str]:
    """`title`, `author`, `date` (ISO 8601, as precise as the file is) and what else is stated; no key where nothing is."""
    stated = document.metadata or {}
    found = {key: _one_line(stated.get(key)) for key in ("title", "author", "subject", "keywords")}
    found["date"] = iso_date(stated.get("creationDate") or "")
    found["modified"] = iso_date(stated.get("modDate") or "")
    found["attachments"] = "\n".join(_as_far_as_readable(_attachments(document)))
    found["annotations"] = "\n".join(_as_far_as_readable(_annotations(document)))[:_LONGEST_NOTES]
    return {key: value for key, value in found.items() if value}


def _as_far_as_readable(lines: Iterator[str]) -> Iterator[str]:
    """A damaged note costs those after it, not the document."""
    with suppress(*ERRORS):
        yield from lines


def iso_date(written: str) -> str:
    """A PDF date such as D:20240305120000+01'00' in ISO 8601 at the precision it has; "" where it is none."""
    match = _PDF_DATE.match(written.strip())
    if not match:
        return ""
    year, month, day, hour, minute, second, zulu, sign, offset_h, offset_min = match.groups()
    try:
        moment = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
        if sign:
            offset = timedelta(hours=int(offset_h), minutes=int(offset_min or 0))
            moment = moment.replace(tzinfo=timezone(offset if sign == "+" else -offset))
    except ValueError:
        return ""
    if not hour:
        return "-".join(part for part in (year, month, day) if part)
    text = moment.isoformat(timespec="seconds" if second else "minutes")
    return text if zulu or sign else text.removesuffix("+00:00")


def is_picture(page: Page, *, is_bare: bool) -> bool:
    """Whether most of a page is an image, or it is covered with drawn shapes as where letters were turned into outlines.

    is_bare: it has no letter at all, so that a smaller image may be a cropped scan.
    """
    width, height = page.rect.width, page.rect.height
    images = sum(_area_on_page(image["bbox"], width, height) for image in page.get_image_info())
    if images > (_CONSIDERABLE if is_bare else _HALF_PAGE) * width * height:
        return True
    shapes = sum(kind in ("fill-path", "stroke-path") for kind, _ in page.get_bboxlog())
    return shapes >= _DRAWN_LETTERS


def _area_on_page(box: Box, width: float, height: float) -> float:
    x0, y0, x1, y1 = box
    return max(min(x1, width) - max(x0, 0.0), 0.0) * max(min(y1, height) - max(y0, 0.0), 0.0)


def is_placeholder(document: PdfFile) -> bool:
    """Whether the pages only ask to wait for a program that draws the document: a form of Adobe's XFA kind."""
    catalog = document.pdf_catalog()
    if document.xref_get_key(catalog, "AcroForm/XFA")[0] == "null":
        return False
    fields = document.xref_get_key(catalog, "AcroForm/Fields")[1]
    return document.xref_get_key(catalog, "NeedsRendering")[1] == "true" or not fields.strip("[] ").removeprefix("null")


def fields(page: Page) -> Iterator[FormField]:
    """The filled form fields of a page. Buttons and signatures say nothing; a ticked box says yes."""
    for widget in page.widgets():
        value = str(widget.field_value or "").strip()
        name = str(widget.field_label or widget.field_name or "").strip()
        kind = widget.field_type
        if kind in (CHECKBOX, RADIO):
            value = "" if value in ("", "Off", "False") else "yes" if value in ("Yes", "On", "True", "1") else value
        elif kind in SILENT_FIELDS:
            value = ""
        if name and value:
            x0, y0, x1, y1 = widget.rect
            yield FormField(name, " ".join(value.split()), moved((x0, y0, x1, y1), page.rotation_matrix))


def ticks(page: Page) -> Iterator[tuple[Box, bool]]:
    """The boxes of a page that can be ticked, and whether they are."""
    for widget in page.widgets():
        if widget.field_type in (CHECKBOX, RADIO):
            x0, y0, x1, y1 = widget.rect
            is_on = str(widget.field_value or "") not in ("", "Off", "False")
            yield moved((x0, y0, x1, y1), page.rotation_matrix), is_on


def _attachments(document: PdfFile) -> Iterator[str]:
    """Names of embedded files; they are named, not opened."""
    for number in range(document.embfile_count()):
        info = document.embfile_info(number)
        yield _one_line(info.get("ufilename") or info.get("filename") or info.get("name"))


def _annotations(document: PdfFile) -> Iterator[str]:
    """What people wrote into the file: `page 2: text (author)`."""
    if not document.has_annots():
        return
    for number in range(document.page_count):
        page = document.load_page(number)
        for count, annotation in enumerate(page.annots()):
            if count == _ANNOTATIONS_PER_PAGE:
                break
            if annotation.type[0] == FILE_NOTE:
                yield f"page {number + 1}: attachment {_one_line(annotation.file_info.get('filename'))}"
            elif text := _one_line(annotation.info.get("content")):
                author = _one_line(annotation.info.get("title"))
                yield f"page {number + 1}: {text}" + (f" ({author})" if author else "")


def _one_line(value: str | None) -> str:
    return " ".join((value or "").replace("\x00", "").split())
