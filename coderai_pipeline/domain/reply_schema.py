"""The strict JSON Schema of a reply, as Structured Outputs demand it: every property required, and none besides.

What a reply says once it has come is read in `replies`, which takes many more shapes than this one.
"""

from coderai_pipeline.domain.asks import Ask
from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable, VariableType

MOST_ENUM_VALUES = 250
"""OpenAI takes at most 250 values in one enum unless they are short, and 1,000 in a whole schema."""
MOST_ENUM_VALUES_IN_ALL = 1_000

Schema = dict[str, JsonValue]


def schema_for(ask: Ask) -> Schema:
    """The schema of the reply to an ask.

    `row`: {variable: {value, quote, confidence}}. `rows` and `identify`: {document: {...}, rows: [{...}]}, without
    `document` where no variable belongs to it; rows of `identify` also have the quote that shows the entity.
    `fill`: {rows: [{id, ...}]}.
    """
    with_enums = _enums_fit(ask)
    if ask.mode == "row":
        return _answers(ask.variables, with_enums)
    row = _answers(ask.row_variables, with_enums)
    if ask.mode == "identify":
        row = _object({own_key(ask, "quote"): {"type": "string"}, **_properties(row)})
    if ask.mode == "fill":
        row = _object({own_key(ask, "id"): {"type": "string"}, **_properties(row)})
    parts: Schema = {"rows": {"type": "array", "items": row}}
    if ask.document_variables:
        parts = {"document": _answers(ask.document_variables, with_enums), **parts}
    return _object(parts)


def own_key(ask: Ask, word: str) -> str:
    """The key of a row's own `id` or `quote`, which no variable of that name can take."""
    return f"_{word}" if word in (*ask.names, *ask.project.unit.key) else word


def takes_list(variable: Variable) -> bool:
    """Whether a one-valued variable may be answered by a list where the text states several different values.

    Not where a list would be a matter of style: a category or boolean is decided, and a text can be put in many pieces.
    """
    if variable.type is VariableType.TEXT:
        return variable.if_multiple == "join"
    return variable.type in (VariableType.NUMBER, VariableType.DATE, VariableType.LOCATION)


def _answers(variables: tuple[Variable, ...], with_enums: bool) -> Schema:
    return _object({variable.name: _answer(variable, with_enums) for variable in variables})


def _answer(variable: Variable, with_enums: bool) -> Schema:
    value = _scalar(variable, with_enums)
    quote: Schema = {"type": "string"}
    return _object(
        {
            "value": _one_or_several(value, variable),
            "quote": _one_or_several(quote, variable),
            "confidence": {"type": ["number", "null"]},
        }
    )


def _one_or_several(scalar: Schema, variable: Variable) -> Schema:
    """The schema of a value, or of the quotes beside it, with the number of them that the variable may have."""
    if variable.takes_many:
        return {"type": ["array", "null"], "items": scalar}
    if takes_list(variable):
        return {"anyOf": [scalar, {"type": "null"}, {"type": "array", "items": scalar}]}
    nullable: Schema = {"type": [scalar["type"], "null"]}
    values = scalar.get("enum")
    return {**nullable, "enum": [*values, None]} if isinstance(values, list) else nullable


def _scalar(variable: Variable, with_enums: bool) -> Schema:
    """Numbers, dates and places are strings as the document writes them: settling reads them by the project's locale,
    which a model that answers 1.234 for "1.234,56" has already lost."""
    if variable.type is VariableType.BOOLEAN:
        return {"type": "boolean"}
    if variable.type is VariableType.CATEGORY and with_enums and not variable.allow_other:
        return {"type": "string", "enum": [category.value for category in variable.categories]}
    return {"type": "string"}


def _enums_fit(ask: Ask) -> bool:
    counts = [len(variable.categories) for variable in ask.variables if not variable.allow_other]
    return sum(counts) <= MOST_ENUM_VALUES_IN_ALL and max(counts, default=0) <= MOST_ENUM_VALUES


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _properties(schema: Schema) -> Schema:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return properties
