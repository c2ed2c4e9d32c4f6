"""How quotes are found that a model has damaged: per language and kind of damage, the shares by class and of right spans.

Quotes are the gold answers of the sample articles and the sentences around them, and the sentences of reports in twelve
languages with claims that those do not make. The articles are looked for in the folder
named by CODERAI_SAMPLE_DATA, else in ../shared/data. The same run gives the same table; times are printed under it.
"""

import csv
import os
import random
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.grounding_reports import CLAIMS, REPORTS
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.normalised_text import NormalisedText, squeezed

SAMPLE = (
    Path(os.environ.get("CODERAI_SAMPLE_DATA", str(Path(__file__).resolve().parents[1] / "../shared/data"))) / "xquad"
)
CLASSES = ("exact", "normalised", "fuzzy", "ambiguous", "absent")
SLACK = 12
"""Characters by which a span may reach beyond the quote: a word at either end."""


def main() -> None:
    reports = list(report_quotes())
    _print_table("sentences of reports", reports, {quote.document: NormalisedText.of(quote.text) for quote in reports})
    _print_claims()
    if (SAMPLE / "gold.csv").is_file():
        quotes = list(gold_quotes(SAMPLE))
        texts = {quote.document: NormalisedText.of(quote.text) for quote in quotes}
        for kind in ("answer", "sentence"):
            _print_table(f"{kind}s", [quote for quote in quotes if quote.kind == kind], texts)
    else:
        print(f"no sample articles in {SAMPLE}: set CODERAI_SAMPLE_DATA to the folder that holds xquad/")
    _print_times()


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage of an article, as it stands there. kind: a gold answer, or the sentence around one."""

    document: str
    language: str
    kind: str
    text: str
    span: Span

    @property
    def written(self) -> str:
        return self.span.of(self.text)


def gold_quotes(folder: Path) -> Iterator[Quote]:
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "docs").glob("*.txt"))}
    seen: set[tuple[str, Span]] = set()
    with (folder / "gold.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, text = row["document"], texts[row["document"]]
            answer = Span(int(row["start"]), int(row["end"]))
            for kind, span in (("answer", answer), ("sentence", _sentence(text, answer))):
                if (name, span) not in seen:
                    seen.add((name, span))
                    yield Quote(name, name.split(".")[-2], kind, text, span)


def report_quotes() -> Iterator[Quote]:
    """The sentences of the reports; of Thai, which has no full stops, what stands between spaces."""
    for language, text in REPORTS.items():
        for match in re.finditer(r"\S{20,}" if language == "th" else r"[^.।。\s][^.।。]{14,}[.।。]", text):
            yield Quote(language, language, "sentence", text, Span(match.start(), match.end()))


def _sentence(text: str, answer: Span) -> Span:
    ends = [match.end() for match in re.finditer(r"[.!?؟](?=\s)|[。！？]|\n", text)]
    start = max((end for end in ends if end <= answer.start), default=0)
    end = min((end for end in ends if end >= answer.end), default=len(text))
    while start < end and text[start].isspace():
        start += 1
    return Span(start, max(answer.end, start + len(text[start:end].rstrip())))


Damage = Callable[[str], str | None]
"""A quote as a model may give it back; None where this damage does not apply."""


def _middle(quote: str, least: int) -> tuple[list[str], int] | None:
    """The words of a quote, single characters where the script has no spaces, and the one in the middle."""
    words = list(quote) if _is_unspaced(quote) else quote.split(" ")
    return (words, len(words) // 2) if len(words) >= least else None


def _is_unspaced(quote: str) -> bool:
    return sum("\u2e80" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0e7f" for char in quote) > len(quote) / 3


def _on_words(least: int, change: Callable[[list[str], int], list[str]]) -> Damage:
    def damaged(quote: str) -> str | None:
        parts = _middle(quote, least)
        return None if parts is None else ("" if _is_unspaced(quote) else " ").join(change(*parts))

    return damaged


def _without_diacritics(quote: str) -> str | None:
    decomposed = unicodedata.normalize("NFD", quote)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _hyphenated(quote: str) -> str | None:
    word = max(quote.split(), key=len)
    if len(word) < 8 or not word.isalpha() or _is_unspaced(word) or word >= "\u0590":
        return None
    return quote.replace(word, f"{word[:4]}-\n{word[4:]}", 1)


def _misspelt(quote: str) -> str | None:
    letters = [at for at, char in enumerate(quote) if char.isalpha()]
    if len(quote) < 16 or not letters:
        return None
    at = letters[len(letters) // 2]
    return quote[:at] + quote[at + 1 :]


def _full_width(quote: str) -> str | None:
    changed = "".join(chr(ord(char) + 0xFEE0) if char.isascii() and char.isalnum() else char for char in quote)
    return changed if changed != quote else None


def _arabic_digits(quote: str) -> str | None:
    changed = quote.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    return changed if changed != quote else None


def _other_number(quote: str) -> str | None:
    runs = re.findall(r"\d+", quote)
    return quote.replace(runs[-1], str(int(runs[-1]) + 3), 1) if runs else None


FOUND: Mapping[str, Damage] = {
    "as it is": lambda quote: quote,
    "line breaks": lambda quote: quote.replace(" ", "\n", 3) if " " in quote else None,
    "spaces doubled": lambda quote: quote.replace(" ", "  ") if " " in quote else None,
    "spaces lost": lambda quote: quote.replace(" ", "", 2) if " " in quote else None,
    "upper case": lambda quote: quote.upper() if quote.upper() != quote else None,
    "in quotation marks": lambda quote: f"“{quote}”",
    "quotes straightened": lambda quote: quote.translate(str.maketrans("“”„«»’", '"""""\'')),
    "dashes": lambda quote: re.sub("[-–—]", "—", quote) if re.search("[-–—]", quote) else None,
    "hyphenated": _hyphenated,
    "punctuation dropped": lambda quote: re.sub(r"(?<=\D)[.,،。、:;।]", "", quote),
    "decomposed (NFD)": lambda quote: unicodedata.normalize("NFD", quote),
    "diacritics dropped": _without_diacritics,
    "full width": _full_width,
    "digits of another script": _arabic_digits,
    "Markdown": _on_words(3, lambda words, at: [*words[:at], f"**{words[at]}**", *words[at + 1 :]]),
    "full stop added": lambda quote: quote.rstrip(".。") + "...",
    "elided": _on_words(9, lambda words, at: [*words[: at - 2], "...", *words[at + 2 :]]),
    "word missing": _on_words(5, lambda words, at: [*words[:at], *words[at + 1 :]]),
    "word added": _on_words(6, lambda words, at: [*words[:at], words[0], *words[at:]]),
    "words swapped": _on_words(6, lambda words, at: [*words[:at], words[at + 1], words[at], *words[at + 2 :]]),
    "letter missing": _misspelt,
    "cut off": lambda quote: quote[: len(quote) * 3 // 4] if len(quote) >= 24 else None,
}
ABSENT: Mapping[str, Damage] = {
    "another number": _other_number,
    "the words shuffled": _on_words(8, lambda words, at: [*words[at:][::-1], *words[:at][::-1]]),
    "of another article": lambda quote: quote,
}


