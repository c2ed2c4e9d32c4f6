"""What a failed request means and what to do about it: wait, try again, ask otherwise, or give up with a remedy.

Who waits and how often is in `provider`; the breaker is in `breaker`.
"""

import email.utils
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

Kind = Literal[
    "limited",
    "transient",
    "format",
    "schema",
    "parameter",
    "protocol",
    "too_long",
    "filtered",
    "quota",
    "refused",
    "address",
]

_LONGEST_RAW = 2_000
_LONGEST_WAIT_S = 10_000_000.0

_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum context|too many tokens|prompt is too long|input is too long"
    r"|reduce the length|exceeds? .{0,40}context|request too large|tokens must be reduced",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|not permitted|extra (inputs|fields)|invalid|not allowed|unexpected|must be"
    r"|should be|unavailable|not available|not implemented|not enabled|cannot|can't|fail(ed)? to|too (large|high|small|low)|at most"
    r"|only|deprecated|does not|doesn't|disabled|incompatible|out of range",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response[_ ]format|json[_ ]schema|json_object|json[_ ]mode|text\.format|structured[_ ]output|guided|grammar",
    re.IGNORECASE,
)
_SCHEMA = re.compile(
    r"invalid (json )?schema|schema is (invalid|not valid|too)|invalid_json_schema|schema contains|additionalProperties"
    r"|generate JSON|json_validate_failed",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|balance|funds|credits?)|billing_hard_limit|credit balance|(out of|no|not enough) credits?\b"
    r"|exceeded_current_quota",
    re.IGNORECASE,
)
_TOOLS = re.compile(r"\btool_choice\b|\btools?\b|function call", re.IGNORECASE)
_PARAMETER = re.compile(
    r"\b(temperature|top_p|seed|max_tokens|max_completion_tokens|max_output_tokens|frequency_penalty|presence_penalty"
    r"|store|strict|reasoning_effort|stop)\b"
)
_NO_SUCH_PATH = (404, 405)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what; the defaults are for real servers, tests scale them down.

    backoffs_s: before the 2nd, 3rd, ... try. outage_s: an outage longer than this is reported instead of waited for.
    hang_floor_s: no call is taken for hanging before this. limit_s: a limit is not waited for longer than this.
    """

    backoffs_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    breaker_open_s: float = 30.0
    outage_s: float = 150.0
    hang_floor_s: float = 5.0
    limit_s: float = 900.0

    def backoff_s(self, tries: int) -> float | None:
        """How long to wait after so many failed tries (full jitter); None = give up."""
        if tries > len(self.backoffs_s):
            return None
        return random.uniform(0.0, self.backoffs_s[tries - 1])  # noqa: S311 -- spreads callers, protects nothing


@dataclass(frozen=True, slots=True)
class Trouble:
    """A response that is no reply. wait_s: what the server asks for, None where it does not say. parameter: the one refused."""

    kind: Kind
    message: str
    raw: str = ""
    wait_s: float | None = None
    parameter: str = ""


def trouble_of(status: int, headers: Mapping[str, str], body: object, raw: str) -> Trouble:
    """Reads a response with an error status. body: its JSON, or None where it is none."""
    error = _error_object(body)
    message = str(error.get("message") or raw.strip()[:300] or f"status {status}")
    raw = raw[:_LONGEST_RAW]
    if status == 402 or (status < 500 and _NO_CREDIT.search(f"{error.get('code')} {error.get('type')} {message}")):
        return Trouble("quota", f"{status}: {message}", raw)
    if status == 429 and not _TOO_LONG.search(message):
        return Trouble("limited", message, raw, retry_after_s(headers))
    if status in (408, 409, 425) or (status >= 500 and status != 501):
        return Trouble("transient", f"{status}: {message}", raw, retry_after_s(headers))
    kind, parameter = _refusal(status, error, message)
    return Trouble(kind, f"{status}: {message}", raw, None, parameter)


def stated_status(body: object) -> int | None:
    """The status that a body means which came with 200 and holds an error instead of a reply; None = it holds none."""
    error = _error_object(body, is_stated=True)
    if not error:
        return None
    code = str(error.get("code") or error.get("status") or "")
    if "rate_limit" in code:
        return 429
    return int(code) if re.fullmatch(r"[45]\d\d", code) else 500


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: Retry-After-Ms, Retry-After (seconds or date); None where it does not say."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return min(_LONGEST_WAIT_S, max(0.0, float(headers.get(name, "")) / unit))
        except ValueError:
            continue
    date = email.utils.parsedate_tz(headers.get("retry-after"))
    if date is not None:
        return min(_LONGEST_WAIT_S, max(0.0, email.utils.mktime_tz(date) - time.time()))
    return None


def duration_s(text: str) -> float | None:
    """Seconds in a written duration such as `6m0s`, `1.5s`, `120ms` or `20`; None where it is none."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in parts)


def _refusal(status: int, error: Mapping[str, object], message: str) -> tuple[Kind, str]:
    code, param = str(error.get("code") or ""), str(error.get("param") or "")
    if status == 413 or code == "context_length_exceeded" or _TOO_LONG.search(message):
        return "too_long", ""
    if code in ("content_filter", "content_policy_violation"):
        return "filtered", ""
    if status in _NO_SUCH_PATH:
        return ("refused", "") if "model" in f"{code} {message}".lower() else ("protocol", "")
    if status in (400, 422, 501) and _UNSUPPORTED.search(f"{code} {message}"):
        return _refused_part(param, message)
    return "refused", ""


def _refused_part(param: str, message: str) -> tuple[Kind, str]:
    """Whether the reply format or a parameter is what the server does not take."""
    stated = param or message
    if _SCHEMA.search(message):
        return "schema", ""
    if _FORMAT.search(stated) or (_TOOLS.search(stated) and not _PARAMETER.fullmatch(param)):
        return "format", ""
    named = _PARAMETER.search(stated) or _PARAMETER.search(message)
    return ("parameter", named.group(1)) if named else ("refused", "")


def _error_object(body: object, *, is_stated: bool = False) -> Mapping[str, object]:
    """The part of an error body that says what is wrong, in the forms that servers use. is_stated: only what is called an error."""
    if isinstance(body, list) and body:
        return _error_object(cast(list[object], body)[0], is_stated=is_stated)
    if isinstance(body, str) and not is_stated:
        return {"message": body}
    if not isinstance(body, dict):
        return {}
    stated = cast(dict[str, object], body)
    error = stated.get("error", None if is_stated else stated)
    if isinstance(error, str):
        return {**stated, "message": error} if not is_stated or error else {}
    if not isinstance(error, dict):
        return {}
    found = cast(dict[str, object], error)
    if "message" not in found and "detail" in found:
        return {**found, "message": str(found["detail"])}
    return found
