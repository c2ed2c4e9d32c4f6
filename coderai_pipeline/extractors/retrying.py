"""What a failed request means and what to do about it: wait, try again, ask otherwise, or give up with a remedy.

Who waits and how often is in `attempts`; what exactly was refused is read in `refusals`, how long to wait in `waits`.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from coderai_pipeline.extractors import refusals
from coderai_pipeline.extractors.refusals import Refused
from coderai_pipeline.extractors.waits import asked_wait_s

Kind: TypeAlias = Refused | Literal["limited", "transient"]

_LONGEST_RAW = 2_000
_TRANSIENT = (408, 409, 423, 424, 425, 498, 499)
"""Client errors that are the server's own: it was too slow, too early, or its model failed."""


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
    """A response that is no reply. wait_s: what the server asks for, None where it does not say. parameter: the one refused.
    status: of the response, or that its body means; 0 = there was none. is_daily: what a day allows is used up.
    """

    kind: Kind
    message: str
    raw: str = ""
    wait_s: float | None = None
    parameter: str = ""
    status: int = 0
    is_daily: bool = False


def trouble_of(status: int, headers: Mapping[str, str], body: object, raw: str) -> Trouble:
    """Reads a response with an error status. body: its JSON, or None where it is none."""
    return replace(_trouble_in(status, headers, body, raw), status=status)


def _trouble_in(status: int, headers: Mapping[str, str], body: object, raw: str) -> Trouble:
    error = _error_object(body)
    message = _message(error) or raw.strip()[:300] or f"status {status}"
    said = f"{status}: {message}"
    named = f"{error.get('code')} {error.get('type')} {message}"
    is_daily = bool(refusals.USED_UP_TODAY.search(raw))
    raw = raw[:_LONGEST_RAW]
    if status == 402 or (status < 500 and refusals.NO_CREDIT.search(named)):
        return Trouble("quota", said, raw)
    is_limit = status == 429 or (status in (400, 403, 503) and refusals.LIMITED.search(named))
    if is_limit and not refusals.TOO_LARGE_FOR_LIMIT.search(message):
        wait_s = None if is_daily else asked_wait_s(headers, message, raw)
        return Trouble("limited", message, raw, wait_s, is_daily=is_daily)
    if status in _TRANSIENT or (status >= 500 and status != 501 and not refusals.AS_500.search(message)):
        return Trouble("transient", said, raw, asked_wait_s(headers))
    kind, parameter = refusals.refusal_of(status, error, message)
    if kind == "refused" and status >= 500:
        return Trouble("transient", said, raw, asked_wait_s(headers))
    return Trouble(kind, said, raw, None, parameter)


def remedy_for(trouble: Trouble, key_name: str) -> str:
    """What a person can do about a refusal. key_name: the environment variable that holds the key."""
    if trouble.kind == "quota":
        return f"the account behind {key_name} has no credit left: top it up, or use another key, then resume"
    if trouble.status in (401, 403):
        return f"check the key in {key_name} and what it may use"
    if trouble.kind == "address" or trouble.status in (404, 405):
        return "check `extractor.base_url`, `extractor.model` and `extractor.api` in project.yaml"
    return "check the extractor settings in project.yaml"


def stated_status(body: object) -> int | None:
    """The status that a body means which came with 200 and holds an error instead of a reply; None = it holds none."""
    error = _error_object(body, is_stated=True)
    if not error:
        return None
    code = str(error.get("code") or error.get("status") or "")
    if re.fullmatch(r"[45]\d\d", code):
        return int(code)
    named = f"{code} {error.get('type')} {_message(error)}"
    return next((status for status, words in refusals.STATED if words.search(named)), 500)


def _message(error: Mapping[str, object]) -> str:
    """What the error says; of one that was passed on from elsewhere, what was said there as well."""
    said = error.get("message")
    message = said if isinstance(said, str) else json.dumps(said) if said else ""
    metadata = error.get("metadata")
    passed_on = cast(dict[str, object], metadata).get("raw") if isinstance(metadata, dict) else None
    return f"{message} ({passed_on[:300]})" if isinstance(passed_on, str) else message


def _error_object(body: object, *, is_stated: bool = False) -> Mapping[str, object]:
    """The part of an error body that says what is wrong, in the forms that servers use. is_stated: only what is called an error."""
    if isinstance(body, list) and body:
        return _error_object(cast(list[object], body)[0], is_stated=is_stated)
    if isinstance(body, str) and not is_stated:
        return {"message": body}
    if not isinstance(body, dict):
        return {}
    stated = cast(dict[str, object], body)
    is_error = not is_stated or stated.get("object") == "error"
    error = stated.get("error", stated if is_error else None)
    if isinstance(error, str):
        return {**stated, "message": error} if not is_stated or error else {}
    if not isinstance(error, dict):
        return {}
    found = cast(dict[str, object], error)
    if "message" not in found and "detail" in found:
        return {**found, "message": str(found["detail"])}
    return found
