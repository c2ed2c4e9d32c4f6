"""SPSS and Stata files say what the snapshot says: labelled numbers, real days, whole texts, and why a value is missing."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck, stat_columns
from coderai_pipeline.publishing.exports import export
from coderai_pipeline.publishing.stat_names import free_name, within
from tests.publishing.study import Changed, definition, publish_values

KINDS = [{"value": "riot"}, {"value": "march"}]
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "label": "Title as printed"},
    {"name": "total", "type": "number"},
    {"name": "filed", "type": "date"},
    {"name": "met", "type": "date"},
    {"name": "kind", "type": "category", "categories": KINDS},
    {"name": "kinds", "type": "category", "categories": KINDS, "allow_multiple": True},
    {"name": "sort", "type": "category", "categories": [{"value": "x"}], "allow_other": True},
    {"name": "big", "type": "boolean"},
    {"name": "long", "type": "number"},
]
LONG = "é🎉" * 30_000
VALUES: dict[str, dict[str, Any]] = {
    "a": {"title": "=1 שלום\x00", "total": -98, "filed": "2024-03", "met": "2024-03-05", "kind": "march",
          "kinds": ["march", "riot"], "sort": "new", "big": False, "long": 1},
    "b": {"title": None, "total": None, "filed": "2024-03-05", "met": Changed(answer=None, status="skipped"),
          "kind": Changed(answer=None, status="failed"), "sort": "x", "big": Changed(answer=None, status="flagged")},
    "c": {"title": LONG, "total": 2.5, "filed": "1500-01-01", "big": True},
}  # fmt: skip
ABSENT, SKIPPED, FLAGGED, FAILED, NO_DAY = "absent", "skipped", "flagged", "failed", "not a whole day"
CODES = {"spss": (-999, -998, -997, -996, -995), "stata": ("a", "b", "c", "d", "e")}
READ = {"spss": pyreadstat.read_sav, "stata": pyreadstat.read_dta}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_values(tmp_path_factory.mktemp("stat"), definition(VARIABLES), VALUES).path


@pytest.fixture(scope="module", params=["spss", "stata"])
def made(request: pytest.FixtureRequest, snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    (path,) = export(request.param, snapshot, tmp_path_factory.mktemp("made"))
    frame, meta = READ[request.param](path, user_missing=True, disable_datetime_conversion=True)
    return request.param, frame, meta, path


def test_categories_and_booleans_are_labelled_numbers(made: tuple[Any, ...]) -> None:
    _, frame, meta, _ = made
    assert (frame.kind[0], frame.big[0], frame.big[2]) == (2, 0, 1)
    assert {1: "riot", 2: "march"}.items() <= meta.variable_value_labels["kind"].items()
    assert {0: "no", 1: "yes"}.items() <= meta.variable_value_labels["big"].items()
    assert meta.column_names_to_labels["title"] == "Title as printed"
    assert list(frame.kinds[:1]) == ["march; riot"]


def test_other_values_of_a_category_keep_their_text(made: tuple[Any, ...]) -> None:
    _, frame, meta, _ = made
    assert (list(frame.sort[:2]), list(frame.sort_other[:2])) == ([2, 1], ["new", ""])
    assert meta.variable_value_labels["sort"][2].startswith("another value")


def test_a_missing_value_says_why(made: tuple[Any, ...]) -> None:
    format, frame, meta, _ = made
    found = {name: frame[name][1] for name in ("total", "met", "big", "kind")} | {"filed": frame.filed[0]}
    reasons = dict(zip(found, (ABSENT, SKIPPED, FLAGGED, FAILED, NO_DAY), strict=True))
    assert list(found.values()) == list(CODES[format])
    for name, reason in reasons.items():
        assert meta.variable_value_labels[name][found[name]].startswith(reason)
    assert pd.isna(frame.kind[2])  # not extracted yet: missing for no reason
    assert frame.title_status[1] == 2


def test_read_as_most_people_do_missing_values_are_missing_and_numbers_numbers(made: tuple[Any, ...]) -> None:
    format, _, _, path = made
    frame, _ = READ[format](path)
    assert list(frame.total.isna()) == [False, True, False]
    assert (frame.total[0], frame.total[2]) == (-98, 2.5)
    assert list(frame.kind.isna()) == [False, True, True]


def test_codes_of_missing_values_are_no_values(snapshot: Path, tmp_path: Path) -> None:
    """-98 is a value of `total`; without it there are two nines."""
    (path,) = export("spss", snapshot, tmp_path, ExportOptions(variables=("kind",)))
    _, meta = pyreadstat.read_sav(path, user_missing=True)
    assert meta.missing_ranges["kind"] == [{"lo": -99.0, "hi": -95.0}]


def test_whole_days_are_days_and_other_dates_text(made: tuple[Any, ...]) -> None:
    format, frame, meta, _ = made
    epoch, a_day = (date(1582, 10, 14), 86_400) if format == "spss" else (date(1960, 1, 1), 1)
    assert frame.met[0] == (date(2024, 3, 5) - epoch).days * a_day
    assert meta.original_variable_types["met"] == ("DATE11" if format == "spss" else "%td")
    assert list(frame.filed_text) == ["2024-03", "2024-03-05", "1500-01-01"]
    assert frame.filed_first_day[0] == (date(2024, 3, 1) - epoch).days * a_day
    assert "met_text" not in frame
    assert (frame.filed[2] == CODES["spss"][-1]) == (format == "spss")  # SPSS's calendar begins in 1582


def test_texts_are_whole_in_stata_and_cut_with_a_mark_in_spss(made: tuple[Any, ...]) -> None:
    format, frame, _, _ = made
    assert (frame.title[0], frame.title[1]) == ("=1 שלום", "")
    if format == "stata":
        assert frame.title[2] == LONG
    else:
        assert frame.title[2].endswith("...")
        assert LONG.startswith(frame.title[2][:-3])
        assert 32_760 <= len(frame.title[2].encode()) <= 32_767


def test_pandas_reads_the_stata_file_as_well(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("stata", snapshot, tmp_path)
    frame = pd.read_stata(path, convert_categoricals=False)
    assert list(frame.met[:1]) == [pd.Timestamp("2024-03-05")]
    assert frame.title[2] == LONG


def test_several_values_in_columns_are_labelled_numbers_too(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("spss", snapshot, tmp_path, ExportOptions(several_values="numbered", variables=("kinds",)))
    frame, meta = pyreadstat.read_sav(path)
    assert (list(frame.kinds_1[:1]), list(frame.kinds_2[:1])) == ([2], [1])
    assert meta.variable_value_labels["kinds_2"][1] == "riot"


@pytest.mark.parametrize(
    ("wanted", "longest", "taken", "found"),
    [
        ("total", 32, set[str](), "total"),
        ("long", 32, set[str](), "long_"),
        ("str12", 32, set[str](), "str12_"),
        ("Total", 32, {"total"}, "Total_"),
        ("Total", 32, {"total", "total_"}, "Total_2"),
        ("meta_a b.c", 32, set[str](), "meta_a_b_c"),
        ("2nd", 32, set[str](), "v2nd"),
        ("b" * 32 + "_status", 28, set[str](), "b" * 21 + "_status"),
        ("größe" * 10, 32, set[str](), "größe" * 4 + "grö"),
    ],
)
def test_names_are_what_both_programs_take(wanted: str, longest: int, taken: set[str], found: str) -> None:
    assert free_name(wanted, longest, taken) == found


def test_a_text_is_never_cut_within_a_character() -> None:
    assert within("éééé", 7) == "éé..."
    assert within("éééé", 8) == "éééé"


def test_variables_of_32_letters_and_odd_metadata_have_names_in_both(tmp_path: Path) -> None:
    study = definition([{"name": "b" * 32, "type": "text"}, {"name": "n" * 32, "type": "number"}])
    metadata = '{"Größe in m²": "5", "' + "k" * 80 + '": "x", "日本": "y"}'
    given = {"a": {"b" * 32: "q", "n" * 32: 1}}
    snapshot = publish_values(tmp_path, study, given, type="csv", metadata=metadata).path
    for format, read in READ.items():
        frame, meta = read(export(format, snapshot, tmp_path)[0])
        assert frame["b" * 32][0] == "q"
        assert [label for label in meta.column_labels if label.startswith("n" * 32)]
        assert "meta_日本" in frame.columns


def test_an_empty_dataset_has_its_columns(tmp_path: Path) -> None:
    snapshot = publish_values(tmp_path, definition(VARIABLES), {}).path
    for format, read in READ.items():
        frame, _ = read(export(format, snapshot, tmp_path)[0])
        assert len(frame) == 0
        assert "kind" in frame.columns


def test_however_many_columns_there_are_the_table_is_read_once_to_tell_what_they_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = [
        {"name": f"v{number}_{kind['type']}", **kind}
        for number in range(20)
        for kind in ({"type": "date"}, {"type": "category", "categories": KINDS})
    ]
    path = publish_values(tmp_path, definition(variables), {"a": {"v7_date": "2024-03"}}).path
    asked: list[str] = []

    def counting(connection: Any, sql: str) -> tuple[Any, ...]:
        asked.append(sql)
        return connection.execute(sql).fetchone()

    monkeypatch.setattr(duck, "one", counting)
    with duck.read(path) as connection:
        _, columns = stat_columns.stat_table(connection, ExportOptions(), first_day=date(1582, 10, 15))
    assert [column.name for column in columns if column.name.endswith("_text")] == ["v7_date_text"]
    assert len([sql for sql in asked if "bool_or" in sql]) == 1
    assert len(asked) < 4
