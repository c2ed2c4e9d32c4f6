"""The Chat Completions protocol: a request's body, and what a body says. Azure speaks it too.

The other protocol is in `responses`; sending, retries and archive are in `provider`.
"""

import json
import re
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
    as_arguments,
    as_list,
    as_object,
    as_text,
    attempt_of,
    most_output,
    sampling,
    strictly,
    usage_from,
)

PATH = "/chat/completions"
_SHOWN = 200

_FINISHED = {
    "length": re.compile(r"length|max_tokens|model_length", re.IGNORECASE),
    "content_filter": re.compile(
        r".*(?:filter|safety|recitation|prohibited|blocklist|spii|guardrail|sensitive).*", re.IGNORECASE
    ),
    "refusal": re.compile(r"refus\w*", re.IGNORECASE),
}
"""Why a reply was not ended by the model itself, in the words of several vendors."""


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
        raise Malformed(f"the reply has no choices: {json.dumps(whole, ensure_ascii=False)[:_SHOWN]}")
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
    finish = _finish(str(choice.get("finish_reason")))
    content = message.get("content") or message.get("text")
    # What is said beside a tool call tells of it, and is no reply.
    text = _arguments(message) or as_text(content) or _misplaced(message)
    refusal = as_text(message.get("refusal"), "refusal") or as_text(as_list(content), "refusal")
    return (refusal, "refusal") if refusal and not text else (text, finish)


def _finish(reason: str) -> str:
    return next((finish for finish, words in _FINISHED.items() if words.fullmatch(reason)), "stop")


def _misplaced(message: Mapping[str, object]) -> str:
    """A whole JSON object among the thoughts: where local servers put the reply of a model that was told not to think."""
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and thought.lstrip().startswith("{") and thought.rstrip().endswith("}"):
            return thought
    return ""


def _arguments(message: Mapping[str, object]) -> str:
    """The arguments of all tool calls: where a reply stands that was asked for as a tool, or given as one unasked."""
    calls = [as_object(call, "a tool call").get("function") for call in as_list(message.get("tool_calls"))]
    functions = [
        cast(dict[str, object], one) for one in (*calls, message.get("function_call")) if isinstance(one, dict)
    ]
    return "\n".join(filter(None, (as_arguments(function.get("arguments")) for function in functions)))
