"""Grounding: each class of finding, what is refused, offsets, and the shares found on real texts in six languages."""

import csv
import os
import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Evidence, Grounding
from coderai_pipeline.domain.documents import Page, Span
from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.normalised_text import NormalisedText, normalised

SAMPLES = Path(os.environ.get("CODERAI_SAMPLE_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")


def found(quote: str, text: str, near: Span | None = None, within: Span | None = None) -> tuple[Grounding, str | None]:
    evidence = ground(quote, NormalisedText.of(text), near, within)
    return evidence.grounding, None if evidence.start is None else text[evidence.start : evidence.end]


@pytest.mark.parametrize(
    ("quote", "text", "grounding", "span"),
    [
        ("the cat", "See the cat sit.", Grounding.EXACT, "the cat"),
        ("the cat sat", "See the\n   cat sat.", Grounding.NORMALISED, "the\n   cat sat"),
        ("the cathedral", "See the cathe-\ndral.", Grounding.NORMALISED, "the cathe-\ndral"),
        ("well-known case", "A well-\nknown case.", Grounding.NORMALISED, "well-\nknown case"),
        ("final office", "the ﬁnal oﬃce", Grounding.NORMALISED, "ﬁnal oﬃce"),
        ('"quoted" it\'s', "a “quoted” it’s b", Grounding.NORMALISED, "“quoted” it’s"),
        ("resume of Societe", "The Résumé of Société.", Grounding.NORMALISED, "Résumé of Société"),
        ("The Cat.", "see the cat, sit", Grounding.NORMALISED, "the cat"),
        ("ＡＢＣ１２", "x ABC12 y", Grounding.NORMALISED, "ABC12"),
        ("莱茵河流域", "这是莱茵\n河流域。", Grounding.NORMALISED, "莱茵\n河流域"),
        ("كتاب", "في كِتَـــاب جديد", Grounding.NORMALISED, "كِتَـــاب"),
        ("القاهرة", "سافر والقاهرة بعيدة", Grounding.EXACT, "القاهرة"),
        (
            "The party ... shall pay",
            "The party named below shall pay.",
            Grounding.NORMALISED,
            "The party named below shall pay",
        ),
        (
            "The party [...] pay",
            "The party named below shall pay.",
            Grounding.NORMALISED,
            "The party named below shall pay",
        ),
        ("end of War I", "At the end of World War I they", Grounding.FUZZY, "end of World War I"),
        (
            "the quick brwn fox jumped",
            "see the quick brown fox jumped on",
            Grounding.FUZZY,
            "the quick brown fox jumped",
        ),
        ("the plaintiff alle", "that the plaintiff alleges fraud", Grounding.EXACT, "the plaintiff alle"),
    ],
)
def test_a_quote_is_found_as_well_as_it_was_copied(quote: str, text: str, grounding: Grounding, span: str) -> None:
    assert found(quote, text) == (grounding, span)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("cat", "they concatenate"),
        ("5", "at 15.20 or 5.20"),
        ("Total 12.50", "Total 12.60"),
        ("The company reported record profits in spring", "The cat sat on the mat while the dog looked on in winter"),
        ("Rome", "Rose and Rope"),
        ("ab ... zz", "zz comes before ab"),
        ("", "anything"),
        ("...", "anything"),
        ("quote", ""),
    ],
)
def test_what_is_not_there_is_absent(quote: str, text: str) -> None:
    assert found(quote, text) == (Grounding.ABSENT, None)


def test_of_several_occurrences_the_nearest_is_taken_and_called_ambiguous() -> None:
    text = "Paris, and Paris, and Paris"
    place = NormalisedText.of(text)
    assert ground("Paris", place).start == 0
    assert ground("Paris", place, near=Span(14, 15)).start == 11
    assert ground("Paris", place).grounding is Grounding.AMBIGUOUS


def test_only_occurrences_in_the_chunk_that_was_asked_count() -> None:
    text = "Paris, and Paris, and Paris"
    assert found("Paris", text, within=Span(8, 18)) == (Grounding.EXACT, "Paris")
    assert found("and", text, within=Span(0, 5)) == (Grounding.AMBIGUOUS, "and")


def test_the_page_is_that_of_the_first_character() -> None:
    pages = (Page(1, Span(0, 10)), Page(2, Span(10, 20)))
    place = NormalisedText.of("0123 5678 abcd fghi ")
    assert ground("abcd", place, pages=pages).page == 2
    assert ground("nothing", place, pages=pages).page is None


@given(st.text(max_size=200), st.data())
def test_any_piece_of_a_text_is_found_and_slices_back(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : start + 40]
    evidence = ground(quote, NormalisedText.of(text))
    if evidence.start is not None and evidence.end is not None:
        assert normalised(text[evidence.start : evidence.end]) or not normalised(quote)
        assert 0 <= evidence.start <= evidence.end <= len(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120))
def test_every_normalised_character_comes_from_where_it_says(text: str) -> None:
    place = NormalisedText.of(text)
    assert len(place.starts) == len(place.text) + 1
    for at in range(len(place.text)):
        span = place.to_original(at, at + 1)
        assert place.text[at] in normalised(span.of(text)) or place.text[at] in " -"


