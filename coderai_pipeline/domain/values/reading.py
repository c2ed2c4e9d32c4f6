"""One written value -> a value of the variable's type. The readers of the types stand in the modules beside this one."""

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.booleans import read_boolean
from coderai_pipeline.domain.values.categories import read_category
from coderai_pipeline.domain.values.dates import read_date
from coderai_pipeline.domain.values.locations import read_location
from coderai_pipeline.domain.values.numbers import read_number
from coderai_pipeline.domain.values.text import read_text


def read_value(written: JsonValue, variable: Variable, conventions: Conventions) -> Reading | Unread:
    """Read one written value as its variable's type. Whether it says that nothing is stated is asked before (`absence`)."""
    match variable.type:
        case VariableType.NUMBER:
            return read_number(written, conventions, variable.unit)
        case VariableType.DATE:
            return read_date(written, conventions)
        case VariableType.BOOLEAN:
            return read_boolean(written, conventions)
        case VariableType.CATEGORY:
            return read_category(written, variable)
        case VariableType.LOCATION:
            return read_location(written, conventions)
        case VariableType.TEXT:
            return read_text(written, conventions)
