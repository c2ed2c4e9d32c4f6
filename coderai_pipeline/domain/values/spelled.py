"""Whole numbers spelled out: `twenty-five`, `zweihundertfünfzig`, `doscientos mil`, `сто двадцать`.

Only combinations that the language allows are read (`five six` is two numbers). Magnitudes are in `number_words`, numbers in
Chinese and like it in `spelled_in_steps`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values.digits import WORD
from coderai_pipeline.domain.values.number_words import magnitude_of, number_words
from coderai_pipeline.domain.values.spelled_in_steps import LANGUAGES as IN_STEPS
from coderai_pipeline.domain.values.spelled_in_steps import find_in_steps


def find_spelled(text: str, language: str) -> Iterator[tuple[Span, int]]:
    """Every spelled-out number of a text in one language; several hundred, half a million and twenty-first are none."""
    if language not in IN_STEPS:
        yield from _in_words(text, language)
        return
    found = [*find_in_steps(text, language), *_in_words(text, language)]
    yield from sorted(found, key=lambda each: each[0].start)


def _in_words(text: str, language: str) -> Iterator[tuple[Span, int]]:
    speech = _speech(language)
    run: list[_Word] = []
    for word in [*_words(text, speech), None]:
        if word is not None and len(run) < _LONGEST and (not run or _goes_on(text, run, word)):
            run = [*run, word]
            continue
        yield from _as_number(text, run, speech)
        run = [word] if word is not None else []


_LONGEST = 24
"""Words of the longest number that is read."""
_LONGEST_COMPOUND = 60


@dataclass(frozen=True, slots=True)
class _Speech:
    """How a language spells numbers. atoms: words up to 900. joins: words between them. bare: magnitudes that stand for
    one of them when alone. compound: whether one word holds several atoms (fünfundzwanzig)."""

    language: str
    atoms: Mapping[str, int]
    joins: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    compound: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a number. value: of an atom; factor: of a magnitude; both None for a joining word."""

    span: Span
    value: int | None = None
    factor: int | None = None


