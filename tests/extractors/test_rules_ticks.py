"""Forms with boxes to tick, and what else stands between a label and its value on forms of many countries."""

import pytest

from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules import answer


def read(text: str, **variable: object) -> Answer:
    page = Document("d", "d", "text", DocumentStatus.READY, "", "", len(text), text)
    asked = Variable(**{"name": "asked", **variable})
    (only,) = answer([asked], page, Span(0, len(text)), Conventions("en", "en_IE", "DMY"))
    return only


SERVICE = {
    "type": "category",
    "label": "Type of service",
    "categories": ({"value": "routine"}, {"value": "emergency"}, {"value": "warranty"}),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[ ] Routine   [X] Emergency   [ ] Warranty", "emergency"),
        ("Type of service: ☐ routine ☐ emergency ☒ warranty", "warranty"),
        ("Type of service    Routine ☐   Emergency ☑   Warranty ☐", "emergency"),
        ("Type of service\n( ) routine (x) emergency ( ) warranty", "emergency"),
        ("Type of service: ☐ routine ☐ emergency ☐ warranty", None),
        ("Type of service | ☐ routine | ☒ emergency | ☐ warranty", "emergency"),
    ],
)
def test_of_options_with_boxes_the_ticked_one_is_the_value(text: str, value: str | None) -> None:
    assert read(text, **SERVICE).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5. Was first aid given?    Yes ☒   No ☐", True),
        ("Was first aid given? [ ] yes [x] no", False),
        ("Was first aid given?\n☐ Yes  ☒ No", False),
        ("[X] First aid given   [ ] Ambulance called", True),
        ("☒ Police informed\n☐ First aid given", False),
        ("Was first aid given?  Yes ☐  No ☐", None),
        ("Was first aid given? Yes", True),
    ],
)
def test_a_box_says_yes_or_no(text: str, value: bool | None) -> None:
    assert read(text, type="boolean", labels=("Was first aid given", "First aid given")).value is value


def test_several_ticked_options_are_all_taken_where_many_are_wanted() -> None:
    assert read("Type of service: ☒ routine ☐ emergency ☒ warranty", **SERVICE, allow_multiple=True).value == [
        "routine",
        "warranty",
    ]
    assert read("Type of service: ☒ routine ☐ emergency ☒ warranty", **SERVICE).value is None


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        ("Refund due   €      73,78", {"type": "number", "label": "Refund due"}, "73,78"),
        ("Penalty notice Nº 00459281", {"type": "text", "label": "Penalty notice number", "labels": ("Penalty notice",)}, "00459281"),
        ("Tenant: Paweł Zieliński, PESEL 91020456789", {"type": "text", "label": "Tenant"}, "Paweł Zieliński"),
        ("Injured person      Name: Dana Whitlock", {"type": "text", "label": "Injured person", "labels": ("Name",)}, "Dana Whitlock"),
        ("Issued in Olomouc, dated 20. 5. 1997", {"type": "date", "label": "dated"}, "20. 5. 1997"),
        ("金額　￥12,980－", {"type": "number", "label": "金額"}, "￥12,980－"),
    ],
)  # fmt: skip
def test_what_stands_between_a_label_and_its_value_is_no_part_of_it(
    text: str, variable: dict[str, object], value: str
) -> None:
    assert read(text, **variable).value == value
