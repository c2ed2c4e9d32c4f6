"""The README of a replication bundle, and what is taken out of the definitions of confidential projects.

Which files a bundle has is decided in `export_bundle`.
"""

import re
from collections.abc import Iterator, Mapping

from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.publishing.bundle_archive import SUMS

REDACTED = re.compile(r"^  e\.g\. .*$", re.MULTILINE)
"""The lines of a prompt that show golden examples, as `domain.prompts` writes them."""


def without_examples(codebook: Codebook) -> Codebook:
    """The codebook without golden examples, which are passages of documents."""
    return Codebook(variables=tuple(one.model_copy(update={"examples": ()}) for one in codebook.variables))


def readme(facts: Mapping[str, str], *, confidential: bool, replies: int, missing: int, narrowed: bool) -> str:
    return (
        "\n".join(_lines(facts, confidential=confidential, replies=replies, missing=missing, narrowed=narrowed)) + "\n"
    )


def _lines(
    facts: Mapping[str, str], *, confidential: bool, replies: int, missing: int, narrowed: bool
) -> Iterator[str]:
    yield f"# Replication bundle: {' '.join(facts['name'].split())}\n"
    yield f"Made from snapshot {facts['version']}, published {facts['published_at']}.\n"
    yield from _FILES
    yield from _about_replies(replies, missing) if replies or missing else (_NO_REPLIES,)
    if confidential:
        yield _CONFIDENTIAL
    if narrowed:
        yield _NARROWED
    yield _HOW_TO_CHECK


_FILES = (
    "| File | What it is |",
    "|---|---|",
    "| `methods.md` | how the dataset was made, in a paragraph; every figure counted in the snapshot |",
    "| `codebook.yaml`, `codebook.md` | the variables with all their rules; the same as a page, with counts |",
    "| `project.yaml`, `settings.json` | the settings that were changed; all settings in force. No keys or passwords |",
    "| `prompts/VARIABLE/VERSION.md` | what the model was asked, every version that a value names |",
    "| `data/dataset.csv`, `.parquet` | one row per unit of observation |",
    "| `data/cells.csv`, `.parquet` | one row per value: status, evidence, prompt version, model, calls |",
    "| `documents.csv` | the documents with the SHA-256 of each file and of the text read from it |",
    "| `calls.csv` | every request to the model, with tokens, cost and time |",
    "| `replies/` | the requests and replies that the values rest on, by call id (`call_ids` of a cell) |",
    "| `software.json` | versions of Python and of the packages |",
    "| `manifest.json` | what was chosen for this bundle, and what is not in it |",
    f"| `{SUMS}` | the SHA-256 of every file here |",
    "",
    "The documents themselves are not in this bundle.",
)
_NO_REPLIES = "The replies of the model are not in this bundle."
_CONFIDENTIAL = """
**The documents are confidential.** Left out are the replies, quotes, reasons, changes, alternatives and golden examples, since they
repeat the documents' words. The values themselves are in `data/`; look at those of text variables before you pass them on."""
_NARROWED = """
**The data are a part of the snapshot:** `manifest.json` says by which variables, statuses or filter they were chosen. The figures
in `methods.md` and `codebook.md` are those of the whole snapshot, apart from the variables listed."""
_HOW_TO_CHECK = f"""
## How to check it

1. That nothing was changed since: `coderai bundle verify FILE`, or unpack it and run `sha256sum -c {SUMS}`.
2. That your documents are the same: compare `sha256sum` of each file with `documents.csv`. A document that is a row of a table has
   the SHA-256 of its row's content.
3. A value: take its row in `data/cells.csv`, open the reply named in `call_ids` and read the answer; `quote_start` and
   `quote_end` count characters in the document's text, from 0.
4. The whole: make a project with this `project.yaml` and `codebook.yaml`, put the documents into its inbox and, to ask nothing
   again, the folder `replies/` into its `state/`; then `coderai run PROJECT`. Values that rest on replies come out the same;
   without them the model is asked anew and may answer otherwise."""


def _about_replies(replies: int, missing: int) -> Iterator[str]:
    if replies:
        yield f"\nThe {replies:,} replies hold the requests as they were sent, and with them the documents' texts. Mind their rights."
    if missing:
        yield f"\n{missing:,} replies that values rest on are no longer in the archive; `manifest.json` lists them."
