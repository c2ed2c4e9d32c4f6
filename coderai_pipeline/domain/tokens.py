"""How many tokens a text costs, by the o200k vocabulary that current OpenAI models share.

Where texts are cut is in `chunks`; what a provider really billed stands in each reply's usage.
"""

from collections.abc import Callable
from functools import cache
from typing import cast


def count_tokens(text: str) -> int:
    """Tokens of `text`; exact for o200k models, within some 10-20 % for others. Safe to call from any thread."""
    return _counter()(text if text.isascii() else _encodable(text))


@cache
def _counter() -> Callable[[str], int]:
    # Imported on first use: building the vocabulary costs 0.2 s that a process which counts nothing should not pay.
    from rs_bpe import openai  # pyright: ignore[reportUnknownVariableType]  # the wheel has no type information

    return cast(Callable[[str], int], openai.o200k_base().count)  # pyright: ignore[reportUnknownMemberType]


def _encodable(text: str) -> str:
    """Lone surrogates, which a damaged file can leave in a text, have no UTF-8 form; each counts as one `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")
