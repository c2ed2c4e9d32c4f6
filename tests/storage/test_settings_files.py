"""Rules of reading project.yaml and codebook.yaml, .xlsx and .csv."""

import codecs
import csv
import os
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.domain.codebook import Category, Codebook, Example, Validation, Variable, VariableType
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.storage.settings_files import (
    check_folder,
    load_codebook,
    load_project,
    save_codebook_yaml,
)

SOUND_CODEBOOK = "variables:\n  - {name: a, type: text}\n"


def problems_of_project(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    path = folder / "project.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InvalidInput) as error:
        load_project(path)
    return error.value.problems


def problems_of_codebook(folder: Path, text: str) -> tuple[Problem, ...]:
    path = folder / "codebook.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as error:
        load_codebook(path)
    return error.value.problems


def test_every_problem_of_a_file_is_reported_at_once_in_line_order(tmp_path: Path) -> None:
    found = problems_of_project(
        tmp_path,
        "nme: x\n"
        "language: EN\n"
        "unit:\n"
        "  rows: some\n"
        "  key: city\n"
        "limits:\n"
        "  documents: 1.5\n"
        "  in_flight: 9999\n"
        "  file_mb: ten\n"
        "archived: yes\n"
        "extractor: {name: opnai}\n",
    )
    assert [(problem.line, problem.key) for problem in found] == [
        (1, "name"),
        (1, "nme"),
        (2, "language"),
        (4, "unit.rows"),
        (5, "unit.key"),
        (7, "limits.documents"),
        (8, "limits.in_flight"),
        (9, "limits.file_mb"),
        (10, "archived"),
        (11, "extractor.name"),
    ]
    assert all(problem.file == f"{tmp_path.name}/project.yaml" for problem in found)
    said = {problem.key: str(problem) for problem in found}
    assert "did you mean `name`?" in said["nme"]
    assert "a language code of two or three lower-case letters" in said["language"]
    assert 'seen: "some"; allowed: one, many' in said["unit.rows"]
    assert "seen: 9999; allowed: a whole number, at least 1, at most 1,024" in said["limits.in_flight"]
    assert "seen: 1.5; allowed: a whole number" in said["limits.documents"]
    assert "write true" in said["archived"]
    assert "did you mean `openai`?" in said["extractor.name"]
    assert not any("Input should" in line or "valid" in line for line in said.values())


def test_a_whole_number_serves_where_a_decimal_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("name: p\nlimits: {file_mb: 20}\n")
    assert load_project(tmp_path / "project.yaml").limits.file_mb == 20.0


def test_no_and_dates_and_leading_zeros_stay_text(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("name: 2024-01-02\ndomain: no\ndocument_type: 007\nreading: {ocr: off}\n")
    project = load_project(tmp_path / "project.yaml")
    assert (project.name, project.domain, project.document_type) == ("2024-01-02", "no", "007")
    assert project.reading.ocr == "off"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", None, "the file is empty"),
        ("# only a note\n", None, "the file is empty"),
        ("- a\n- b\n", 1, "must hold keys with values"),
        ("name: p\nunit:\n\trows: one\n", 3, "a tab character"),
        ("name: p\ndomain: 'open\nlanguage: en\n", 2, "a quotation mark is opened and never closed"),
        ("name: p\nowners: [a, b\n", 2, "a list opened with [ is not closed"),
        ("name: p\nname: q\n", 2, "stands twice; it is already on line 1"),
        ("name: a: b\n", 1, "a colon stands where none is expected"),
        ("name: p\ndomain: *nothing\n", 2, "refers to nothing"),
        ("name: !!python/object/apply:os.system [ls]\n", 1, "beginning with !"),
        ("name: p\n---\nname: q\n", 2, "a second document begins here"),
        ("name: p\ndomain: \x07\n", 2, "control characters"),
        (b"name: p\ndomain: caf\xe9\n", 2, "save the file again with the encoding UTF-8"),
        ("name: p\nunit: " + "[" * 5_000, 2, "levels deep"),
        ("name: p\nseed: " + "9" * 5_000, 2, "is not a key"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, line: int | None, expected: str
) -> None:
    found = problems_of_project(tmp_path, text)
    assert any(problem.line == line and expected in problem.message for problem in found), found


def test_utf_16_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_bytes("name: Größe\n".encode(encoding))
        assert load_project(path).name == "Größe"


def test_aliases_are_understood_but_never_explode(tmp_path: Path) -> None:
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 9)}]\n" for level in range(9)
    )
    assert "more than 100,000 values" in problems_of_project(tmp_path, laughs)[0].message
    (tmp_path / "codebook.yaml").write_text(
        "variables:\n  - {name: a, type: category, categories: &scale [{value: low}, {value: high}]}\n"
        "  - {name: b, type: category, categories: *scale}\n"
    )
    assert len(load_codebook(tmp_path / "codebook.yaml")["b"].categories) == 2


