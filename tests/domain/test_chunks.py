"""Chunks: sizes, overlap, bounds and offsets. The prompt in which a chunk stands is tested in test_prompts."""

import itertools

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.chunks import FIRST_PART_INDEX, count_words, split, split_further
from coderai_pipeline.domain.documents import Document, DocumentStatus, Heading, HiddenText, Span, TableSpan
from coderai_pipeline.domain.errors import ContextTooLong
from coderai_pipeline.domain.tokens import count_tokens

SENTENCES = {
    "en": "The committee met on {n} occasions and, after a long debate, adopted the report without a vote. ",
    "de": "Der Ausschuss trat {n} Mal zusammen und nahm den Bericht nach langer Aussprache ohne Abstimmung an. ",
    "ru": "Комитет собирался {n} раз и после долгих прений принял доклад без голосования. ",
    "ar": "اجتمعت اللجنة {n} مرات واعتمدت التقرير بعد نقاش طويل دون تصويت. ",
    "zh": "委员会召开了{n}次会议，经过长时间的辩论，未经表决通过了报告。",
    "hi": "समिति की {n} बैठकें हुईं और लंबी बहस के बाद रिपोर्ट बिना मतदान के स्वीकार की गई। ",
}


def document(text: str, **parts: object) -> Document:
    return Document("d", "d.txt", "text", DocumentStatus.READY, "", "0" * 64, len(text), text=text, **parts)  # type: ignore[arg-type]


def long_text(language: str, sentences: int = 900, paragraph: int = 7) -> str:
    written = (SENTENCES[language].format(n=n) + ("\n\n" if n % paragraph == 0 else "") for n in range(sentences))
    return "".join(written)


def is_covered(text: str, spans: list[Span]) -> bool:
    reached = 0
    for span in spans:
        if span.start > reached or span.end <= reached:
            return False
        reached = span.end
    return spans[0].start == 0 and reached == len(text)


@pytest.mark.parametrize("language", SENTENCES)
def test_chunks_have_2000_to_3000_tokens_and_about_250_overlap(language: str) -> None:
    text = long_text(language, 1200)
    chunks = split(document(text))
    assert len(chunks) > 5
    assert all(2000 <= chunk.tokens <= 3000 for chunk in chunks[:-1])
    assert chunks[-1].tokens <= 3000
    for one, following in itertools.pairwise(chunks):
        assert 150 <= count_tokens(text[following.span.start : one.span.end]) <= 350


@pytest.mark.parametrize("language", SENTENCES)
def test_chunks_start_and_end_with_sentences(language: str) -> None:
    text = long_text(language)
    starts = {0}
    for n in range(900):
        starts.add(text.index(SENTENCES[language].format(n=n).strip()))
    for chunk in split(document(text))[1:]:
        assert chunk.span.start in starts


def test_a_document_of_up_to_5000_words_is_one_chunk() -> None:
    assert len(split(document("word " * 5000))) == 1
    assert len(split(document("word " * 5001))) > 1


def test_scripts_without_spaces_have_a_threshold_of_their_own() -> None:
    assert len(split(document("委员会通过了报告。" * 600))) == 1
    assert len(split(document("委员会通过了报告。" * 2000))) > 1
    assert count_words("委员会 report") == pytest.approx(3 / 1.6 + 1)


def test_an_empty_document_has_no_chunks() -> None:
    assert split(document("")) == ()


def test_offsets_are_exact_and_every_character_is_in_some_chunk() -> None:
    text = long_text("en") + "\n\n   "
    chunks = split(document(text))
    assert is_covered(text, [chunk.span for chunk in chunks])
    assert all(chunk.tokens == count_tokens(chunk.span.of(text)) for chunk in chunks)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))


def test_a_word_larger_than_a_chunk_is_the_only_one_cut_inside() -> None:
    text = "before it. " * 1500 + "x9Qk" * 9000 + " and after it." * 1500
    chunks = split(document(text))
    assert is_covered(text, [chunk.span for chunk in chunks])
    assert max(chunk.tokens for chunk in chunks) <= 3000
    inside = [c.span.start for c in chunks if c.span.start and text[c.span.start - 1].isalnum()]
    assert all(text[at - 4 : at + 4] in "x9Qk" * 4 for at in inside)


text_parts = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            ["word ", "Ends here. ", "\n\n", "\n", "中文字", "。", "e\u0301", "👨‍👩‍👧", " \u0301x ", "ไทย ", "a" * 60]
        ),
    ),
    max_size=250,
)


