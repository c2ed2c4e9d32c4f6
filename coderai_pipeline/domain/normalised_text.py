"""A document's text as quotes are compared with it, and the way back from each of its characters to the original.

Whitespace, hyphenation at line ends, ligatures, quotation marks, dashes, case, diacritics, full-width and Arabic
presentation forms are evened out. Finding a quote in it is in `grounding`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import Span


class NormalisedText:
    """One document's text, `original`, evened out when that is first asked for: most quotes stand in it as they are.

    text: normalised. starts: for each character of `text`, and one past the end, the offset of the original character it
    comes from, shape (len(text) + 1,). codes, symbols: `text` as indices into its own alphabet, and that alphabet's code
    points, both for alignment. squeezed, squeezed_at: `text` without its spaces and the hyphens within words, and where
    in `text` each of those characters stands, shape (len(squeezed) + 1,). look_alike: `text` as `look_alike` makes it.
    """

    def __init__(self, original: str) -> None:
        self.original = original

    @classmethod
    def of(cls, original: str) -> "NormalisedText":
        return cls(original)

    @property
    def text(self) -> str:
        return self._evened.text

    @property
    def starts(self) -> NDArray[np.int32]:
        return self._evened.starts

    @property
    def codes(self) -> NDArray[np.uint32]:
        return self._evened.codes

    @property
    def symbols(self) -> NDArray[np.uint32]:
        return self._evened.symbols

    @property
    def squeezed(self) -> str:
        return self._evened.squeezed

    @property
    def squeezed_at(self) -> NDArray[np.int32]:
        return self._evened.squeezed_at

    @cached_property
    def look_alike(self) -> str:
        return look_alike(self.text)

    @cached_property
    def _evened(self) -> "_Evened":
        return _Evened.of(self.original)

    def to_original(self, start: int, end: int) -> Span:
        """The span of the original text from which the normalised characters [start, end) come."""
        if end <= start:
            at = int(self.starts[start])
            return Span(at, at)
        first = int(self.starts[start])
        last = max(int(self.starts[end]), int(self.starts[end - 1]) + 1)
        return Span(first, first + len(self.original[first:last].rstrip()))

    def from_original(self, span: Span) -> Span:
        """The normalised characters that come from a span of the original text."""
        inner = self.starts[:-1]
        return Span(int(np.searchsorted(inner, span.start)), int(np.searchsorted(inner, span.end)))


@dataclass(frozen=True, eq=False, slots=True)
class _Evened:
    text: str
    starts: NDArray[np.int32]
    codes: NDArray[np.uint32]
    symbols: NDArray[np.uint32]
    squeezed: str
    squeezed_at: NDArray[np.int32]

    @classmethod
    def of(cls, original: str) -> "_Evened":
        """About 20 ms for 100 kB."""
        folded, origins = _folded(original)
        kept = _without_repeated_spaces(folded)
        points = _points(folded)[kept]
        text = points.tobytes().decode("utf-32-le", "surrogatepass")
        starts = np.append(origins[kept], len(original.rstrip())).astype(np.int32)
        symbols, codes = np.unique(points, return_inverse=True)
        codes = codes.astype(np.uint32)
        dense = _without_spaces_and_hyphens(points, symbols, codes)
        squeezed_text = points[dense].tobytes().decode("utf-32-le", "surrogatepass")
        return cls(text, starts, codes, symbols, squeezed_text, np.append(dense, len(points)).astype(np.int32))


# What reading machines take for one another, evened out: digits stay apart from each other.
_LOOK_ALIKES = str.maketrans("01|i58", "olllsb")


def look_alike(text: str) -> str:
    """A normalised text with signs that look alike made one, as many characters as before: `difficu1ty` is `difficulty`."""
    return text.translate(_LOOK_ALIKES)


@lru_cache(maxsize=256)
def normalised(text: str) -> str:
    """A quote or value as it is compared: evened out like the document, trimmed."""
    folded, _ = _folded(text, offsets=False)
    return " ".join(folded.split())


def squeezed(evened: str) -> str:
    """A normalised quote without its spaces and the hyphens within words."""
    return _INNER_HYPHEN.sub("", evened).replace(" ", "")


_SPACE, _HYPHEN = 32, 45
_INNER_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_QUOTES = "'‘’‚‛′`´ʼ＇\u02bb"
_DOUBLE_QUOTES = '"“”„‟«»″＂「」『』‹›'
_DASHES = "-‐‑‒–—―−﹘﹣－"
_DROPPED = (
    "\u00ad\u0640\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-‐\u00ad][ \t]*\r?\n[ \t]*(?=[^\W\d_])")


# Hangul syllables in parts and kana with their marks apart, half-width ones too: one character when composed.
_DECOMPOSED = re.compile(
    "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
    "|[\u304b-\u3062\u3064-\u3068\u306f-\u307b\u3046\u30ab-\u30c2\u30c4-\u30c8\u30cf-\u30db\u30a6](?:\u3099|\u309a)"
    "|[\uff73\uff76-\uff84\uff8a-\uff8e][\uff9e\uff9f]"
)


def _composed(match: re.Match[str]) -> str:
    """The composed character; the first part alone where the parts make none."""
    whole = unicodedata.normalize("NFKC", match[0])
    return whole if len(whole) == 1 else match[0][:1]


class _Folding(dict[int, str]):
    """A translation table that learns each character when it is first met; several threads may teach it at once."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        self[code] = folded
        return folded