def test_a_file_that_is_too_large_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    assert "larger than 2 MB" in problems_of_project(tmp_path, "# " + "x" * 2_000_001)[0].message
    (tmp_path / "real.yaml").write_text("name: p\n")
    (tmp_path / "project.yaml").unlink()
    (tmp_path / "project.yaml").symlink_to(tmp_path / "real.yaml")
    with pytest.raises(InvalidInput, match="is a link"):
        load_project(tmp_path / "project.yaml")
    (tmp_path / "project.yaml").unlink()
    os.mkfifo(tmp_path / "project.yaml")
    with pytest.raises(InvalidInput, match="is not a file"):
        load_project(tmp_path / "project.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "extractor:\n  api_key_env: sk-proj-Abcdefghijklmnop1234\n",
        "extractor:\n  api_key: sk-Abcdefghijklmnop1234\n",
        "domain: see sk-Abcdefghijklmnop1234 please\n",
        "extractor: sk-Abcdefghijklmnop1234\n",
        "sk-Abcdefghijklmnop1234: x\n",
        "extractor:\n  base_url: https://me:Abcdefghijklmnop1234@host/v1\n",
    ],
)
def test_a_key_in_a_file_is_refused_and_never_repeated(tmp_path: Path, text: str) -> None:
    said = "\n".join(str(problem) for problem in problems_of_project(tmp_path, f"name: p\n{text}"))
    assert "Abcdefghijklmnop1234" not in said
    assert "api_key_env" in said or "(hidden)" in said


def test_a_key_with_nothing_after_it_is_named(tmp_path: Path) -> None:
    found = problems_of_project(tmp_path, "name: p\nprivacy:\nowners:\n")
    assert [(problem.line, problem.message) for problem in found] == [
        (2, "is empty; give it a value or remove the key"),
        (3, "is empty; give it a value or remove the key"),
    ]


@pytest.mark.parametrize("name", ["sk-learn-pipeline-of-ours", "pat_previous_hospital_stay", "bearer of tidings"])
def test_ordinary_words_are_not_taken_for_keys(tmp_path: Path, name: str) -> None:
    (tmp_path / "project.yaml").write_text(f"name: {name}\n")
    assert load_project(tmp_path / "project.yaml").name == name


@pytest.mark.parametrize("passwords", ["hunter2", "[[hunter2]]", "{a: hunter2}", "[hunter2, 12345]"])
def test_a_password_is_never_repeated(tmp_path: Path, passwords: str) -> None:
    said = "\n".join(
        str(problem) for problem in problems_of_project(tmp_path, f"name: p\nreading: {{passwords: {passwords}}}\n")
    )
    assert "hunter2" not in said
    assert "12345" not in said


def test_a_long_value_is_shortened(tmp_path: Path) -> None:
    found = problems_of_project(tmp_path, f"name: p\ndate_order: {'x' * 5_000}\n")
    assert len(str(found[0])) < 300


def test_the_faults_of_valid_and_of_invalid_variables_are_found_together(tmp_path: Path) -> None:
    found = problems_of_codebook(
        tmp_path,
        "variables:\n"
        "  - name: Bad Name\n"
        "    type: number\n"
        "  - name: kind\n"
        "    type: category\n"
        "    categories: []\n"
        "  - name: amount\n"
        "    type: number\n"
        "    default: much\n"
        "    depends_on: kid = 'x' and kind is empty\n"
        "    examples:\n"
        "      - {source_text: s, value: {a: 1}}\n"
        "  - name: amount\n"
        "    type: text\n"
        "    default: 5\n"
        "  - just text\n",
    )
    at = {(problem.line, problem.key): str(problem) for problem in found}
    assert set(at) == {
        (2, "variables[0].name"),
        (4, "variables[1]"),
        (10, "variables[2].depends_on"),
        (12, "variables[2].examples[0].value"),
        (13, "variables[3].name"),
        (15, "variables[3].default"),
        (16, "variables[4]"),
    }
    assert "text or a number or true or false" in at[12, "variables[2].examples[0].value"]
    assert "needs `categories`" in at[4, "variables[1]"]
    assert "`kid` is no variable of the codebook; did you mean `kind`?" in at[10, "variables[2].depends_on"]