def test_threads_may_share_a_text() -> None:
    text = "".join(chr(code) for code in range(0x20, 0x2FF)) + " the shared passage. " * 3
    place = NormalisedText.of(text)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ground("the shared pasage", place), range(64)))
    assert len(set(answers)) == 1


def linebreaks(quote: str, _: random.Random) -> str:
    at = quote.find(" ", len(quote) // 3)
    return f"{quote[:at]}\n  {quote[at + 1 :]}" if at > 0 else quote


def in_quotes(quote: str, _: random.Random) -> str:
    return "“" + quote.replace('"', "”").replace("'", "’") + "”"


def without_accents(quote: str, _: random.Random) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", quote) if not unicodedata.combining(char))


def missing_word(quote: str, source: random.Random) -> str:
    words = quote.split(" ")
    if len(words) < 4:
        return quote
    drop = source.randrange(1, len(words) - 1)
    return " ".join(words[:drop] + words[drop + 1 :])


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The answer with up to 80 characters around it, to whole words."""
    start, end = max(0, start - 80), min(len(text), end + 80)
    while start and text[start - 1].isalnum() and text[start].isalnum() and text[start].isascii():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


@pytest.mark.skipif(not (SAMPLES / "xquad" / "gold.csv").exists(), reason="sample data not present")
@pytest.mark.parametrize(
    ("damage", "least"), [(linebreaks, 1.0), (in_quotes, 1.0), (without_accents, 1.0), (missing_word, 0.97)]
)
def test_damaged_quotes_are_found_in_six_languages(damage: Callable[[str, random.Random], str], least: float) -> None:
    texts: dict[str, NormalisedText] = {}
    right, shares, source = Counter[str](), Counter[str](), random.Random(7)
    with (SAMPLES / "xquad" / "gold.csv").open(encoding="utf-8", newline="") as rows:
        answers = list(csv.DictReader(rows))
    for answer in answers:
        name = answer["document"]
        if name not in texts:
            raw = (SAMPLES / "xquad" / "docs" / name).read_bytes().decode("utf-8")
            texts[name] = NormalisedText.of(raw)
        text = texts[name].original
        start, end = sentence(text, int(answer["start"]), int(answer["end"]))
        evidence = ground(damage(text[start:end], source), texts[name])
        shares[evidence.grounding] += 1
        right[name.split(".")[-2]] += _overlaps(evidence, start, end)
    print(damage.__name__, dict(shares), dict(right))
    assert len(right) == 6
    assert sum(right.values()) >= least * len(answers)


def _overlaps(evidence: Evidence, start: int, end: int) -> bool:
    """Whether at least nine tenths of the quote's place and the span are the same."""
    if evidence.start is None or evidence.end is None:
        return False
    shared = min(end, evidence.end) - max(start, evidence.start)
    return shared >= 0.9 * max(end - start, evidence.end - evidence.start)


def test_a_quote_with_a_letter_too_many_is_found_in_a_long_text() -> None:
    source = random.Random(3)
    words = ["".join(source.choices("abcdefghijklmnoprstuvw", k=source.randint(2, 9))) for _ in range(16_000)]
    place = NormalisedText.of(" ".join(words))
    quotes = [" ".join([*words[at : at + 6], "x", *words[at + 6 : at + 12]]) for at in range(0, 15_000, 150)]
    assert all(ground(quote, place).start is not None for quote in quotes)


REPORT = (
    "The council met on 6 February 2024 in Harwell. It discussed many things at great length, among them the state of the"
    " roads. The council approved a budget of 4 200 000 euros for road repairs. It met again in May."
)


@pytest.mark.parametrize(
    ("quote", "grounding", "span"),
    [
        ("The council **approved** a `budget`", Grounding.NORMALISED, "The council approved a budget"),
        ("1. The council approved a budget", Grounding.NORMALISED, "The council approved a budget"),
        ("- It met again in May", Grounding.NORMALISED, "It met again in May"),
        ("a budget of 4200000 euros", Grounding.NORMALISED, "a budget of 4 200 000 euros"),
        (
            "It discussed many things at great length, among them the state of the roads. It met again in May.",
            Grounding.FUZZY,
            REPORT[REPORT.index("It discussed") : -1],
        ),
        (
            "The council ... road repairs",
            Grounding.NORMALISED,
            REPORT[REPORT.index("The council approved") : -len(". It met again in May.")],
        ),
    ],
)
def test_what_a_reply_adds_to_a_quote_or_leaves_out_of_it_is_seen_through(
    quote: str, grounding: Grounding, span: str
) -> None:
    assert found(quote, REPORT) == (grounding, span)


@pytest.mark.parametrize("quote", ["[" * 50_000, "`" * 50_000, "*a " * 20_000, "- \n" * 20_000])
def test_a_quote_of_nothing_but_marks_is_nowhere(quote: str) -> None:
    assert found(quote, REPORT) == (Grounding.ABSENT, None)