@settings(max_examples=60, deadline=None)
@given(text_parts, st.integers(0, 12))
def test_no_text_loses_a_character_or_is_cut_within_a_grapheme(parts: list[str], overlap: int) -> None:
    text = "".join(parts)
    chunks = split(document(text), threshold_words=5, tokens=60, overlap=overlap)
    if not text:
        return
    assert is_covered(text, [chunk.span for chunk in chunks])
    graphemes = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    assert all({chunk.span.start, chunk.span.end} <= graphemes for chunk in chunks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="abcdefghé", min_size=1, max_size=12), min_size=30, max_size=400))
def test_a_chunk_never_splits_a_word(words: list[str]) -> None:
    text = " ".join(words)
    for chunk in split(document(text), threshold_words=5, tokens=60, overlap=6):
        assert chunk.span.start == 0 or text[chunk.span.start - 1] == " "
        assert chunk.span.end == len(text) or text[chunk.span.end - 1] == " "


def test_cuts_fall_on_section_starts_and_carry_the_section_path() -> None:
    text, headings = "", []
    for part in range(12):
        title = f"Part {part}\n\n"
        headings.append(Heading(Span(len(text), len(text) + len(title) - 2), 1))
        text += title
        sub = f"Details {part}\n\n"
        headings.append(Heading(Span(len(text), len(text) + len(sub) - 2), 2))
        text += sub + "".join(SENTENCES["en"].format(n=n) for n in range(105)) + "\n\n"
    chunks = split(document(text, headings=tuple(headings)))
    starts = {heading.span.start for heading in headings}
    assert all(chunk.span.end in starts for chunk in chunks[:-1])
    for chunk in chunks[1:]:
        above = [h.span.of(text) for h in headings if h.span.start <= chunk.span.start][-2:]
        assert chunk.section == tuple(above)


def test_a_chunk_that_starts_in_a_table_carries_its_header_row() -> None:
    header = "Country | Year | Exports in million euros\n"
    rows = "".join(f"Country {n} | {1950 + n % 70} | {n * 17}\n" for n in range(2500))
    text = "The table follows.\n\n" + header + rows
    table = TableSpan(Span(20, len(text)), Span(20, 20 + len(header)))
    first, *others = split(document(text, tables=(table,)))
    assert first.context == ""
    assert others
    for chunk in others:
        assert chunk.context == header.strip()
        assert text[chunk.span.start - 1] == "\n"


def test_hidden_headings_and_header_rows_are_not_carried() -> None:
    text = "Secret\n\n" + long_text("en")
    hidden = HiddenText(Span(0, 6), "white")
    parts = {"headings": (Heading(Span(0, 6), 1),), "hidden": (hidden,)}
    assert all(chunk.section == () for chunk in split(document(text, **parts)))


def test_a_chunk_that_is_too_long_is_halved_until_nothing_is_left_to_cut() -> None:
    text = long_text("en", 60)
    whole = document(text)
    open_chunks, indexes = list(split(whole)), set()
    while open_chunks:
        chunk = open_chunks.pop()
        assert chunk.index not in indexes
        indexes.add(chunk.index)
        if chunk.tokens > 100:
            halves = split_further(chunk, whole)
            assert halves[0].span.start == chunk.span.start
            assert halves[1].span.end == chunk.span.end
            assert halves[1].span.start <= halves[0].span.end
            assert all(half.index >= FIRST_PART_INDEX for half in halves)
            open_chunks.extend(halves)
    with pytest.raises(ContextTooLong, match="cannot be split further"):
        split_further(split(document("x"))[0], document("x"))


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=2, max_size=400))
def test_halving_any_text_keeps_every_character_or_says_that_it_cannot(text: str) -> None:
    whole = document(text)
    (chunk,) = split(whole)
    try:
        first, second = split_further(chunk, whole)
    except ContextTooLong:
        return
    assert (first.span.start, second.span.end) == (0, len(text))
    assert 0 < second.span.start <= first.span.end < len(text)


def test_headings_stay_with_what_they_head() -> None:
    text, headings = "", []
    for part in range(60):
        headings.append(Heading(Span(len(text), len(text) + 7), 2))
        text += f"Part {part:02}\n\n" + "".join(SENTENCES["en"].format(n=n) for n in range(20)) + "\n\n"
    chunks = split(document(text, headings=tuple(headings)))
    ends = {heading.span.end + 2 for heading in headings}
    assert not any(chunk.span.end in ends for chunk in chunks)
