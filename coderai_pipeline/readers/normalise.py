"""What makes two texts the same, and what none may hold: fingerprints for duplicates, characters not to be stored.

How one format's text is put together is in that format's reader.
"""

import hashlib
import re
import unicodedata

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}$")
_SHAPELESS = ("Cc", "Cf", "Cs")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_fingerprint(text: str) -> str:
    """SHA-256 of the text with case and white space folded: equal for documents that read the same."""
    folded = " ".join(text.casefold().split())
    return hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()


def is_blank(text: str) -> bool:
    """Whether a text holds nothing that shows: only white space, controls and marks without a form of their own."""
    return not text.strip() or all(
        character.isspace() or unicodedata.category(character) in _SHAPELESS for character in text
    )


def storable(text: str) -> str:
    """The text with NULs and lone surrogates replaced one for one by U+FFFD, so that offsets stay."""
    return _UNSTORABLE.sub("\ufffd", text)


def whole_number(written: str | None, otherwise: int) -> int:
    """A number as files write them in attributes; `otherwise` where it is none, or so long that it is an attack."""
    return int(written) if written and _WHOLE_NUMBER.match(written.strip()) else otherwise
