"""Every query and example of the analysts' guide runs on a published snapshot and finds something."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from coderai_pipeline.publishing.formula_check import formula_problem
from coderai_pipeline.publishing.snapshot import publish
from coderai_pipeline.publishing.tables import COMMENTS
from tests.publishing.study import NOW, Changed, definition, document_row, feedback_row, settled_row, write_values

GUIDE = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    kinds = [{"value": "riot"}, {"value": "march"}]
    study = definition(
        [
            {"name": "title", "type": "text"},
            {"name": "total", "type": "number"},
            {"name": "filed", "type": "date"},
            {"name": "kind", "type": "category", "categories": kinds, "allow_multiple": True},
        ]
    )
    unsure = Changed(answer="x", status="flagged", reason="two titles", confidence=0.2)
    given = {"a": {"title": unsure, "total": 5, "filed": "2024-03", "kind": ["riot", "march"]}, "b": {"title": None}}
    blocks = write_values(folder, study, given)
    blocks.append("documents", [document_row("scan", status="needs_ocr", reason="a scan")])
    blocks.append("settled", [settled_row("b", outcome="failed", reason="the server did not answer")])
    blocks.append("feedback", [feedback_row("a", "total", 5, inclusion_probability=0.5)])
    return publish(study, blocks, folder / "outputs", NOW).stable


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_guide_runs_and_finds_rows(stable: Path, query: str) -> None:
    with duckdb.connect(str(stable), read_only=True) as connection:
        assert connection.execute(query).fetchall()


def test_the_guide_names_every_table(stable: Path) -> None:
    with duckdb.connect(str(stable), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    assert tables == set(COMMENTS)
    assert {table for table in tables if f"`{table}`" not in GUIDE} == set()


COLUMNS = ["total", "filed_first_day", "decided_first_day", "kind", "meta_year"]


def test_the_guides_formulas_are_formulas() -> None:
    section = GUIDE.partition("## Formulas")[2].partition("##")[0]
    examples = [text for text in re.findall(r"`([^`]+)`", section) if "(" in text or "CASE" in text]
    assert len(examples) == 5, json.dumps(examples)
    for formula in examples:
        assert formula_problem(formula, COLUMNS) is None
