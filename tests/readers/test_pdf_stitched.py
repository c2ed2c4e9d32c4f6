"""Lines of a PDF that were drawn in pieces, made from letters and their places as MuPDF gives them for files of browsers and word
processors. Whole pages are in test_pdf_layout."""

import re
from collections.abc import Sequence

import pytest

from coderai_pipeline.readers.mupdf import Record, Word
from coderai_pipeline.readers.pdf_sight import Letter, in_reading_order
from coderai_pipeline.readers.pdf_stitched import stitched

HEIGHT = 12.0


def drawn(text: str, left: float, width: float = 6.0) -> list[tuple[str, float, float]]:
    """Letters side by side; what follows a + stands in the place of the letter before it; _ is a space that MuPDF guessed."""
    letters: list[tuple[str, float, float]] = []
    for letter in re.findall(r"\+?.", text):
        if letter[0] == "+" and len(letter) > 1:
            letters.append((letter[1], left, left))
        else:
            letters.append((letter, left, left + width))
            left += width
    return letters


def read(*lines: Sequence[tuple[str, float, float]]) -> str:
    words: list[Word] = []
    made: list[Record] = []
    for number, letters in enumerate(lines):
        x0, x1 = min(x0 for _, x0, _ in letters), max(x1 for _, _, x1 in letters)
        chars = [
            {
                "c": letter.replace("_", " "),
                "bbox": (left, 0.0, right, HEIGHT),
                "origin": (left, HEIGHT),
                "synthetic": letter == "_",
            }
            for letter, left, right in letters
        ]
        made.append({"dir": (1.0, 0.0), "bbox": (x0, 0.0, x1, HEIGHT), "spans": [{"chars": chars}]})
        texts = "".join(letter for letter, _, _ in letters).replace("_", " ").split()
        words += [(x0, 0.0, x1, HEIGHT, text, 0, number, place) for place, text in enumerate(texts)]
    return " ".join(word[4] for word in stitched(words, [{"lines": made}]))


def test_letters_of_another_font_stand_in_the_gaps_that_were_left_for_them():
    assert read(drawn("H i h p", 0), drawn("ộ", 6), drawn("ọ", 30)) == "Hội họp"


def test_a_line_that_was_written_over_another_is_not_mixed_with_it():
    assert read(drawn("paid", 0), drawn("open", 1)) == "paid open"


def test_a_guessed_space_counts_but_where_another_piece_stands_or_beside_a_mark():
    assert read([*drawn("a_b", 0, 3), *drawn(" _c", 9, 3)], drawn("≈", 12, 3)) == "a b ≈c"
    assert read([*drawn("ক ম+ি_", 0), *drawn("ট", 24)]) == "ক মিট"


def test_a_mark_comes_once_and_leaves_no_space_behind_it():
    # The vowel sign and its letter are one glyph, of which MuPDF knows where it begins and not how wide it is.
    assert read([*drawn("ক ম+ি", 0), *drawn("ট+ি+ি", 24)]) == "ক মিটি"


def test_a_sign_that_begins_a_line_of_its_own_belongs_to_the_letter_before_it():
    assert read([*drawn("അ യ", 0)], [*drawn("ോ", 30), *drawn("ഗ", 36)]) == "അ യോഗ"


def test_words_drawn_from_the_left_are_read_from_the_right():
    # Each word turned round, as MuPDF does it, but not their order.
    letters = [
        *reversed(drawn("םולש", 0)),
        *drawn(" ", 24),
        *drawn("12", 30),
        *drawn(" ", 42),
        *reversed(drawn("תנשב", 48)),
    ]
    assert read(letters) == "בשנת 12 שלום"


def seen(text: str) -> list[Letter]:
    return [Letter(letter, 6.0 * place, 6.0 * place + 6) for place, letter in enumerate(text)]


@pytest.mark.parametrize(
    ("line", "page", "text"),
    [
        ("(7 דומע) םולש", True, "שלום )עמוד 7("),
        (".2024 תנשב Google Inc תרבח", True, "חברת Google Inc בשנת 2024."),
        ("1,250.50 ריחמ", True, "מחיר 1,250.50"),
        ("%15 ةبسن", True, "نسبة 15%"),
        ("15% רועיש", True, "שיעור 15%"),
        ("named הרהק ריהק in 2024", False, "named קהיר קהרה in 2024"),
        ("named הרהק in 2024", True, "named קהרה in 2024"),
        (".Inc תרבח", True, "חברת Inc."),
        ("١٥", True, "١٥"),
        ("١٥ , ٢٠", True, "٢٠ , ١٥"),
        ("١٥", False, "١٥"),
    ],
)
def test_a_line_as_it_is_seen_is_put_in_the_order_it_is_read(line: str, page: bool, text: str):
    assert "".join(letter.text for letter in in_reading_order(seen(line), page)) == text


def test_the_second_letter_of_a_ligature_stays_with_the_first_where_the_next_one_begins_there_too():
    letters = [("ا", 30.0, 36.0), ("ل", 18.0, 30.0), ("ا", 18.0, 18.0), ("م", 12.0, 18.0)]
    assert read(letters, [(" ", 0.0, 3.0)]) == "الام"


def test_a_number_that_parts_words_read_from_the_right_keeps_its_place_and_its_sign():
    # Words turned round by MuPDF, and pieces drawn from the left: of the whole page that is so of one line only.
    plain = [*reversed(drawn("תיב", 60)), *drawn(" ", 54), *reversed(drawn("לודג", 30))]
    parted = [
        *reversed(drawn("לקש", 0)),
        *drawn(" ", 18),
        *drawn("1,250", 24),
        *drawn(" ", 54),
        *drawn(":", 60),
        *reversed(drawn("םוכס", 66)),
    ]
    assert read(plain).split()[-1] == "גדול"
    assert read(parted) == "סכום: 1,250 שקל"
