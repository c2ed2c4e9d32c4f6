"""Without a model, variables are proposed from what repeats, typed by what the values read as, and never invalid."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.codebook import Codebook, Variable
from coderai_pipeline.domain.codebook_rules import check
from coderai_pipeline.domain.labelled import labelled_values
from coderai_pipeline.domain.project import Project
from coderai_pipeline.domain.suggesting import Sample, safe_name, suggest, suggest_categories, suggest_labels
from coderai_pipeline.domain.values import Conventions
from coderai_pipeline.storage.settings_files import problems_of

CODEBOOK = Codebook.model_validate(
    {"variables": [{"name": "seller", "type": "text", "labels": ("Sold by",)}]}, strict=False
)
PROJECT = Project(name="Study")
FORM = """RECEIPT
Sold by: Shop {n}
Invoice no: 2021{n}
Issue date: {n} May 2021
Total due | EUR {n}50.00
Paid ......... {paid}
Method
[{tick}] Gift
Kind: {kind}
Country:
{country}
The board gathered on {n} June 2021 and the clerk noted a fine of EUR {n}5.
"""


def samples(*texts: str) -> list[Sample]:
    return [Sample(f"{n}.txt", f"{n}.txt", text, Conventions()) for n, text in enumerate(texts)]


def forms() -> list[Sample]:
    kinds, paid, countries = ("Retail", "retail", "export"), ("yes", "no"), ("France", "Spain", "Italy")
    return samples(
        *(
            FORM.format(n=n, paid=paid[n % 2], tick=" x"[n % 2], kind=kinds[n % 3], country=countries[n % 3])
            for n in range(1, 7)
        )
    )


def types(found: Sequence[object]) -> dict[str, str]:
    return {one.name: one.variable["type"] for one in found}  # type: ignore[attr-defined]


def test_labels_that_repeat_are_proposed_with_the_type_that_their_values_read_as() -> None:
    found = suggest(forms(), CODEBOOK, PROJECT)
    assert types(found) == {
        "invoice_no": "text",
        "issue_date": "date",
        "total_due": "number",
        "paid": "boolean",
        "gift": "boolean",
        "kind": "category",
        "country": "location",
        "gathered_date": "date",
        "fine_amount": "number",
    }
    by_name = {one.name: one for one in found}
    assert by_name["total_due"].variable["unit"] == "EUR"
    assert by_name["kind"].variable["categories"] == [{"value": "retail"}, {"value": "export"}]
    assert by_name["paid"].why == "in 6 of 6 documents"


def test_every_quote_stands_in_its_document() -> None:
    texts = {one.source: one.text for one in forms()}
    for one in suggest(forms(), CODEBOOK, PROJECT):
        assert one.quotes
        assert all(quote.removesuffix("...") in texts[source] for source, quote in one.quotes)


def test_what_the_codebook_has_what_never_differs_and_what_stands_once_is_left_out() -> None:
    same = samples("Sold by: A\nForm: B7\nOnce: 1", "Sold by: B\nForm: B7", "Sold by: C\nForm: B7")
    assert suggest(same, CODEBOOK, PROJECT) == []


def test_numbers_that_name_things_are_text() -> None:
    texts = [f"Door: {n} Street{n}\nPostcode: 104{n}0\nGuests: {n} people" for n in range(1, 6)]
    assert types(suggest(samples(*texts), CODEBOOK, PROJECT)) == {
        "door": "text",
        "postcode": "text",
        "guests": "number",
    }


def test_a_project_of_rows_tells_what_belongs_to_the_document() -> None:
    many = Project.model_validate({"name": "Study", "unit": {"rows": "many"}})
    texts = [f"Held on: {n} May 2021\nApplicant: A{n}\nApplicant: B{n}" for n in range(1, 4)]
    found = {one.name: one.variable.get("level") for one in suggest(samples(*texts), CODEBOOK, many)}
    assert found == {"held_on": "document", "applicant": None}


def test_labels_and_categories_of_a_variable_come_from_the_documents() -> None:
    variable = Variable.model_validate({"name": "kind_of_sale", "type": "text"}, strict=False)
    labels = suggest_labels(samples("Kind: retail", "Kind: export"), variable)
    assert labels is not None
    assert labels.variable == {"name": "kind_of_sale", "labels": ["Kind"]}
    known = variable.model_copy(update={"labels": ("Kind",)})
    categories = suggest_categories(forms(), known)
    assert categories is not None
    assert categories.variable["categories"] == [{"value": "retail"}, {"value": "export"}]
    assert suggest_categories(samples("Kind: a", "Kind: b"), known) is None


@given(st.text(max_size=50), st.lists(st.sampled_from(["total", "status", "text_stated", "a" * 32])))
@settings(max_examples=25)
def test_a_name_is_never_one_that_the_codebook_refuses(label: str, taken: list[str]) -> None:
    name = safe_name(label, taken, "text")
    assert name not in taken
    assert not list(check({0: Variable.model_validate({"name": name, "type": "text"}, strict=False)}, [name], PROJECT))


@given(st.lists(st.text(alphabet="Ab Ж日1:|.?\t\n[x]☑-*é", max_size=60), min_size=2, max_size=4), st.text(max_size=40))
@settings(max_examples=25)
def test_whatever_the_documents_hold_the_proposals_make_a_valid_codebook(texts: list[str], label: str) -> None:
    found = suggest(samples(*(f"{text}\n{label}: {n}\n" for n, text in enumerate(texts))), CODEBOOK, PROJECT)
    held = {"name": "seller", "type": "text"}
    assert problems_of({"variables": [held, *(dict(one.variable) for one in found)]}, PROJECT) == ()


@given(st.text(alphabet="Total é:|.?…\t\n 19☐[x]*_", max_size=120))
@settings(max_examples=25)
def test_a_labels_quote_is_a_passage_of_the_text(text: str) -> None:
    assert all(found.quote in text for found in labelled_values(text))
