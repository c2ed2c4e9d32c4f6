"""What must hold of every document that is read, whatever its format."""

from hypothesis import strategies as st

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers.base import Content

words = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="|[]", max_codepoint=0x2FFFF),
    min_size=1,
    max_size=8,
)
lines = st.lists(words, min_size=1, max_size=6).map(" ".join)
"""Text on one line, without white space at its ends; in any script."""


def place_of(content: Content, needle: str, start: int = 0) -> str:
    """The path at which the first occurrence of `needle` stands; it must stand at one place only."""
    at = content.text.index(needle, start)
    (place,) = content.places.locate(Span(at, at + len(needle)))
    assert place.path
    return place.path


def assert_consistent(content: Content) -> None:
    """Places are sorted and do not overlap; every span lies within the text; every letter stands somewhere."""
    starts, ends = content.places.starts.tolist(), content.places.ends.tolist()
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    spans = [heading.span for heading in content.headings] + [hidden.span for hidden in content.hidden]
    spans += [table.span for table in content.tables] + [table.header for table in content.tables if table.header]
    assert all(span.end <= len(content.text) for span in spans)
    placed = "".join(content.text[start:end] for start, end in zip(starts, ends, strict=True))
    assert "".join(placed.replace("|", "").split()) == "".join(content.text.replace("|", "").split())
