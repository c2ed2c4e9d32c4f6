"""Finds passages of a document that speak to the model: instructions, role marks, orders to answer something.

They are reported, not removed: a person judges them. What keeps them from working is the delimiters in `prompts`, the
schema, and grounding; text that cannot be seen on the page is reported by the readers.
"""

import re
import unicodedata
from dataclasses import dataclass

from coderai_pipeline.domain.documents import Span


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A passage that reads like an instruction to a model, and which kind of instruction."""

    span: Span
    why: str


def suspicious_passages(text: str) -> tuple[Suspicion, ...]:
    """Every such passage in order, without overlaps; offsets into `text`."""
    found = [
        Suspicion(Span(match.start(), match.end()), why)
        for why, pattern in _PATTERNS
        for match in pattern.finditer(text)
    ]
    found.extend(_invisible_messages(text))
    return _without_overlaps(found)


def _phrases(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE | re.MULTILINE)


_GAP = r"\W+(?:\w+\W+){0,4}?"
"""Up to four words in between."""

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "tells the model to ignore its instructions",
        _phrases(
            rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}(?:instructions?|prompts?|rules|guidelines|commands?)\b",
            rf"\b(?:ignorier\w*|vergiss|vergesse\w*|missachte\w*){_GAP}(?:anweisung\w*|instruktion\w*|befehl\w*|regeln|vorgaben)\b",
            rf"\b(?:ignore[zr]?|oublie[zr]?){_GAP}(?:instructions?|consignes?|directives?|règles)\b",
            rf"\b(?:ignor[ae]\w*|olvid[ae]\w*|descart[ae]\w*){_GAP}(?:instrucciones|indicaciones|órdenes|reglas)\b",
            rf"\b(?:ignor[aei]\w*|dimentica\w*|esqueç[ao]\w*){_GAP}(?:istruzioni|regole|instruções|regras)\b",
            rf"(?:игнориру\w*|забуд\w*|не\s+обращай\w*){_GAP}(?:инструкци\w*|указани\w*|правил\w*|команд\w*)",
            r"(?:تجاهل|انس|تجاوز)\w*\s+(?:\w+\s+){0,3}?(?:التعليمات|الأوامر|القواعد|الإرشادات)",
            r"(?:忽略|无视|無視|忘记|忘記|不要理会)[^。\n]{0,12}(?:指令|指示|说明|說明|提示|规则|規則)",
            r"(?:指示|命令|プロンプト)[^。\n]{0,8}(?:無視|忘れ)",
        ),
    ),
    (
        "imitates the marks that part roles in a conversation with a model",
        _phrases(
            r"<\|[a-z_]{2,20}\|>",
            r"\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>",
            r"^[ \t]*(?:#{2,}[ \t]*)?(?:system|assistant)(?:[ \t]+(?:prompt|message))?[ \t]*:"
            r"(?=.*\b(?:you|must|answer|respond|output)\b)",
            r"</?(?:system|assistant|user|instructions?)>",
        ),
    ),
    (
        "gives the model a new task or role",
        _phrases(
            r"\byou\s+are\s+(?:now\s+)?(?:an?\s+)?(?:\w+\s+){0,3}(?:AI|assistant|language\s+model|chatbot|LLM)\b",
            r"\b(?:as|dear|attention)\s+(?:an?\s+)?(?:AI|LLM|language\s+model)s?\b(?=\W)",
            r"\bnew\s+(?:system\s+)?(?:instructions?|prompt)\s*:",
            r"\bdu\s+bist\s+(?:jetzt\s+)?ein\w*\s+(?:\w+\s+){0,2}(?:KI|assistent\w*|sprachmodell)\b",
            r"\btu\s+es\s+(?:maintenant\s+)?une?\s+(?:\w+\s+){0,2}(?:IA|assistant|modèle\s+de\s+langage)\b",
            r"\beres\s+(?:ahora\s+)?un\w*\s+(?:\w+\s+){0,2}(?:IA|asistente|modelo\s+de\s+lenguaje)\b",
            r"(?:теперь\s+)?ты\s*[—-]?\s*(?:теперь\s+)?(?:\w+\s+){0,2}(?:ассистент|языковая\s+модель|ИИ)\b",
            r"你(?:现在|現在)?是[^。\n]{0,10}(?:助手|人工智能|语言模型|語言模型|AI)",
        ),
    ),
    (
        "tells the model what to answer",
        _phrases(
            r"\b(?:always|only|just|instead)\s+(?:answer|respond|reply|return|output|extract)\b(?:\s+\w+){0,3}?\s*[:\"“'{\[]",
            r"\b(?:set|report|extract|return|output)\s+(?:the\s+)?(?:value|answer|confidence|variable|json)\w*\s+(?:of\s+\w+\s+)?(?:to|as|with)\b",
            r"\b(?:reveal|print|repeat|show)\s+(?:your|the)\s+(?:system\s+)?(?:prompt|instructions)\b",
        ),
    ),
)


def _invisible_messages(text: str) -> list[Suspicion]:
    """Runs of Unicode tag characters, which write ASCII that no one sees. The flags of England, Scotland and Wales are
    made of such tags too, behind a black flag."""
    runs = re.finditer(r"(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007e]{4,}", text)
    return [Suspicion(Span(run.start(), run.end()), f"writes invisibly: {_from_tags(run.group())}") for run in runs]


def _from_tags(tags: str) -> str:
    return unicodedata.normalize("NFC", "".join(chr(ord(tag) - 0xE0000) for tag in tags))[:80]


def _without_overlaps(found: list[Suspicion]) -> tuple[Suspicion, ...]:
    kept: list[Suspicion] = []
    for suspicion in sorted(found, key=lambda item: (item.span.start, -item.span.end)):
        if not kept or suspicion.span.start >= kept[-1].span.end:
            kept.append(suspicion)
    return tuple(kept)
