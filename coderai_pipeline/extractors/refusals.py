"""What a refused request was refused for, read from the words of many vendors: its length, its form, a parameter, the model.

What follows from it is decided in `attempts`; statuses and waits are read in `retrying` and `waits`.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

Refused = Literal[
    "format", "schema", "unkept", "parameter", "protocol", "too_long", "filtered", "quota", "key", "refused", "address"
]
"""schema: never takes this schema. unkept: could not keep to it this time. key, address: nothing
will be answered to this key, there or by this model."""

SYSTEM = "system"
"""Names the role of the first message where a model refuses it as it refuses a parameter."""

TOO_LONG = re.compile(
    r"context[ _](length|window|size|limit)|maximum (context|prompt)|prompt length"
    r"|(prompt|inputs?|requests?|messages?|text|strings?|content|conversation|payload|body)\b[^.]{0,40}\btoo (long|large|big)"
    r"|exceeds?\b.{0,40}\b(context|tokens|input length|maximum length)|tokens?\b.{0,40}\bexceed|token limit"
    r"|too many tokens|reduce the length|tokens must be reduced|max_tokens'? must be at least 1|inputs`? (tokens|must have less)",
    re.IGNORECASE,
)
TOO_LARGE_FOR_LIMIT = re.compile(r"request too large|reduce the length|context[ _](length|window)", re.IGNORECASE)
"""What a 429 says of a request that no waiting makes small enough."""
LIMITED = re.compile(
    r"rate[ _-]?limit|too many requests|throttl|requests? per (second|minute|day)|\b[RT]P[SMD]\b", re.IGNORECASE
)
NO_CREDIT = re.compile(
    r"insufficient[_ ](quota|balance|funds|credits?)|billing_hard_limit|credit balance|(out of|no|not enough) credits?\b"
    r"|exceeded_current_quota|billing_not_active|account is not active",
    re.IGNORECASE,
)
USED_UP_TODAY = re.compile(r"quotaId\W+\w*PerDay")
"""Google names the quota that is used up; the wait that stands beside it is that of the limit a minute."""
STATED = (
    (402, NO_CREDIT),
    (429, LIMITED),
    (401, re.compile(r"invalid_api_key|authentication_error|(incorrect|invalid) api[ _]?key", re.IGNORECASE)),
    (400, re.compile(r"invalid_request|content[_ ](filter|policy)|context_length", re.IGNORECASE)),
)
"""The status that an error means which came without one."""
AS_500 = re.compile(
    r"grammar|json[_ ]schema|response[_ ]format|conversation roles|system role|context[ _](length|window|size)",
    re.IGNORECASE,
)
"""What some local servers refuse with a 500, as if it were their own failure."""

_OUTPUT = re.compile(r"(completion|output|generated) tokens|max_(completion_|output_)?tokens.{0,10} is too large", re.I)
_CONTENT = re.compile(r"content[_ ](filter|policy|management)|ResponsibleAIPolicyViolation", re.IGNORECASE)
_FLAGGED = re.compile(r"flagged|moderation|safety", re.IGNORECASE)
_UNSUPPORTED = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|not permitted|extra (inputs|fields)|invalid|not allowed|unexpected|must"
    r"|should be|unavailable|not available|not implemented|not enabled|cannot|can't|fail(ed)? to|too (large|high|small|low)|at most"
    r"|only|deprecated|does not|doesn't|disabled|incompatible|out of range|no endpoints found",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response[_ ]format|json[_ ]schema|json_object|json[_ ]mode|text\.format|structured[_ ]output|guided|grammar"
    r"|handle the requested parameters",
    re.IGNORECASE,
)
_SCHEMA = re.compile(
    r"invalid (json )?schema|schema is (invalid|not valid|too)|invalid_json_schema|schema contains|additionalProperties",
    re.IGNORECASE,
)
_UNKEPT = re.compile(r"generate (valid )?JSON|json_validate_failed", re.IGNORECASE)
_TOOLS = re.compile(r"\btool_choice\b|\btools?\b|function call", re.IGNORECASE)
_PARAMETER = re.compile(
    r"\b(temperature|top_p|seed|max_tokens|max_completion_tokens|max_output_tokens|frequency_penalty|presence_penalty"
    r"|store|strict|reasoning_effort|stop)\b"
)
_SYSTEM = re.compile(
    r"conversation roles|(system|developer)'? (role|message)|role '?(system|developer)|support '(system|developer)'",
    re.IGNORECASE,
)
_PROTOCOL = re.compile(r"v1/responses|responses (api|endpoint)|not a chat model|chat/completions endpoint", re.I)
_MODEL = re.compile(
    r"not a valid model|(invalid|unknown|no such) model|model_not_found|model_not_exist"
    r"|\bmodel\b.{1,100}(does not exist|do(es)? not have access|not found|not exist)",
    re.IGNORECASE,
)
_NO_SUCH_PATH = (404, 405)


def refusal_of(status: int, error: Mapping[str, object], message: str) -> tuple[Refused, str]:
    """What was refused, and the name of the parameter where it is one."""
    code = str(error.get("code") or "")
    # Azure may name the filter only here.
    inner = error.get("innererror")
    said = f"{code} {cast(dict[str, object], inner).get('code') if isinstance(inner, dict) else ''} {message}"
    if status == 413 or code == "context_length_exceeded" or (TOO_LONG.search(message) and not _OUTPUT.search(message)):
        return "too_long", ""
    if _CONTENT.search(said) or (status == 403 and _FLAGGED.search(said)):
        return "filtered", ""
    if status == 403 and error.get("message"):
        return "key", ""
    if _PROTOCOL.search(message):
        return "protocol", ""
    if _MODEL.search(said):
        return "address", ""
    if status in (400, 404, 422, 501) or status >= 500:
        part = _refused_part(str(error.get("param") or ""), message) if _UNSUPPORTED.search(said) else ("refused", "")
        if part[0] != "refused":
            return part
    if status in _NO_SUCH_PATH:
        return ("address" if "model" in said.lower() else "protocol"), ""
    return "refused", ""


def _refused_part(param: str, message: str) -> tuple[Refused, str]:
    """Whether the reply format, the system message or a parameter is what the server does not take."""
    if _UNKEPT.search(message):
        return "unkept", ""
    if _SCHEMA.search(message):
        return "schema", ""
    for stated in (param, message):
        if _PARAMETER.fullmatch(stated) or stated.endswith(".strict"):
            return "parameter", stated.rpartition(".")[2]
        if _FORMAT.search(stated) or _TOOLS.search(stated):
            named = _PARAMETER.search(message) if "strict" in message else None
            return ("parameter", "strict") if named and named[1] == "strict" else ("format", "")
        if _SYSTEM.search(stated):
            return "parameter", SYSTEM
        if named := _PARAMETER.search(stated):
            return "parameter", named[1]
    return "refused", ""
