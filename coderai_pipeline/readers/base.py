"""What every format reader takes and gives. Which reader reads a file is in `detect`; limits on time and memory are in `sandbox`."""

from dataclasses import dataclass, field

from coderai_pipeline.domain.documents import DocumentStatus, EvidenceMap, Heading, HiddenText, Page, TableSpan
from coderai_pipeline.domain.errors import CoderAIError


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read; the defaults are those of a project that says nothing."""

    file_mb: float = 50.0
    seconds: float = 120.0
    memory_mb: int = 1024
    ocr: bool = True
    """Read scanned pages with Tesseract where it is installed."""
    language: str = "en"
    """ISO 639 code; chooses the OCR language."""
    main_text: bool = False
    """HTML: the main text only, with byline and date."""
    passwords: tuple[str, ...] = ()
    text_column: str | None = None
    id_column: str | None = None


@dataclass(slots=True)
class Content:
    """What a format reader found in one document: the parts of `domain.documents.Document` that depend on the format."""

    text: str
    status: DocumentStatus = DocumentStatus.READY
    reason: str = ""
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[TableSpan, ...] = ()
    hidden: tuple[HiddenText, ...] = ()
    warnings: list[str] = field(default_factory=list[str])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    places: EvidenceMap = field(default_factory=EvidenceMap.empty)


class NotReadable(CoderAIError):
    """A file that gives no document: the status says what kind of trouble, the reason what a person can do about it."""

    def __init__(self, status: DocumentStatus, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)
