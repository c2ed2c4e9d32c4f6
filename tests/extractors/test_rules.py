"""What the rules extractor reads on forms, receipts and tables, and what it leaves unanswered."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.project import Unit
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules import answer, answer_rows

CONVENTIONS = Conventions("en", "en_IE", "DMY")


def document(text: str) -> Document:
    return Document("d", "d", "text", DocumentStatus.READY, "", "", len(text), text)


def read(text: str, **variable: object) -> Answer:
    (only,) = answer([Variable(**{"name": "x", **variable})], document(text), Span(0, len(text)), CONVENTIONS)
    return only


NUMBER = {"type": "number", "label": "Persons injured", "labels": ("Verletzte", "受伤人数", "Пострадавшие")}


@pytest.mark.parametrize(
    "text",
    [
        "Persons injured: 12",
        "Persons injured | 12",
        "Persons injured\t12",
        "Persons injured ........ 12",
        "Persons injured     12",
        "Persons injured:\n12",
        "PERSONS INJURED\n12",
        "Verletzte: 12",
        "受伤人数：12",
        "Пострадавшие: 12",
        "Persons killed | Persons injured\n0 | 12",
        "1. Persons injured: 12",
        "The list shows 12 persons injured and 4 ships.",
    ],
)
def test_a_value_is_found_right_of_its_label_under_it_or_in_its_sentence(text: str) -> None:
    assert read(text, **NUMBER).value == "12"


def test_confidence_falls_with_the_distance_from_label_to_value() -> None:
    beside, below, prose = (
        read(text, **NUMBER).confidence
        for text in ("Persons injured: 12", "Persons injured\n12", "There were 12 persons injured in the end.")
    )
    assert beside is not None
    assert below is not None
    assert prose is not None
    assert beside > below > prose > 0


@pytest.mark.parametrize("blank", ["-", "n/a", "not known", "unknown", "k. A.", "нет данных", "—"])
def test_a_value_that_is_said_to_be_unknown_is_not_looked_for_elsewhere(blank: str) -> None:
    assert read(f"Persons injured: {blank}\nOn 3 May there were persons injured in car 7.", **NUMBER).value is None


def test_nobody_is_zero() -> None:
    assert read("Persons injured: none", **NUMBER).value == 0


def test_a_longer_label_that_begins_alike_is_another_label() -> None:
    assert read("Vessel type: ferry\nFlag: IE", type="text", label="Vessel").value is None
    assert read("Vessel type: ferry\nVessel: Linnea", type="text", label="Vessel").value == "Linnea"


def test_a_grid_of_label_over_value_is_told_from_label_beside_value() -> None:
    variables = [Variable(name=n, type="text", label=n.title()) for n in ("ship", "port", "flag", "owner")]
    grid = "Ship | Port\nLinnea | Skarvik\nFlag | Owner\nIE | Ess Lines"
    form = "Ship | Linnea\nPort | Skarvik\nFlag | IE\nOwner | Ess Lines"
    for text in (grid, form):
        answers = answer(variables, document(text), Span(0, len(text)), CONVENTIONS)
        assert [each.value for each in answers] == ["Linnea", "Skarvik", "IE", "Ess Lines"]


def test_a_pattern_finds_text_that_has_no_label() -> None:
    found = read(
        "Notice of 3 May. See file AB-2020-017 for more.",
        type="text",
        validation={"pattern": "[A-Z]{2}-[0-9]{4}-[0-9]{3}"},
    )
    assert found.value == "AB-2020-017"
    assert found.quote is not None
    assert "AB-2020-017" in found.quote


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Pilot on board: yes", True),
        ("Pilot on board | No", False),
        ("Lotse an Bord: nein", False),
        ("The ferry carried no pilot on board that night.", False),
        ("I have asked whether there was a pilot on board that night.", None),
        ("Nothing of the kind is said here.", None),
    ],
)
def test_a_boolean_is_what_the_form_or_the_sentence_says(text: str, value: bool | None) -> None:
    assert read(text, type="boolean", label="Pilot on board", labels=("Lotse an Bord",)).value is value


def test_a_category_is_found_by_its_keywords_beside_the_label_first() -> None:
    categories = ({"value": "fire", "keywords": ("Brand",)}, {"value": "collision", "keywords": ("Kollision",)})
    variable = {"type": "category", "label": "Art", "categories": categories}
    assert read("Art: Kollision\nDer Brand, der Brand, der Brand.", **variable).value == "collision"
    assert read("Nach dem Brand war der Brand vorbei. Kollision gab es nicht.", **variable).value == "fire"
    assert read("Es gab keine Kollision.", **variable).value is None


def test_the_only_date_is_taken_but_none_of_several_without_a_label() -> None:
    wanted = {"type": "date", "label": "Date of incident"}
    assert read("It burned on 3 May 2020.", **wanted).value == "3 May 2020"
    assert read("It burned on 3 May 2020. The report is of 9 June 2020.", **wanted).value is None
    assert read("Report of 9 June 2020\nDate of incident: 3 May 2020", **wanted).value == "3 May 2020"


RECEIPT = """BLUE HERON TRADING LTD
(Reg. 123456-K)
12, Harbour Road,
51234 Port Merrow.
TEL: 01-2345678
TAX INVOICE
DATE: 14/03/2021 10:22
TEA 2 X 3.00   6.00
CAKE           4.50
SUBTOTAL
TAX 10%
GRAND TOTAL
CASH
CHANGE
10.50
1.05
11.55
20.00
8.45
"""


def test_a_receipt_gives_company_date_address_and_total() -> None:
    variables = [
        Variable(name="company", type="text"),
        Variable(name="date", type="date"),
        Variable(name="address", type="location"),
        Variable(name="total", type="number"),
    ]
    answers = {each.variable: each for each in answer(variables, document(RECEIPT), Span(0, len(RECEIPT)), CONVENTIONS)}
    assert answers["company"].value == "BLUE HERON TRADING LTD"
    assert str(answers["date"].value).startswith("14/03/2021")
    assert answers["address"].value == "12, Harbour Road, 51234 Port Merrow."
    assert answers["total"].value == "11.55"


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("Zwischensumme 10,00\nMwSt 19 % 1,90\nGesamtbetrag 11,90 EUR\nGegeben 20,00\nRückgeld 8,10", "11,90 EUR"),
        ("Sous-total 10,00\nTVA 2,00\nTotal TTC 12,00 €", "12,00 €"),
        ("Subtotal 10.00\nIVA 2.10\nTotal a pagar: 12.10", "12.10"),
        ("小计 10.00\n税额 1.30\n合计 11.30", "11.30"),
        ("Подытог 10,00\nНДС 2,00\nИтого к оплате: 12,00", "12,00"),
        ("Total 26.62\nRounding 0.02\nTotal rounded 26.60\nCash 30.00\nChange 3.40", "26.60"),
        ("Item 5.00\nTotal qty: 3\nTotal: 5.00\nCash 5.00\nChange 0.00", "5.00"),
    ],
)
def test_the_total_is_told_from_subtotals_taxes_and_what_was_paid(text: str, total: str) -> None:
    assert read(text, type="number", label="Total").value == total


def test_no_total_is_made_up_where_nothing_says_which_amount_it_is() -> None:
    assert read("Tea 3.00\nCake 4.50\nThank you", type="number", label="Total").value is None


@given(st.text(max_size=400))
def test_any_text_is_read_without_failing_and_every_quote_stands_in_it(text: str) -> None:
    variables = [
        Variable(name="total", type="number"),
        Variable(name="date", type="date"),
        Variable(name="company", type="text"),
        Variable(name="address", type="location"),
        Variable(name="paid", type="boolean"),
        Variable(name="kind", type="category", categories=({"value": "a"}, {"value": "b"})),
    ]
    first = answer(variables, document(text), Span(0, len(text)), CONVENTIONS)
    assert first == answer(variables, document(text), Span(0, len(text)), CONVENTIONS)
    for each in first:
        assert (each.value is None) == (each.quote is None)
        assert each.quote is None or each.quote in text
        assert each.confidence is None or 0 < each.confidence <= 1


ROWS = [
    Variable(name="applicant", type="text", labels=("Antragsteller",)),
    Variable(name="asked", type="number", labels=("Amount asked",)),
    Variable(name="meeting_date", type="date", level="document"),
]
UNIT = Unit(rows="many", key=("applicant",))


def rows(text: str) -> list[list[object]]:
    found = answer_rows(UNIT, ROWS, document(text), Span(0, len(text)), CONVENTIONS)
    assert all(each.variable != "meeting_date" for row in found for each in row.answers)
    return [[each.value for each in row.answers] for row in found]


def test_each_row_of_a_table_is_an_entity_and_sums_are_none() -> None:
    table = "Item | Applicant | Asked\n1 | Club A | 10\n2 | Club B | \nTotal | | 10\n\nOther text | here"
    assert rows(table) == [["Club A", "10"], ["Club B", None]]


def test_a_table_goes_on_after_its_header_is_repeated() -> None:
    assert len(rows("Applicant | Asked\nA | 1\nApplicant | Asked\nB | 2")) == 2


def test_records_that_repeat_their_labels_are_entities() -> None:
    text = "Applicant: Club A\nAmount asked: 10\n\nApplicant: Club B\nAmount asked: 20\n\nEnd of the minutes."
    assert rows(text) == [["Club A", "10"], ["Club B", "20"]]


def test_text_without_table_records_or_list_has_no_entities() -> None:
    assert rows("The council met and adopted the minutes of its last meeting.") == []


SAMPLE = (
    Path(os.environ.get("CODERAI_SAMPLE_DATA", str(Path(__file__).resolve().parents[2] / "../shared/data")))
    / "receipts"
)


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample receipts are not here")
def test_most_sample_receipts_give_their_date_and_total() -> None:
    from coderai_pipeline.domain.agreement import GoldCell, read_gold, same_value
    from coderai_pipeline.domain.values.dates import read_date
    from coderai_pipeline.domain.values.numbers import read_number

    conventions = Conventions("en", "en_MY", "DMY")
    readers = {"date": read_date, "number": read_number}
    right = total = 0
    with (SAMPLE / "gold.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["variable"] in ("date", "total") and row["document"].endswith(".txt"):
                text = (SAMPLE / "docs" / row["document"]).read_text(encoding="utf-8")
                variable = Variable(name=row["variable"], type=row["type"])
                (found,) = answer([variable], document(text), Span(0, len(text)), conventions)
                reading = readers[row["type"]](found.value, conventions)
                wanted = read_gold(GoldCell("", "", "", (row["expected"],)), row["type"], conventions)
                right += same_value(wanted.expected, getattr(reading, "value", None), row["type"])
                total += 1
    assert right / total > 0.85


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        (
            "Bill To:\nNorth Ltd\nCustomer No: 88231",
            {"type": "text", "label": "Customer", "labels": ("Bill To",)},
            "North Ltd",
        ),
        ("VAT 20 %          111.00", {"type": "number", "label": "VAT"}, "111.00"),
        ("incl. VAT (20 %):   111.00 €", {"type": "number", "label": "VAT"}, "111.00 €"),
        ("Interest rate 6.4 %      15,000.00", {"type": "number", "label": "Interest rate"}, "6.4 %"),
        ("Total TTC   324,94 €\nNet à payer   224,94 €", {"type": "number", "label": "Net à payer"}, "224,94 €"),
        ("Le bailleur : Mme Dubois", {"type": "text", "label": "Bailleur"}, "Mme Dubois"),
        ("出租方（甲方）：王建国", {"type": "text", "label": "出租方"}, "王建国"),
        ("ИНН 7701234567", {"type": "text", "label": "ИНН"}, "7701234567"),
        ("Aktenzeichen: 324 O 112/23", {"type": "text", "label": "Aktenzeichen"}, "324 O 112/23"),
        ('between Jane Roe ("Landlord") and John Poe ("Tenant").', {"type": "text", "label": "Tenant"}, "John Poe"),
        ("HARRIS CO., Plaintiff,\nv.\nDELTA LLC, Defendant.", {"type": "text", "label": "Defendant"}, "DELTA LLC"),
        ("Operating loss     (912)", {"type": "number", "label": "Operating loss"}, "(912)"),
        ("Date of the incident: 4 March 2024", {"type": "date", "label": "Date of incident"}, "4 March 2024"),
        ("Fecha de la factura: 3.5.2024", {"type": "date", "label": "Fecha de factura"}, "3.5.2024"),
        ("申报日期：20240318", {"type": "date", "label": "申报日期"}, "20240318"),
        ("48 monthly instalments of £354.12.", {"type": "number", "label": "monthly instalments of"}, "£354.12"),
    ],
)
def test_labels_are_read_as_forms_of_all_kinds_write_them(text: str, variable: dict[str, object], value: str) -> None:
    assert read(text, **variable).value == value


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("Amount requested: ________\nDate: 3 May 2024", {"type": "number", "label": "Amount requested"}),
        ("Phone:\nEmail: a@b.example", {"type": "text", "label": "Phone"}),
        ("Delivery date: week 25\nOrdered on 3 June 2024", {"type": "date", "label": "Delivery date"}),
        ("Date of birth: 9 May 1988", {"type": "date", "label": "Date of issue"}),
        ("Total weight: 1,284.5 kg", {"type": "number", "label": "Total"}),
        ("Persons injured: 3\nPilot on board: no", {"type": "number", "label": "On board"}),
        ("The crew on board was relieved\nPersons injured: 3", {"type": "number", "label": "On board"}),
        ("Contact: Dr. Ann Lee, Tel. 555 0100", {"type": "text", "label": "Tel"}),
    ],
)
def test_what_stands_near_a_label_but_belongs_to_another_is_not_its_value(
    text: str, variable: dict[str, object]
) -> None:
    assert read(text, **variable).value is None


def test_pay_and_its_deductions_side_by_side_are_read_each_by_its_label() -> None:
    text = "Basic pay   2,450.00     Income tax   280.40\nOvertime      180.00     Pension      122.50"
    variables = [Variable(name=name, type="number") for name in ("basic_pay", "income_tax", "overtime", "pension")]
    found = answer(variables, document(text), Span(0, len(text)), CONVENTIONS)
    assert [each.value for each in found] == ["2,450.00", "280.40", "180.00", "122.50"]


@pytest.mark.parametrize(
    "table",
    [
        "| Part | Qty |\n| --- | ---: |\n| Nut | 3 |\n| Bolt | 4 |",
        "+------+-----+\n| Part | Qty |\n+======+=====+\n| Nut | 3 |\n+------+-----+\n| Bolt | 4 |\n+------+-----+",
        "Part      Qty   Price\n---------------------\nNut       3     1.00\nBolt      4     2.00\n\nTax (20 %)      0.60",
    ],
)
def test_rules_between_rows_and_sums_under_them_are_no_entities(table: str) -> None:
    variables = [Variable(name="part", type="text"), Variable(name="qty", type="number")]
    rows = answer_rows(
        Unit(rows="many", represents="part"), variables, document(table), Span(0, len(table)), CONVENTIONS
    )
    assert [[each.value for each in row.answers] for row in rows] == [["Nut", "3"], ["Bolt", "4"]]


@pytest.mark.parametrize(
    "last",
    ["| **Total** | | 550.00 |", "| Grand total | 5 | 550.00 |", "| 合計 | | 550.00 |", "| Σύνολο | 5 | 550.00 |"],
)
def test_the_row_that_sums_the_others_up_is_no_entity(last: str) -> None:
    text = f"| Item | Quantity | Amount |\n|---|---|---|\n| Chairs | 4 | 200.00 |\n| Tables | 1 | 350.00 |\n{last}\n"
    asked = [Variable(name="item", type="text"), Variable(name="quantity", type="number")]
    rows = answer_rows(Unit(rows="many"), asked, document(text), Span(0, len(text)), CONVENTIONS)
    assert [found.answers[0].value for found in rows] == ["Chairs", "Tables"]
