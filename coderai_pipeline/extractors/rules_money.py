"""Finds the amount that a receipt or invoice comes to. Other numbers are found beside their labels in `rules`.

Three kinds of evidence are weighed: a label that means the total, the sums that the other amounts form with it
(paid - change, net + tax), and where and how often it stands. Labels and amounts that the text gives as two blocks, as
readers of columns do, are paired in order.
"""

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values.measures import is_measure
from coderai_pipeline.domain.values.number_words import UNITS, currency_of
from coderai_pipeline.extractors.rules_labels import Label
from coderai_pipeline.extractors.rules_layout import Line, Sheet, fold_word
from coderai_pipeline.extractors.rules_values import Found

_FINAL = re.compile(
    r"grand|due|payable|am(?:oun)?t\.? paid|to pay|nett?\b|incl|round(?:ed|ing)? total|total round|after round|invoice total|final|zu zahlen|brutto|rechnungsbetrag|gesamtbetrag|endbetrag|ttc|à payer"
    r"|a pagar|totale (?:complessivo|fattura)|valor total|do zapłaty|genel toplam|ödenecek|te betalen|πληρωτέο|รวมทั้งสิ้น|ยอดสุทธิ|tổng cộng|請求金額|총액|결제금액|jumlah besar|к оплате|应付|实付|實付|价税合计|المستحق|inc\b",
    re.IGNORECASE,
)
# What is left to pay of a total, once a discount is taken off.
_TO_PAY = re.compile(
    r"\bto pay\b|zu zahlen|à payer|\ba pagar\b|do zapłaty|te betalen|ödenecek|к оплате|实付|實付|应付", re.IGNORECASE
)
_TOTAL = re.compile(
    r"\btotal\b|\btotale\b|\bsuma\b|\brazem\b|do zapłaty|\btoplam\b|ödenecek|σύνολο|συνολο|πληρωτέο|รวม|ยอด|tổng cộng|tổng tiền|합계|총액|결제금액|請求金額|\bjumlah\b|कुल"
    r"|\bvalor total\b|\ba pagar\b|实付|實付|te betalen|amount claimed|\bsum of\b|fee paid|net amount\W+(?:[A-Z₹]{1,3}\.?\s?)?\d|\btotaal\b|\bsumme\b|\bgesamt|betrag\b|\bmontant\b|\bimporte\b|итого?|всего|am(?:oun)?t\.? (?:due|payable|paid)|balance due|المجموع|إجمالي|الإجمالي|合计|总计|总额|合計|應付|应付",
    re.IGNORECASE,
)
_PART = re.compile(
    r"sub\s*-?\s*tot|zwischensumme|sous-total|подытог|промежуточн|小计|小計|subtotale|subtotaal|ara toplam|สุทธิก่อน|tạm tính|소계|υποσύνολο|topkdv|qty|quantity|\bitems?\b|\bpcs\b|saving|points?\b|summary|(?:gst|vat|tax|sst|mwst|discount) total"
    r"|total (?:gst|vat|tax|sst|mwst|discount|disc|service|no)\b|rounding(?! total)|round(?:ing)? adj|service ch|prepaid|deposit|anzahlung|税额|ضريبة",
    re.IGNORECASE,
)
_BEFORE_TAX = re.compile(
    r"excl|before|without|ohne|hors|\bht\b|\bnetto\b|net amount|taxable|tax amount|discount|rabatt|remise|descuento|скидка|mwst|\bust\b|\btva\b|\biva\b|ндс",
    re.IGNORECASE,
)
_INCLUSIVE = re.compile(
    r"\binc(?:l(?:usive|uding|udes)?)?\b\.?|inkl|ttc|\bafter\b|\bnach\b|с учетом|含税", re.IGNORECASE
)
_SUMMARY = re.compile(
    r"\b(?:gst|vat|tax|sst|mwst)\s+(?:summary|analysis|breakdown)|steueraufstellung|tax code", re.IGNORECASE
)
_INCLUDES_TAX = re.compile(r"total\s+includes?|includes?\s+\d|(?:bill|price)\s+incl", re.IGNORECASE)
_PAID = re.compile(
    r"\bcash\b|change|tender|paid|payment|visa|master|card|\bdebit\b|\bcredit\b|gegeben|\bbar\b|rückgeld|zurück|gezahlt|contant|\bpin\b|gotówka|reszta|nakit|para üstü|μετρητά|ρέστα|เงินสด|เงินทอน|tiền mặt|tiền thừa|받은금액|거스름돈|お預り|お釣り|dinheiro|troco|contanti|resto|espèces|rendu|efectivo|cambio|tarjeta|наличн|сдача|карт|现金|找零|نقد",
    re.IGNORECASE,
)
# The word itself, with nothing but a currency, a colon and the amount.
_BARE = re.compile(
    r"\W*(?:total|totaal|summe|gesamt(?:betrag|summe)?|betrag|montant|importe|итого?|всего|合计|总计|总额|合計|المجموع|إجمالي|الإجمالي|totale|suma|toplam|σύνολο|συνολο|합계|jumlah)(?: (?:amount|sales?|price|amt|general|général))?"
    r"\W*(?:RM|R[ps]|kr|zł|Kč|[A-Z]{3})?[\W\d]*(?:RM|R[ps]|kr|zł|Kč|[A-Z]{3})?[\W\d]*",
    re.IGNORECASE,
)
_CURRENCY_ALONE = re.compile(r"[\s:*#()]*(?:[A-Z]{2,3}|[$€£¥₽]|р\.|руб\.?)?[\s:*#()]*", re.IGNORECASE)
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
"""Each counts as a word."""
_MOST_ON_A_LINE = 50
_FAR = 24
"""Lines below a block of labels in which its amounts are looked for."""
_MONEY = re.compile(r"[.,]\d{2}(?!\d)")


