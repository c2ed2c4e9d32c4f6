"""Reads a PDF: its text in reading order, where each word stands, and for every page without text the reason why.

Words are taken from a page in `pdf_page`, put in order in `pdf_layout`, made into text in `pdf_text`; scanned and garbled pages go through `ocr`.
"""

import re
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import ocr, pdf_details
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.mupdf import ERRORS, Page, PdfFile, complaints, load_page, open_bytes
from coderai_pipeline.readers.pdf_boxes import name_ticks
from coderai_pipeline.readers.pdf_edges import EdgeLine, edge_lines
from coderai_pipeline.readers.pdf_furniture import Furniture, find_furniture, kept_in_metadata
from coderai_pipeline.readers.pdf_letters import is_numbered_glyphs, meaningless_share
from coderai_pipeline.readers.pdf_page import Taken, read_words, take
from coderai_pipeline.readers.pdf_pieces import join_pieces
from coderai_pipeline.readers.pdf_text import Assembly
from coderai_pipeline.readers.pdf_words import PageWords

FEW_CHARACTERS = 20
_ASK_AGAIN = "the file is damaged or cut off: ask for it again"
_FOR_CERTIFICATES = b"/Adobe.PubSec"
_ASK_THE_HOLDER = "the PDF is encrypted for the holders of certificates; have one of them print it into a new PDF"
_GARBLED_SHARE, _MISSING_SHARE = 0.3, 0.02
"""Part of a page's letters without a meaning from which it is garbled, and from which that is worth a warning."""
_PRINT_IT = "the PDF is a form (XFA) that only Adobe Acrobat and Reader show; open it there and print it into a new PDF"
_FIRST_CODES = '"#$'
"""Of the first glyphs of a font whose glyphs were numbered as they came, beginning with `!`."""
_TRAILER = 2048
"""Bytes at a file's end among which the end mark stands, if the file is whole."""
_FAILURES_IN_A_ROW = 50
"""A page tree may claim a hundred million pages; after this many that cannot be loaded, the rest are not tried."""
_SHARE_OF_TIME = 0.8
"""Part of the time limit after which no further page is begun, so that what was read is not lost with the process."""
_AT_ONCE = 16
_WORDS_AT_ONCE = 20_000
"""Pages, and words after which no further page, that are taken from MuPDF before they are put into lines."""
_HELD_PAGES = 1000
"""Of so many pages the words are held one by one until they are needed; of later ones as one string."""
_LOSS = re.compile("zlib error|read error|premature end|treating as end|cannot load object|encountered syntax errors")
"""What MuPDF notes where it reads on after a part of a page that it cannot make out."""
_AFTER_LOSS = {DocumentStatus.READY: DocumentStatus.PARTIAL, DocumentStatus.NO_TEXT: DocumentStatus.CORRUPT}
"""The status of a damaged page by the one it would have."""
_FOR_OCR = (DocumentStatus.NEEDS_OCR, DocumentStatus.GARBLED)
_SPENT = PageWords(-1, 0, 0)


def read(data: bytes, options: ReadOptions) -> Content:
    """The content of a PDF. Raises NotReadable where nothing of it can be used."""
    deadline = monotonic() + _SHARE_OF_TIME * options.seconds
    with open_pdf(data, options.passwords) as document:
        if pdf_details.is_placeholder(document):
            raise NotReadable(DocumentStatus.UNSUPPORTED, _PRINT_IT)
        scanner = ocr.Scanner(options.language, deadline) if options.ocr else None
        pages, edges = _read_pages(document, scanner, deadline)
        furniture = find_furniture(edges, pages)
        if all(len(furniture.fragments.get(page.number, ())) == len(page.starts) - 1 for page in pages):
            furniture = Furniture()
        assembly = Assembly()
        is_form = bool(document.is_form_pdf)
        for index, page in enumerate(pages):
            assembly.add_page(page, furniture.fragments.get(page.number, frozenset()))
            pages[index] = _SPENT
            if is_form:
                _add_fields(assembly, document, page.number)
        content = _content(assembly)
        content.metadata = {**pdf_details.metadata(document), **kept_in_metadata(furniture)}
        content.warnings += scanner.warnings() if scanner else []
        content = _judged(
            content,
            _ocr_remedy(scanner, content),
            has_ocr=scanner is not None and scanner.is_there,
            damaged=bool(document.is_repaired),
        )
        return _cut_off(content) if document.is_repaired and b"%%EOF" not in data[-_TRAILER:] else content


