"""Yes and no as replies and forms write them, in the languages the project promises.

Words that say nothing is stated are in `absence`; they are never read as no.
"""

import math

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values import Conventions, Reading, Unread


def read_boolean(written: JsonValue, conventions: Conventions) -> Reading | Unread:
    """true/false, yes/no, 1/0, x of a ticked box; a sentence is read by its first word where a pause follows it."""
    if isinstance(written, bool):
        return Reading(written)
    if isinstance(written, int | float):
        return _of_number(written)
    if not isinstance(written, str):
        return Unread("yes or no is not given" if written is None else "a list or an object is not yes or no")
    if written.strip() in _EMPTY_BOXES:
        return Reading(False)
    text = normalised(written).strip("\"'()[].。!！ ")
    if text in _WORDS:
        return Reading(_WORDS[text])
    first = (
        text.replace(":", ",")
        .replace(";", ",")
        .replace(" - ", ",")
        .replace("，", ",")
        .replace("、", ",")
        .replace(" (", ",")
        .replace("（", ",")
        .split(",")[0]
        .strip(" .")
    )
    if first in _WORDS and first not in ("1", "0", "1.0", "0.0") and first != text:
        return Reading(_WORDS[first], change=f'"{written.strip()[:60]}" read as {"yes" if _WORDS[first] else "no"}')
    return Unread(f'"{written.strip()[:60]}" is neither yes nor no')


def says_yes_or_no(word: str) -> bool:
    """Whether a normalised word is one of those for yes and no (没有 is an answer, where elsewhere nothing is stated)."""
    return word in _WORDS


def _of_number(number: float) -> Reading | Unread:
    if math.isfinite(number) and number in (0, 1):
        return Reading(bool(number), change=f"{number:g} read as {'yes' if number else 'no'}")
    return Unread(f"{number} is neither 1 (yes) nor 0 (no)")


_YES = "true|yes|y|1|1.0|x|☑|☒|✓|✔|correct|ja|j|wahr|oui|o|vrai|si|s|verdadero|cierto|да|истина|верно|نعم|صحيح|اجل|是|对|有|真|是的|sim|tak|evet|richtig|zutreffend|sì|vero|waar|はい|हाँ|हां|जी हाँ|जी हां|예|네|так|verdadeiro|prawda|ano|da|ναι|αληθες|có|đúng|بله|بلی|כן|ใช่|จริง|evet|doğru|var|kyllä|igen|ya|benar|jo|jah|haan|হ্যাঁ|হাঁ|ndiyo|ndio"
_NO = "false|no|n|0|0.0|☐|nein|falsch|non|faux|falso|нет|ложь|неверно|لا|خطا|كلا|否|不|不是|没有|假|não|nie|hayır|nee|无|無|没|onwaar|いいえ|नहीं|아니요|아니오|아니|ні|nepravda|fałsz|ne|nu|όχι|ψευδες|không|sai|خیر|نه|לא|ไม่|ไม่ใช่|เท็จ|yanlış|yok|nej|ei|nem|tidak|नही|जी नहीं|نہیں|не|না|hapana|✗|✘"
_EMPTY_BOXES = ("[ ]", "[]", "( )", "()")
_WORDS = {normalised(word): True for word in _YES.split("|")} | {normalised(word): False for word in _NO.split("|")}