@dataclass(frozen=True, slots=True)
class _Amount:
    span: Span
    value: float
    order: int


@dataclass(slots=True)
class _Case:
    """What speaks for an amount being the total. label: the line that calls it so."""

    amount: _Amount
    points: float = 0.0
    label: Line | None = None
    directly: bool = False
    times: int = 0
    reasons: set[str] = field(default_factory=set[str])


def total(sheet: Sheet, labels: Sequence[Label]) -> tuple[Found, Span, float] | None:
    """The total, the passage that shows it and a confidence; None where neither a label nor a sum shows it."""
    amounts = _amounts(sheet)
    cases: dict[float, _Case] = {}
    for line, points in _called_total(sheet, labels):
        for amount, directly in _beside(sheet, line, amounts):
            _add(cases, amount, points if directly else points - 1.2, line, directly)
    _weigh_sums(cases, amounts)
    _prefer_rounded(cases, amounts)
    _weigh_repeats(cases, amounts)
    best = max(cases.values(), key=lambda case: (round(case.points, 3), case.amount.order), default=None)
    if best is None or best.points <= 0:
        return None
    return Found(best.amount.span.of(sheet.text), best.amount.span), _passage(best), _confidence(best)


def currency(sheet: Sheet) -> tuple[Found, float] | None:
    """The currency that most amounts are written with, as the first of them writes it; None where none is."""
    written: list[tuple[str, Span]] = []
    for span, reading in sheet.numbers:
        sign = _NO_CURRENCY.sub("", span.of(sheet.text))
        if reading.unit and sign and currency_of(sign, sheet.conventions.language):
            start = sheet.text.index(sign, span.start)
            written.append((sign, Span(start, start + len(sign))))
    counts = Counter(sign for sign, _ in written)
    first = next(iter(counts.most_common(1)), None)
    return None if first is None else (Found(first[0], next(s for sign, s in written if sign == first[0])), 0.5)


_NO_CURRENCY = re.compile(r"[\d\s.,'’()+−–-]+")


