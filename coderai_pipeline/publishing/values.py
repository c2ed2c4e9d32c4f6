"""SQL expressions over a value's JSON text: typed for the wide table, as text for people, and the first day of a date.

Where they are used is in `dataset` and `formulas`.
"""

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.publishing.definition import sql_type


def typed(raw: str, variable: Variable) -> str:
    """SQL for the value in the type of the variable's column; NULL where it does not fit."""
    if variable.takes_many:
        values = f"CASE WHEN json_type({raw}) = 'ARRAY' THEN {raw} WHEN json_type({raw}) <> 'NULL' THEN '[' || {raw} || ']' END"
        return f"TRY_CAST({values} :: JSON AS {sql_type(variable)})"
    if variable.type in (VariableType.NUMBER, VariableType.BOOLEAN):
        return f"TRY_CAST({raw} ->> '$' AS {sql_type(variable)})"
    return display(raw)


def display(raw: str) -> str:
    """SQL for the text of a value's JSON as a person reads it: several values joined by semicolons, 5 rather than 5.0."""
    scalar = "CASE WHEN json_type({0}) = 'DOUBLE' THEN regexp_replace({0} ->> '$', '\\.0$', '') ELSE {0} ->> '$' END"
    several = f"array_to_string(list_transform({raw} :: JSON[], lambda one: {scalar.format('one')}), '; ')"
    return f"CASE WHEN json_type({raw}) = 'ARRAY' THEN {several} ELSE {scalar.format(raw)} END"


def first_day(iso: str) -> str:
    """SQL for the first day that an ISO 8601 date of any precision covers: 2024-03 -> 2024-03-01."""
    return f"CAST(TRY_STRPTIME(left({iso}, 10), ['%Y-%m-%d', '%Y-%m', '%Y']) AS DATE)"
