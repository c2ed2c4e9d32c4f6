"""Reading replies: the shapes models give, and what must never be read into one."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.asks import Ask, plan_asks
from coderai_pipeline.domain.codebook import Category, Codebook, Variable
from coderai_pipeline.domain.project import ExtractorSettings, Project, Unit
from coderai_pipeline.domain.replies import ParsedReply, read_reply

CODEBOOK = Codebook(
    variables=(
        Variable(name="outlet", type="text", level="document"),
        Variable(name="city", type="location"),
        Variable(name="day", type="date", label="Day of the event"),
        Variable(name="injured", type="number"),
        Variable(
            name="tactics",
            type="category",
            allow_multiple=True,
            categories=(Category(value="march"), Category(value="strike")),
        ),
    )
)
MANY = Project(name="p", unit=Unit(rows="many", represents="each protest", key=("city", "day")))


def row_ask(*names: str) -> Ask:
    wanted = set(names) or {"outlet", "city", "day", "injured", "tactics"}
    (ask,) = plan_asks(Project(name="p"), CODEBOOK, wanted)
    return ask


def rows_ask() -> Ask:
    (ask,) = plan_asks(MANY, CODEBOOK, {variable.name for variable in CODEBOOK.variables})
    return ask


def read(reply: Any, ask: Ask, finish_reason: str = "stop", entities: tuple[str, ...] = ()) -> ParsedReply:
    text = reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
    return read_reply(text, finish_reason, ask, "call", 3, entities)


def values(parsed: ParsedReply) -> dict[str, Any]:
    assert parsed.problem == ""
    return {answer.variable: answer.value for answer in parsed.answers}


def full(value: Any, quote: Any = None, confidence: Any = None) -> dict[str, Any]:
    return {"value": value, "quote": quote, "confidence": confidence}


def test_the_shape_asked_for_is_read_whole() -> None:
    parsed = read({"city": full("Lyon", "in Lyon", 0.9), "injured": full(None)}, row_ask("city", "injured"))
    city, injured = parsed.answers
    assert (city.value, city.quote, city.confidence, city.call_id, city.chunk) == ("Lyon", "in Lyon", 0.9, "call", 3)
    assert (injured.value, injured.quote, injured.confidence) == (None, None, None)
    assert (parsed.missing, parsed.problem, parsed.notes) == ((), "", ())


@pytest.mark.parametrize(
    "reply",
    [
        '```json\n{"city": "Lyon", "injured": 5}\n```',
        'Here is what I found:\n{"city": {"value": "Lyon"}, "injured": {"value": 5}}\nLet me know!',
        '<think>Maybe {"city": "Paris"}?</think>{"city": "Lyon", "injured": 5}',
        {"result": {"city": "Lyon", "injured": 5}},
        {"data": {"variables": [{"name": "city", "value": "Lyon"}, {"name": "injured", "value": 5}]}},
        [{"variable": "City", "value": "Lyon"}, {"variable": "INJURED", "value": 5}],
        [{"city": "Lyon", "injured": 5}],
        {"City": "Lyon", "Injured ": full(5)},
        {"place": {"city": full("Lyon")}, "figures": {"injured": 5}},
        {"city_value": "Lyon", "city_quote": "in Lyon", "injured": 5, "injured_confidence": 0.5},
        "{'city': 'Lyon', 'injured': 5,}",
        '{"city": "Lyon", "city": "Lyon", "injured": null, "injured": 5}',
        {"city": "Lyon", "more": {"injured": 5}},
        {"rows": [{"city": "Lyon", "injured": 5}]},
    ],
)
def test_other_shapes_say_the_same(reply: Any) -> None:
    parsed = read(reply, row_ask("city", "injured"))
    assert values(parsed) == {"city": "Lyon", "injured": 5}
    assert parsed.missing == ()


def test_a_label_stands_for_the_name() -> None:
    assert values(read({"Day of the event": "3 May"}, row_ask("day"))) == {"day": "3 May"}


def test_an_answer_that_is_json_in_a_string_is_unpacked() -> None:
    parsed = read({"city": json.dumps(full("Lyon", "in Lyon", 0.9)), "injured": "{5}"}, row_ask("city", "injured"))
    assert values(parsed) == {"city": "Lyon", "injured": "{5}"}
    assert parsed.answers[0].quote == "in Lyon"


@pytest.mark.parametrize(
    "thoughts",
    ["<think>{0}</think>", "[THINK]{0}[/THINK]", "<|channel|>analysis<|message|>{0}<|channel|>final<|message|>"],
)
def test_thoughts_are_no_answers(thoughts: str) -> None:
    assert values(read(thoughts.format('{"city": "Nice"}') + '{"city": "Lyon"}', row_ask("city"))) == {"city": "Lyon"}


def test_an_absent_key_is_missing_and_not_null() -> None:
    parsed = read({"city": None, "injured": {"quote": "five people"}}, row_ask("city", "day", "injured"))
    assert values(parsed) == {"city": None}
    assert parsed.missing == ("day", "injured")


@pytest.mark.parametrize(
    "text", ["None of the above", "null", "N/A", "true", "NaN", "not stated", "", " x ", '"quoted"']
)
def test_strings_are_never_altered(text: str) -> None:
    assert values(read({"city": full(text)}, row_ask("city"))) == {"city": text}


def test_repair_does_not_alter_strings_either() -> None:
    read_as = values(
        read("{'city': 'None of the above', injured: 616.60, day: None}", row_ask("city", "day", "injured"))
    )
    assert read_as == {"city": "None of the above", "injured": 616.6, "day": None}


@pytest.mark.parametrize("text", ["{city: None of the above, injured: 5}", '{"city": "Lyon" and Nice, "injured": 5}'])
def test_a_repair_that_loses_words_is_refused(text: str) -> None:
    assert read(text, row_ask("city", "injured")).problem


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I'm sorry, I can't read [illegible] text.",
        "The document does not mention {anything}.",
        '{"error": "cannot comply"}',
        "",
        "{}",
        "[]",
        "null",
        '"Lyon"',
        "I cannot do this. []",
    ],
)
@pytest.mark.parametrize("ask", [row_ask(), rows_ask()], ids=["row", "rows"])
def test_what_says_nothing_of_the_variables_is_a_problem(text: str, ask: Ask) -> None:
    if text == "[]" and ask.mode == "rows":
        pytest.skip("a bare empty list says that there are no rows")
    parsed = read(text, ask)
    assert parsed.problem
    assert parsed.answers == parsed.rows == ()


@pytest.mark.parametrize("finish_reason", ["content_filter", "refusal"])
def test_a_refusal_is_a_problem_whatever_its_text(finish_reason: str) -> None:
    assert finish_reason in read({"city": "Lyon"}, row_ask("city"), finish_reason).problem


@pytest.mark.parametrize("cut", range(1, 89))
@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_a_cut_reply_is_a_problem_wherever_it_is_cut(cut: int, finish_reason: str) -> None:
    text = '{"outlet": {"value": "x"}, "rows": [{"city": "Lyon", "day": "3 May"}, {"city": "Nice"}]}'
    assert len(text) == 88
    parsed = read(text[:cut], rows_ask(), finish_reason)
    assert bool(parsed.problem) == (cut < len(text) or finish_reason == "length")


def test_complete_json_at_the_length_limit_counts() -> None:
    assert not read({"rows": [{"city": "Lyon", "day": "3 May"}]}, rows_ask(), "stop").problem
    assert not read('{"rows": [{"city": "Lyon", "day": "3 May"}]}\n', rows_ask(), "length").problem
    assert read('{"rows": [{"city": "Lyon", "day": "3 May"}]}', rows_ask(), "length").problem
    assert values(read('{"city": "Lyon"}\n\n\n', row_ask("city"), "length")) == {"city": "Lyon"}


def test_different_values_of_a_repeated_key_are_all_kept() -> None:
    assert values(read('{"injured": 5, "injured": 7}', row_ask("injured"))) == {"injured": [5, 7]}


@pytest.mark.parametrize(("given", "read_as"), [(0.8, 0.8), ("0.8", 0.8), ("80%", 0.8), (80, 0.8), (1, 1), (5, None), (-1, None), ("high", None), (True, None), ("1e999", None)])  # fmt: skip
def test_confidence_is_a_share_or_not_given(given: Any, read_as: float | None) -> None:
    (answer,) = read({"city": full("Lyon", None, given)}, row_ask("city")).answers
    assert answer.confidence == read_as


def test_numbers_that_are_none_stay_as_written() -> None:
    assert values(read('{"injured": NaN, "city": 1e999}', row_ask("city", "injured"))) == {
        "injured": "NaN",
        "city": "1e999",
    }


def test_several_values_come_with_their_quotes() -> None:
    parsed = read({"tactics": full(["march", "strike"], ["they marched", "a strike"], 0.7)}, row_ask("tactics"))
    (answer,) = parsed.answers
    assert (answer.value, answer.quote, answer.quotes) == (
        ["march", "strike"],
        "they marched",
        ("they marched", "a strike"),
    )
    each = {"tactics": [full("march", "they marched", 0.9), full("strike", "a strike", 0.7)]}
    assert read(each, row_ask("tactics")).answers == parsed.answers


@pytest.mark.parametrize(
    "quote",
    [
        {"quote": {"text": "in Lyon", "start": 3}},
        {"evidence": [{"quote": "in Lyon", "page": 1}]},
        {"quotes": [["in Lyon"], None]},
        {"supporting_quote": "in Lyon"},
        {"excerpt": "in Lyon"},
        {"quote": None, "sentence": "in Lyon"},
    ],
)
@pytest.mark.parametrize("key", ["value", "result", "extracted_value"])
def test_a_quote_is_found_in_every_shape(key: str, quote: dict[str, Any]) -> None:
    (answer,) = read({"city": {key: "Lyon", **quote}}, row_ask("city")).answers
    assert (answer.value, answer.quotes) == ("Lyon", ("in Lyon",))


def test_yes_and_no_are_no_quotes() -> None:
    assert read({"city": full("Lyon", True)}, row_ask("city")).answers[0].quotes == ()


def test_a_list_of_one_is_its_item_where_one_value_is_wanted() -> None:
    assert values(read({"injured": ["5"], "tactics": ["march"], "city": []}, row_ask())) == {
        "city": None,
        "injured": "5",
        "tactics": ["march"],
    }


def test_a_variable_asked_alone_may_come_without_its_name() -> None:
    assert values(read(full("Lyon", "in Lyon"), row_ask("city"))) == {"city": "Lyon"}
    assert values(read("5", row_ask("injured"))) == {"injured": 5}


ROWS = [
    {"city": "Lyon", "day": "3 May", "injured": 5, "tactics": None},
    {"city": "Nice", "day": None, "injured": None, "tactics": []},
]


@pytest.mark.parametrize(
    "reply",
    [
        {"document": {"outlet": full("Le Monde")}, "rows": ROWS},
        {"outlet": "Le Monde", "events": ROWS},
        {"result": {"outlet": "Le Monde", "rows": ROWS}},
        {"document": {"outlet": "Le Monde"}, "rows": {"1": ROWS[0], "2": ROWS[1]}},
        [{"outlet": "Le Monde", **row} for row in ROWS],
        [{"document": {"outlet": "Le Monde"}, "rows": ROWS}],
        [{"outlet": "Le Monde", "event": row} for row in ROWS],
        "\n".join(json.dumps({"outlet": "Le Monde", **row}) for row in ROWS),
    ],
)
def test_rows_are_found_in_every_shape(reply: Any) -> None:
    parsed = read(reply, rows_ask())
    assert values(parsed) == {"outlet": "Le Monde"}
    assert [{a.variable: a.value for a in row} for row in parsed.rows] == [ROWS[0], {**ROWS[1], "tactics": None}]
    assert parsed.missing == ()


def test_two_different_lists_of_rows_are_a_problem_and_the_same_twice_is_not() -> None:
    one, other = json.dumps({"outlet": "x", "rows": ROWS}), json.dumps({"outlet": "x", "rows": [*ROWS, *ROWS]})
    assert read(f"{one}\nNo, rather:\n{other}", rows_ask()).problem
    assert len(read(f"{one}\nAgain:\n{one}", rows_ask()).rows) == 2


def test_an_answer_in_parts_is_put_together_and_contradictions_are_kept() -> None:
    assert values(read('{"city": "Lyon"}\n{"injured": 5}', row_ask("city", "injured"))) == {
        "city": "Lyon",
        "injured": 5,
    }
    assert values(read('First {"injured": 5}, no: {"injured": 7}', row_ask("injured"))) == {"injured": [5, 7]}


def test_a_single_row_may_come_without_a_list() -> None:
    parsed = read({"city": "Lyon", "day": "3 May", "injured": 5, "tactics": None, "outlet": "x"}, rows_ask())
    assert len(parsed.rows) == 1


def test_no_rows_are_no_rows_and_the_document_still_answers() -> None:
    parsed = read({"document": {"outlet": "Le Monde"}, "rows": []}, rows_ask())
    assert (parsed.problem, parsed.rows, values(parsed)) == ("", (), {"outlet": "Le Monde"})


def test_a_variable_missing_in_one_row_is_missing() -> None:
    parsed = read({"outlet": "x", "rows": [ROWS[0], {"city": "Nice", "day": "4 May"}]}, rows_ask())
    assert parsed.missing == ("injured", "tactics")
    assert len(parsed.rows) == 2


def test_a_row_that_says_nothing_is_left_out_and_that_is_noted() -> None:
    nothing = {name: full(None) for name in ROWS[0]}
    parsed = read({"outlet": "x", "rows": [*ROWS, nothing]}, rows_ask())
    assert len(parsed.rows) == 2
    assert parsed.notes == ("rows that say nothing are left out",)


@pytest.mark.parametrize("rows", [None, [{}], [5], [ROWS[0], "second event"], {"a": 1}])
def test_rows_that_cannot_be_read_are_a_problem(rows: Any) -> None:
    assert read({"document": {"outlet": "x"}, "rows": rows}, rows_ask()).problem


def fill_ask() -> Ask:
    (ask,) = plan_asks(MANY, CODEBOOK, {"injured"}, entities_known=True)
    assert ask.mode == "fill"
    return ask


def test_filled_rows_belong_to_the_ids_that_were_given() -> None:
    reply = {"rows": [{"id": "2", "injured": 7}, {"id": 1, "injured": 5}, {"id": "9", "injured": 0}]}
    parsed = read(reply, fill_ask(), entities=("1", "2", "3"))
    assert dict(zip(parsed.row_ids, [row[0].value for row in parsed.rows], strict=True)) == {"1": 5, "2": 7}
    assert parsed.missing == ("injured",)
    assert any("row 9" in note for note in parsed.notes)
    assert any("row 3" in note for note in parsed.notes)


def test_filled_rows_without_ids_are_taken_in_order_only_if_all_came_back() -> None:
    assert read({"rows": [{"injured": 5}, {"injured": 7}]}, fill_ask(), entities=("a", "b")).row_ids == ("a", "b")
    assert read({"rows": [{"injured": 5}]}, fill_ask(), entities=("a", "b")).problem
    assert read({"rows": [{"id": "a", "injured": 5}] * 2}, fill_ask(), entities=("a", "b")).problem


def test_identified_rows_keep_the_quote_that_shows_them() -> None:
    project = MANY.model_copy(update={"extractor": ExtractorSettings(passes="two")})
    ask = plan_asks(project, CODEBOOK, {"city", "day", "injured"})[0]
    assert ask.mode == "identify"
    parsed = read({"rows": [{"quote": "in Lyon on 3 May", "city": full("Lyon"), "day": full("3 May")}]}, ask)
    assert parsed.row_quotes == ("in Lyon on 3 May",)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from(["city", "Lyon", "value", "rows"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["city", "injured", "value", "values", "rows", "quote", "name", "id", "document", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(), st.text(alphabet='{}[]":, \\\nacity5', max_size=60), json_like.map(lambda value: json.dumps(value))
    )
)
@example("[" * 100_000)
@example('{"city":' * 3_000 + "1" + "}" * 3_000)
@example('{"value":' * 600 + "1" + "}" * 600)
@example('{"injured": ' + "9" * 10_000 + "}")
@example("```" * 1000)
def test_no_text_makes_reading_raise(text: str) -> None:
    for ask in (row_ask(), row_ask("city"), rows_ask(), fill_ask()):
        parsed = read_reply(text, "stop", ask, "call", 0, ("1",))
        assert bool(parsed.problem) <= (parsed.answers == parsed.rows == ())
        for answer in (*parsed.answers, *(answer for row in parsed.rows for answer in row)):
            assert not isinstance(answer.value, float) or math.isfinite(answer.value)


# Control characters are left out of what a reply says.
printable = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
plain_values = st.none() | printable | st.integers(-(10**9), 10**9) | st.booleans()


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("city", "day", "injured"), plain_values)))
def test_values_come_out_as_they_went_in(answers: dict[str, Any]) -> None:
    for shape in (answers, {name: full(value) for name, value in answers.items()}, {"result": [answers]}):
        assert values(read(shape, row_ask("city", "day", "injured"))) == answers


@pytest.mark.parametrize(
    "reply",
    [
        '{\n  // the place\n  "city": "Lyon", /* none\nleft out */ "injured": 5,\n}',
        '{"city": "Lyon", "injured": 5, // done, all\n}',
        json.dumps(json.dumps({"city": "Lyon", "injured": 5})),
        {"name": "answer", "arguments": json.dumps({"city": "Lyon", "injured": 5})},
        '{"city": "Ly\\u0000on", "injured": 5}',
        '{"city": "Ly\x01on", "injured": 5}',
    ],
)
def test_comments_packing_and_control_characters_do_not_matter(reply: Any) -> None:
    assert values(read(reply, row_ask("city", "injured"))) == {"city": "Lyon", "injured": 5}


def test_what_looks_like_a_comment_or_an_escape_in_a_string_stays() -> None:
    reply = r'{"city": "http://x.y/*z*/", "injured": "C:\\u0001"}'
    assert values(read(reply, row_ask("city", "injured"))) == {"city": "http://x.y/*z*/", "injured": "C:\\u0001"}


@given(st.lists(st.sampled_from([r"\ud83d", r"\ude00", "a", r"\\ud83d"]), max_size=6).map("".join))
def test_every_string_of_a_reply_can_be_written_to_a_file(text: str) -> None:
    for value in values(read(f'{{"city": "{text}", "injured": 5}}', row_ask("city", "injured"))).values():
        str(value).encode()