def _amounts(sheet: Sheet) -> list[_Amount]:
    """Amounts of money in reading order: with two decimals or a currency, not percentages, weights or lengths."""
    found = [
        (span, reading)
        for span, reading in sheet.numbers
        if isinstance(reading.value, float | int) and not _is_of_things(reading.unit or "")
    ]
    money = [(s, r) for s, r in found if _MONEY.search(s.of(sheet.text)) or (r.unit or "").isupper()]
    return [_Amount(span, abs(float(r.value)), order) for order, (span, r) in enumerate(money or found)]


def _is_of_things(unit: str) -> bool:
    return unit == "%" or unit in UNITS or is_measure(unit)


def _called_total(sheet: Sheet, labels: Sequence[Label]) -> Iterator[tuple[Line, float]]:
    """Lines that name the total, with what that is worth: more where they say that nothing is to be added, less in a tax summary."""
    own = {label.words for label in labels if label.own and len(label.words) > 1}
    summary = 0.0
    for line in sheet.lines:
        text = sheet.text[line.start : line.end]
        words = tuple(fold_word(word.folded) for word in line.words)
        if _SUMMARY.search(text):
            summary = 1.5
        if any(words[: len(label)] == label for label in own):
            yield line, 6.0
        elif _TOTAL.search(text) and (len(words) <= 12 or (_IDEOGRAPH.search(text) and len(text) <= 60)):
            yield line, _worth(text) - summary


def _worth(text: str) -> float:
    if _INCLUDES_TAX.search(text):
        return 0.4
    if _PART.search(text) or (_BEFORE_TAX.search(text) and not _INCLUSIVE.search(text)):
        return -1.5
    if _TO_PAY.search(text):
        return 5.0
    if _FINAL.search(text):
        return 3.6
    if _PAID.search(text):
        return 1.5
    return 2.6 if _BARE.fullmatch(text) else 1.9


def _beside(sheet: Sheet, line: Line, amounts: Sequence[_Amount]) -> Iterator[tuple[_Amount, bool]]:
    """The amounts that a label's line may mean, and whether there is no doubt: those on the line, on the next, or at the
    same place in a block of amounts."""
    here = _on(line, amounts)
    if here:
        yield here[-1], True
        return
    block = _block_of_labels(sheet, line, amounts)
    position = block.index(line)
    values = _block_of_amounts(sheet, block[-1].index + 1, amounts, len(block))
    from_end = len(values) - len(block) + position
    if len(block) == 1 or from_end == position:
        yield from ((value, True) for value in values[position : position + 1])
        return
    yield from ((values[at], False) for at in dict.fromkeys((from_end, position)) if 0 <= at < len(values))


def _on(line: Line, amounts: Sequence[_Amount]) -> list[_Amount]:
    first = bisect.bisect_left(amounts, line.start, key=lambda amount: amount.span.start)
    return list(
        itertools.takewhile(lambda amount: amount.span.start < line.end, amounts[first : first + _MOST_ON_A_LINE])
    )


def _block_of_labels(sheet: Sheet, line: Line, amounts: Sequence[_Amount]) -> list[Line]:
    """The lines without amounts around a label, down to the first amount and up to the last one before."""
    block = [line]
    for other in reversed(sheet.lines[max(0, line.index - 8) : line.index]):
        if _on(other, amounts) or not _names_an_amount(sheet, other):
            break
        block.insert(0, other)
    for other in sheet.lines[line.index + 1 : line.index + 9]:
        if _on(other, amounts) or not _names_an_amount(sheet, other):
            break
        block.append(other)
    return block


def _names_an_amount(sheet: Sheet, line: Line) -> bool:
    text = sheet.text[line.start : line.end]
    return bool(
        _TOTAL.search(text)
        or _PART.search(text)
        or _BEFORE_TAX.search(text)
        or _PAID.search(text)
        or text.rstrip().endswith(":")
    )


