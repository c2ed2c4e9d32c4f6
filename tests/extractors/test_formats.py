"""What is found out of a server: once for a model, once for a schema, and kept for the next process."""

from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.project import ExtractorSettings
from coderai_pipeline.extractors import chat
from coderai_pipeline.extractors.formats import Formats, formats_of
from coderai_pipeline.extractors.refusals import SYSTEM
from coderai_pipeline.extractors.wire import Asking, ReplyFormat
from tests.extractors.calls import SCHEMA, request

OTHER: dict[str, Any] = {**SCHEMA, "required": ["total"], "properties": {"total": SCHEMA["properties"]["total"]}}


def found_out(folder: Path, reply_format: ReplyFormat | None = None) -> Formats:
    settings = ExtractorSettings(base_url="http://server.invalid/v1", reply_format=reply_format or "auto")
    return formats_of(settings, folder, "http://server.invalid/v1")


def test_a_schema_that_is_refused_is_described_from_then_on_and_others_are_still_sent(tmp_path: Path) -> None:
    assert found_out(tmp_path).refuse_schema("m", SCHEMA, "json_schema")
    later = found_out(tmp_path)
    assert later.asking("m", dict(SCHEMA)).reply_format == "json_object"
    assert later.asking("m", OTHER).reply_format == "json_schema"
    assert later.asking("another", SCHEMA).reply_format == "json_schema"


def test_where_json_mode_is_refused_as_well_the_schema_is_asked_for_in_words(tmp_path: Path) -> None:
    formats = found_out(tmp_path)
    assert formats.refuse_schema("m", SCHEMA, "json_schema")
    assert formats.refuse_format("m", "json_object")
    assert formats.asking("m", SCHEMA).reply_format == "text"
    assert formats.asking("m", OTHER).reply_format == "json_schema"


def test_a_form_that_the_project_fixes_is_never_changed(tmp_path: Path) -> None:
    formats = found_out(tmp_path, "json_schema")
    assert not formats.refuse_schema("m", SCHEMA, "json_schema")
    assert not formats.refuse_format("m", "json_schema")


@pytest.mark.parametrize("reply_format", ["json_schema", "text"])
def test_a_model_without_a_system_role_gets_all_in_one_message(reply_format: ReplyFormat) -> None:
    one: CallRequest = request(1)
    (message,) = chat.messages_for(one, Asking(reply_format, frozenset({SYSTEM})))
    assert isinstance(message, dict)
    assert message["role"] == "user"
    assert str(message["content"]).startswith(one.messages[0].content)
    assert str(message["content"]).endswith(one.messages[1].content)
