from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.storage.blocks import SCHEMAS, BlockStore
from coderai_pipeline.storage.columns import table_of

texts = st.text(st.characters(exclude_categories=["Cs"]))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
VALUES = {
    "call_id": texts,
    "version": st.integers(-(2**63), 2**63 - 1),
    "chunk": st.integers(-(2**31), 2**31 - 1),
    "entities": st.lists(texts | st.none(), max_size=4),
    "cost": st.floats(allow_nan=False),
    "started_at": moments,
}


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional={name: values | st.none() for name, values in VALUES.items()})))
def test_a_table_holds_what_the_rows_say_and_null_where_they_say_nothing(rows: list[dict[str, object]]) -> None:
    table = table_of(rows, SCHEMAS["calls"])
    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist(rows, schema=SCHEMAS["calls"]))


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary() | st.none(), st.booleans() | st.none(), texts | st.none())))
def test_bytes_booleans_and_long_texts_come_back(values: list[tuple[bytes | None, bool | None, str | None]]) -> None:
    rows = [{"layout": layout, "removed": removed, "text": text} for layout, removed, text in values]
    found = table_of(rows, SCHEMAS["documents"]).select(["layout", "removed", "text"]).to_pylist()
    assert found == rows


def test_rows_of_documents_are_found_in_every_block_oldest_first(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    for version, keys in ((1, "abc"), (2, "xyz"), (3, "bcy")):
        blocks.append("chunks", [{"document": key, "version": version} for key in keys])
    found = blocks.rows_of("chunks", ["b", "y", "not there"], ["document", "version"])
    assert [(row["document"], row["version"]) for row in found] == [("b", 1), ("y", 2), ("b", 3), ("y", 3)]
    assert blocks.rows_of("chunks", []) == []


def test_merged_blocks_hold_the_same_rows(tmp_path: Path) -> None:
    blocks = BlockStore(tmp_path)
    for version in range(6):
        blocks.append("chunks", [{"document": f"d{version}", "version": version}])
    before = blocks.table("chunks")
    assert blocks.compact("chunks", at=5) == 5
    assert blocks.table("chunks").equals(before)
    assert [row["version"] for row in blocks.rows_of("chunks", ["d3"])] == [3]


def test_a_column_that_an_older_block_lacks_is_null(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    blocks = BlockStore(tmp_path)
    blocks.append("chunks", [{"document": "a", "version": 1, "tokens": 5}])
    (file,) = blocks.files("chunks")
    pq.write_table(pq.ParquetFile(file).read().drop_columns(["tokens"]), file)
    assert blocks.table("chunks").to_pylist()[0]["tokens"] is None
    assert blocks.rows_of("chunks", ["a"])[0]["tokens"] is None


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour"):
        BlockStore(tmp_path).append("chunks", [{"document": "a", "colour": "red"}])