def _block_of_amounts(sheet: Sheet, first: int, amounts: Sequence[_Amount], labels: int) -> list[_Amount]:
    """The first run, near below, of lines that hold one amount and nothing else and are as many as the labels.

    A currency sign alone is passed over. Without a run so long the one that begins at once, else none.
    """
    run: list[_Amount] = []
    at_once: list[_Amount] = []
    for line in sheet.lines[first : first + _FAR]:
        here = _on(line, amounts)
        text = sheet.text[line.start : line.end]
        if len(here) == 1 and _CURRENCY_ALONE.fullmatch(text.replace(here[0].span.of(sheet.text), "", 1)):
            run.append(here[0])
        elif not _CURRENCY_ALONE.fullmatch(text):
            if len(run) >= labels:
                return run
            at_once = at_once or (
                run if run and run[0].span.start < sheet.lines[min(first + 2, len(sheet.lines) - 1)].start else []
            )
            if labels == 1:
                return at_once
            run = []
    return run if len(run) >= labels else at_once


def _add(cases: dict[float, _Case], amount: _Amount, points: float, label: Line, directly: bool) -> None:
    case = cases.setdefault(amount.value, _Case(amount))
    if points > case.points or (case.label is None and points < 0):
        case.amount, case.points, case.label, case.directly = amount, points, label, directly
    case.times += 1


def _weigh_sums(cases: dict[float, _Case], amounts: Sequence[_Amount]) -> None:
    """Sums that amounts standing together form: paid - change = total, paid = total with nothing back, net + tax = total."""
    values = {amount.value for amount in amounts}
    for at, amount in enumerate(amounts):
        following = amounts[at + 1 : at + 5]
        for paid, change in itertools.pairwise(following):
            sums = amount.value > 0 and round(paid.value - change.value, 2) == amount.value
            if sums and (change.value > 0 or paid is following[0]):
                _support(cases, amount, "paid - change", 2.4 if change.value > 0 else 1.2)
        near = [a.value for a in amounts[max(0, at - 6) : at + 7] if 0 < a.value * 3 < amount.value]
        if any(round(amount.value - part, 2) in values for part in near):
            _support(cases, amount, "net + tax", 0.7)


def _prefer_rounded(cases: dict[float, _Case], amounts: Sequence[_Amount]) -> None:
    """Where cash is rounded to the next 0.05, and the rounding is stated, the rounded total is the one to pay."""
    roundings = {amount.value for amount in amounts if 0 < amount.value < 0.05}
    by_value = {amount.value: amount for amount in amounts}
    for value, case in list(cases.items()):
        if case.points <= 0 or round(value * 20, 4).is_integer():
            continue
        for rounded in (round(value + sign * by, 2) for by in roundings for sign in (1, -1)):
            if rounded in by_value and round(rounded * 20, 4).is_integer():
                heir = cases.setdefault(rounded, _Case(by_value[rounded]))
                heir.points = max(heir.points, case.points) + 0.5
                heir.reasons.add("rounded")


def _support(cases: dict[float, _Case], amount: _Amount, reason: str, points: float) -> None:
    case = cases.setdefault(amount.value, _Case(amount))
    if reason not in case.reasons:
        case.reasons.add(reason)
        case.points += points


def _weigh_repeats(cases: dict[float, _Case], amounts: Sequence[_Amount]) -> None:
    largest = max((amount.value for amount in amounts), default=0.0)
    times = Counter(amount.value for amount in amounts)
    for value, case in cases.items():
        case.points += 0.3 * min(times[value] - 1, 2) + 0.2 * max(case.times - 1, 0)
        case.points += 0.4 if value == largest else 0.0
        case.points -= 3.0 if value == 0 else 0.0


def _passage(case: _Case) -> Span:
    if case.label is not None and case.directly and case.label.start <= case.amount.span.start:
        return Span(case.label.start, case.amount.span.end)
    return case.amount.span


def _confidence(case: _Case) -> float:
    """Found beside its label 0.8, in a block of amounts 0.6, by its sums alone 0.4; 0.1 more where sums bear it out."""
    base = 0.4 if case.label is None else 0.8 if case.directly else 0.6
    return min(0.95, base + 0.1 * bool(case.reasons))
