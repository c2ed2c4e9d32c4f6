"""Which rows are one entity, and which are not."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import Value
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.entities import Entity, FoundRow, join

KEYS = (Variable(name="city", type="location"), Variable(name="day", type="date"))


def row(chunk: int, city: Value = None, day: Value = None, at: int | None = None) -> FoundRow:
    span = None if at is None else Span(at, at + 10)
    return FoundRow(chunk, {"city": city, "day": day}, f"{city} {day}", span, position=chunk * 1000)


def mentions(*rows: FoundRow) -> list[tuple[int, ...]]:
    return [entity.mentions for entity in join(rows, KEYS)]


def test_equal_keys_in_two_chunks_are_one_entity_whatever_their_writing() -> None:
    found = (row(0, "São  Paulo", "2024-03-05"), row(1, "SAO PAULO.", "2024-03-05"))
    (entity,) = join(found, KEYS)
    assert entity.mentions == (0, 1)
    assert entity.reasons == ("", "same city and day")
    assert entity.key == {"city": "São  Paulo", "day": "2024-03-05"}


def test_other_dates_or_places_are_other_events() -> None:
    assert mentions(row(0, "Lyon", "2024-03-05"), row(1, "Lyon", "2024-03-06"), row(2, "Nice", "2024-03-05")) == [
        (0,),
        (1,),
        (2,),
    ]


def test_rows_of_one_chunk_are_never_joined_unless_they_rest_on_the_same_passage() -> None:
    apart = join((row(0, "Lyon", "2024-03-05", 10), row(0, "Lyon", "2024-03-05", 400)), KEYS)
    assert [entity.mentions for entity in apart] == [(0,), (1,)]
    assert "kept apart" in apart[1].note
    assert mentions(row(0, "Lyon", "2024-03-05", 10), row(0, "Lyon", "2024-03-05", 10)) == [(0, 1)]


def test_a_row_that_says_less_joins_the_only_one_it_fits() -> None:
    (entity,) = join((row(0, "Lyon", None), row(1, "Lyon", "2024-03-05")), KEYS)
    assert entity.key == {"city": "Lyon", "day": "2024-03-05"}
    assert entity.mentions == (0, 1)
    assert entity.reasons[0] == ""
    assert "day not stated" in entity.reasons[1]
    assert mentions(row(0, "Lyon", "2024-03-05"), row(1, "Lyon", "2024-03")) == [(0, 1)]
    assert mentions(row(0, "Lyon, France", "2024-03-05"), row(1, "Lyon", "2024-03-05")) == [(0, 1)]


def test_a_row_that_fits_two_stays_apart_and_says_so() -> None:
    entities = join((row(0, "Lyon", "2024-03-05"), row(1, "Lyon", "2024-03-06"), row(2, "Lyon", None)), KEYS)
    assert [entity.mentions for entity in entities] == [(0,), (1,), (2,)]
    assert "fits 2 others" in entities[2].note


def test_a_row_that_says_nothing_of_the_keys_joins_nothing() -> None:
    assert mentions(row(0, "Lyon", "2024-03-05"), row(1)) == [(0,), (1,)]
    assert mentions(row(0, "Lyon", None), row(1, None, "2024-03-05")) == [(0,), (1,)]


def test_a_passage_in_the_overlap_of_two_chunks_is_one_mention_of_one_entity() -> None:
    assert mentions(row(0, "Lyon", None, 990), row(1, "Lyon", None, 992), row(1, "Lyon", None, 1500)) == [(0, 1), (2,)]


def test_without_keys_only_the_same_passage_joins() -> None:
    found = [
        FoundRow(0, {}, "a", Span(5, 9)),
        FoundRow(1, {}, "a", Span(5, 9)),
        FoundRow(1, {}, "b", Span(50, 60)),
        FoundRow(2, {}, position=90),
    ]
    assert [entity.mentions for entity in join(found, ())] == [(0, 1), (2,), (3,)]


def test_entities_are_numbered_by_first_appearance() -> None:
    entities = join((row(1, "Nice", "2024-01-01", 1200), row(0, "Lyon", "2024-01-01", 30)), KEYS)
    assert [(entity.id, entity.key["city"]) for entity in entities] == [("1", "Lyon"), ("2", "Nice")]


def test_numbers_and_several_values_are_compared_as_values() -> None:
    keys = (Variable(name="no", type="number"), Variable(name="who", type="text", if_multiple="all"))
    found = [FoundRow(0, {"no": 5.0, "who": ("A", "B")}), FoundRow(1, {"no": 5, "who": ("b", "a")})]
    assert len(join(found, keys)) == 1


def test_marks_that_are_letters_are_not_dropped() -> None:
    assert mentions(row(0, "कुल", "2024-01-01"), row(1, "कल", "2024-01-01")) == [(0,), (1,)]
    assert mentions(row(0, "القاهِرة", "2024-01-01"), row(1, "القاهرة", "2024-01-01")) == [(0, 1)]


keyed = st.builds(
    row,
    st.integers(0, 3),
    st.sampled_from([None, "Lyon", "LYON", "Nice", "Lyon, France"]),
    st.sampled_from([None, "2024", "2024-03", "2024-03-05", "2024-03-06"]),
    st.none() | st.integers(0, 40),
)


def exact(key: Mapping[str, Value]) -> bool:
    return len(str(key["day"])) == 10 and key["city"] is not None


@given(st.lists(keyed, max_size=14))
def test_every_row_is_a_mention_of_exactly_one_entity_and_no_two_days_are_joined(rows: list[FoundRow]) -> None:
    entities: tuple[Entity, ...] = join(rows, KEYS)
    assert sorted(index for entity in entities for index in entity.mentions) == list(range(len(rows)))
    assert [entity.id for entity in entities] == [str(n + 1) for n in range(len(entities))]
    for entity in entities:
        assert len(entity.reasons) == len(entity.mentions)
        assert entity.reasons[0] == ""
        assert all(entity.reasons[1:])
        days = {rows[index].key["day"] for index in entity.mentions if exact(rows[index].key)}
        assert len(days) <= 1
    assert join(rows, KEYS) == entities


PERSON = (Variable(name="person", type="text"),)


def people(*names: str) -> list[tuple[int, ...]]:
    found = [FoundRow(chunk, {"person": name}, name, position=chunk * 1000) for chunk, name in enumerate(names)]
    return [entity.mentions for entity in join(found, PERSON)]


def test_a_person_is_the_same_with_title_initials_or_the_last_name_first() -> None:
    assert people("Dr. John Smith", "Smith, John", "JOHN SMITH") == [(0, 1, 2)]
    assert people("J. Smith", "John Smith") == [(0, 1)]
    assert people("John Q. Smith", "John Smith") == [(0, 1)]
    assert people("José Müller", "Jose Muller") == [(0, 1)]


def test_initials_that_fit_two_persons_or_none_join_nobody() -> None:
    assert people("J. Smith", "John Smith", "Jane Smith") == [(0,), (1,), (2,)]
    assert people("M. Smith", "K. Smith") == [(0,), (1,)]
    assert people("John Smith", "John Smithson") == [(0,), (1,)]


def test_abbreviated_places_and_firms_are_those_written_out() -> None:
    assert mentions(row(0, "St. Paul", "2024-03-05"), row(1, "Saint Paul", "2024-03-05")) == [(0, 1)]
    assert mentions(row(0, "12 Main St.", "2024-03-05"), row(1, "12 Main Street", "2024-03-05")) == [(0, 1)]
    assert mentions(row(0, "St. Paul", "2024-03-05"), row(1, "Paul", "2024-03-05")) == [(0,), (1,)]
    firm = (Variable(name="firm", type="text"),)
    written = [
        FoundRow(chunk, {"firm": name}) for chunk, name in enumerate(("Smith & Sons Ltd.", "Smith and Sons Limited"))
    ]
    assert [entity.mentions for entity in join(written, firm)] == [(0, 1)]


def test_a_month_is_no_day_where_two_days_of_it_are_known() -> None:
    months = (row(0, "Lyon", "2024-03"), row(1, "Lyon", "2024-03-05"), row(2, "Lyon", "2024-03-15"))
    assert mentions(*months) == [(0,), (1,), (2,)]


NAMED = (Variable(name="name", type="text"),)


@pytest.mark.parametrize(
    ("first", "second", "entities"),
    [
        ("President Emmanuel Macron", "Emmanuel Macron", 1),
        ("Gen. Sani Abacha", "General Sani Abacha", 1),
        ("The Acme Company", "Acme Company", 1),
        ("Tesla, Inc.", "Tesla Inc", 1),
        ("Siemens AG", "Siemens", 1),
        ("Bank of America, N.A.", "Bank of America", 1),
        ("African National Congress (ANC)", "African National Congress", 1),
        ("St. Mary's Hospital", "Saint Mary's Hospital", 1),
        ("Mr John Smith", "John Smith", 1),
        ("Mr Smith", "Smith", 1),
        ("Mr Smith", "Mrs Smith", 2),
        ("Acme Ltd", "Acme Inc", 2),
        ("Acme", "Acme Foods", 2),
    ],
)
def test_titles_articles_forms_and_initials_make_no_other_name(first: str, second: str, entities: int) -> None:
    rows = (FoundRow(0, {"name": first}), FoundRow(1, {"name": second}, position=1_000))
    assert len(join(rows, NAMED)) == entities


def test_one_row_may_say_more_of_the_place_and_the_other_of_the_day() -> None:
    (entity,) = join((row(0, "Lyon", "2024-03-05"), row(1, "Lyon (France)", "2024-03")), KEYS)
    assert entity.key == {"city": "Lyon (France)", "day": "2024-03-05"}
    of_two = (row(0, "Lyon", "2024-03-05"), row(1, "Lyon, France", "2024-03"), row(2, "Lyon, Texas", "2024-03"))
    assert mentions(*of_two) == [(0,), (1,), (2,)]
    assert mentions(row(0, "the city of Lyon", "2024-03-05"), row(1, "Lyon", "2024-03-05")) == [(0, 1)]