def test_an_empty_codebook_says_so(tmp_path: Path) -> None:
    assert problems_of_codebook(tmp_path, "variables: []\n")[0].message == "must not be empty"
    assert "begin it with `variables:`" in problems_of_codebook(tmp_path, "- {name: a, type: text}\n")[0].message


def test_a_folder_is_checked_across_its_files(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("name: p\nunit:\n  rows: many\n  key: [ctiy]\n")
    (tmp_path / "codebook.yaml").write_text("variables:\n  - {name: city, type: text}\n  - {name: city, type: text}\n")
    assert [(problem.file.split("/")[1], problem.line, problem.key) for problem in check_folder(tmp_path)] == [
        ("project.yaml", 4, "unit.key[0]"),
        ("codebook.yaml", 3, "variables[1].name"),
    ]


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    assert [problem.file.split("/")[1] for problem in check_folder(tmp_path)] == ["project.yaml", "codebook.yaml"]


HEADER = [
    "Name",
    "type",
    "Label",
    "labels",
    "categories",
    "examples",
    "required",
    "min",
    "max",
    "default",
    "depends on",
]
ROWS = [
    [
        "kind",
        "category",
        "Kind",
        "sort; Art",
        "riot: with violence [fight, fire]; march",
        "they marched => march",
        "yes",
        "",
        "",
        "",
        "",
    ],
    ["injured", "number", "", "hurt", "", "3 were hurt => 3\nnobody knows =>", "", 0, 100, 0, 'kind = "riot"'],
    ["", "", "", "", "", "", "", "", "", "", ""],
    ["day", "date", "", "", "", "", "x", "2020-01-01", "", "", ""],
]


def write_csv(path: Path, rows: list[list[object]], separator: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


def write_xlsx(path: Path, rows: list[list[object]], examples: list[list[object]] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if examples is not None:
        sheet = book.create_sheet("Examples")
        for row in examples:
            sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("kind", ["comma", "semicolon", "stated", "workbook"])
def test_a_spreadsheet_says_the_same_as_yaml(tmp_path: Path, kind: str) -> None:
    if kind == "workbook":
        path = write_xlsx(tmp_path / "codebook.xlsx", [HEADER, *ROWS])
    else:
        path = write_csv(tmp_path / "codebook.csv", [HEADER, *ROWS], "," if kind == "comma" else ";")
    if kind == "stated":
        path.write_bytes(b"sep=;\r\n" + path.read_bytes().removeprefix(codecs.BOM_UTF8))
    assert load_codebook(path) == Codebook(
        variables=(
            Variable(
                name="kind",
                type=VariableType.CATEGORY,
                label="Kind",
                labels=("sort", "Art"),
                categories=(
                    Category(value="riot", description="with violence", keywords=("fight", "fire")),
                    Category(value="march"),
                ),
                examples=(Example(source_text="they marched", value="march"),),
                required=True,
            ),
            Variable(
                name="injured",
                type=VariableType.NUMBER,
                labels=("hurt",),
                examples=(
                    Example(source_text="3 were hurt", value=3.0),
                    Example(source_text="nobody knows", value=None),
                ),
                validation=Validation(min=0.0, max=100.0),
                default=0.0,
                depends_on='kind = "riot"',
            ),
            Variable(name="day", type=VariableType.DATE, required=True, validation=Validation(min="2020-01-01")),
        )
    )


def test_a_spreadsheet_saved_in_another_language_is_understood(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["name", "type", "confidence_threshold", "required", "default", "min"],
        ["total", "number", "0,85", "ja", "", "1,5"],
        ["paid", "boolean", "", "nein", "WAHR", ""],
        ["big", "number", "", "", "", "1,500"],
    ]
    path = write_csv(tmp_path / "codebook.csv", rows, ";")
    with pytest.raises(InvalidInput, match="1,500"):  # a thousand and a half, or one and a half: not guessed
        load_codebook(path)
    total, paid = load_codebook(write_csv(path, rows[:-1], ";")).variables
    assert (total.confidence_threshold, total.required, total.validation.min) == (0.85, True, 1.5)
    assert (paid.required, paid.default) == (False, True)


def test_examples_may_stand_on_a_sheet_of_their_own(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "codebook.xlsx",
        [["name", "type"], ["n", "number"]],
        [["variable", "source_text", "value", "use"], ["n", "five", 5, "evaluation"], ["n", "unknown", None, None]],
    )
    assert load_codebook(path)["n"].examples == (
        Example(source_text="five", value=5.0, use="evaluation"),
        Example(source_text="unknown", value=None),
    )


def test_words_that_a_spreadsheet_begins_with_a_capital_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "codebook.csv"
    path.write_text("name,type,if_multiple,scale,default,examples\nn,Number,First,Ordinal,5,5 dead => 5\n")
    (variable,) = load_codebook(path).variables
    assert (variable.type, variable.if_multiple, variable.scale, variable.default) == ("number", "first", "ordinal", 5)
    assert variable.examples[0].value == 5


def test_problems_of_a_spreadsheet_name_row_and_column(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "codebook.xlsx",
        [
            ["name", "type", "min", "required", "lable"],
            ["a", "number", "low", "maybe", "x"],
            [],
            ["B", "text"],
        ],
        [["variable", "source_text", "value"], ["a", "s", "much"], ["c", "s", 1]],
    )
    with pytest.raises(InvalidInput) as error:
        load_codebook(path)
    at = {(problem.line, problem.key): str(problem) for problem in error.value.problems}
    assert set(at) == {
        (1, "lable"),
        (2, "required"),
        (4, "name"),
        (3, "sheet examples, variable"),
    }
    assert "did you mean `label`?" in at[1, "lable"]


def test_a_spreadsheet_stands_in_the_place_of_yaml_and_not_beside_it(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("name: p\n")
    (tmp_path / "codebook.csv").write_text("nonsense\n")
    assert check_folder(tmp_path)[0].file.endswith("codebook.csv")
    (tmp_path / "codebook.yaml").write_text(SOUND_CODEBOOK)
    assert [problem.message for problem in check_folder(tmp_path)] == [
        "stands beside codebook.csv; keep the codebook that is meant, move or rename the other"
    ]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a workbook", b"\xd0\xcf\x11\xe0old"])
def test_a_damaged_workbook_is_a_problem_and_no_more(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "codebook.xlsx").write_bytes(data)
    with pytest.raises(InvalidInput, match="is not readable as an Excel workbook"):
        load_codebook(tmp_path / "codebook.xlsx")


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n\t"), max_size=40)
words = texts.filter(lambda text: text.strip())


@given(
    st.lists(
        st.builds(
            Variable,
            type=st.just(VariableType.TEXT),
            name=st.from_regex(r"[a-z][a-z0-9_]{0,10}x", fullmatch=True).filter(lambda name: name != "x"),
            label=texts,
            instructions=texts,
            labels=st.lists(texts, max_size=3).map(tuple),
            examples=st.lists(st.builds(Example, source_text=words, value=words | st.none()), max_size=2).map(tuple),
            default=words | st.none(),
            required=st.booleans(),
            confidence_threshold=st.floats(0, 1) | st.none(),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda variable: variable.name,
    )
)
def test_a_saved_codebook_loads_as_the_same(
    tmp_path_factory: pytest.TempPathFactory, variables: list[Variable]
) -> None:
    codebook = Codebook(variables=tuple(variables))
    path = tmp_path_factory.mktemp("saved") / "codebook.yaml"
    path.write_text(save_codebook_yaml(codebook), encoding="utf-8", newline="")
    assert load_codebook(path) == codebook


@given(st.binary(max_size=200) | st.text(alphabet="a:-[]{}&*!|>'\"#%@` \n\t?,01", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "project.yaml"
    path.write_bytes(data)
    with pytest.raises(InvalidInput) as error:
        load_project(path)
    assert error.value.problems


def test_a_category_may_be_its_value_alone(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_text(
        "variables:\n  - {name: a, type: category, categories: [march, no, {value: rally, keywords: [speech]}]}\n"
    )
    listed = load_codebook(path)["a"].categories
    assert [(one.value, one.keywords) for one in listed] == [("march", ()), ("no", ()), ("rally", ("speech",))]
    (problem,) = problems_of_codebook(tmp_path, "variables:\n  - {name: a, type: category, categories: [march, 3]}\n")
    assert (problem.line, problem.key) == (2, "variables[0].categories[1]")
    assert "must be text; put it in quotes" in str(problem)
