"""Text values: whitespace evened out, quotation marks around the whole dropped, nothing cut.

Whether a word such as "N/A" is a value at all is in `absence`.
"""

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.values import Conventions, Reading, Unread

_PAIRS = {'"': '"', "'": "'", "“": "”", "„": "“”", "‘": "’", "«": "»", "»": "«", "「": "」", "『": "』", "`": "`"}


def read_text(written: JsonValue, conventions: Conventions) -> Reading | Unread:
    """A text as one line; numbers and true/false as they are written in JSON."""
    if isinstance(written, bool):
        return Reading("true" if written else "false")
    if isinstance(written, int | float):
        return Reading(f"{written:.15g}")
    if not isinstance(written, str):
        return Unread("no text is given" if written is None else "an object is not a text")
    text = trimmed(written)
    return Reading(text) if text else Unread("the text is empty")


def trimmed(written: str) -> str:
    """Whitespace evened out and one pair of quotation marks around the whole dropped."""
    text = " ".join(written.split())
    if (
        len(text) > 2
        and text[-1] in _PAIRS.get(text[0], "")
        and text[0] not in text[1:-1]
        and text[-1] not in text[1:-1]
    ):
        return text[1:-1].strip()
    return text