def _print_table(title: str, quotes: Sequence[Quote], texts: Mapping[str, NormalisedText]) -> None:
    print(
        f"\n{title}: {len(quotes)}\n{'damage':26}{'':4}{'n':>5}"
        + "".join(f"{name:>11}" for name in (*CLASSES, "right"))
    )
    by_language: dict[str, list[Quote]] = defaultdict(list)
    for quote in quotes:
        by_language[quote.language].append(quote)
    for name, damage in (*FOUND.items(), *ABSENT.items()):
        for language, own in sorted(by_language.items()):
            _print_row(name, language, [_outcome(quote, damage, texts, name in ABSENT) for quote in own])


def _outcome(
    quote: Quote, damage: Damage, texts: Mapping[str, NormalisedText], invented: bool
) -> tuple[str, bool] | None:
    """Class and whether the span is the right one; of what the text does not say, whether nothing was found."""
    damaged = damage(quote.written)
    text = texts[quote.document]
    if damaged == quote.written and invented:
        names = sorted(texts)
        text = texts[names[(names.index(quote.document) + len(names) // 3 + 1) % len(names)]]
    if damaged is None or (invented and squeezed(damaged) in text.squeezed):
        return None
    evidence = ground(damaged, text)
    if invented or evidence.start is None or evidence.end is None:
        return evidence.grounding.value, invented and evidence.start is None
    return evidence.grounding.value, _is_right(quote, Span(evidence.start, evidence.end))


def _is_right(quote: Quote, found: Span) -> bool:
    """The passage itself, give or take a word at its ends, or another place that says the same."""
    same_words = squeezed(quote.written) in squeezed(found.of(quote.text))
    shared = min(found.end, quote.span.end) - max(found.start, quote.span.start)
    length = quote.span.end - quote.span.start
    return (same_words or shared >= 0.6 * length) and found.end - found.start <= length + SLACK


def _print_claims() -> None:
    """What the reports do not say must not be found, neither by itself nor within its sentence."""
    print(f"\nclaims\n{'kind':26}{'n':>5}{'found':>11}")
    sentences = list(report_quotes())
    for at, kind in enumerate(("another number", "another name", "denied otherwise")):
        found: list[bool] = []
        for language, claims in CLAIMS.items():
            stated, claimed = claims[at]
            around = [each.written for each in sentences if each.language == language and stated in each.written]
            text = NormalisedText.of(REPORTS[language])
            quotes = (claimed, *(each.replace(stated, claimed) for each in around))
            found.extend(ground(quote, text).start is not None for quote in quotes)
        print(f"{kind:26}{len(found):5}{sum(found) / len(found):11.0%}")


def _print_row(name: str, language: str, outcomes: Sequence[tuple[str, bool] | None]) -> None:
    known = [outcome for outcome in outcomes if outcome is not None]
    if known:
        counts = Counter(grounding for grounding, _ in known)
        shares = [*(counts[each] for each in CLASSES), sum(right for _, right in known)]
        print(f"{name:26}{language:4}{len(known):5}" + "".join(f"{share / len(known):11.0%}" for share in shares))


def _print_times() -> None:
    """200 quotes in a document of about a million characters: all found by alignment, all absent, all very frequent."""
    words = [
        f"{head}{tail}"
        for head in ("ba", "re", "mi", "to", "lu", "ke", "sa")
        for tail in ("n", "lor", "dist", "ge", "po")
    ]
    body = " ".join(random.Random(7).choices(words, k=170_000))
    text = NormalisedText.of(body)
    kinds: Mapping[str, Callable[[int], str]] = {
        "misspelt": lambda at: body[at * 4_000 : at * 4_000 + 90].replace("lor", "lro"),
        "absent": lambda at: f"nothing of this kind {at} was ever written in any such document as this",
        "frequent": lambda at: words[at % len(words)],
    }
    print(f"\n200 quotes in {len(body):,} characters")
    for name, make in kinds.items():
        start = time.perf_counter()
        for at in range(200):
            ground(make(at), text)
        print(f"{name:12}{time.perf_counter() - start:8.2f} s")


if __name__ == "__main__":
    main()
