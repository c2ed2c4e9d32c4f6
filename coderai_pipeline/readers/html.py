"""Web pages -> document: the text that a reader sees, in blocks, with each piece's element path.

What is hidden is judged in `html_hidden`, titles and dates come from `html_metadata`, the main text from `html_main`.
"""

import re
from html import escape

from bs4 import BeautifulSoup

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.building import TextBuilder
from coderai_pipeline.readers.encodings import Decoded, decode
from coderai_pipeline.readers.html_blocks import Page
from coderai_pipeline.readers.html_elements import Elements
from coderai_pipeline.readers.html_hidden import Visibility
from coderai_pipeline.readers.html_main import main_parts
from coderai_pipeline.readers.html_math import holding_formulas
from coderai_pipeline.readers.html_metadata import page_metadata
from coderai_pipeline.readers.html_tables import tables_of_data
from coderai_pipeline.readers.normalise import is_blank
from coderai_pipeline.readers.text import cleaned

_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]+)", re.I
)
_LATE = 1_000_000
_NOTICE_WORDS = 60
_SCRIPTS = re.compile(r"java\s?script", re.I)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S)


def read(data: bytes, options: ReadOptions) -> Content:
    return read_page(decode(data, declared_encoding(data)), options)


def read_page(decoded: Decoded, options: ReadOptions, styles: str = "") -> Content:
    """A page that is text already, such as the body of an e-mail. styles: of sheets that came along with it."""
    text, warnings = cleaned(decoded.text)
    if decoded.warning:
        warnings.insert(0, decoded.warning)
    if text.lstrip().startswith("<?xml"):
        text = _CDATA.sub(lambda found: escape(found[1]), text)
    soup = BeautifulSoup(text, "lxml")
    elements = Elements.of(soup)
    builder = TextBuilder(warnings=warnings, metadata=page_metadata(elements))
    formulas = holding_formulas(elements.named("math"))
    without_scripts = False
    for without_scripts in (False, True):
        page = Page(builder, Visibility.of(elements, styles), tables_of_data(elements), formulas, without_scripts)
        page.write(soup, only=main_parts(soup, elements) if options.main_text else None)
        if not is_blank(builder.text()):
            break
    if without_scripts and _asks_for_scripts(builder.text()):
        raise NotReadable(DocumentStatus.NO_TEXT, _why_empty(elements))
    return builder.content(_why_empty(elements))


def _asks_for_scripts(text: str) -> bool:
    """Whether all that a page says without its scripts is that it needs them."""
    return len(text.split()) < _NOTICE_WORDS and _SCRIPTS.search(text) is not None


def _why_empty(elements: Elements) -> str:
    sources = (str(frame.get("src") or "").strip() for frame in elements.named("frame", "iframe"))
    if frames := ", ".join(source for source in sources if source and not source.startswith(("about:", "javascript:"))):
        return f"shows only other files in frames ({frames[:200]}); put those into the inbox"
    if any(elements.named("img", "svg", "picture")) and not any(elements.named("script")):
        return "shows no text, only pictures; save it as PDF, so that text in them is read where OCR is installed"
    return "shows no text; a page that scripts fill has to be saved from the browser as it is shown"


def declared_encoding(data: bytes) -> str | None:
    """Usually said at the start; browsers also heed what comes later."""
    found = _CHARSET.search(data[:4096]) or _CHARSET.search(data[:_LATE])
    return (found[1] or found[2]).decode("ascii") if found else None
