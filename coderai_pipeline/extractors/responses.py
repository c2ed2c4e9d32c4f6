"""The Responses protocol: a request's body, and what a body says.

The older protocol, which nearly every server speaks, is in `chat`.
"""

from collections.abc import Mapping
from typing import cast

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.extractors.chat import messages_for
from coderai_pipeline.extractors.wire import (
    SCHEMA_NAME,
    Asking,
    Body,
    Malformed,
    Said,
    as_arguments,
    as_list,
    as_object,
    as_text,
    most_output,
    sampling,
    strictly,
    usage_from,
)

PATH = "/responses"


def body_for(request: CallRequest, asking: Asking) -> Body:
    """The JSON body that asks `request`. The server is told to keep nothing: the archive is ours."""
    body: Body = {"model": request.model, "input": messages_for(request, asking)}
    sent = sampling(request, asking)
    if "store" not in asking.dropped:
        sent["store"] = False
    # The protocol has no seed.
    sent.pop("seed", None)
    cap = most_output(request, asking)
    if cap is not None and "max_output_tokens" not in asking.dropped:
        sent["max_output_tokens"] = cap
    return {**body, **sent, **_format(request, asking)}


def said_in(body: object) -> Said:
    """What a response body says. Raises Malformed where it is no reply."""
    whole = as_object(body, "the body")
    if whole.get("status") in ("failed", "cancelled", "queued", "in_progress"):
        raise Malformed(f"the response is {whole['status']}")
    text, refusal = _content(whole)
    finish = _finish(whole)
    if refusal and not text:
        text, finish = refusal, "refusal"
    if not text and finish == "stop":
        raise Malformed("the reply has no content")
    return Said(text, finish, str(whole.get("model") or ""), usage_from(whole, "input", "output"))


def _format(request: CallRequest, asking: Asking) -> Body:
    schema = dict(request.schema)
    if asking.reply_format == "json_schema":
        named: Body = {"type": "json_schema", "name": SCHEMA_NAME, **strictly(asking), "schema": schema}
        return {"text": {"format": named}}
    if asking.reply_format == "tools":
        tool: Body = {"type": "function", "name": SCHEMA_NAME, "description": "Give the reply.", "parameters": schema}
        return {"tools": [tool], "tool_choice": {"type": "function", "name": SCHEMA_NAME}}
    return {"text": {"format": {"type": "json_object"}}} if asking.reply_format == "json_object" else {}


def _content(whole: Mapping[str, object]) -> tuple[str, str]:
    """(text, refusal) of all output items; reasoning is passed over."""
    texts: list[str] = []
    refusals: list[str] = []
    for item in as_list(whole.get("output")):
        stated = as_object(item, "an output item")
        if stated.get("type") == "function_call":
            texts.append(as_arguments(stated.get("arguments")))
        if stated.get("type", "message") == "message":
            texts.append(as_text(stated.get("content")))
            refusals.append(as_text(as_list(stated.get("content")), "refusal"))
    return "".join(texts) or as_text(whole.get("output_text")), "".join(refusals)


def _finish(whole: Mapping[str, object]) -> str:
    if whole.get("status") != "incomplete":
        return "stop"
    details = whole.get("incomplete_details")
    reason = cast(dict[str, object], details).get("reason") if isinstance(details, dict) else None
    return "content_filter" if reason == "content_filter" else "length"
