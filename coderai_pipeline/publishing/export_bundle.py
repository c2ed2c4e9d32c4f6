"""The replication bundle: a zip file with what a stranger needs to check the dataset, or to make it again.

The methods paragraph is in `methods`, the page that explains the files in `bundle_pages`, checking in `bundle_check`. Everything
comes from the snapshot, but for the replies and the acceptance of the sample, which are in the project's state.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import match
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.publishing.bundle_archive import BundleFile, new_bundle
from coderai_pipeline.publishing.bundle_pages import REDACTED, readme, without_examples
from coderai_pipeline.publishing.codebook_pages import write_codebook_markdown
from coderai_pipeline.publishing.export_parquet import write_table
from coderai_pipeline.publishing.export_tables import Table, long_table, project_facts, query_table, wide_table
from coderai_pipeline.publishing.export_text import write_csv
from coderai_pipeline.publishing.methods import methods_page
from coderai_pipeline.publishing.snapshot import state_beside
from coderai_pipeline.publishing.stat_frame import published_at
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.settings_files import PROJECT_FILE, save_codebook_yaml

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PACKAGE = "coderai-pipeline"
QUOTING = ("reason", "quote", "changes", "alternatives")
"""Columns of cells that may repeat a document's words beside the value."""


def write_bundle(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    facts = project_facts(connection)
    confidential = facts.get("privacy.show_text") == "false"
    chosen = options.model_copy(update={"evidence": options.evidence and not confidential})
    source = _Source(connection, state_beside(connection), chosen, facts, confidential)
    with new_bundle(folder / "replication.zip", published_at(facts)) as bundle:
        _add_definition(bundle, source)
        _add_prompts(bundle, source)
        _add_data(bundle, source, folder)
        replies = _add_replies(bundle, source)
        bundle.add_text("methods.md", methods_page(connection, Control(source.state).acceptance))
        bundle.add_text("manifest.json", _json(_manifest(source, replies)))
        bundle.add_text(
            "README.md",
            readme(
                facts,
                confidential=confidential,
                replies=replies.held,
                missing=len(replies.missing),
                narrowed=source.narrowed,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """What a bundle is made from. state: the project's private folder."""

    connection: "DuckDBPyConnection"
    state: Path
    options: ExportOptions
    facts: dict[str, str]
    confidential: bool

    @property
    def with_replies(self) -> bool:
        return self.options.replies and not self.confidential

    @property
    def narrowed(self) -> bool:
        """Whether the data are a part of the snapshot's."""
        options = self.options
        return bool(options.filter.strip()) or options.variables is not None or options.statuses is not None


@dataclass(frozen=True, slots=True)
class _Replies:
    """held: how many are in the bundle. missing: ids of calls that cells rest on and the archive does not have."""

    held: int
    missing: tuple[str, ...]


def _add_definition(bundle: BundleFile, source: _Source) -> None:
    rows = source.connection.execute("SELECT definition FROM codebook ORDER BY position").fetchall()
    codebook = Codebook.model_validate_json(json.dumps({"variables": [json.loads(text) for (text,) in rows]}))
    bundle.add_text(
        "codebook.yaml", save_codebook_yaml(without_examples(codebook) if source.confidential else codebook)
    )
    bundle.add_text(PROJECT_FILE, source.facts[PROJECT_FILE])
    bundle.add_text("settings.json", _json({key: value for key, value in source.facts.items() if key != PROJECT_FILE}))
    bundle.add_text("software.json", _json(_software()))


def _add_prompts(bundle: BundleFile, source: _Source) -> None:
    """Every version that a cell names."""
    rows = source.connection.execute("""
        SELECT variable, prompt_version, text FROM prompts
        SEMI JOIN (SELECT DISTINCT variable, prompt_version FROM cells) USING (variable, prompt_version)
        ORDER BY variable, prompt_version""").fetchall()
    for variable, number, text in rows:
        shown = (
            REDACTED.sub("  e.g. [left out: an example may quote a document]", text) if source.confidential else text
        )
        bundle.add_text(f"prompts/{variable}/{number}.md", shown + "\n")


def _add_data(bundle: BundleFile, source: _Source, folder: Path) -> None:
    """Each table is written beside the bundle and moved into it, so that none is held in memory."""
    connection, options = source.connection, source.options
    cells = long_table(connection, options)
    if source.confidential:
        cells = query_table(connection, f"SELECT * EXCLUDE ({', '.join(QUOTING)}) FROM ({cells.sql})")  # noqa: S608
    written = folder / "part"
    for name, table in (("dataset", wide_table(connection, options)), ("cells", cells)):
        write_csv(table, written, options)
        bundle.add(f"data/{name}.csv", written)
        write_table(table, written)
        bundle.add(f"data/{name}.parquet", written)
    for name, table in (("documents", _documents(source)), ("calls", query_table(connection, _CALLS))):
        write_csv(table, written, options)
        bundle.add(f"{name}.csv", written)
    write_codebook_markdown(connection, folder, options)
    bundle.add("codebook.md", folder / "codebook.md")


def _documents(source: _Source) -> Table:
    """The documents with their checksums: sha256 of the file as it came, text_sha256 of the text that was read from it."""
    reasons = "" if source.confidential else "reason, outcome_reason,"
    return query_table(
        source.connection,
        f"""SELECT document, source, sha256, text_sha256, type, status, outcome, {reasons} duplicate_of, language, words,
                   characters, pages, size_bytes FROM documents ORDER BY document""",  # noqa: S608
    )


_CALLS = """
    SELECT call_id, document, chunk, array_to_string(variables, ' ') AS variables, mode, model, finish_reason, input_tokens,
           output_tokens, cached_tokens, cost, attempts, started_at, seconds FROM calls ORDER BY started_at, call_id"""


def _add_replies(bundle: BundleFile, source: _Source) -> _Replies:
    archive = ReplyArchive(source.state / "replies")
    held, missing = 0, list[str]()
    for call_id in _call_ids(source) if source.with_replies else ():
        path = archive.path(call_id)
        if path.is_file():
            bundle.add(f"replies/{call_id[:2]}/{call_id}.json", path)
            held += 1
        else:
            missing.append(call_id)
    return _Replies(held, tuple(missing))


def _call_ids(source: _Source) -> Iterator[str]:
    """The calls that the exported cells rest on."""
    cells = long_table(source.connection, source.options).sql
    sql = f"SELECT DISTINCT call_id FROM (SELECT unnest(call_ids) AS call_id FROM ({cells})) ORDER BY call_id"  # noqa: S608
    return (call_id for (call_id,) in query_table(source.connection, sql).rows())


def _manifest(source: _Source, replies: _Replies) -> dict[str, Any]:
    return {
        "project": source.facts["id"],
        "snapshot": source.facts["version"],
        "published_at": source.facts["published_at"],
        "options": source.options.model_dump(mode="json"),
        "confidential": source.confidential,
        "replies": replies.held,
        "missing_replies": list(replies.missing),
    }


def _software() -> dict[str, str]:
    """Python and the packages that this one names, with their versions."""
    names = sorted({found[0] for line in requires(PACKAGE) or () if (found := match(r"[A-Za-z0-9._-]+", line))})
    found = {"python": ".".join(map(str, sys.version_info[:3])), PACKAGE: version(PACKAGE)}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # for another platform
    return found


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
