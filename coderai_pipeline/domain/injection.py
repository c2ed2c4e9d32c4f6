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
    folded = text.casefold().replace("ı", "i")
    found = [
        Suspicion(Span(match.start(), match.end()), why)
        for why, phrases in _PHRASES
        for phrase in phrases
        if any(tell in folded for tell in phrase.tells)
        for match in phrase.pattern.finditer(text)
    ]
    found.extend(_invisible_messages(text))
    return _without_overlaps(found)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern, and the folded words of which a text must hold one for it to match: a search for them takes a hundredth
    of the time."""

    pattern: re.Pattern[str]
    tells: tuple[str, ...]


def _phrase(pattern: str, *tells: str) -> _Phrase:
    return _Phrase(re.compile(pattern, re.IGNORECASE | re.MULTILINE), tells)


_GAP = r"\W+(?:\w+\W+){0,4}?"
"""Up to four words in between."""

_PHRASES: tuple[tuple[str, tuple[_Phrase, ...]], ...] = (
    (
        "tells the model to ignore its instructions",
        (
            _phrase(
                rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}(?:instructions?|prompts?|rules|guidelines|commands?)\b",
                "ignore",
                "disregard",
                "forget",
                "override",
                "bypass",
            ),
            _phrase(
                rf"\b(?:ignorier\w*|vergiss|vergesse\w*|missachte\w*){_GAP}(?:anweisung\w*|instruktion\w*|befehl\w*|regeln|vorgaben)\b",
                "ignorier",
                "vergiss",
                "vergesse",
                "missachte",
            ),
            _phrase(
                rf"\b(?:ignore[zr]?|oublie[zr]?){_GAP}(?:instructions?|consignes?|directives?|règles)\b",
                "ignore",
                "oublie",
            ),
            _phrase(
                rf"\b(?:ignor[ae]\w*|olvid[ae]\w*|descart[ae]\w*){_GAP}(?:instrucciones|indicaciones|órdenes|reglas)\b",
                "ignor",
                "olvid",
                "descart",
            ),
            _phrase(
                rf"\b(?:ignor[aei]\w*|dimentica\w*|esqueç[ao]\w*){_GAP}(?:istruzioni|regole|instruções|regras)\b",
                "ignor",
                "dimentica",
                "esqueç",
            ),
            _phrase(
                rf"(?:игнориру\w*|забуд\w*|не\s+обращай\w*){_GAP}(?:инструкци\w*|указани\w*|правил\w*|команд\w*)",
                "игнориру",
                "забуд",
                "обращай",
            ),
            _phrase(
                r"(?:تجاهل|انس|تجاوز)\w*\s+(?:\w+\s+){0,3}?(?:التعليمات|الأوامر|القواعد|الإرشادات)",
                "تجاهل",
                "انس",
                "تجاوز",
            ),
            _phrase(
                r"(?:忽略|无视|無視|忘记|忘記|不要理会)[^。\n]{0,12}(?:指令|指示|说明|說明|提示|规则|規則)",
                "忽略",
                "无视",
                "無視",
                "忘记",
                "忘記",
                "不要理会",
            ),
            _phrase(r"(?:指示|命令|プロンプト)[^。\n]{0,8}(?:無視|忘れ)", "無視", "忘れ"),
        ),
    ),
    (
        "imitates the marks that part roles in a conversation with a model",
        (
            _phrase(r"<\|[a-z_]{2,20}\|>", "<|"),
            _phrase(r"\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>", "inst]", "sys>>", "of_turn>"),
            _phrase(
                r"^[ \t]*(?:#{2,}[ \t]*)?(?:system|assistant)(?:[ \t]+(?:prompt|message))?[ \t]*:"
                r"(?=.*\b(?:you|must|answer|respond|output)\b)",
                "system",
                "assistant",
            ),
            _phrase(
                r"</?(?:system|assistant|user|instructions?)>",
                "system>",
                "assistant>",
                "user>",
                "instruction>",
                "instructions>",
            ),
        ),
    ),
    (
        "gives the model a new task or role",
        (
            _phrase(
                r"\byou\s+are\s+(?:now\s+)?(?:an?\s+)?(?:\w+\s+){0,3}(?:AI|assistant|language\s+model|chatbot|LLM)\b",
                "you",
            ),
            _phrase(
                r"\b(?:as|dear|attention)\s+(?:an?\s+)?(?:AI|LLM|language\s+model)s?\b(?=\W)", "ai", "llm", "model"
            ),
            _phrase(r"\bnew\s+(?:system\s+)?(?:instructions?|prompt)\s*:", "instruction", "prompt"),
            _phrase(r"\bdu\s+bist\s+(?:jetzt\s+)?ein\w*\s+(?:\w+\s+){0,2}(?:KI|assistent\w*|sprachmodell)\b", "bist"),
            _phrase(
                r"\btu\s+es\s+(?:maintenant\s+)?une?\s+(?:\w+\s+){0,2}(?:IA|assistant|modèle\s+de\s+langage)\b", "tu"
            ),
            _phrase(r"\beres\s+(?:ahora\s+)?un\w*\s+(?:\w+\s+){0,2}(?:IA|asistente|modelo\s+de\s+lenguaje)\b", "eres"),
            _phrase(
                r"(?:теперь\s+)?ты\s*[—-]?\s*(?:теперь\s+)?(?:\w+\s+){0,2}(?:ассистент|языковая\s+модель|ИИ)\b", "ты"
            ),
            _phrase(r"你(?:现在|現在)?是[^。\n]{0,10}(?:助手|人工智能|语言模型|語言模型|AI)", "你"),
        ),
    ),
    (
        "tells the model what to answer",
        (
            _phrase(
                r"\b(?:always|only|just|instead)\s+(?:answer|respond|reply|return|output|extract)\b(?:\s+\w+){0,3}?\s*[:\"“'{\[]",
                "answer",
                "respond",
                "reply",
                "return",
                "output",
                "extract",
            ),
            _phrase(
                r"\b(?:set|report|extract|return|output)\s+(?:the\s+)?(?:value|answer|confidence|variable|json)\w*\s+(?:of\s+\w+\s+)?(?:to|as|with)\b",
                "set",
                "report",
                "extract",
                "return",
                "output",
            ),
            _phrase(
                r"\b(?:reveal|print|repeat|show)\s+(?:your|the)\s+(?:system\s+)?(?:prompt|instructions)\b",
                "reveal",
                "print",
                "repeat",
                "show",
            ),
        ),
    ),
)


def _invisible_messages(text: str) -> list[Suspicion]:
    """Runs of Unicode tag characters, which write ASCII that no one sees. The flags of England, Scotland and Wales are
    made of such tags too, behind a black flag."""
    if text.isascii():
        return []
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
