"""A JSON Schema in few words, for servers that take no schema, and how long a reply to it may become.

Which servers those are is found out in `formats`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import cast

from coderai_pipeline.domain.cells import JsonValue

Schema = Mapping[str, JsonValue]

_DEEPEST = 12
_TOKENS_A_LEAF = 60
_ROWS_ASSUMED = 25
_SCHEMAS_KNOWN = 64
_digests: dict[int, tuple[Schema, str]] = {}
"""By identity, since schemas cannot be hashed; holding the schema keeps its identity from being used again."""


def describe(schema: Schema) -> str:
    """Instructions to reply with JSON of this schema; the same text for the same schema."""
    form = _form(schema, schema, 0)
    return f"Reply with one JSON value and nothing else, no code fence and no comment, of exactly this form:\n{form}"


def most_tokens(schema: Schema) -> int:
    """A generous bound on the tokens of a reply, for reserving budget: more where rows can repeat."""
    return min(32_768, 200 + int(_leaf_tokens(schema, schema, 0)))


def digest_of(schema: Schema) -> str:
    """Tells schemas apart; the same for the same content."""
    held = _digests.get(id(schema))
    if held is not None and held[0] is schema:
        return held[1]
    text = json.dumps(schema, sort_keys=True, ensure_ascii=False, default=dict)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if len(_digests) >= _SCHEMAS_KNOWN:
        _digests.clear()
    _digests[id(schema)] = (schema, digest)
    return digest


def _form(schema: Schema, root: Schema, depth: int) -> str:
    schema = _resolved(schema, root)
    if depth > _DEEPEST:
        return "any"
    choices = _choices(schema)
    if choices:
        return " or ".join(_form(choice, root, depth + 1) for choice in choices)
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    values = schema.get("enum")
    if isinstance(values, list):
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return " or ".join(_form_of_type(kind, schema, root, depth) for kind in _types(schema))


def _form_of_type(kind: str, schema: Schema, root: Schema, depth: int) -> str:
    if kind == "object":
        inner = (f"{json.dumps(name)}: {_form(part, root, depth + 1)}" for name, part in _properties(schema).items())
        return "{" + ", ".join(inner) + "}"
    if kind == "array":
        return f"[{_form(_part(schema.get('items')), root, depth + 1)}, ...]"
    return {"boolean": "true or false"}.get(kind, kind)


def _leaf_tokens(schema: Schema, root: Schema, depth: int) -> float:
    schema = _resolved(schema, root)
    if depth > _DEEPEST:
        return _TOKENS_A_LEAF
    choices = _choices(schema)
    if choices:
        return max(_leaf_tokens(choice, root, depth + 1) for choice in choices)
    properties = _properties(schema)
    if properties:
        return sum(10 + _leaf_tokens(part, root, depth + 1) for part in properties.values())
    if "array" in _types(schema):
        item = _leaf_tokens(_part(schema.get("items")), root, depth + 1)
        return item * _ROWS_ASSUMED if item > _TOKENS_A_LEAF else item * 3
    return _TOKENS_A_LEAF


def _resolved(schema: Schema, root: Schema) -> Schema:
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        schema = root
        for name in reference.removeprefix("#").strip("/").split("/"):
            schema = _part(schema.get(name)) if name else schema
    return schema


def _choices(schema: Schema) -> list[Schema]:
    given = schema.get("anyOf") or schema.get("oneOf")
    return [_part(choice) for choice in given] if isinstance(given, list) else []


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return [str(one) for one in kind]
    return [str(kind)] if kind else ["object" if _properties(schema) else "any"]


def _properties(schema: Schema) -> dict[str, Schema]:
    given = schema.get("properties")
    return {name: _part(part) for name, part in given.items()} if isinstance(given, dict) else {}


def _part(value: JsonValue) -> Schema:
    return cast(Schema, value) if isinstance(value, dict) else {}
