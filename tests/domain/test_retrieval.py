"""Finding the chunks that can hold a variable."""

import pytest

from coderai_pipeline.domain.chunks import Chunk
from coderai_pipeline.domain.codebook import Category, Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.retrieval import relevant_chunks


def chunked(*texts: str) -> tuple[tuple[Chunk, ...], Document]:
    chunks, at = [], 0
    for index, text in enumerate(texts):
        chunks.append(Chunk("d", index, Span(at, at + len(text)), (), "", 1))
        at += len(text)
    whole = "".join(texts)
    return tuple(chunks), Document("d", "d", "text", DocumentStatus.READY, "", "0", at, text=whole)


FILLER = "The parties met in the spring and spoke of many things at length. "


@pytest.mark.parametrize(
    ("variable", "passage", "filler"),
    [
        (Variable(name="rent", type="number", labels=("monthly rent",)), "The monthly rents are 900 euros.", FILLER),
        (
            Variable(name="notice", type="text", label="Kündigungsfrist"),
            "Die Kündigungsfristen betragen drei Monate.",
            FILLER,
        ),
        (
            Variable(name="court", type="text", label="Суд", instructions="название суда"),
            "Решение суда города Москвы.",
            "Стороны встретились весной. ",
        ),
        (Variable(name="rent", type="number", labels=("租金",)), "每月租金为900元。", "双方在春天见面并谈了很多事情。"),
        (
            Variable(
                name="law",
                type="category",
                categories=(Category(value="civil", keywords=("tort",)), Category(value="penal")),
            ),
            "It is a tort under statute.",
            FILLER,
        ),
    ],
)
def test_the_chunk_with_the_words_of_the_definition_is_found(variable: Variable, passage: str, filler: str) -> None:
    chunks, document = chunked(*[filler * 20] * 4, filler * 10 + passage + filler * 10, *[filler * 20] * 5)
    assert 4 in relevant_chunks(chunks, document, variable, 1)


def test_no_more_than_the_limit_and_in_document_order() -> None:
    chunks, document = chunked(*[f"rent {n} " * (n + 1) for n in range(8)])
    found = relevant_chunks(chunks, document, Variable(name="rent", type="number"), 3)
    assert len(found) == 3
    assert list(found) == sorted(found)


def test_where_nothing_fits_nothing_is_left_out() -> None:
    chunks, document = chunked(*["alpha beta gamma "] * 5)
    assert relevant_chunks(chunks, document, Variable(name="zzz", type="text"), 2) == (0, 1, 2, 3, 4)


def test_few_chunks_are_all_asked() -> None:
    chunks, document = chunked("a ", "b ")
    assert relevant_chunks(chunks, document, Variable(name="a", type="text"), 5) == (0, 1)
