"""Letterheads and totals of many countries: each text is a class of receipt, with what is to be read and what is not."""

import pytest

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules import answer


def read(text: str, name: str, type_: str = "text", language: str = "en", labels: tuple[str, ...] = ()) -> JsonValue:
    document = Document("d", "d", "text", DocumentStatus.READY, "", "", len(text), text)
    conventions = Conventions(language, language, "DMY")
    (only,) = answer([Variable(name=name, type=type_, labels=labels)], document, Span(0, len(text)), conventions)
    return only.value


ITEMS = "\nBread   3.20\nTOTAL   3.20\n"


@pytest.mark.parametrize(
    ("text", "company"),
    [
        ("VERDE MARKET\nHigh Road 4\nPOMMES 0,846 kg 2,11\nTOTAL 2,11", "VERDE MARKET"),  # kg is no legal form here
        (f"VERDE MARKET #0412{ITEMS}", "VERDE MARKET"),
        (f"ann smith\nVERDE MARKET{ITEMS}", "VERDE MARKET"),  # a scribble in small letters
        (f"VERDE MARKET SDN\nBHD{ITEMS}", "VERDE MARKET SDN BHD"),
        ("請求書\n株式会社緑\n合計 ¥320", "株式会社緑"),
        ("発票\n购买方名称：北京星河有限公司\n销售方名称：杭州文具有限公司\n合计 ¥3.20", "杭州文具有限公司"),
        ("Поставщик: ООО «Зелёный», ИНН 7701234567\nИтого: 3,20", "ООО «Зелёный»"),
        (f"Delivery note\nPassenger: Mr A Holt{ITEMS}", None),
        ("Minutes of the meeting\nThe treasurer reported that accounts were in order.", None),
    ],
)
def test_the_issuer_is_named_on_the_letterhead_or_not_at_all(text: str, company: str | None) -> None:
    assert read(text, "company") == company


@pytest.mark.parametrize(
    ("address", "language"),
    [
        ("Limmatquai 78\n8001 Zürich", "de"),
        ("Grote Markt 12\n2511 BG Den Haag", "nl"),
        ("ul. Długa 8\n31-147 Kraków", "pl"),
        ("102 Beach Road\nCoffs Harbour NSW 2450", "en"),
        ("Polígono Industrial Sur, nave 12\n46013 Valencia", "es"),
        ("شارع الملك فهد، حي العليا\nالرياض 12214", "ar"),
        ("ΟΔΟΣ ΕΡΜΟΥ 25\n10563 ΑΘΗΝΑ", "el"),
        ("99/1 ถนนสุขุมวิท แขวงคลองเตย\nกรุงเทพฯ 10110", "th"),
        ("서울특별시 강남구 테헤란로 123", "ko"),
        ("NO 8, JALAN 7/118B, DESA BARU\n56000 KUALA LUMPUR, MALAYSIA", "en"),
    ],
)
def test_an_address_begins_above_its_postcode_and_ends_with_its_country(address: str, language: str) -> None:
    text = f"VERDE MARKET\n{address}\nAEON SHAH ALAM\n" if "MALAYSIA" in address else f"VERDE MARKET\n{address}\n"
    assert read(f"{text}Tel: 555 1000{ITEMS}", "address", language=language) == " ".join(address.split())


def test_an_address_beside_the_recipients_name_is_not_the_issuers() -> None:
    text = "VERDE LTD\n28, Green Road,\n41050 Klang\nBill To : Red Works\nAddress : No: 1 Jalan Test\nTotal: 3.20"
    assert read(text, "address") == "28, Green Road, 41050 Klang"
    assert read(text, "customer_address", labels=("Address",)) == "No: 1 Jalan Test"


def test_a_line_that_names_the_sender_has_name_and_address() -> None:
    text = f"Autohaus Grün GmbH & Co. KG · Am Bahnhof 7 · 36037 Fulda\nHerrn\nJens Peters\nLindenallee 2\n36039 Fulda{ITEMS}"
    assert read(text, "company", language="de") == "Autohaus Grün GmbH & Co. KG"
    assert read(text, "address", language="de") == "Am Bahnhof 7 · 36037 Fulda"


def test_the_number_of_a_lot_is_no_postcode() -> None:
    text = f"VERDE LTD\nPTD 101051, JLN IMPIAN 5,\nTAMAN IMPIAN\n81300 SKUDAI\nJOHOR{ITEMS}"
    assert read(text, "address") == "PTD 101051, JLN IMPIAN 5, TAMAN IMPIAN 81300 SKUDAI JOHOR"


def test_spaces_before_the_commas_of_an_address_are_dropped() -> None:
    assert (
        read(f"VERDE LTD\n12 Green Road , Unit 4 ,\n41050 Klang{ITEMS}", "address")
        == "12 Green Road, Unit 4, 41050 Klang"
    )


@pytest.mark.parametrize(
    "line", ["RFC VED010203AB1", "DATA: 07.02.2023 ORA 08:10", "請求番号：INV-0098", "ST# 0412 OP# 09045"]
)
def test_numbers_of_registration_and_dates_are_no_address(line: str) -> None:
    assert read(f"VERDE LTD\n{line}{ITEMS}", "address") is None


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("TOTALE COMPLESSIVO 29,00", "it"),
        ("Valor total: R$ 29,00", "pt"),
        ("TOPLAM *29,00", "tr"),
        ("SUMA PLN 29,00", "pl"),
        ("ΣΥΝΟΛΟ 29,00", "el"),
        ("รวมทั้งสิ้น 29.00", "th"),
        ("TOTAL R29.00", "en"),
        ("JUMLAH RM 29.00", "ms"),
        ("价税合计（大写）贰拾玖元整 （小写）¥29.00", "zh"),
    ],
)
def test_a_total_is_named_in_many_languages(line: str, language: str) -> None:
    value = read(f"VERDE MARKET\n4.00\n5.00\n{line}\n", "total", "number", language)
    assert isinstance(value, str)
    assert value.strip("*R$PLNMY¥ ").startswith("29")


def test_a_number_before_the_label_that_could_be_a_year_is_not_the_date() -> None:
    assert read("Doc No CS0003 1664 Date | 2522018", "date", "date") is None
