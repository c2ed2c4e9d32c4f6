"""Word files (.docx, .docm, .dotx, Flat OPC .xml) -> document: header, body, footer and notes in that order, comments as metadata.

Walks the package itself: python-docx refuses macro files and templates, and sees neither insertions, content controls,
text boxes nor notes. Blocks are in `docx_blocks`, the bounds on unpacking in `packages`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.building import PARAGRAPH, TextBuilder
from coderai_pipeline.readers.docx_blocks import RELATION, Shared, Story
from coderai_pipeline.readers.docx_links import Links
from coderai_pipeline.readers.docx_math import FORMULAS
from coderai_pipeline.readers.docx_numbering import Numbering
from coderai_pipeline.readers.docx_runs import CHOICES
from coderai_pipeline.readers.docx_styles import Styles, W, is_on
from coderai_pipeline.readers.packages import Element, Package, damaged, is_element, packed
from coderai_pipeline.readers.text import oddities

_BLOCKS = (
    *(W + tag for tag in ("p", "tbl", "sdt", "customXml", "ins", "moveTo", "sectPr", "altChunk")),
    CHOICES,
    *FORMULAS,
)
_PARTS_OF_CORE = {
    "title": "title", "creator": "author", "created": "date", "modified": "modified", "subject": "subject",
    "keywords": "keywords", "description": "description", "language": "language", "lastModifiedBy": "last_modified_by",
    "category": "category",
}  # fmt: skip


def read(data: bytes, options: ReadOptions) -> Content:
    return read_nested(data, options, 0)


def read_nested(data: bytes, options: ReadOptions, depth: int) -> Content:
    """A file that is shown within `depth` others."""
    package = Package(packed(data), options.memory_mb)
    harmed = package.verify()
    main = _main_part(package)
    links = Links.of(package, main, options, depth)
    styles = Styles(links.xml("styles"))
    shared = Shared(styles, Numbering.read(links.xml("numbering"), styles))
    body = _Body(Story(TextBuilder(), shared, links))
    body.read(package, main)
    builder = _assembled(links, shared, body)
    _notes(builder, links, shared)
    builder.metadata |= _metadata(package) | _comments(links) | _attachments(package)
    builder.warnings += [f"a picture is damaged: {name}" for name in harmed] + _warnings(shared, builder)
    content = builder.content(_why_empty(shared, builder, package))
    return _partial(content, shared.unread)


def _assembled(links: Links, shared: Shared, body: "_Body") -> TextBuilder:
    """Headers, body, footers."""
    builder = TextBuilder()
    settings = links.xml("settings")
    headers, footers = (_margins(links, shared, body.sections(settings, kind), kind) for kind in ("header", "footer"))
    for story in (*headers, body.story.builder, *footers):
        builder.separate(PARAGRAPH)
        builder.extend(story)
    return builder


def _partial(content: Content, unread: list[str]) -> Content:
    if unread and content.status.is_readable:
        content.status = DocumentStatus.PARTIAL
        what = "a document that Word shows within it was" if len(unread) == 1 else f"{len(unread)} documents were"
        content.reason = f"{what} not read ({unread[0]}); open the file in Word and save it again"
    return content


def _why_empty(shared: Shared, builder: TextBuilder, package: Package) -> str:
    if shared.unread:
        return f"holds only documents of other kinds that were not read ({shared.unread[0]}); open it and save it again"
    if shared.deletions:
        return "holds no text but what is marked as deleted or moved away; reject these changes in Word to have it read"
    if "comments" in builder.metadata:
        return "holds no text, only comments"
    if any("/media/" in name for name in package.names()):
        return "holds no text, only pictures; save it as PDF, so that text in them is read where OCR is installed"
    return "holds no text"


@dataclass(slots=True)
class _Body:
    """The body, read block by block so that a long one never stands in memory as a whole."""

    story: Story
    _sections: list[Element] = field(default_factory=list[Element])

    def read(self, package: Package, part: str) -> None:
        with package.xml_stream(part) as stream:
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
                ref.get(W + "type", "default"): ref.get(RELATION, "") for ref in section.iter(f"{W}{kind}Reference")
            }
            shown += [references[type_] for type_ in types if type_ in references]
        return shown

    def _block(self, element: Element) -> None:
        if element.tag == W + "sectPr":
            self._sections.append(_copy(element))
        parent = element.getparent()
        if parent is None or parent.tag != W + "body":
            return
        if not (self.story.paragraphs or self.story.tables):
            self.story.shared.page_is_coloured = _has_ground(parent.getparent())
        self.story.block(element)
        element.clear()
        while element.getprevious() is not None:
            del parent[0]


def _has_ground(document: Element | None) -> bool:
    background = None if document is None else document.find(W + "background")
    return background is not None and background.get(W + "color", "auto").upper() not in ("AUTO", "FFFFFF")


def _copy(section: Element) -> Element:
    """Detached from the tree that is cleared behind the walk."""
    return etree.fromstring(etree.tostring(section, with_tail=False))


def _main_part(package: Package) -> str:
    """As the relations say; where they are broken, as the content types do, or by its usual name."""
    related = (part for kind, part in package.relations("").values() if kind == "officeDocument")
    typed = (part for part, kind in package.types().items() if "word" in kind and kind.endswith("main+xml"))
    for part in (*related, *typed, "word/document.xml"):
        if package.has(part):
            return part
    raise damaged("the main part is missing")


def _margins(links: Links, shared: Shared, ids: list[str], kind: str) -> Iterator[TextBuilder]:
    """Headers or footers, each text once however many sections repeat it."""
    seen: set[str] = set()
    for relation_id in dict.fromkeys(ids):
        part = links.relations[relation_id][1] if relation_id in links.relations else ""
        root = links.package.xml(part)
        if root is None:
            continue
        story = Story(TextBuilder(), shared, links.of_part(part), kind)
        story.blocks(root)
        text = story.builder.text()
        if text.strip() and text not in seen:
            seen.add(text)
            yield story.builder


def _notes(builder: TextBuilder, links: Links, shared: Shared) -> None:
    for kind in ("footnote", "endnote"):
        part = links.related(f"{kind}s")
        root = links.package.xml(part) if part else None
        if root is None or part is None:
            continue
        notes = {note.get(W + "id", ""): note for note in root.iter(W + kind)}
        marks = shared.notes.footnote if kind == "footnote" else shared.notes.endnote
        for number, (note_id, mark) in enumerate(list(marks.items()), 1):
            if note_id in notes:
                builder.separate(PARAGRAPH)
                place = f"{kind} {number}"
                story = Story(TextBuilder(), shared, links.of_part(part), place)
                story.blocks(notes[note_id])
                if story.builder.length:
                    builder.add(f"{mark} " if mark else "", place)
                    builder.extend(story.builder)


def _comments(links: Links) -> dict[str, str]:
    root = links.xml("comments")
    said: list[str] = []
    for comment in () if root is None else root.iter(W + "comment"):
        paragraphs = ("".join(text.text or "" for text in p.iter(W + "t")) for p in comment.iter(W + "p"))
        author = comment.get(W + "author", "").strip() or "unknown"
        said.append(f"{author}: {' '.join(paragraphs).strip()}")
    return {"comments": "\n".join(said)} if said else {}


def _attachments(package: Package) -> dict[str, str]:
    """Files embedded in it, which Word shows as pictures: named, not opened."""
    names = [name.rpartition("/")[2] for name in package.names() if "/embeddings/" in name]
    return {"attachments": "; ".join(names)} if names else {}


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
    return warnings
