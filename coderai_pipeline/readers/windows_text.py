"""Whether bytes make sense as Windows-1252, the encoding of most files in Western languages that do not say theirs.

Asked where a text is short: of a few signs, statistics make out any code page. Which encoding a file is read by is decided in
`encodings`.
"""

import re

_LETTERS = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ"
_WORD = re.compile(f"[{_LETTERS}]+")
_CAPITAL_WITHIN = re.compile("[a-zß-öø-ÿœšž][À-ÖØ-ÞŒŠŽŸ]")
_SIGN_WITHIN = re.compile(f"(?<=[{_LETTERS}])[^\\x00-\\x7f{_LETTERS}\xad\xb7’–—…](?=[{_LETTERS}])")
_SIGN_BEHIND = re.compile(f"(?<=[{_LETTERS}])[¿¡‚„£¥¢¼½¾¬¯´¸ƒˆ‰]")
"""What nobody writes behind a letter: there, they are letters of another code page."""
_SIGN_BEFORE = re.compile(f"[£¢¬¯´¸ƒˆ‰¹²³¼½¾‡](?=[{_LETTERS}])")
_UNUSUAL = re.compile("[¤¦¨\x80-\x9f]|[^\\x00-\\x7f\\w\\s]{3}")


def is_windows_text(data: bytes) -> bool:
    """Whether letters stand in words of mostly plain ones, capitals begin them, and signs stand where people put them."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    odd = (_CAPITAL_WITHIN, _SIGN_WITHIN, _SIGN_BEHIND, _SIGN_BEFORE, _UNUSUAL)
    return not any(pattern.search(text) for pattern in odd) and all(map(_is_word, _WORD.findall(text)))


def _is_word(word: str) -> bool:
    plain = len(word.encode("ascii", "ignore"))
    return len(word) - plain <= plain + 1
