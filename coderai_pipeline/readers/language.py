"""Which language a text is in. Which language a project expects is in its settings; nothing here changes that."""

import contextlib
import functools
import sys
import tempfile
from array import array
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import numpy as np

_LANGUAGES = (
    "af", "am", "ar", "as", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et",
    "eu", "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk",
    "km", "kn", "ko", "ku", "ky", "lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "ne", "nl", "no", "or",
    "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr",
    "ug", "uk", "ur", "vi", "xh", "zh", "zu",
)  # fmt: skip
"""Living languages in which documents are written today; leaves out Latin, Esperanto and near-twins such as nb and nn,
which short texts are mistaken for."""

_ARRAYS = ("chances", "priors", "following", "rows", "features")
"""Of the model: a row of log chances a feature and a column a language; of the automaton that finds features in bytes, what
follows, which row of it belongs to a state, and the feature found there."""
_MIN_LETTERS = 20
_SAMPLE = 4000


def detect_language(text: str) -> str | None:
    """ISO 639-1 code of the language of most of the text; None where there are too few letters to tell."""
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < _MIN_LETTERS:
        return None
    language, _ = _identifier().classify(sample)
    return str(language)


def _sample(text: str) -> str:
    """The start of the text, and of a long one also its middle: boilerplate stands at the ends."""
    if len(text) <= _SAMPLE:
        return text
    middle = len(text) // 2
    return text[: _SAMPLE // 2] + "\n" + text[middle : middle + _SAMPLE // 2]


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import LanguageIdentifier

    folder = _unpacked_folder()
    if not folder.is_dir():
        return _packed_identifier()
    chances, priors, following, rows, features = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
    steps = array("I")  # which Python indexes faster than numpy's arrays
    steps.frombytes(memoryview(following).cast("B"))
    identifier: Any = cast("Any", LanguageIdentifier)(
        chances, priors, list(_LANGUAGES), steps, features.tolist(), tk_row=rows.tolist()
    )
    return identifier


def _packed_identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = cast("Any", LanguageIdentifier).from_model_file(MODEL_FILE)
    identifier.set_languages(list(_LANGUAGES))
    return identifier


def unpack() -> None:
    """Writes the language model beside the installed libraries, where all processes share it.

    Without that each process that reads unpacks it for itself, which takes 0.4 s and 30 MB more.
    """
    folder = _unpacked_folder()
    if folder.is_dir():
        return
    packed = _packed_identifier()
    order = [packed.nb_classes.index(language) for language in _LANGUAGES]
    values = (
        packed.nb_ptc[:, order],
        packed.nb_pc[order],
        np.array(packed.tk_nextmove, np.uint32),
        packed.tk_row,
        packed.tk_output,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beginning:
        Path(beginning, "model").mkdir()
        for name, value in zip(_ARRAYS, values, strict=True):
            np.save(Path(beginning, "model", f"{name}.npy"), np.ascontiguousarray(value))
        with contextlib.suppress(OSError):  # somebody else was first
            Path(beginning, "model").rename(folder)


def _unpacked_folder() -> Path:
    """Another model, or other languages, get another folder."""
    import py3langid

    made_of = f"{py3langid.__version__} {_LANGUAGES}"
    return Path(sys.prefix, "share", "coderai_pipeline", f"languages-{crc32(made_of.encode()):08x}")


if __name__ == "__main__":
    unpack()
