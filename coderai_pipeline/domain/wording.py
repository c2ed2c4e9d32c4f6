"""How values and passages are written in reasons and changes, so that a person reads the same form everywhere."""

import re

from coderai_pipeline.domain.cells import JsonValue, Value

LONGEST_SHOWN = 60


def short(text: str) -> str:
    """A passage cut to what fits in a sentence."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def shown(value: Value) -> str:
    """A settled value: numbers without a trailing .0, yes and no, several values separated by semicolons."""
    if isinstance(value, tuple):
        return "; ".join(shown(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else "" if value is None else f"{value:.15g}"


def shown_json(value: JsonValue) -> str:
    """A reply's value as it was written."""
    if isinstance(value, list):
        return "; ".join(map(shown_json, value)) or "[]"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown_json(each)}" for key, each in value.items()) or "{}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return value if isinstance(value, str) else f"{value:.15g}"


_DENIAL = re.compile(
    r"\b(?:not|no|non|never|without|nicht|kein\w*|ohne|nie|pas|sans|jamais|sin|nunca|не|нет|без|ليس|غير|لا|بدون)\b|[不没沒无無未非]"
)


# Words and syllables for not, as normalised text has them, accents dropped; before a number `no` is `№`.
_NOT = re.compile(
    r"\b(?:no(?!\.?\s?\d)|not|non|nobody|none|neither|nor|never|nothing|without|nicht|kein\w*|niemand|nie|niemals|ohne|weder|ne|pas|aucun\w*|sans|jamais|"
    r"sin|ningun\w*|nadie|nunca|nao|nenhum\w*|ninguem|sem|nessun\w*|senza|mai|geen|niet|niemand|zonder|nie|nikt|bez|zadn\w*|nu|nimeni|fara|"
    r"niciun\w*|degil|yok|hic\w*|не|нет|без|ни|никто|никогда|ні|немає|δεν|μη|μην|κανεισ|κανενασ|καμια|κανενα|χωρισ|ουτε|ποτε|khong|chua|chang|"
    r"inte|ingen|inget|nem|nincs|ei|לא|אין|בלי|ואין|ולא|لا|لم|لن|ليس|ليست|غير|بدون|ولا|ولم|ولن|نه|نيست|tidak|bukan|tanpa)\b"
    r"|नही|बिना|मत(?=\s)|n['’]t\b|[不没沒無无未非]|ない|なか|ません|ずに|ไม(?![้ล])|มิได้|없|않|아니|못"
)


def denials(text: str) -> int:
    """How many words for not a normalised text holds, in the languages whose words are known."""
    return len(_NOT.findall(text))


def denies(text: str) -> bool:
    """Whether a text (lower case) holds a word for not, so that what it is added to says the opposite."""
    return _DENIAL.search(text) is not None


def sentences(*parts: str) -> str:
    """What there is to say, joined; parts with nothing to say left out."""
    return "; ".join(dict.fromkeys(part for part in parts if part))
