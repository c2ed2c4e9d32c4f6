"""The settings of a project, as `project.yaml` holds them. Reading the file and naming lines is in `storage.settings_files`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from coderai_pipeline.domain.cells import CellStatus

PROJECT_ID_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
VARIABLE_NAME_PATTERN = r"[a-z][a-z0-9_]{0,31}"

VariableName = Annotated[str, StringConstraints(pattern=f"^{VARIABLE_NAME_PATTERN}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class Settings(BaseModel):
    """Base of everything a person writes in YAML: frozen, strict about types, refusing unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Unit(Settings):
    """The unit of observation: what one row of the dataset stands for."""

    rows: Literal["one", "many"] = "one"
    represents: str = "the document"
    identify_by: str = ""
    """How an entity is recognised (many)."""
    key: tuple[VariableName, ...] = ()
    """Variables that tell two entities of a document apart (many)."""
    expected: Annotated[int, Field(ge=1)] | None = None
    """About how many entities a document holds (many)."""


class Price(Settings):
    """Price of one million tokens, in the project's currency."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cached_input: Annotated[float, Field(ge=0)] | None = None


class ExtractorSettings(Settings):
    """Which extractor answers, and how it is asked."""

    name: Literal["openai", "rules"] = "openai"
    model: str = "gpt-4.1-mini"
    base_url: str | None = None
    """None: the provider's own address."""
    api_key_env: EnvironmentName = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; the key itself never stands in a file."""
    organization_env: EnvironmentName | None = None
    api: Literal["auto", "chat", "responses", "azure"] = "auto"
    api_version: str | None = None
    """Azure only."""
    reply_format: Literal["auto", "json_schema", "tools", "json_object", "text"] = "auto"
    calls: Literal["together", "per_variable"] = "together"
    passes: Literal["one", "two"] = "one"
    """Many-row projects: find entities and fill their variables at once, or identify first and fill then."""
    relevant_chunks: Annotated[int, Field(ge=1)] | None = None
    """Ask only this many chunks of a long document for each variable, chosen by lexical retrieval; None asks all."""
    second_reader: Literal["rules"] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """None: by variable type."""
    seed: int | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    batch: bool = False
    """Send the calls through the provider's Batch API."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Model name -> price."""
    currency: str = "USD"


class Limits(Settings):
    file_mb: Annotated[float, Field(gt=0, le=2000)] = 50.0
    documents: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    tokens: Annotated[int, Field(ge=0)] = 1_000_000
    """Token budget of the project, prompt and completion together."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 60
    tokens_per_minute: Annotated[int, Field(ge=1)] = 200_000
    in_flight: Annotated[int, Field(ge=1, le=1024)] = 32
    failures_in_a_row: Annotated[int, Field(ge=1)] = 10
    read_seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    read_memory_mb: Annotated[int, Field(ge=128)] = 1024


class ReadingSettings(Settings):
    ocr: Literal["auto", "off"] = "auto"
    """auto: scanned pages are read with Tesseract where it is installed."""
    html: Literal["whole", "main"] = "whole"
    """main: the main text of a page only, with its byline and date."""
    hidden_text: Literal["drop", "keep"] = "drop"
    """Whether text that a person could not see is kept from the model (drop) or shown to it (keep)."""
    duplicates: Literal["once", "each"] = "once"
    """once: a duplicate is listed but has no row; each: it repeats the row of the document it duplicates."""
    passwords: tuple[str, ...] = ()
    """Tried on encrypted files; never shown."""
    text_column: str | None = None
    """Tables of documents: the column that holds the text. None: a column named text, body, content, ..."""
    id_column: str | None = None
    """Tables of documents: the column that names each document. None: the row number."""


class QualitySettings(Settings):
    """What a variable must reach. None: not looked at. The checks warn; with `gate` they also hold the full run back."""

    gate: bool = False
    """True: the sample can be accepted, and the whole corpus extracted, only while every threshold holds."""
    min_accuracy: Annotated[float, Field(ge=0, le=1)] | None = 0.8
    """Least share of right cells among those judged by feedback or a gold file."""
    min_grounding: Annotated[float, Field(ge=0, le=1)] | None = 0.9
    """Least share of values whose quote was found in the document."""
    max_flagged: Annotated[float, Field(ge=0, le=1)] | None = 0.3
    """Greatest share of flagged cells among those asked."""
    min_judged: Annotated[int, Field(ge=0)] = 0
    """Judged cells that a variable must have before its accuracy is taken to be known."""


class Privacy(Settings):
    show_text: bool = True
    """False: no document text in logs, run metadata or previews."""
    preview_characters: Annotated[int, Field(ge=0, le=20_000)] = 2_000


class ExportOptions(Settings):
    """What of a dataset is exported, and how; the formats are in `publishing.exports`."""

    variables: tuple[VariableName, ...] | None = None
    """Which ones, in the codebook's order; None: all."""
    filter: str = ""
    """An SQL condition on the dataset's columns; rows for which it does not hold are left out."""
    statuses: tuple[CellStatus, ...] | None = None
    """Values of other statuses are left empty in wide tables and left out of long ones; None: all."""
    confidence: bool = False
    """Wide tables: a column beside each variable. Long tables always have it, and what the next two say."""
    evidence: bool = False
    """The quote and its page."""
    prompt_version: bool = False
    several_values: Literal["joined", "numbered"] = "joined"
    """Of variables that take several: joined by semicolons, or in columns variable_1 to variable_n."""
    byte_order_mark: bool = True
    """CSV: begin with the mark by which Excel knows UTF-8."""
    guard_formulas: bool = True
    """CSV: an apostrophe before what a spreadsheet could take for a formula."""
    replies: bool = True
    """Replication bundle: with the model's replies, whose requests hold the documents' texts as they were sent."""


class Project(Settings):
    """A project as its people describe it. `id` is the folder's name, not a key of the file."""

    name: Annotated[str, StringConstraints(min_length=1)]
    description: str = ""
    """The research question."""
    domain: str = ""
    document_type: str = "document"
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] = "en"
    """ISO 639 code of the language that most documents are in."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166-1 alpha-2; with `language` it makes the locale by which ambiguous numbers are read."""
    date_order: Literal["DMY", "MDY", "YMD"] | None = None
    """Decides dates such as 03/04/2024; None: they are flagged."""
    unit: Unit = Unit()
    extractor: ExtractorSettings = ExtractorSettings()
    limits: Limits = Limits()
    reading: ReadingSettings = ReadingSettings()
    privacy: Privacy = Privacy()
    exports: ExportOptions = ExportOptions()
    quality: QualitySettings = QualitySettings()
    owners: tuple[str, ...] = ()
    archived: bool = False

    @property
    def locale(self) -> str:
        """CLDR locale name such as `de_AT` or `en`."""
        return f"{self.language}_{self.country}" if self.country else self.language
