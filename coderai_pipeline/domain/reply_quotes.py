"""What replies add to the passages they quote, and the quotes without it. Where a quote stands is found in `grounding`."""

import html
import re

# Emphasis, code, links and list marks of Markdown, which replies add to what they quote.
_EMPHASIS = re.compile(r"\*\*([^*\n]+)\*\*|\*(?=\S)([^*\n]+)(?<=\S)\*|__([^_\n]+)__|~~([^~\n]+)~~|`([^`\n]+)`")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\([^)\s]*\)")
_LIST_MARK = re.compile(r"^\s*(?:[-*+>•]|#{1,6}|\d{1,2}[.)])\s+", re.MULTILINE)
# `(p. 3)` behind a quote.
_PAGE = re.compile(
    r"\s[(\[](?:pp?|pages?|pg|s|seiten?|págs?|páginas?|стр|с|第)\.?\s?\d[\d–-]{0,8}\s?[页頁]?[)\]]\s*$", re.IGNORECASE
)
_LONGEST_ONCE = 20


def without_additions(quote: str) -> str:
    """A quote without what replies put to it: Markdown, entities of HTML, the page it stands on, itself once more."""
    quote = _PAGE.sub("", html.unescape(without_markdown(quote))).strip()
    half = len(quote) // 2
    return quote[:half] if len(quote) > _LONGEST_ONCE and quote[:half] == quote[-half:] else quote


def without_markdown(quote: str) -> str:
    """The text without emphasis, code, links and list marks."""
    return _LIST_MARK.sub("", _LINK.sub(r"\1", _EMPHASIS.sub(lambda match: match[match.lastindex or 0], quote)))