def _cut_off(content: Content) -> Content:
    """A file without its end: what could be recovered is read, and nobody can tell how much is gone."""
    content.status = DocumentStatus.PARTIAL
    content.reason = "; ".join(filter(None, [content.reason, f"only a part could be recovered, as {_ASK_AGAIN}"]))
    return content


def open_pdf(data: bytes, passwords: Sequence[str] = ()) -> PdfFile:
    """An opened, decrypted document with at least one page. Raises NotReadable (`corrupt`, `needs_password`)."""
    try:
        document = open_bytes(data)
        locked = bool(document.needs_pass) and not any(document.authenticate(password) for password in passwords)
        page_count = 0 if locked else document.page_count
    except ERRORS as error:
        if _FOR_CERTIFICATES in data:
            raise NotReadable(DocumentStatus.NEEDS_PASSWORD, _ASK_THE_HOLDER) from error
        raise NotReadable(
            DocumentStatus.CORRUPT, f"the PDF cannot be opened ({_brief(error)}); {_ASK_AGAIN}"
        ) from error
    if locked:
        tried = "no password of the project fits" if passwords else "no password is given"
        raise NotReadable(
            DocumentStatus.NEEDS_PASSWORD,
            f"the PDF is encrypted and {tried}; add its password under reading: passwords",
        )
    if page_count < 1:
        raise NotReadable(DocumentStatus.CORRUPT, f"the PDF has no page that can be found; {_ASK_AGAIN}")
    return document


