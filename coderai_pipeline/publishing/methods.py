"""The methods paragraph: how a dataset was made, in plain English, every figure counted in the snapshot.

It is a part of the replication bundle, which `export_bundle` writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.asks import TEMPERATURES
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_tables import project_facts
from coderai_pipeline.storage.control import Acceptance

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def methods_page(connection: "DuckDBPyConnection", acceptance: Acceptance | None) -> str:
    """The paragraph as Markdown, to be shortened and put into an article. acceptance: of the sample; None: not given."""
    facts = project_facts(connection)
    sentences = [
        *_corpus(connection, facts),
        *_codebook(connection, facts),
        *_extraction(connection, facts),
        *_outcome(connection),
        *_people(connection, acceptance),
    ]
    return f"# Methods\n\n{' '.join(sentences)}\n\nSnapshot {facts['version']}, published {facts['published_at']}.\n"


def _corpus(connection: "DuckDBPyConnection", facts: Mapping[str, str]) -> Iterator[str]:
    total, words, read = duck.one(
        connection,
        "SELECT count(*), coalesce(sum(words), 0), count(*) FILTER (status IN ('ready', 'partial')) FROM documents",
    )
    if facts.get("description"):
        yield f"The study asks: {facts['description'].strip()}"
    yield (
        f"The corpus held {_counted(total, 'document')} ({facts['document_type']}; {words:,} words), "
        f"of which {read:,} could be read."
    )
    left = connection.execute(
        "SELECT replace(status, '_', ' '), count(*) FROM documents WHERE status NOT IN ('ready', 'partial') GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    if left:
        yield f"The others could not be used: {_listed(f'{number:,} {status}' for status, number in left)}."


def _codebook(connection: "DuckDBPyConnection", facts: Mapping[str, str]) -> Iterator[str]:
    types = connection.execute(
        "SELECT type, count(*) FROM codebook WHERE formula = '' GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    asked = sum(number for _, number in types)
    (computed,) = duck.one(connection, "SELECT count(*) FROM codebook WHERE formula <> ''")
    (rows,) = duck.one(connection, "SELECT count(*) FROM dataset")
    kinds = _listed(f"{number:,} {kind}" for kind, number in types)
    yield f"A codebook of {_counted(asked, 'variable')} ({kinds}) was applied to each document."
    if computed:
        yield f"By formulas, {_counted(computed, 'further variable')} {_was(computed)} computed from these."
    yield f"One row of the dataset stands for {facts['unit.represents']}; it has {_counted(rows, 'row')}."


def _extraction(connection: "DuckDBPyConnection", facts: Mapping[str, str]) -> Iterator[str]:
    by = connection.execute(
        "SELECT extractor, model, count(*) FROM cells WHERE extractor = 'rules' OR model <> '' GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    ).fetchall()
    if any(extractor == "rules" for extractor, *_ in by):
        yield "Values were read by local, deterministic rules (labels, patterns and typed readers), without a language model."
    models = [(model, number) for extractor, model, number in by if extractor != "rules"]
    if models:
        shown = _listed(f"{model} ({_counted(number, 'cell')})" for model, number in models)
        yield f"Values were extracted by the language model {shown}, {_parameters(facts)}."
        yield (
            "Each answer had to give the value as written, a verbatim quote and a confidence, or null where the document "
            "does not state it; answers were then parsed, validated and located in the text by fixed rules."
        )
    yield from _calls(connection, facts)


def _parameters(facts: Mapping[str, str]) -> str:
    stated = facts.get("extractor.temperature")
    lowest, highest = min(TEMPERATURES.values()), max(TEMPERATURES.values())
    temperature = f"temperature {stated}" if stated else f"temperature {lowest:g} to {highest:g} by type of variable"
    seed = f", seed {facts['extractor.seed']}" if facts.get("extractor.seed") else ", without a seed"
    together = "one call per variable" if facts["extractor.calls"] == "per_variable" else "variables asked together"
    return f"{temperature}{seed}, {together}"


def _calls(connection: "DuckDBPyConnection", facts: Mapping[str, str]) -> Iterator[str]:
    calls, first, last, read, written, cost = duck.one(
        connection,
        "SELECT count(*), min(started_at), max(started_at), sum(input_tokens), sum(output_tokens), sum(cost) FROM calls",
    )
    if calls:
        when = (
            f"on {first:%Y-%m-%d}"
            if f"{first:%Y-%m-%d}" == f"{last:%Y-%m-%d}"
            else f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        )
        price = f" at a cost of {cost:,.2f} {facts['extractor.currency']}" if cost is not None else ""
        yield f"This took {_counted(calls, 'call')} {when} ({read:,} tokens read, {written:,} written){price}."


def _outcome(connection: "DuckDBPyConnection") -> Iterator[str]:
    statuses = connection.execute("SELECT status, count(*) FROM cells GROUP BY ALL ORDER BY 2 DESC, 1").fetchall()
    total = sum(number for _, number in statuses)
    if total:
        yield f"Of {_counted(total, 'cell')} (document x row x variable), {_shares(statuses, total)}."
    grounded = connection.execute(
        "SELECT grounding, count(*) FROM cells WHERE value IS NOT NULL AND grounding IS NOT NULL GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    quoted = sum(number for _, number in grounded)
    if quoted:
        named = [(_GROUNDINGS.get(grounding, grounding), number) for grounding, number in grounded]
        yield f"Of {_counted(quoted, 'value')} with a quote, the quote was {_shares(named, quoted)}."
    (still_open,) = duck.one(connection, "SELECT coalesce(sum(open), 0) FROM ledger")
    if still_open:
        yield f"When the snapshot was published, {_counted(still_open, 'cell')} {_was(still_open)} not settled yet."


_GROUNDINGS: Mapping[str, str] = {
    "exact": "found verbatim",
    "normalised": "found but for spacing, case or punctuation",
    "fuzzy": "found with small differences",
    "ambiguous": "found in several places",
    "absent": "not found in the text",
}


def _people(connection: "DuckDBPyConnection", acceptance: Acceptance | None) -> Iterator[str]:
    confirmed, corrected = duck.one(
        connection,
        "SELECT count(*) FILTER (status = 'validated'), count(*) FILTER (status = 'corrected') FROM cells",
    )
    if acceptance is None:
        yield "No sample had been accepted when this was written."
    else:
        why = f" ({acceptance.note.strip()})" if acceptance.note.strip() else ""
        yield f"The sample was accepted, and the whole corpus released for extraction, on {acceptance.at[:10]}{why}."
    if confirmed + corrected:
        yield f"People confirmed {_counted(confirmed, 'cell')} and corrected {corrected:,}."
    else:
        yield "No cell carries a person's confirmation or correction."


def _shares(counts: Sequence[tuple[str, int]], total: int) -> str:
    return _listed(f"{number:,} ({number / total:.1%}) {name}" for name, number in counts)


def _listed(parts: Any) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
