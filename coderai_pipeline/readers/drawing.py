"""One page of a file as an image with marks on it, for the worker process. How a page is drawn is in `highlight`."""

from coderai_pipeline.domain.documents import DocumentStatus, Place
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.detect import detect
from coderai_pipeline.readers.highlight import page_png
from coderai_pipeline.readers.opening import read_regular_file

PlainPlace = tuple[int | None, list[tuple[float, float, float, float]]]


def draw(path: str, places: list[PlainPlace], page: int, options: ReadOptions) -> bytes:
    """PNG of a page (from 1) of a PDF."""
    data = read_regular_file(path, options.file_mb)
    kind = detect(data, path)
    if kind != "pdf":
        raise NotReadable(DocumentStatus.UNSUPPORTED, f"has no pages to draw: it is {kind}, not PDF")
    marks = [Place(number, tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes)) for number, boxes in places]
    try:
        return page_png(data, marks, page, options.passwords)
    except ValueError as error:
        raise NotReadable(DocumentStatus.UNSUPPORTED, str(error)) from error
