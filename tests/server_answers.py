"""What a model server says: replies that follow a request's JSON Schema, and the ways in which a model gets them wrong.

Transport and moods are in `servers`.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any


def answer_by_schema(schema: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """A reply that follows `schema` and says `values`: variable -> value, (value, quote) or {value, quote, confidence}.

    Lists of rows are found under the schema's own name for them, or under `rows`. What is not in `values` is null.
    """
    return _fill(schema, values, schema, "")


def _fill(schema: Mapping[str, Any], given: Any, root: Mapping[str, Any], name: str) -> Any:
    schema = _resolve(schema, given, root)
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "properties" in schema:
        if given is None and "null" in kinds:
            return None
        return _variable(schema, given, root) if _is_variable(schema) else _object(schema, given, root)
    if "array" in kinds and "items" in schema:
        if given is None:
            return None if "null" in kinds else []
        rows = given if isinstance(given, list) else [given]
        return [_fill(schema["items"], row, root, name) for row in rows]
    return given


def _resolve(schema: Mapping[str, Any], given: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    choices = schema.get("anyOf") or schema.get("oneOf")
    if not choices:
        return schema
    wanted = "null" if given is None else "array" if isinstance(given, list) else ""
    fitting = [choice for choice in choices if choice.get("type", "") == wanted]
    others = [choice for choice in choices if choice.get("type") not in ("null", "array")]
    return _resolve((fitting or others or choices)[0], given, root)


def _is_variable(schema: Mapping[str, Any]) -> bool:
    return "value" in schema["properties"] or "values" in schema["properties"]


def _variable(schema: Mapping[str, Any], given: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(given, tuple):
        given = {"value": given[0], "quote": given[1]}
    if not isinstance(given, dict):
        quote = [str(one) for one in given] if isinstance(given, list) else None if given is None else str(given)
        given = {"value": given, "quote": quote}
    said = {"confidence": None if given["value"] is None else 0.95, "values": given["value"], **given}
    return {part: _fill(inner, said.get(part), root, part) for part, inner in schema["properties"].items()}


def _object(schema: Mapping[str, Any], given: Any, root: Mapping[str, Any]) -> Any:
    given = given or {}
    return {
        name: _fill(inner, _given(name, inner, given, root), root, name) for name, inner in schema["properties"].items()
    }


def _given(name: str, inner: Mapping[str, Any], given: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """What `given` holds for a property; rows under any name, and a wrapper around variables takes them all."""
    if name in given:
        return given[name]
    inner = _resolve(inner, given, root)
    if inner.get("type") == "array" and "properties" in _resolve(inner.get("items", {}), given, root):
        return given.get("rows")
    if "properties" in inner and not _is_variable(inner):
        return given
    return None


def wrong_shape(answer: Any, chance: random.Random) -> str:
    """The answer with its content kept and its shape lost."""
    shapes = [_bare_values(answer), [answer], {"result": answer}]
    choice = chance.randrange(4)
    if choice == 3:
        return f"Here is the data:\n```json\n{json.dumps(answer, ensure_ascii=False, indent=1)}\n```"
    return json.dumps(shapes[choice], ensure_ascii=False)


def _bare_values(answer: Any) -> Any:
    if isinstance(answer, dict):
        return answer["value"] if "value" in answer else {name: _bare_values(inner) for name, inner in answer.items()}
    return [_bare_values(inner) for inner in answer] if isinstance(answer, list) else answer


def with_invented_quotes(answer: Any) -> Any:
    """The answer with every quote replaced by words that no document holds."""
    if isinstance(answer, dict):
        return {
            name: "quoth zyxwv the invented" if name == "quote" and inner is not None else with_invented_quotes(inner)
            for name, inner in answer.items()
        }
    return [with_invented_quotes(inner) for inner in answer] if isinstance(answer, list) else answer


def answer_from_labels(schema: Mapping[str, Any] | None, text: str) -> Any:
    """Reads `Label: value` lines, the label being a variable's name with spaces or underscores; for trying by hand."""
    lines = re.findall(r"^\W*([\w ]{2,40}?)\s*[:：]\s*(\S.*?)\s*$", text, re.MULTILINE)
    found = {label.strip().lower().replace(" ", "_"): (value, value) for label, value in lines}
    if schema is None:
        return {name: {"value": value, "quote": quote, "confidence": 0.9} for name, (value, quote) in found.items()}
    return _with_numbers(answer_by_schema(schema, {**found, "rows": [found]}), schema, schema)


def _with_numbers(answer: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Numbers where the schema asks for them and the text is one."""
    schema = _resolve(schema, answer, root)
    if isinstance(answer, dict):
        return {name: _with_numbers(inner, schema["properties"][name], root) for name, inner in answer.items()}
    if isinstance(answer, list):
        return [_with_numbers(inner, schema["items"], root) for inner in answer]
    if isinstance(answer, str) and "number" in str(schema.get("type")):
        number = re.search(r"-?\d[\d.]*", answer.replace(",", ""))
        return float(number.group()) if number else None
    return answer
