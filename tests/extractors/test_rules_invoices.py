"""Invoices of several countries: company, date, number, address, total and payer are told apart."""

import pytest

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Document, DocumentStatus, Span
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.extractors.rules import answer

VARIABLES = [
    Variable(name="company", type="text"),
    Variable(name="date", type="date"),
    Variable(name="invoice_number", type="text"),
    Variable(name="address", type="location"),
    Variable(name="total", type="number"),
    Variable(name="customer", type="text", labels=("Bill to", "Kunde", "Client")),
]
AMERICAN = """INVOICE

Northwind Paper Inc.
4500 Lake Street, Suite 210
Minneapolis, MN 55401

Invoice #: INV-2024-0093        Invoice Date: 03/15/2024

Bill To:
Acme Widgets LLC
77 Main Road

Description          Qty   Unit Price   Amount
Consulting           10    150.00       1,500.00
Subtotal                                1,500.00
Sales Tax (7%)                            105.00
Total Due                              $1,605.00
"""
GERMAN = """Bäckerei Sommer GmbH & Co. KG
Hauptstraße 12
80331 München
Tel. 089 123456

Rechnung Nr. 2024-118
Datum: 05.03.2024
Kunde: Café Lenz

Torten 3 Stk      135,00
Nettobetrag       135,00
MwSt. 7 %           9,45
Gesamtbetrag      144,45 EUR
"""
FRENCH = """SARL Dupont et Fils
14 rue des Lilas
69003 Lyon
Facture n° F-2024-77
Date : 12/02/2024
Client : Mairie de Vienne
Total HT 1 000,00 €
TVA 20 % 200,00 €
Total TTC 1 200,00 €
"""


@pytest.mark.parametrize(
    ("text", "language", "order", "expected"),
    [
        (
            AMERICAN,
            "en",
            "MDY",
            (
                "Northwind Paper Inc.",
                "03/15/2024",
                "INV-2024-0093",
                "4500 Lake Street, Suite 210 Minneapolis, MN 55401",
                "$1,605.00",
                "Acme Widgets LLC",
            ),
        ),
        (
            GERMAN,
            "de",
            "DMY",
            (
                "Bäckerei Sommer GmbH & Co. KG",
                "05.03.2024",
                "2024-118",
                "Hauptstraße 12 80331 München",
                "144,45 EUR",
                "Café Lenz",
            ),
        ),
        (
            FRENCH,
            "fr",
            "DMY",
            (
                "SARL Dupont et Fils",
                "12/02/2024",
                "F-2024-77",
                "14 rue des Lilas 69003 Lyon",
                "1 200,00 €",
                "Mairie de Vienne",
            ),
        ),
    ],
    ids=["en", "de", "fr"],
)
def test_an_invoice_is_read_in_its_language(text: str, language: str, order: str, expected: tuple[str, ...]) -> None:
    document = Document("d", "d", "text", DocumentStatus.READY, "", "", len(text), text)
    conventions = Conventions(language, language, order)  # type: ignore[arg-type]
    answers = answer(VARIABLES, document, Span(0, len(text)), conventions)
    assert tuple(each.value for each in answers) == expected
    assert all(each.quote is not None and each.quote in text for each in answers)
