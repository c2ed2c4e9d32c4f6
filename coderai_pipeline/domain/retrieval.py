"""Which chunks of a long document can hold a variable, by the words shared with its definition (BM25), in any script.

Whether a project asks only these is its setting `relevant_chunks`; the model is not involved.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from coderai_pipeline.domain.chunks import Chunk
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Document

if TYPE_CHECKING:
    import regex

# Robertson and Zaragoza (2009), The Probabilistic Relevance Framework, section 3: the usual constants of BM25.
_K1 = 1.2
_B = 0.75
_STEM = 5
"""Words longer than this also count by their first letters, which joins most inflections without a dictionary."""


def relevant_chunks(chunks: Sequence[Chunk], document: Document, variable: Variable, limit: int) -> tuple[int, ...]:
    """Positions in `chunks`, in document order, of the `limit` chunks that fit the variable best.

    Where no chunk shares a word with the definition, all are returned: nothing speaks for leaving one out.
    """
    if len(chunks) <= limit:
        return tuple(range(len(chunks)))
    scores = [
        score * _holds_type(chunk.span.of(document.text), variable)
        for chunk, score in zip(chunks, _scores(_counts(tuple(chunks), document), _query(variable)), strict=True)
    ]
    if not any(scores):
        return tuple(range(len(chunks)))
    best = sorted(range(len(chunks)), key=lambda index: (-scores[index], index))[:limit]
    return tuple(sorted(best))


@lru_cache(maxsize=4)
def _counts(chunks: tuple[Chunk, ...], document: Document) -> tuple[Counter[str], ...]:
    """Terms of each chunk; kept for the next variables of the same document."""
    texts = (" ".join((*chunk.section, chunk.context, chunk.span.of(document.text))) for chunk in chunks)
    return tuple(Counter(terms(text)) for text in texts)


def terms(text: str) -> Iterable[str]:
    """Words and their stems; pairs of characters in scripts without spaces."""
    for word in _word_pattern().findall(unicodedata.normalize("NFKC", text).casefold()):
        if _UNSPACED.match(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            yield word
            if len(word) > _STEM:
                yield f"{word[:_STEM]}*"


_UNSPACED_SET = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_UNSPACED = re.compile(rf"[{_UNSPACED_SET}]")


@cache
def _word_pattern() -> "regex.Pattern[str]":
    import regex  # 0.1 s that only projects which choose chunks should pay

    return regex.compile(rf"[{_UNSPACED_SET}]+|(?:(?![{_UNSPACED_SET}])[\w\p{{M}}])+")


def _query(variable: Variable) -> Counter[str]:
    """Terms of the definition, weighted: what documents call it counts most, its description least."""
    weighted = [
        (3, [variable.heading, *variable.labels]),
        (2, [word for category in variable.categories for word in (category.value, *category.keywords)]),
        (2, [variable.where, variable.unit]),
        (1, [variable.name.replace("_", " "), variable.instructions]),
        (1, [category.description for category in variable.categories]),
        (1, [example.source_text for example in variable.examples if example.use == "prompt"]),
    ]
    query: Counter[str] = Counter()
    for weight, texts in weighted:
        for term in {term for text in texts for term in terms(text)}:
            query[term] = max(query[term], weight)
    return query


def _scores(documents: Sequence[Counter[str]], query: Counter[str]) -> list[float]:
    """BM25 of each chunk for the query."""
    lengths = [document.total() for document in documents]
    mean = sum(lengths) / len(lengths) or 1.0
    holding = {term: sum(term in document for document in documents) for term in query}
    rarity = {term: math.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) for term, n in holding.items() if n}
    return [
        sum(
            query[term] * weight * document[term] * (_K1 + 1) / (document[term] + _K1 * (1 - _B + _B * length / mean))
            for term, weight in rarity.items()
            if term in document
        )
        for document, length in zip(documents, lengths, strict=True)
    ]


_DIGITS = re.compile(r"\d|[一二三四五六七八九十百千]")


def _holds_type(text: str, variable: Variable) -> float:
    """A chunk without a digit seldom holds a number or a date, though it may spell one out."""
    needs_digits = variable.type in (VariableType.NUMBER, VariableType.DATE)
    return 0.5 if needs_digits and not _DIGITS.search(text) else 1.0
