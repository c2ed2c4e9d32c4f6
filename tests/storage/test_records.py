"""Documents and cells go into block rows and come back as they were."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Cell, CellStatus, Evidence, Grounding
from coderai_pipeline.domain.documents import (
    Document,
    DocumentStatus,
    EvidenceMap,
    Heading,
    HiddenText,
    Page,
    Span,
    TableSpan,
)
from coderai_pipeline.storage.blocks import BlockStore, next_version
from coderai_pipeline.storage.records import cell_from, cell_row, document_from, document_row

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SPANS = st.tuples(st.integers(0, 10_000), st.integers(0, 500)).map(lambda at: Span(at[0], at[0] + at[1]))
SCALARS = st.one_of(TEXTS, st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(st.none(), SCALARS, st.lists(SCALARS, max_size=4).map(tuple))


@st.composite
def places(draw: st.DrawFn) -> EvidenceMap:
    count = draw(st.integers(0, 6))
    edges = sorted(draw(st.lists(st.integers(0, 9_999), min_size=2 * count, max_size=2 * count)))
    starts, ends = np.array(edges[::2], np.int32), np.array(edges[1::2], np.int32)
    pages = np.array(draw(st.lists(st.integers(0, 9), min_size=count, max_size=count)), np.int32)
    boxes = np.array(draw(st.lists(st.floats(0, 900, width=32), min_size=4 * count, max_size=4 * count)), np.float32)
    has_boxes, has_paths = draw(st.booleans()), draw(st.booleans())
    return EvidenceMap(
        starts,
        ends,
        pages,
        boxes.reshape(count, 4) if has_boxes else np.zeros((0, 4), np.float32),
        tuple(draw(st.lists(TEXTS, min_size=count, max_size=count))) if has_paths else (),
    )


DOCUMENTS = st.builds(
    Document,
    key=TEXTS,
    source=TEXTS,
    type=st.sampled_from(["pdf", "docx", "text"]),
    status=st.sampled_from(DocumentStatus),
    reason=TEXTS,
    sha256=TEXTS,
    size_bytes=st.integers(0, 2**40),
    text=TEXTS,
    language=st.none() | st.just("de"),
    pages=st.lists(
        st.builds(Page, st.integers(1, 500), SPANS, st.sampled_from(DocumentStatus), st.none() | st.floats(0, 1)),
        max_size=3,
    ).map(tuple),
    headings=st.lists(st.builds(Heading, SPANS, st.integers(1, 6)), max_size=3).map(tuple),
    tables=st.lists(st.builds(TableSpan, SPANS, st.none() | SPANS), max_size=3).map(tuple),
    hidden=st.lists(st.builds(HiddenText, SPANS, TEXTS), max_size=3).map(tuple),
    warnings=st.lists(TEXTS, max_size=3).map(tuple),
    metadata=st.dictionaries(TEXTS, TEXTS, max_size=3),
    places=places(),
)

EVIDENCE = st.builds(
    Evidence,
    TEXTS,
    st.sampled_from(Grounding),
    start=st.none() | st.integers(0, 10_000),
    end=st.none() | st.integers(0, 10_000),
    page=st.none() | st.integers(1, 500),
)
SHARES = st.floats(0, 1e6)
CELLS = st.builds(
    Cell,
    document=TEXTS,
    entity=st.sampled_from(["", "1", "2"]),
    variable=TEXTS,
    type=st.sampled_from(["text", "number"]),
    status=st.sampled_from(CellStatus),
    reason=TEXTS,
    value=VALUES,
    precision=st.none() | st.just("month"),
    unit=st.none() | TEXTS,
    confidence=st.none() | st.floats(0, 1),
    evidence=st.none() | EVIDENCE,
    changes=st.lists(TEXTS, max_size=3).map(tuple),
    alternatives=st.lists(TEXTS, max_size=3).map(tuple),
    prompt_version=TEXTS,
    extractor=TEXTS,
    model=TEXTS,
    call_ids=st.lists(TEXTS, max_size=3).map(tuple),
    input_tokens=SHARES,
    output_tokens=SHARES,
    cost=st.none() | SHARES,
    seconds=SHARES,
    ask_fingerprint=TEXTS,
    settle_fingerprint=TEXTS,
    raw_reply=st.none() | TEXTS,
)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    again = document_from(document_row(document, version=1))
    for name in Document.__dataclass_fields__:
        if name != "places":
            assert getattr(again, name) == getattr(document, name), name
    for name in ("starts", "ends", "pages", "rectangles"):
        np.testing.assert_array_equal(getattr(again.places, name), getattr(document.places, name))
    assert again.places.paths == document.places.paths


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_a_cell_comes_back_as_it_was(cell: Cell) -> None:
    assert cell_from(cell_row(cell, version=1)) == cell


def test_rows_survive_the_blocks(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)

    @settings(max_examples=15, deadline=None)
    @given(DOCUMENTS, CELLS)
    def comes_back(document: Document, cell: Cell) -> None:
        blocks.append("documents", [document_row(document, version=next_version())])
        blocks.append("cells", [cell_row(cell, version=next_version(), run_id="r", text_sha256="t")])
        again = document_from(blocks.table("documents").to_pylist()[-1])
        assert (again.text, again.metadata, again.pages) == (document.text, document.metadata, document.pages)
        assert cell_from(blocks.table("cells").to_pylist()[-1]) == cell

    comes_back()
