"""What a reply says of the variables asked, whatever shape it came in; nothing is settled or altered here.

Getting JSON out of the text is in `reply_json`; making values of the answers is in `settling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coderai_pipeline.domain.asks import Ask
from coderai_pipeline.domain.cells import Answer, JsonValue
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.reply_json import Found, is_cut, json_in, unpacked
from coderai_pipeline.domain.reply_schema import own_key
from coderai_pipeline.domain.reply_shapes import Entries, Entry, Names, entries_of, row_in, rows_in, text_under

Row = tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply, read. problem: why it cannot be read, "" = it can; there are no answers then, and asking again may help.

    answers: of the one row, or of the document's own variables where there are many. rows: the answers of each entity
    in the other modes; row_ids (fill) and row_quotes (identify) belong to them one by one. missing: variables asked
    that the reply does not mention, in some row at least; that is not the same as null. notes: what was unusual.
    """

    answers: Row = ()
    rows: tuple[Row, ...] = ()
    row_ids: tuple[str, ...] = ()
    row_quotes: tuple[str | None, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()


def read_reply(
    text: str, finish_reason: str, ask: Ask, call_id: str, chunk: int, entities: Sequence[str] = ()
) -> ParsedReply:
    """Reads a reply to `ask` about the chunk with index `chunk`. entities: ids that a `fill` ask gave, in order.

    Never raises. A reply cut at the length limit is a problem even where some rows are whole, because how many rows are
    lost cannot be known; only JSON that is complete in itself counts as whole, and of rows only JSON after which the
    model went on: what ends exactly at the limit may have been closed by a server.
    """
    if finish_reason in ("content_filter", "refusal"):
        return ParsedReply(problem=f"the provider stopped the reply ({finish_reason}): {_shown(text)}")
    found = json_in(text)
    is_closed_at_limit = ask.mode in ("rows", "identify") and text == text.rstrip()
    if finish_reason == "length" and (len(found) != 1 or found[0].how or is_closed_at_limit):
        return ParsedReply(problem=f"the reply was cut at the length limit: {_shown(text)}")
    if not found:
        fault = "the reply ends in the middle" if is_cut(text) else "the reply holds no JSON"
        return ParsedReply(problem=f"{fault}: {_shown(text)}")
    reader = _Reader(ask, call_id, chunk, tuple(entities))
    try:
        return _noted(reader.read_all(found), found[0])
    except RecursionError:
        return ParsedReply(problem=f"the reply is nested too deeply to be read: {_shown(text)}")


@dataclass(frozen=True, slots=True)
class _Reader:
    ask: Ask
    call_id: str
    chunk: int
    entities: tuple[str, ...]

    def read_all(self, found: Sequence[Found]) -> ParsedReply:
        """Several JSON values in one reply are parts of one answer, or one answer twice; if neither, nobody knows which counts."""
        readings = [(one.value, self._read(one.value)) for one in found]
        usable = [(value, reading) for value, reading in readings if not reading.problem]
        if len(usable) < 2:
            return usable[0][1] if usable else readings[-1][1]
        if self.ask.mode == "row" or all(len(reading.rows) == 1 for _, reading in usable):
            return self._read([value for value, _ in usable])
        if all(reading == usable[0][1] for _, reading in usable):
            return usable[0][1]
        return ParsedReply(problem=f"the reply holds {len(usable)} different lists of rows")

    def _read(self, value: JsonValue) -> ParsedReply:
        """A value, read; where it names nothing that was asked, with the JSON in its strings unpacked."""
        reading = self._read_as_it_is(value)
        inner = unpacked(value) if reading.problem else value
        return reading if inner == value else self._read_as_it_is(inner)

    def _read_as_it_is(self, value: JsonValue) -> ParsedReply:
        if self.ask.mode == "row":
            return self._row(value)
        rows = rows_in(value, self._row_names())
        if rows is None:
            return ParsedReply(problem=f"the reply lists no rows of the variables asked: {_shown(str(value))}")
        found = [row_in(row, self._row_names()) for _, row in rows]
        notes: tuple[str, ...] = ()
        if self.ask.mode == "rows" and any(_says_nothing(row) for row in found):
            found = [row for row in found if not _says_nothing(row)]
            notes = ("rows that say nothing are left out",)
        document = self._document(value)
        missing = self._missing(self.ask.document_variables, document)
        missing += [v.name for v in self.ask.row_variables if any(v.name not in row for row in found)]
        reading = ParsedReply(
            answers=self._answers(self.ask.document_variables, document),
            rows=tuple(self._answers(self.ask.row_variables, row) for row in found),
            missing=tuple(missing),
            notes=notes,
        )
        if self.ask.mode == "identify":
            return replace(reading, row_quotes=tuple(text_under(row, own_key(self.ask, "quote")) for _, row in rows))
        return self._with_ids(reading, rows) if self.ask.mode == "fill" else reading

    def _row(self, value: JsonValue) -> ParsedReply:
        names = Names(self.ask.variables)
        found = row_in(value, names) or self._only_variable(value)
        if not found:
            return ParsedReply(problem=f"the reply names none of the variables asked: {_shown(str(value))}")
        return ParsedReply(
            answers=self._answers(self.ask.variables, found), missing=tuple(self._missing(self.ask.variables, found))
        )

    def _only_variable(self, value: JsonValue) -> Entries:
        """Where one variable was asked, a bare {value, quote, confidence} or a number is its answer."""
        is_answer = isinstance(value, dict) and "value" in value
        is_number = isinstance(value, bool | int | float)
        only = self.ask.variables
        return {only[0].name: entries_of(value)} if len(only) == 1 and (is_answer or is_number) else {}

    def _row_names(self) -> Names:
        return Names(self.ask.row_variables)

    def _document(self, value: JsonValue) -> Entries:
        """The document's own variables: under `document`, beside the rows, or repeated in each row."""
        names = Names(self.ask.document_variables)
        if isinstance(value, dict) and "document" in value:
            return row_in(value["document"], names)
        return row_in(value, names) if names else {}

    def _missing(self, variables: Sequence[Variable], found: Entries) -> list[str]:
        return [variable.name for variable in variables if variable.name not in found]

    def _answers(self, variables: Sequence[Variable], found: Entries) -> Row:
        return tuple(self._answer(variable, found[variable.name]) for variable in variables if variable.name in found)

    def _answer(self, variable: Variable, entries: list[Entry]) -> Answer:
        quotes = tuple(quote for entry in entries for quote in entry.quotes)
        confidences = [entry.confidence for entry in entries if entry.confidence is not None]
        return Answer(
            variable=variable.name,
            value=_value(variable, entries),
            quote=quotes[0] if quotes else None,
            confidence=min(confidences, default=None),
            call_id=self.call_id,
            chunk=self.chunk,
            quotes=quotes,
        )

    def _with_ids(self, reading: ParsedReply, rows: list[tuple[str, JsonValue]]) -> ParsedReply:
        """Rows of a `fill` reply under the ids given; by position only where as many came back and none has an id."""
        ids = [text_under(row, own_key(self.ask, "id")) or key for key, row in rows]
        notes: list[str] = []
        if not any(ids) and len(rows) == len(self.entities):
            ids, notes = list(self.entities), ["rows without ids were taken in the order in which they were asked"]
        if not all(ids) or len(set(ids)) < len(ids):
            return ParsedReply(
                problem=f"the reply's rows cannot be told apart: their ids are {', '.join(ids) or 'missing'}"
            )
        strange = [row_id for row_id in ids if self.entities and row_id not in self.entities]
        absent = [row_id for row_id in self.entities if row_id not in ids]
        notes += [f"row {row_id} was not asked for and is left out" for row_id in strange]
        notes += [f"row {row_id} is not in the reply" for row_id in absent]
        kept = [index for index, row_id in enumerate(ids) if row_id not in strange]
        return replace(
            reading,
            rows=tuple(reading.rows[index] for index in kept),
            row_ids=tuple(ids[index] for index in kept),
            missing=self.ask.names if absent else reading.missing,
            notes=tuple(notes),
        )


def _says_nothing(row: Entries) -> bool:
    """Whether each variable of a row is there and null, without a quote: no entity is told of."""
    return bool(row) and all(entry.value is None and not entry.quotes for entries in row.values() for entry in entries)


def _value(variable: Variable, entries: list[Entry]) -> JsonValue:
    """As the reply gives it; different entries make a list, and a list of one is its item where one value is wanted."""
    values: list[JsonValue] = []
    for entry in entries:
        items = entry.value if isinstance(entry.value, list) else [entry.value]
        values.extend(item for item in items if item not in values)
    if not values or values == [None]:
        return None
    is_list = variable.takes_many and isinstance(entries[0].value, list)
    return values[0] if len(values) == 1 and not is_list else values


def _noted(reading: ParsedReply, found: Found) -> ParsedReply:
    return replace(reading, notes=(found.how, *reading.notes)) if found.how else reading


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return (text if len(text) <= 200 else f"{text[:200]}...") or "(empty)"