# From 20 in tens, then from 100 in hundreds where the language has a word for each; | separates forms.
_TENS = {
    "en": "twenty thirty forty|fourty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig|dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante septante huitante|octante|quatre-vingt|quatre-vingts nonante",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien|ciento doscientos|doscientas"
    " trescientos|trescientas cuatrocientos|cuatrocientas quinientos|quinientas seiscientos|seiscientas"
    " setecientos|setecientas ochocientos|ochocientas novecientos|novecientas",
    "ru": "двадцать|двадцати тридцать|тридцати сорок пятьдесят|пятидесяти шестьдесят|шестидесяти семьдесят|семидесяти"
    " восемьдесят|восьмидесяти девяносто сто|ста двести|двухсот триста|трёхсот|трехсот четыреста|четырёхсот|четырехсот"
    " пятьсот|пятисот шестьсот|шестисот семьсот|семисот восемьсот|восьмисот девятьсот|девятисот",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem|cento duzentos|duzentas"
    " trezentos|trezentas quatrocentos|quatrocentas quinhentos|quinhentas seiscentos|seiscentas setecentos|setecentas"
    " oitocentos|oitocentas novecentos|novecentas",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta cento duecento trecento quattrocento cinquecento"
    " seicento settecento ottocento novecento",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "pl": "dwadzieścia|dwudziestu trzydzieści|trzydziestu czterdzieści|czterdziestu pięćdziesiąt|pięćdziesięciu"
    " sześćdziesiąt|sześćdziesięciu siedemdziesiąt|siedemdziesięciu osiemdziesiąt|osiemdziesięciu"
    " dziewięćdziesiąt|dziewięćdziesięciu sto|stu dwieście|dwustu trzysta czterysta pięćset sześćset siedemset osiemset"
    " dziewięćset",
    "ro": "douăzeci treizeci patruzeci cincizeci șaizeci|şaizeci șaptezeci|şaptezeci optzeci nouăzeci",
    "tr": "yirmi otuz kırk elli altmış yetmiş seksen doksan",
    "vi": "hai-mươi ba-mươi bốn-mươi năm-mươi sáu-mươi bảy-mươi tám-mươi chín-mươi",
    "el": "είκοσι τριάντα σαράντα πενήντα εξήντα εβδομήντα ογδόντα ενενήντα εκατό|εκατόν διακόσια|διακόσιοι|διακόσιες"
    " τριακόσια|τριακόσιοι|τριακόσιες τετρακόσια|τετρακόσιοι|τετρακόσιες πεντακόσια|πεντακόσιοι|πεντακόσιες"
    " εξακόσια|εξακόσιοι|εξακόσιες επτακόσια|επτακόσιοι|επτακόσιες οκτακόσια|οκτακόσιοι|οκτακόσιες"
    " εννιακόσια|εννιακόσιοι|εννιακόσιες",
    "hi": "बीस तीस चालीस पचास साठ सत्तर अस्सी नब्बे",
    "ar": "عشرون|عشرين ثلاثون|ثلاثين أربعون|أربعين|اربعون|اربعين خمسون|خمسين ستون|ستين سبعون|سبعين ثمانون|ثمانين تسعون|تسعين"
    " مئة|مائة مئتان|مئتين|مائتان|مائتين ثلاثمئة|ثلاثمائة أربعمئة|أربعمائة خمسمئة|خمسمائة ستمئة|ستمائة سبعمئة|سبعمائة"
    " ثمانمئة|ثمانمائة تسعمئة|تسعمائة",
}
_HUNDRED = {
    "en": "hundred",
    "de": "hundert",
    "fr": "cent|cents",
    "nl": "honderd",
    "ro": "sută|sute",
    "tr": "yüz",
    "vi": "trăm",
    "hi": "सौ",
}
_JOINS = {"en": "and", "de": "und", "fr": "et", "es": "y", "pt": "e", "ro": "și|şi", "ar": "و"}
_BARE = {
    "de": "hundert tausend",
    "fr": "cent mille",
    "es": "mil",
    "ru": "тысяча",
    "pt": "mil",
    "nl": "honderd duizend",
    "ro": "sută",
    "tr": "yüz bin",
    "pl": "tysiąc",
    "ar": "ألف",
}
# What before a number or after it makes it another one, or none.
_BEFORE = re.compile(
    r"(?:\bhalf|\bquarter|\bseveral|\bfew|\bmany|\bsome|\d|\bmehrere|\beinige|\bviele|\bpaar|\bhalbe|\bvarios|\bvarias|\bplusieurs"
    r"|\bquelques|\bнесколько|\bvários|\bpoint|\bkomma|\bvirgule|\bcoma)[\s-]*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"-?[^\W_]|-[^\W\d_]|\s+(?:and|und|et|y|e|с)\s+(?:an?\s+|ein\w*\s+|une?\s+)?(?:half|halb\w*|quarter|third|demie?|media"
    r"|medio|meia|половиной)|\s+(?:point|komma|virgule|coma|half|halb\w*|third|thirds|quarters?)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=16)
def _speech(language: str) -> _Speech:
    atoms = {} if language == "zh" else dict(number_words(language))
    for at, forms in enumerate(_TENS.get(language, "").split()):
        atoms |= dict.fromkeys(forms.split("|"), (at + 2) * 10 if at < 8 else (at - 7) * 100)
    atoms |= dict(_written_as_one(language, atoms))
    joins, bare = _JOINS.get(language, ""), _BARE.get(language, "")
    return _Speech(language, atoms, frozenset(joins.split("|")), frozenset(bare.split()), language == "de")


def _written_as_one(language: str, atoms: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Tens and ones that are written as one word: Italian ventitré, ventuno, Dutch vijfentwintig, tweeëntwintig."""
    for tens, ten in list(atoms.items()):
        for ones, one in list(atoms.items()):
            if ten not in range(20, 100, 10) or not 0 < one < 10:
                continue
            if language == "it":
                yield (tens[:-1] if ones[0] in "uo" else tens) + (ones if one != 3 else "tré"), ten + one
                yield tens + ones, ten + one
            if language == "nl":
                yield f"{ones}{'ën' if ones[-1] == 'e' else 'en'}{tens}", ten + one


def _words(text: str, speech: _Speech) -> Iterator[_Word]:
    for match in _WORDS.finditer(text):
        yield from _parts(match[0].casefold().replace(" ", "-"), match.start(), speech)


_WORDS = re.compile(rf"quatre[ -]vingts?\b|\w{{2,4}} mươi\b|{WORD}", re.IGNORECASE)


def _parts(word: str, start: int, speech: _Speech) -> Iterator[_Word]:
    """The number words that a written word consists of; none where it is another word."""
    whole = _word(word, Span(start, start + len(word)), speech)
    if whole is not None:
        yield whole
    elif (
        speech.language == "ar"
        and word[0] == "و"
        and (after := _word(word[1:], Span(start + 1, start + len(word)), speech))
    ):
        yield from (_Word(Span(start, start + 1)), after)
    elif speech.compound and len(word) <= _LONGEST_COMPOUND:
        parts = _compound(speech.language)
        if not parts.sub("", word):
            for part in parts.finditer(word):
                found = _word(part[0], Span(start + part.start(), start + part.end()), speech)
                yield found or _Word(Span(start, start))


@lru_cache(maxsize=4)
def _compound(language: str) -> re.Pattern[str]:
    """The words that a longer one is put together from, longest first."""
    words = [*_speech(language).atoms, "hundert", "tausend", "und"]
    return re.compile("|".join(sorted(words, key=len, reverse=True)))


def _word(word: str, span: Span, speech: _Speech) -> _Word | None:
    if word in speech.atoms:
        return _Word(span, value=speech.atoms[word])
    if word in speech.joins:
        return _Word(span)
    if word in _HUNDRED.get(speech.language, "").split("|"):
        return _Word(span, factor=100)
    if speech.language == "en" and word == "a":
        return _Word(span, value=1)
    factor = magnitude_of(word, speech.language)
    return _Word(span, factor=int(factor)) if factor and factor >= 1000 else None


def _goes_on(text: str, run: Sequence[_Word], word: _Word) -> bool:
    """Whether only a space or hyphen stands between the words, so that they may be one number."""
    return re.fullmatch(r"[\s-]{0,2}", text[run[-1].span.end : word.span.start]) is not None


def _as_number(text: str, run: Sequence[_Word], speech: _Speech) -> Iterator[tuple[Span, int]]:
    """The number that a run of number words makes; several where it can only be several (five, six)."""
    while run:
        joins = run[0].value is None and run[0].factor is None
        lengths = () if joins else range(len(run), 0, -1)
        length = next((n for n in lengths if _value(text, run[:n], speech) is not None), 0)
        value = _value(text, run[:length], speech) if length else None
        taken = max(length, 1)
        span = Span(run[0].span.start, run[taken - 1].span.end)
        alone = not _BEFORE.search(text, max(0, span.start - 16), span.start) and not _AFTER.match(text, span.end)
        if value is not None and alone:
            yield span, value
        run = run[taken:]


def _value(text: str, run: Sequence[_Word], speech: _Speech) -> int | None:
    """The value of words that form one number, None where they do not."""
    written = [text[word.span.start : word.span.end].casefold() for word in run]
    if (run[-1].value is None and run[-1].factor is None) or written == ["a"]:
        return None
    if run[0].factor and written[0] not in speech.bare:
        return None
    total, group, lowest = 0, 0, 10**15
    for at, word in enumerate(run):
        if word.factor and word.factor >= 1000:
            if word.factor > lowest:
                return None
            total, group, lowest = total + max(group, at == 0) * word.factor, 0, word.factor
            if not total:
                return None
        elif word.factor:
            if group > 99 or (group == 0 and written[0] not in speech.bare and at == 0):
                return None
            group = (group or 1) * word.factor
        elif word.value is not None:
            reversed_tens = at and written[at - 1] in ("und", "و") and word.value >= 20 and 0 < group % 100 < 10
            if not (_fits_reversed(group, word.value) if reversed_tens else _fits(group, word.value, speech.language)):
                return None
            group += word.value
    return total + group


def _fits(group: int, value: int, language: str) -> bool:
    if group == 0:
        return True
    ones = group % 100
    if ones == 0:
        return 0 < value < 100
    if language == "ar" and value == 10:
        return ones < 10
    if language in _TEN_AND_ONE and ones == 10:
        return 0 < value < 10
    if language == "fr" and (ones in (60, 80) or ones % 20 == 10):
        return 6 < value < 10 if ones % 20 == 10 else 0 < value < 20
    return ones >= 20 and ones % 10 == 0 and 0 < value < 10


_TEN_AND_ONE = ("tr", "vi")
"""Languages that say eleven as ten one."""


def _fits_reversed(group: int, tens: int) -> bool:
    """German: five-and-twenty."""
    return 0 < group % 100 < 10 and tens < 100
