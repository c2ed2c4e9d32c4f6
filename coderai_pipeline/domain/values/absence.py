"""The words by which documents and replies say that something is not stated, in the languages the project promises.

Whether such a word is a value after all (a category called "Unknown", a Mr Null) is decided here too.
"""

import re

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.normalised_text import normalised
from coderai_pipeline.domain.values.booleans import says_yes_or_no
from coderai_pipeline.domain.values.categories import exact_category


def is_absent(written: JsonValue, variable: Variable, quote: str | None = None) -> bool:
    """Whether a reply's value says that there is none.

    A category of that name is a value. Of text and places, a surname such as Null is one where the quote has it, capitalised,
    among other words.
    """
    if isinstance(written, dict):
        return all(inner is None for inner in written.values())
    if written is None or written == []:
        return True
    if not isinstance(written, str):
        return False
    word = normalised(written).strip("\"'()[]<>{}.,;:!?*_ ")
    if not word or not word.strip("-/\\"):
        return True
    if variable.type is VariableType.CATEGORY and exact_category(written, variable) is not None:
        return False
    if variable.type in (VariableType.TEXT, VariableType.LOCATION) and _is_name(written.strip(), quote):
        return False
    if variable.type is VariableType.BOOLEAN and says_yes_or_no(word):
        return False
    return _WHERE.sub("", word) in _ABSENT


def _is_name(written: str, quote: str | None) -> bool:
    return bool(quote) and written in _SURNAMES and written in quote and len(quote.split()) > 1


# Where it is not stated: `not mentioned in the document`, `im Text nicht genannt`.
_WHERE = re.compile(
    r"^(?:(?:it|this|the \w+) )?(?:is|was) (?=not |un)| (?:in|by) (?:the |this )?(?:given |provided |source )?(?:document|text|article|passage|"
    r"excerpt|source|report|contract|letter|invoice)$|^im (?:dokument|text|artikel) | im (?:dokument|text|artikel)$|"
    r" dans le (?:document|texte)$| en el (?:documento|texto)$| в (?:документе|тексте)$|^文(?:档|件|章|本)?中"
)
_SURNAMES = frozenset({"Null", "Nil", "Nan", "Na"})
_LISTED = (
    "null|none|nil|nan|no value|kein wert|aucune valeur|sin valor|nessun valore|n/a|n.a|n. a|na|nd|n/d|not available|not applicable|not stated|not given|not specified|"
    "unspecified|not mentioned|not reported|not provided|not found|not known|not disclosed|undisclosed|missing|"
    "absent|unknown|unclear|undefined|undetermined|no data|no information|no answer|none given|none stated|empty|"
    "tbd|keine angabe|keine angaben|k. a|k.a|ka|nicht angegeben|nicht genannt|nicht erwähnt|nicht bekannt|"
    "unbekannt|nicht verfügbar|nicht zutreffend|entfällt|keine information|non indiqué|non précisé|non mentionné|"
    "non spécifié|non disponible|non applicable|non communiqué|inconnu|inconnue|sans objet|s.o|néant|"
    "aucune information|n.c|no indicado|no especificado|no mencionado|no disponible|no aplica|no consta|"
    "desconocido|desconocida|sin datos|sin información|ninguno|ninguna|s/d|не указано|не указана|не указан|"
    "неизвестно|нет данных|не упоминается|не применимо|отсутствует|не известно|н/д|غير مذكور|غير محدد|غير معروف|"
    "غير متوفر|غير متاح|لا يوجد|لا ينطبق|غير مذكورة|مجهول|未提及|未说明|未知|不详|未提供|不适用|无|没有|未注明|暂无|無|不明|未指定|"
    "non indicato|non specificato|non disponibile|non noto|nessuna informazione|sconosciuto|não informado|não especificado|"
    "não indicado|não mencionado|desconhecido|não consta|sem informação|onbekend|niet vermeld|niet bekend|niet gespecificeerd|"
    "geen opgave|nie podano|brak danych|belirtilmemiş|belirtilmedi|bilinmiyor|bilgi yok|記載なし|不明確|該当なし|未記載|情報なし|"
    "उल्लेख नहीं|अज्ञात|ज्ञात नहीं|उपलब्ध नहीं|not dated|undated|ohne datum|sans date|sin fecha|без даты|s.f|o. d|s.d|n.d"
)
_ABSENT = frozenset(normalised(word) for word in _LISTED.split("|"))