def _brief(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _read_pages(
    document: PdfFile, scanner: ocr.Scanner | None, deadline: float
) -> tuple[list[PageWords], list[EdgeLine]]:
    """All pages, each with its own status, and the lines at their edges."""
    pages: list[PageWords] = []
    edges: list[EdgeLine] = []
    failures = 0
    for page in _each_page(document, scanner, deadline):
        failures = failures + 1 if page.status is DocumentStatus.CORRUPT else 0
        if page.status is DocumentStatus.TIMED_OUT or failures > _FAILURES_IN_A_ROW:
            pages.append(PageWords(page.number, 0, 0, status=page.status))
            break
        pages.append(page)
        edges += edge_lines(page)
        if page.number >= _HELD_PAGES:
            page.let_go()
    return pages, edges


def _each_page(document: PdfFile, scanner: ocr.Scanner | None, deadline: float) -> Iterator[PageWords]:
    """Pages in their order, up to the deadline, and after it one that says so.

    Several are taken from MuPDF before anything is done with their words, which saves a tenth of the time.
    """
    is_form = bool(document.is_form_pdf)
    number = 0
    while number < document.page_count:
        if monotonic() > deadline:
            yield PageWords(number, 0, 0, status=DocumentStatus.TIMED_OUT)
            return
        several = _take_several(document, number, deadline)
        words = iter(read_words([taken.page for taken in several if taken is not None]))
        for taken in several:
            if taken is None:
                yield PageWords(number, 0, 0, status=DocumentStatus.CORRUPT)
            else:
                yield _finish(taken, next(words), scanner, is_form=is_form)
            number += 1


class _Page(NamedTuple):
    page: Taken
    is_damaged: bool
    """Whether a part of it could not be made out."""


def _take_several(document: PdfFile, first: int, deadline: float) -> list[_Page | None]:
    """The next pages, at least one; None for one that cannot be read, which costs that page only."""
    several: list[_Page | None] = []
    words = 0
    complaints()  # those of the pages before are known
    for number in range(first, min(first + _AT_ONCE, document.page_count)):
        try:
            page = take(load_page(document, number))
            several.append(_Page(page, _LOSS.search(complaints()) is not None))
            words += len(page.texts)
        except ERRORS:
            several.append(None)
            complaints()
        if words > _WORDS_AT_ONCE or monotonic() > deadline:
            break
    return several


def _finish(taken: _Page, words: PageWords, scanner: ocr.Scanner | None, *, is_form: bool) -> PageWords:
    """The page with its lines whole and its status; read by OCR where that is needed and can be had."""
    if words.status is DocumentStatus.CORRUPT:
        return words
    try:
        if is_form and words.texts:
            name_ticks(words, pdf_details.ticks(taken.page.page))
        join_pieces(words)
        words.status = page_status(taken.page.page, words)
        if taken.is_damaged and words.status in _AFTER_LOSS:
            words.status = _AFTER_LOSS[words.status]
        if words.status in _FOR_OCR and scanner is not None:
            return scanner.read(taken.page.page, words)
    except ERRORS:
        return PageWords(words.number, 0, 0, status=DocumentStatus.CORRUPT)
    return words


def page_status(page: Page, words: PageWords) -> DocumentStatus:
    """Whether the page's own text can be used, by the share of it that means something and by what else is drawn."""
    characters = len(words.texts) - max(0, words.boxes.shape[1] - 1)
    if not words.texts.isascii() and meaningless_share(words.texts) > _GARBLED_SHARE:
        return DocumentStatus.GARBLED
    if all(sign in words.texts for sign in _FIRST_CODES) and is_numbered_glyphs(words.texts):
        return DocumentStatus.GARBLED
    if characters < FEW_CHARACTERS and pdf_details.is_picture(page, is_bare=not characters):
        return DocumentStatus.NEEDS_OCR
    return DocumentStatus.READY if characters else DocumentStatus.NO_TEXT


def _add_fields(assembly: Assembly, document: PdfFile, number: int) -> None:
    """Values of form fields that the page does not show already."""
    try:
        fields = list(pdf_details.fields(document.load_page(number)))
    except ERRORS:
        return
    shown = " ".join(assembly.page_text().split())
    for field in fields:
        if field.value not in shown:
            assembly.add_note(f"{field.name}: {field.value}", number + 1, field.box)


def _content(assembly: Assembly) -> Content:
    return Content(
        assembly.text(),
        pages=tuple(assembly.pages),
        headings=assembly.headings(),
        tables=tuple(assembly.tables),
        hidden=tuple(assembly.hidden),
        places=assembly.places(),
    )


def _judged(content: Content, ocr_remedy: str, *, has_ocr: bool, damaged: bool) -> Content:
    """The document's status from those of its pages, with a reason that names them."""
    troubled: dict[DocumentStatus, list[int]] = {}
    for page in content.pages:
        if page.status not in (DocumentStatus.READY, DocumentStatus.NO_TEXT):
            troubled.setdefault(page.status, []).append(page.number)
    if content.hidden:
        content.warnings.append(_hidden_warning(content))
    if unmapped := [page.number for page in content.pages if _lacks_letters(page.span.of(content.text))]:
        content.warnings.append(
            f"page {_pages(unmapped)}: letters are missing, for which its fonts have no character map"
        )
    remedies = {
        DocumentStatus.NEEDS_OCR: ocr_remedy,
        DocumentStatus.GARBLED: "its font has no usable character map, or the scan is too poor; "
        + (
            "ask for another copy or the original"
            if has_ocr
            else "install Tesseract to have it read by OCR, or ask for another copy"
        ),
        DocumentStatus.PARTIAL: f"is damaged, and a part of its text may be missing or wrong; {_ASK_AGAIN}",
        DocumentStatus.CORRUPT: f"cannot be opened; {_ASK_AGAIN}",
        DocumentStatus.TIMED_OUT: "and those after were not reached in time; raise limits: read_seconds",
    }
    reasons = [f"page {_pages(numbers)}: {remedies[status]}" for status, numbers in troubled.items()]
    usable = any(page.status.is_readable and page.span.end > page.span.start for page in content.pages)
    if usable and content.text.strip():
        content.status = DocumentStatus.PARTIAL if troubled else DocumentStatus.READY
        content.reason = "; ".join(reasons)
        return content
    if not troubled and damaged:
        raise NotReadable(DocumentStatus.CORRUPT, f"no text could be recovered; {_ASK_AGAIN}")
    if not troubled:
        raise NotReadable(DocumentStatus.NO_TEXT, "no page holds any text, or a picture large enough to hold some")
    worst = max(troubled, key=lambda status: len(troubled[status]))
    raise NotReadable(worst, "; ".join(reasons))


def _lacks_letters(text: str) -> bool:
    return text.count("\ufffd") > _MISSING_SHARE * len(text)


def _ocr_remedy(scanner: ocr.Scanner | None, content: Content) -> str:
    if scanner is None:
        return "a scanned image and OCR is off; set reading: ocr to auto, with Tesseract installed"
    waiting = {page.number for page in content.pages if page.status is DocumentStatus.NEEDS_OCR}
    if not waiting or not scanner.is_there:
        return "a scanned image; install Tesseract with the language of the document and read again"
    if waiting <= {*scanner.empty_pages, *scanner.trouble}:
        return "an image in which OCR found no word; look at it, and supply a better scan if it holds text"
    return "a scanned image that OCR did not reach in time; raise limits: read_seconds"


def _pages(numbers: Sequence[int]) -> str:
    """Page numbers as a person lists them: 1-3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _hidden_warning(content: Content) -> str:
    characters = sum(part.span.end - part.span.start for part in content.hidden)
    why = ", ".join(sorted({part.why for part in content.hidden}))
    return f"{characters} characters that a person cannot see ({why})"
