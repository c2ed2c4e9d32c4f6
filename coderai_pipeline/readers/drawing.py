"""A PDF with marks on it, as the image of a page or as a copy of the file, for the worker process. The marking is in `highlight`."""

from coderai_pipeline.domain.documents import DocumentStatus, Place
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.detect import detect
from coderai_pipeline.readers.highlight import highlighted_copy, page_png
from coderai_pipeline.readers.opening import read_regular_file

PlainPlace = tuple[int | None, list[tuple[float, float, float, float]]]


def draw(path: str, places: list[PlainPlace], page: int, options: ReadOptions) -> bytes:
    """PNG of a page (from 1) of a PDF."""
    data = _pdf(path, options)
    try:
        return page_png(data, [_place(place) for place in places], page, options.passwords)
    except ValueError as error:
        raise NotReadable(DocumentStatus.UNSUPPORTED, str(error)) from error


def mark(path: str, marks: list[tuple[PlainPlace, str]], options: ReadOptions) -> bytes:
    """A copy of a PDF with each place highlighted and its label as note."""
    return highlighted_copy(_pdf(path, options), [(_place(place), label) for place, label in marks], options.passwords)


def _pdf(path: str, options: ReadOptions) -> bytes:
    data = read_regular_file(path, options.file_mb)
    kind = detect(data, path)
    if kind != "pdf":
        raise NotReadable(DocumentStatus.UNSUPPORTED, f"has no pages to draw: it is {kind}, not PDF")
    return data


def _place(plain: PlainPlace) -> Place:
    number, boxes = plain
    return Place(number, tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes))
