"""Word files (.docx, .docm, .dotx) -> document: header, body, footer and notes in that order, comments as metadata.

Walks the package itself: python-docx refuses macro files and templates, and sees neither insertions, content controls,
text boxes nor notes. Blocks are in `docx_blocks`, the bounds on unpacking in `packages`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.building import PARAGRAPH, TextBuilder
from coderai_pipeline.readers.docx_blocks import Shared, Story
from coderai_pipeline.readers.docx_runs import CHOICES, note_mark
from coderai_pipeline.readers.docx_styles import Numbering, Styles, W, is_on
from coderai_pipeline.readers.packages import Element, Package, damaged, is_element
from coderai_pipeline.readers.text import oddities

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BLOCKS = (*(W + tag for tag in ("p", "tbl", "sdt", "customXml", "ins", "moveTo", "sectPr", "altChunk")), CHOICES)
_PARTS_OF_CORE = {
    "title": "title", "creator": "author", "created": "date", "modified": "modified", "subject": "subject",
    "keywords": "keywords", "description": "description", "language": "language", "lastModifiedBy": "last_modified_by",
    "category": "category",
}  # fmt: skip


def read(data: bytes, options: ReadOptions) -> Content:
    package = Package(data, options.memory_mb)
    harmed = package.verify()
    main = _main_part(package)
    relations = package.relations(main)
    shared = Shared(
        Styles(_related(package, relations, "styles")), Numbering.read(_related(package, relations, "numbering"))
    )
    body = _Body(shared)
    body.read(package, main)
    builder = TextBuilder()
    settings = _related(package, relations, "settings")
    for kind, story in (("header", None), ("", body.story.builder), ("footer", None)):
        builder.separate(PARAGRAPH)
        if story is not None:
            builder.extend(story)
            continue
        for text in _margins(package, relations, shared, body.sections(settings, kind), kind):
            builder.separate(PARAGRAPH)
            builder.extend(text)
    _notes(builder, package, relations, shared)
    builder.metadata |= _metadata(package) | _comments(package, relations)
    builder.warnings += [f"a picture is damaged: {name}" for name in harmed] + _warnings(shared, builder)
    return builder.content(_why_empty(shared, builder))


def _why_empty(shared: Shared, builder: TextBuilder) -> str:
    if shared.deletions:
        return "holds no text but what is marked as deleted or moved away; reject these changes in Word to have it read"
    return "holds no text, only comments" if "comments" in builder.metadata else "holds no text"


@dataclass(slots=True)
class _Body:
    """The body, read block by block so that a long one never stands in memory as a whole."""

    shared: Shared
    story: Story = field(init=False)
    _sections: list[Element] = field(default_factory=list[Element])

    def __post_init__(self) -> None:
        self.story = Story(TextBuilder(), self.shared)

    def read(self, package: Package, part: str) -> None:
        with package.stream(part) as stream:
            try:
                events = etree.iterparse(
                    stream, events=("end",), tag=_BLOCKS, resolve_entities=False, load_dtd=False, no_network=True,
                    huge_tree=False,
                )  # fmt: skip
                for _, element in events:
                    self._block(element)
            except etree.XMLSyntaxError as error:
                raise damaged(f"{part}: {error.msg}") from error

    def sections(self, settings: Element | None, kind: str) -> list[str]:
        """Relation ids of the headers or footers that Word shows, in order."""
        even = bool(is_on(settings, "evenAndOddHeaders"))
        shown: list[str] = []
        for section in self._sections:
            first = bool(is_on(section, "titlePg"))
            types = ["first"] * first + ["default"] + ["even"] * even
            references = {
                ref.get(W + "type", "default"): ref.get(_R, "") for ref in section.iter(f"{W}{kind}Reference")
            }
            shown += [references[type_] for type_ in types if type_ in references]
        return shown

    def _block(self, element: Element) -> None:
        if element.tag == W + "sectPr":
            self._sections.append(_copy(element))
        parent = element.getparent()
        if parent is None or parent.tag != W + "body":
            return
        self.story.block(element)
        element.clear()
        while element.getprevious() is not None:
            del parent[0]


def _copy(section: Element) -> Element:
    """Detached from the tree that is cleared behind the walk."""
    return etree.fromstring(etree.tostring(section, with_tail=False))


def _main_part(package: Package) -> str:
    for kind, part in package.relations("").values():
        if kind == "officeDocument":
            return part
    if package.has("word/document.xml"):
        return "word/document.xml"
    raise damaged("the main part is missing")


def _related(package: Package, relations: dict[str, tuple[str, str]], kind: str) -> Element | None:
    part = next((part for found, part in relations.values() if found == kind), None)
    return None if part is None else package.xml(part)


def _margins(
    package: Package, relations: dict[str, tuple[str, str]], shared: Shared, ids: list[str], kind: str
) -> Iterator[TextBuilder]:
    """Headers or footers, each text once however many sections repeat it."""
    seen: set[str] = set()
    for relation_id in dict.fromkeys(ids):
        root = package.xml(relations[relation_id][1]) if relation_id in relations else None
        if root is None:
            continue
        story = Story(TextBuilder(), shared, kind)
        story.blocks(root)
        text = story.builder.text()
        if text.strip() and text not in seen:
            seen.add(text)
            yield story.builder


def _notes(builder: TextBuilder, package: Package, relations: dict[str, tuple[str, str]], shared: Shared) -> None:
    for kind in ("footnote", "endnote"):
        root = _related(package, relations, f"{kind}s")
        if root is None:
            continue
        notes = {note.get(W + "id", ""): note for note in root.iter(W + kind)}
        ids = shared.notes.footnote if kind == "footnote" else shared.notes.endnote
        for number, note_id in enumerate(list(ids), 1):
            if note_id in notes:
                builder.separate(PARAGRAPH)
                place = f"{kind} {number}"
                story = Story(TextBuilder(), shared, place)
                story.blocks(notes[note_id])
                if story.builder.length:
                    builder.add(f"{note_mark(kind, number)} ", place)
                    builder.extend(story.builder)


def _comments(package: Package, relations: dict[str, tuple[str, str]]) -> dict[str, str]:
    root = _related(package, relations, "comments")
    said: list[str] = []
    for comment in () if root is None else root.iter(W + "comment"):
        paragraphs = ("".join(text.text or "" for text in p.iter(W + "t")) for p in comment.iter(W + "p"))
        author = comment.get(W + "author", "").strip() or "unknown"
        said.append(f"{author}: {' '.join(paragraphs).strip()}")
    return {"comments": "\n".join(said)} if said else {}


def _metadata(package: Package) -> dict[str, str]:
    part = next(
        (part for kind, part in package.relations("").values() if kind == "core-properties"), "docProps/core.xml"
    )
    try:
        root = package.xml(part)
    except NotReadable:  # a document is not lost for its title
        return {}
    found: dict[str, str] = {}
    for element in () if root is None else root:
        name = _PARTS_OF_CORE.get(etree.QName(element).localname) if is_element(element) else None
        if name and (element.text or "").strip():
            found[name] = (element.text or "").strip()
    return found


def _warnings(shared: Shared, builder: TextBuilder) -> list[str]:
    warnings = oddities(builder.text())
    if shared.entities:
        warnings.append("references to entities outside the text were left out")
    if shared.chunks:
        warnings.append(f"{shared.chunks} embedded documents (altChunk) were not read; open the file and save it again")
    return warnings
