"""Writing new words into codebook.yaml changes those words and not one byte besides."""

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.storage.codebook_edits import VariableEdit, edit_codebook
from coderai_pipeline.storage.settings_files import load_codebook

CODEBOOK = """\
# Ours, since 2019.
variables:   # in the order of the columns
  - name: total   # the sum
    type: number
    instructions: |
      The total.
      All of it.

    # examples from the pilot
    examples:
      - source_text: "Total: 5"
        value: 5
      # a second one would stand here

  - {name: kind, type: category, categories: [{value: march}, {value: rally, description: old}]}  # short

  - name: note
    type: text
"""
LONG = "Take the sum that is finally due, with every tax in it and after every discount; " * 3


def edited(folder: Path, edit: VariableEdit, text: str = CODEBOOK) -> str:
    path = folder / "codebook.yaml"
    path.write_bytes(text.encode())
    return edit_codebook(path, edit).decode()


def changed_lines(before: str, after: str) -> list[str]:
    """What was taken away, then what was added."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    return sorted(lines, key=lambda line: line[0] == "+")


def test_instructions_are_replaced_where_they_stand(tmp_path: Path) -> None:
    after = edited(tmp_path, VariableEdit("total", "The sum: all of it."))
    assert changed_lines(CODEBOOK, after) == [
        "-     instructions: |",
        "-       The total.",
        "-       All of it.",
        '+     instructions: "The sum: all of it."',
    ]


def test_long_ones_are_folded_and_missing_ones_stand_below_the_name(tmp_path: Path) -> None:
    text = " ".join(LONG.split())
    after = edited(tmp_path, VariableEdit("note", text))
    assert not [line for line in changed_lines(CODEBOOK, after) if line.startswith("-")]
    assert "    instructions: >-\n" in after
    (tmp_path / "codebook.yaml").write_text(after)
    assert load_codebook(tmp_path / "codebook.yaml")["note"].instructions == text


def test_descriptions_and_examples_are_added_in_either_style(tmp_path: Path) -> None:
    after = edited(
        tmp_path,
        VariableEdit(
            "kind", "New.", {"march": "moving", "rally": "standing"}, [{"source_text": "a: b", "value": "march"}]
        ),
    )
    (removed, added) = changed_lines(CODEBOOK, after)
    assert removed.endswith("# short")
    assert added.endswith("# short")
    after = edited(
        tmp_path,
        VariableEdit("total", examples=[{"source_text": "Sum 7", "value": 7}, {"source_text": "none", "value": None}]),
    )
    assert changed_lines(CODEBOOK, after) == [
        '+       - {source_text: "Sum 7", value: 7}',
        '+       - {source_text: "none", value: null}',
    ]
    after = edited(tmp_path, VariableEdit("note", examples=[{"source_text": "x", "value": "y"}]))
    assert changed_lines(CODEBOOK, after) == ["+     examples:", '+       - {source_text: "x", value: "y"}']


def test_line_ends_and_byte_order_marks_stay(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + CODEBOOK.replace("\n", "\r\n").encode())
    after = edit_codebook(path, VariableEdit("note", " ".join(LONG.split())))
    assert after.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\n") == after.count(b"\r\n")


def test_what_cannot_be_changed_alone_is_left_alone(tmp_path: Path) -> None:
    shared = (
        "variables:\n  - {name: a, type: text, instructions: &x Old}\n  - {name: b, type: text, instructions: *x}\n"
    )
    with pytest.raises(InvalidInput, match="cannot be changed in place"):
        edited(tmp_path, VariableEdit("a", "New"), shared)
    with pytest.raises(InvalidInput, match="no variable c"):
        edited(tmp_path, VariableEdit("c", "New"), shared)
    (tmp_path / "codebook.csv").write_text("name,type\na,text\n")
    with pytest.raises(InvalidInput, match="spreadsheet"):
        edit_codebook(tmp_path / "codebook.csv", VariableEdit("a", "New"))


@settings(max_examples=25)
@given(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=300),
    st.sampled_from(["total", "kind", "note"]),
)
def test_any_words_arrive_as_they_are(tmp_path_factory: pytest.TempPathFactory, words: str, variable: str) -> None:
    folder = tmp_path_factory.mktemp("edit")
    try:
        after = edited(folder, VariableEdit(variable, words))
    except InvalidInput:
        assert not words.isprintable()  # YAML has no place for some control characters
        return
    (folder / "codebook.yaml").write_bytes(after.encode())
    assert load_codebook(folder / "codebook.yaml")[variable].instructions == words


def test_lists_and_plain_keys_grow_where_they_stand_and_variables_are_added_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_bytes(f"{CODEBOOK}    # the end\n".replace("\n", "\r\n").encode())
    added = Codebook.model_validate_json('{"variables": [{"name": "new", "type": "text", "instructions": "a\\nb"}]}')
    edit = VariableEdit("kind", values={"allow_other": True}, more={"categories": [{"value": "no"}], "labels": ["Art"]})
    after = edit_codebook(path, edit, VariableEdit("total", values={"unit": "EUR"}), added=added).decode()
    assert after.count("\r\n") == after.count("\n")
    assert changed_lines(f"{CODEBOOK}    # the end\n", after.replace("\r\n", "\n")) == [
        "-   - {name: kind, type: category, categories: [{value: march}, {value: rally, description: old}]}  # short",
        '+     unit: "EUR"',
        '+   - {name: kind, labels: ["Art"], allow_other: true, type: category, categories: [{value: march}, '
        '{value: rally, description: old}, {value: "no"}]}  # short',
        "+ ",
        "+   - name: new",
        "+     type: text",
        "+     instructions: |-",
        "+       a",
        "+       b",
    ]


def test_a_list_on_one_line_takes_new_variables_in_its_own_style(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text("variables: [{name: a, type: text}]  # all\n")
    added = Codebook.model_validate_json('{"variables": [{"name": "b", "type": "date"}]}')
    assert edit_codebook(path, added=added).decode() == (
        'variables: [{name: a, type: text}, {name: "b", type: "date"}]  # all\n'
    )


@pytest.mark.parametrize("categories", ["[march, 'rally']", "\n      - march   # on foot\n      - rally"])
def test_a_category_that_is_its_value_alone_gets_its_description_in_place(tmp_path: Path, categories: str) -> None:
    text = f"variables:\n  - name: kind\n    type: category\n    categories: {categories}\n    label: K\n"
    after = edited(tmp_path, VariableEdit("kind", descriptions={"rally": "standing: still"}), text)
    (tmp_path / "codebook.yaml").write_text(after)
    listed = load_codebook(tmp_path / "codebook.yaml")["kind"].categories
    assert [(one.value, one.description) for one in listed] == [("march", ""), ("rally", "standing: still")]
    assert ("# on foot" in after) == ("# on foot" in text)


def test_whatever_the_project_reads_can_be_changed(tmp_path: Path) -> None:
    before = (
        "variables:\n  - {name: total, type: number, instructions: Is anything due?}\n  - {name: note, type: text}\n"
    )
    assert edited(tmp_path, VariableEdit("note", "New."), before).endswith(
        '{name: note, instructions: "New.", type: text}\n'
    )
