"""Rules with other codebooks than that of a receipt: what invoices, contracts and fiscal receipts of many countries state."""

import pytest

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules import answer


def read(text: str, language: str = "en", **kinds: str) -> dict[str, object]:
    variables = [Variable(name=name, type=kind) for name, kind in kinds.items()]
    document = Document("d", "d", "text", DocumentStatus.READY, "", "", len(text), text)
    answers = answer(variables, document, Span(0, len(text)), Conventions(language, language, "DMY"))
    return {each.variable: each.value for each in answers}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "FAKTURA VAT nr FV/12/03/2024\nTermin płatności: 26.03.2024\nNIP: 525-000-12-34\nDo zapłaty: 1 230,00 PLN\n",
            "pl",
            ("FV/12/03/2024", "26.03.2024", "525-000-12-34", "PLN"),
        ),
        (
            "FACTUUR\nFactuurnummer: 2024-0091\nVervaldatum: 18-03-2024\nBTW-nummer: NL001234567B01\nTe betalen € 218,00\n",
            "nl",
            ("2024-0091", "18-03-2024", "NL001234567B01", "€"),
        ),
        (
            "請求書\n請求番号：INV-00231\nお支払期限：2024年4月30日\n登録番号：T1234567890123\n通貨：JPY\n",
            "ja",
            ("INV-00231", "2024年4月30日", "T1234567890123", "JPY"),
        ),
        (
            "Fattura n. 57/2024\nScadenza pagamento: 17/04/2024\nP. IVA: IT01234567890\nTotale € 1.220,00\n",
            "it",
            ("57/2024", "17/04/2024", "IT01234567890", "€"),
        ),
    ],
)
def test_what_an_invoice_states_has_usual_labels_in_many_languages(
    text: str, language: str, expected: tuple[str, ...]
) -> None:
    found = read(text, language, invoice_number="text", due_date="date", vat_number="text", currency="text")
    assert tuple(found.values()) == expected


def test_a_label_beside_a_label_has_its_value_below() -> None:
    text = "Bill to:                 Invoice no: 17\nMeridian Foods Inc.      Invoice date: 03/12/2024\n55 Harbor Way            Terms: 30\n"
    assert read(text, bill_to="text") == {"bill_to": "Meridian Foods Inc."}


def test_a_party_is_named_at_the_head_of_what_leads_to_its_role() -> None:
    text = (
        'BETWEEN:\n(1) Northgate Limited, whose registered office is at 10 King Street, Leeds LS2 6AQ (the "Provider"); and\n'
        '(2) Fairholm Retail plc, of 44 Quay Road, Bristol BS1 4RB (the "Client").\nThe Client shall pay.\n'
    )
    assert read(text, provider="text", client="text") == {
        "provider": "Northgate Limited",
        "client": "Fairholm Retail plc",
    }
    sentence = (
        'This Agreement is made by and between Acme Tools, Inc., a Delaware corporation (the "Licensor"), and Beta LLC, '
        'a Texas company ("Licensee").\n'
    )
    assert read(sentence, licensor="text", licensee="text", landlord="text") == {
        "licensor": "Acme Tools, Inc.",
        "licensee": "Beta LLC",
        "landlord": None,
    }


def test_fiscal_receipts_of_several_countries() -> None:
    kinds = {"company": "text", "address": "location", "total": "number"}
    brazil = "MERCADO BOM LTDA\nCNPJ: 12.345.678/0001-90\nArroz 24,90\nFeijão 17,00\nValor total R$ 41,90\nDesconto R$ 1,90\nValor a pagar R$ 40,00\n"
    assert read(brazil, "pt_BR", **kinds)["total"] == "R$ 40,00"
    china = "北京华联超市有限公司\n牛奶 25.00\n面包 9.90\n合计：34.90\n优惠：-4.90\n实付：30.00\n"
    assert read(china, "zh", **kinds)["total"] == "30.00"
    india = "SRI KRISHNA SWEETS PVT LTD\nNo. 14, Usman Road, T. Nagar\nChennai - 600017\nTotal 735.00\nCash 735.00\n"
    assert read(india, "en_IN", **kinds)["address"] == "No. 14, Usman Road, T. Nagar Chennai - 600017"
    mexico = "OXXO\nCADENA COMERCIAL OXXO, S.A. DE C.V.\nTOTAL M.N. $35.50\nEFECTIVO $50.00\nCAMBIO $14.50\n"
    assert read(mexico, "es_MX", **kinds)["company"] == "CADENA COMERCIAL OXXO, S.A. DE C.V."
    spain = "MERCADONA, S.A. A-46103834\nC/ MAYOR, 45\n28013 MADRID\nTOTAL (€) 3,25\nTARJETA 3,25\n"
    assert read(spain, "es", **kinds)["company"] == "MERCADONA, S.A."
    arabia = "شركة العثيم\nالرياض - حي الملز - شارع صلاح الدين\nحليب 11.50\nخبز 3.00\nالإجمالي 14.50\n"
    assert read(arabia, "ar", **kinds)["address"] == "الرياض - حي الملز - شارع صلاح الدين"
