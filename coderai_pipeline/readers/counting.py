"""How lists write their numbers: letters, Roman, circled, words, and the digits and alphabets of other scripts.

Which number an item has is counted in `docx_numbering` and `html_blocks`.
"""

from collections.abc import Callable

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MAX_ROMAN = 10_000
_MAX_REPEATS = 30
_ALPHABETS = {
    "lowerLetter": "abcdefghijklmnopqrstuvwxyz",
    "russianLower": "абвгдежзиклмнопрстуфхцчшщыэюя",
    "arabicAlpha": "أبتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "arabicAbjad": "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ",
    "hebrew2": "אבגדהוזחטיכלמנסעפצקרשת",
    "thaiLetters": "กขคงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
    "ganada": "가나다라마바사아자차카타파하",
    "chosung": "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "aiueo": "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ",
    "aiueoFullWidth": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "iroha": "ｲﾛﾊﾆﾎﾍﾄﾁﾘﾇﾙｦﾜｶﾖﾀﾚｿﾂﾈﾅﾗﾑｳヰﾉｵｸﾔﾏｹﾌｺｴﾃｱｻｷﾕﾒﾐｼヱﾋﾓｾｽ",
    "irohaFullWidth": "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス",
    "ideographTraditional": "甲乙丙丁戊己庚辛壬癸",
    "ideographZodiac": "子丑寅卯辰巳午未申酉戌亥",
    "chicago": "*†‡§",
    "decimalEnclosedCircle": "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳",
    "decimalEnclosedParen": "⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿⒀⒁⒂⒃⒄⒅⒆⒇",
    "decimalEnclosedFullstop": "⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛",
}
_ALPHABETS["decimalEnclosedCircleChinese"] = _ALPHABETS["decimalEnclosedCircle"]
_UPPER = {"upperLetter": "lowerLetter", "russianUpper": "russianLower"}
_RUN_OUT = frozenset(name for name in _ALPHABETS if name.startswith("decimalEnclosed"))
"""Signs that end: after the last, plain digits follow."""
_DIGITS = {
    "decimalFullWidth": "０１２３４５６７８９", "decimalFullWidth2": "０１２３４５６７８９", "thaiNumbers": "๐๑๒๓๔๕๖๗๘๙",
    "hindiNumbers": "०१२३४५६७८९", "hindiArabic": "٠١٢٣٤٥٦٧٨٩", "ideographDigital": "〇一二三四五六七八九",
    "japaneseDigitalTenThousand": "〇一二三四五六七八九", "taiwaneseDigital": "○一二三四五六七八九",
    "koreanDigital": "영일이삼사오육칠팔구", "koreanDigital2": "零一二三四五六七八九",
}  # fmt: skip
_TENS = {
    **dict.fromkeys(("chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting",
                     "taiwaneseCountingThousand"), "一二三四五六七八九十"),
    "koreanCounting": "일이삼사오육칠팔구십",
    "chineseLegalSimplified": "壹贰叁肆伍陆柒捌玖拾",
    "japaneseLegal": "壱弐参四五六七八九拾",
    "ideographLegalTraditional": "壹貳參肆伍陸柒捌玖拾",
}  # fmt: skip
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_DECADES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip


def counted(number: int, style: str) -> str:
    """A number in one of Word's formats (w:numFmt); in plain digits where the format has no way to write it."""
    if style in _UPPER:
        return counted(number, _UPPER[style]).upper()
    if number > 0 and style in _ALPHABETS:
        return _lettered(number, _ALPHABETS[style], style in _RUN_OUT)
    if number >= 0 and style in _DIGITS:
        return "".join(_DIGITS[style][int(digit)] for digit in str(number))
    if 0 < number < 100:
        if style in _TENS:
            return _in_tens(number, _TENS[style])
        if style in _WORDS:
            return _WORDS[style](number)
    return _PLAIN[style](number) if style in _PLAIN else str(number)


def roman(number: int) -> str:
    written = ""
    for worth, digits in _ROMAN:
        written += digits * (number // worth if number < _MAX_ROMAN else 0)
        number %= worth
    return written


def _lettered(number: int, alphabet: str, runs_out: bool) -> str:
    """After the last letter, letters are doubled, then tripled: z, aa, bb."""
    repeats, index = divmod(number - 1, len(alphabet))
    if (runs_out and repeats) or repeats >= _MAX_REPEATS:
        return str(number)
    return alphabet[index] * (repeats + 1)


def _in_tens(number: int, digits: str) -> str:
    tens, ones = divmod(number, 10)
    ten = (digits[tens - 1] if tens > 1 else "") + digits[9] if tens else ""
    return ten + (digits[ones - 1] if ones else "")


def _cardinal(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _DECADES[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


def _ordinal_words(number: int) -> str:
    first, hyphen, last = _cardinal(number).rpartition("-")
    ordinal = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return first + hyphen + ordinal


def _ordinal(number: int) -> str:
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"


def _hebrew(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds > 4 or not number:
        return str(number)
    head = " קרשת"[hundreds].strip()
    if rest in (15, 16):
        return head + ("טו" if rest == 15 else "טז")
    tens, ones = divmod(rest, 10)
    return head + " יכלמנסעפצ"[tens].strip() + " אבגדהוזחט"[ones].strip()


_WORDS: dict[str, Callable[[int], str]] = {
    "cardinalText": lambda number: _cardinal(number).capitalize(),
    "ordinalText": lambda number: _ordinal_words(number).capitalize(),
}
_PLAIN: dict[str, Callable[[int], str]] = {
    "ordinal": _ordinal,
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    "numberInDash": lambda number: f"- {number} -",
    "hex": lambda number: f"{number:X}",
    "hebrew1": _hebrew,
}
