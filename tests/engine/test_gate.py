"""A project that asks for a gate is not extracted in full until its cells are good enough, or a person says so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from coderai_pipeline.cli import main
from coderai_pipeline.domain.errors import QualityTooLow
from coderai_pipeline.engine.backlog import backlog
from coderai_pipeline.engine.gate import accept_sample, measure_project, require_open
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.measurements import keep_measurement
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import make
from tests.publishing.study import cell_row, document_row

VARIABLES = [{"name": "total", "type": "number"}]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> ProjectFolder:
    folder = make(tmp_path, VARIABLES, quality={"gate": True, "min_accuracy": 0.9})
    blocks, keys = BlockStore(folder.state), [f"{number}.txt" for number in range(3)]
    blocks.append("documents", [document_row(key, source=key) for key in keys])
    blocks.append("cells", [cell_row(key, "total", number, type="number") for number, key in enumerate(keys)])
    return folder


def gold(folder: ProjectFolder, *totals: int) -> None:
    (folder.path / "gold").mkdir(exist_ok=True)
    lines = [f"{number}.txt,total,{total}" for number, total in enumerate(totals)]
    (folder.path / "gold" / "mine.csv").write_text("document,variable,expected\n" + "\n".join(lines))


def test_acceptance_waits_for_the_thresholds(folder: ProjectFolder) -> None:
    with pytest.raises(QualityTooLow, match="0 cells judged, 1 asked for"):
        accept_sample(folder.load(), "ann")
    gold(folder, 0, 1, 99)
    with pytest.raises(QualityTooLow, match=r"accuracy 0\.67 .*n = 3.*at least 0\.9"):
        accept_sample(folder.load(), "ann")
    assert Control(folder.state).acceptance is None
    gold(folder, 0, 1, 2)
    accept_sample(folder.load(), "ann")
    require_open(folder.load())


def test_a_person_may_override_and_says_why(folder: ProjectFolder) -> None:
    accept_sample(folder.load(), "ann", override="a pilot")
    acceptance = Control(folder.state).acceptance
    assert acceptance is not None
    assert (acceptance.by, acceptance.note, acceptance.overrides_gate) == ("ann", "a pilot", True)
    require_open(folder.load())


def test_what_was_accepted_is_held_back_again_when_it_turns_out_worse(folder: ProjectFolder) -> None:
    def measure() -> None:
        keep_measurement(BlockStore(folder.state), measure_project(folder.load()).rows)

    gold(folder, 0, 1, 2)
    measure()
    accept_sample(folder.load(), "ann")
    assert backlog(folder.load()).accepted
    gold(folder, 0, 8, 9)
    measure()
    assert not backlog(folder.load()).accepted
    with pytest.raises(QualityTooLow):
        require_open(folder.load())


def test_the_command_line_prints_numbers_with_intervals_and_refuses(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODERAI_HOME", str(folder.path.parent))
    gold(folder, 0, 1, 99)
    shown = CliRunner().invoke(main, ["quality", "study"])
    assert shown.exit_code == 0, shown.output
    assert "total\t0.67 (0.21-0.94, n = 3)\t" in shown.output
    assert "accuracy: fails, and holds the full run back" in shown.output
    refused = CliRunner().invoke(main, ["accept", "study"])
    assert refused.exit_code == 1
    assert "--override" in refused.output
    assert CliRunner().invoke(main, ["accept", "study", "--override", "a pilot"]).exit_code == 0
