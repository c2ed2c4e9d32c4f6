"""The Chat Completions protocol: a request's body, and what a body says. Azure speaks it too.

The other protocol is in `responses`; sending, retries and archive are in `provider`.
"""

import json
from collections.abc import Mapping
from typing import cast

from coderai_pipeline.domain.cells import CallRequest, JsonValue, Message
from coderai_pipeline.extractors.refusals import SYSTEM
from coderai_pipeline.extractors.schema_text import describe
from coderai_pipeline.extractors.wire import (
    SCHEMA_NAME,
    Asking,
    Body,
    Malformed,
    Said,
    as_list,
    as_object,
    attempt_of,
    most_output,
    sampling,
    strictly,
    usage_from,
)

PATH = "/chat/completions"

_FINISHED: Mapping[str, str] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
}


def body_for(request: CallRequest, asking: Asking) -> Body:
    """The JSON body that asks `request` in the reply format that the server takes."""
    body: Body = {"model": request.model, "messages": messages_for(request, asking), **sampling(request, asking)}
    cap = most_output(request, asking)
    if cap is not None and asking.tokens_name not in asking.dropped:
        body[asking.tokens_name] = cap
    return {**body, **_format(request, asking)}


def said_in(body: object) -> Said:
    """What a response body says. Raises Malformed where it is no reply."""
    whole = as_object(body, "the body")
    choices = as_list(whole.get("choices"))
    if not choices:
        raise Malformed("the reply has no choices")
    read = [_choice(choice) for choice in choices]
    text, finish = next((one for one in read if one[0]), read[0])
    if not text and finish == "stop":
        raise Malformed("the reply has no content")
    return Said(text, finish, str(whole.get("model") or ""), usage_from(whole, "prompt", "completion"))


def messages_for(request: CallRequest, asking: Asking) -> list[JsonValue]:
    """The messages; the wanted JSON is described in the first one where the server takes no schema, or was misread once."""
    messages = list(request.messages)
    if asking.reply_format != "json_schema" or attempt_of(request) > 1:
        messages = _with_instruction(messages, describe(request.schema))
    if SYSTEM in asking.dropped:
        messages = [Message("user", "\n\n".join(message.content for message in messages))]
    return [{"role": message.role, "content": message.content} for message in messages]


def _with_instruction(messages: list[Message], instruction: str) -> list[Message]:
    if not messages or messages[0].role not in ("system", "developer"):
        return [Message("system", instruction), *messages]
    first = messages[0]
    return [Message(first.role, f"{first.content}\n\n{instruction}"), *messages[1:]]


def _format(request: CallRequest, asking: Asking) -> Body:
    schema = dict(request.schema)
    if asking.reply_format == "json_schema":
        named: Body = {"name": SCHEMA_NAME, **strictly(asking), "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if asking.reply_format == "tools":
        function: Body = {"name": SCHEMA_NAME, "description": "Give the reply.", "parameters": schema}
        chosen: Body = {"type": "function", "function": {"name": SCHEMA_NAME}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    return {"response_format": {"type": "json_object"}} if asking.reply_format == "json_object" else {}


def _choice(given: object) -> tuple[str, str]:
    """(text, finish reason) of a choice."""
    choice = as_object(given, "the first choice")
    message = as_object(choice.get("message", choice), "the message")
    finish = _FINISHED.get(str(choice.get("finish_reason")).lower(), "stop")
    content = message.get("content") or message.get("text")
    text = _text(content, "text") or _arguments(message) or _misplaced(message)
    refusal = _text(message.get("refusal"), "refusal") or _text(as_list(content), "refusal")
    return (refusal, "refusal") if refusal and not text else (text, finish)


def _misplaced(message: Mapping[str, object]) -> str:
    """A whole JSON object among the thoughts: where local servers put the reply of a model that was told not to think."""
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and thought.lstrip().startswith("{") and thought.rstrip().endswith("}"):
            return thought
    return ""


def _text(content: object, name: str) -> str:
    """Content as text; some servers send it as a list of parts with the text under `name`, or as the JSON itself."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    parts: list[str] = []
    for part in as_list(content):
        text = cast(dict[str, object], part).get(name) if isinstance(part, dict) else part if name == "text" else ""
        parts.append(text if isinstance(text, str) else "")
    return "".join(parts)


def _arguments(message: Mapping[str, object]) -> str:
    """The arguments of the first tool call: where a reply stands that was asked for as a tool, or given as one unasked."""
    calls = [as_object(call, "a tool call").get("function") for call in as_list(message.get("tool_calls"))]
    for function in (*calls, message.get("function_call")):
        arguments = cast(dict[str, object], function).get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str) and arguments:
            return arguments
        if isinstance(arguments, (dict, list)):
            return json.dumps(arguments, ensure_ascii=False)
    return ""
