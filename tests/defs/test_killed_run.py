"""What pages say of a document whose run ended between storing it and saying so."""

import dagster as dg
import pytest

from coderai_pipeline.defs import names
from coderai_pipeline.defs.events import DocumentEvents
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.storage.control import Control
from tests.deployments import Deployment
from tests.engine.projects import drop, make


def test_the_run_that_tells_of_it_is_the_last_one_that_planned_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(deployment.projects, [{"name": "total", "type": "number"}], extractor={"name": "rules"})
    drop(folder, "a.txt", "total: 5")
    Control(folder.state).accept("the test")
    key = names.asset_key(folder.id, "extractions")
    with open_instance(deployment.projects) as instance:
        with monkeypatch.context() as broken:
            broken.setattr(DocumentEvents, "materialise", _breaks)
            first = run_job(instance, folder, "extract")
        assert not first.success
        assert _planned_by(instance, key)[0] == first.run_id
        second = run_job(instance, folder, "extract")
        assert second.success
        assert instance.get_materialized_partitions(key) == {"a.txt"}
        assert _planned_by(instance, key) == [second.run_id, first.run_id]


def _breaks(*_: object) -> None:
    raise ConnectionError("the database is gone")


def _planned_by(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    """The runs that planned the document, the last one first."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    found = instance.get_event_records(dg.EventRecordsFilter(kind, key, asset_partitions=["a.txt"]))
    return [record.event_log_entry.run_id for record in found]
