"""What the UI shows of feedback that was not applied: bounded, and without words where documents are confidential."""

from coderai_pipeline.defs import metadata
from coderai_pipeline.domain.project import Privacy
from coderai_pipeline.engine.judging import Refused

REFUSED = [Refused(number, "a/total: secret", 'the value "secret" cannot be taken') for number in range(2, 302)]


def test_rows_that_were_not_applied_are_listed_up_to_a_bound() -> None:
    records = metadata.refused_table(REFUSED, Privacy()).records
    assert len(records) == metadata.REFUSED_ROWS + 1
    assert records[0].data == {"row": "2", "why": 'the value "secret" cannot be taken', "said": "a/total: secret"}
    assert "100 more" in str(records[-1].data["why"])


def test_confidential_projects_show_which_rows_and_none_of_their_words() -> None:
    unreadable = Refused(None, "", "is not readable as JSON")
    records = metadata.refused_table([*REFUSED[:3], unreadable], Privacy(show_text=False)).records
    assert "secret" not in str(records)
    assert [record.data["row"] for record in records] == ["2", "3", "4", ""]
    assert records[-1].data["why"] == "is not readable as JSON"