def _fold(char: str) -> str:
    if char in _DROPPED:
        return ""
    if char.isspace():
        return " "
    for group, plain in ((_QUOTES, "'"), (_DOUBLE_QUOTES, '"'), (_DASHES, "-")):
        if char in group:
            return plain
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if not _is_accent(part))
    folded = unicodedata.normalize("NFC", base).casefold().replace("…", "...")
    return "".join(_PLAIN_LETTERS.get(letter, letter) for letter in folded)


# Letters with a stroke, joined ones and a dotless i, for which people without the key write the plain ones; the Persian
# forms of two Arabic letters, and those that many write for the feminine ending and the final alif.
_PLAIN_LETTERS = {"ı": "i", "đ": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ی": "ي", "ک": "ك", "ى": "ي", "ة": "ه"}


def _is_accent(char: str) -> bool:
    """Marks that writers leave out: Latin, Greek, Cyrillic, Hebrew and Arabic ones, not the vowels of Indic scripts."""
    combining = unicodedata.combining(char)
    return 10 <= combining <= 36 or combining >= 200


_FOLDING = _Folding()
_NOWHERE = np.zeros(0, np.int32)


def _folded(original: str, *, offsets: bool = True) -> tuple[str, NDArray[np.int32]]:
    """Character by character, and the offset each came from. Hyphens and breaks within a hyphenated word are dropped."""
    removed = [(match.start(), match.end()) for match in _HYPHENATED.finditer(original)]
    removed += [(match.start() + 1, match.end()) for match in _DECOMPOSED.finditer(original)]
    source = original
    keep = None
    if removed:
        keep = np.ones(len(original), bool)
        for start, end in removed:
            keep[start:end] = False
        source = _DECOMPOSED.sub(_composed, _HYPHENATED.sub("", original))
    folded = source.translate(_FOLDING)
    if not offsets:
        return folded, _NOWHERE
    origins = np.arange(len(original), dtype=np.int32) if keep is None else np.flatnonzero(keep).astype(np.int32)
    if len(folded) != len(source) or not source.isascii():
        origins = np.repeat(origins, _widths(source))
    return folded, origins


def _widths(source: str) -> NDArray[np.int64]:
    points, inverse = np.unique(_points(source), return_inverse=True)
    widths = np.array([len(_FOLDING[int(point)]) for point in points], np.int64)
    return widths[inverse] if len(points) else np.zeros(0, np.int64)


def _without_repeated_spaces(folded: str) -> NDArray[np.int64]:
    """Which characters remain when runs of spaces become one and those at both ends none."""
    space = _points(folded) == _SPACE
    repeated = space & np.concatenate(([True], space[:-1])) if len(space) else space
    kept = np.flatnonzero(~repeated)
    return kept[:-1] if len(kept) and space[kept[-1]] else kept


def _without_spaces_and_hyphens(
    points: NDArray[np.uint32], symbols: NDArray[np.uint32], codes: NDArray[np.uint32]
) -> NDArray[np.int64]:
    letters = np.array([chr(int(symbol)).isalpha() for symbol in symbols], bool)
    letter = np.concatenate(([False], letters[codes], [False])) if len(points) else np.zeros(2, bool)
    inner_hyphen = (points == _HYPHEN) & letter[:-2] & letter[2:]
    return np.flatnonzero((points != _SPACE) & ~inner_hyphen)


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
