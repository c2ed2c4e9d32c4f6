"""How long a server asks to be left alone: in headers of several spellings, or in the words of its message.

What a request for patience means for a call is decided in `attempts`, for everybody's pace in `pacing`.
"""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

_LONGEST_WAIT_S = 10_000_000.0
_LEFT_AND_RESET = tuple(
    (f"{prefix}-{left.format(what)}", f"{prefix}-{reset.format(what)}")
    for prefix in ("x-ratelimit", "ratelimit", "anthropic-ratelimit")
    for what in ("-requests", "-tokens", "")
    for left, reset in (("remaining{}", "reset{}"), (f"{what[1:]}-remaining", f"{what[1:]}-reset"))
)
"""Headers that say how much is left of a limit, each with the one that says when there is more."""
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIT_WORDS = re.compile(r"\s*(?:(milli)?seconds?|secs?|(minutes?|mins?)|(hours?|hrs?)|(days?))\b", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"(?:try(?:ing)? again|retry(?:ing)?(?:[ _]?after|delay)?|wait(?:ing)?(?: for)?|resets?)\W{1,4}(?:again )?(?:in|after|for|at least)?\W{0,3}"
    r"((?:\d+(?:\.\d+)?(?:ms|d|h|m|s)?)+)",
    re.IGNORECASE,
)


def asked_wait_s(headers: Mapping[str, str], message: str = "", raw: str = "") -> float | None:
    """Seconds that the server asks to wait: by Retry-After, by its message, or by a limit of which nothing is left.

    None: it does not say. No seconds at all say nothing either: a server that just refused is not asked again at once.
    """
    said = (_retry_after_s(headers), _worded_s(message), _worded_s(raw), _reset_s(headers))
    return next((min(_LONGEST_WAIT_S, wait_s) for wait_s in said if wait_s and wait_s > 0), None)


def duration_s(text: str) -> float | None:
    """Seconds in a written duration such as `6m0s`, `1.5s`, `120ms` or `20`; None where it is none."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def until_s(text: str) -> float | None:
    """Seconds until a reset, given as a duration, a time of the clock (seconds or milliseconds since 1970) or a date."""
    given = text.strip()
    seconds = duration_s(given)
    now = time.time()
    if seconds is not None and seconds > 1e9:
        return max(0.0, (seconds / 1000 if seconds > 1e11 else seconds) - now)
    if seconds is not None:
        return seconds
    try:
        date = datetime.fromisoformat(given)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After-Ms, or Retry-After as seconds, as a duration or as a date."""
    milliseconds, given = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    for text, unit in ((milliseconds, 1000.0), (given, 1.0)):
        try:
            seconds = float(text) / unit
        except ValueError:
            continue
        if not math.isnan(seconds):
            return seconds
    date = email.utils.parsedate_tz(given)
    if date is not None:
        try:
            return email.utils.mktime_tz(date) - time.time()
        except (OverflowError, ValueError):
            return None
    return until_s(given)


def _worded_s(text: str) -> float | None:
    """`Please try again in 6m0s`, `retry after 20 seconds`, `"retryDelay": "34s"`."""
    match = _IN_WORDS.search(text)
    if match is None:
        return None
    seconds = duration_s(match[1])
    unit = _UNIT_WORDS.match(text, match.end())
    if seconds is None or unit is None or not match[1][-1].isdecimal():
        return seconds
    return seconds * (0.001 if unit[1] else 60 if unit[2] else 3600 if unit[3] else 86_400 if unit[4] else 1)


def _reset_s(headers: Mapping[str, str]) -> float | None:
    """The longest wait for a limit of which nothing is left."""
    waits = [until_s(headers.get(reset, "")) for left, reset in _LEFT_AND_RESET if _is_zero(headers.get(left, ""))]
    return max((wait_s for wait_s in waits if wait_s is not None), default=None)


def _is_zero(text: str) -> bool:
    try:
        return float(text) <= 0
    except ValueError:
        return False
