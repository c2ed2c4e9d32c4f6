"""What the relations of one part of a Word file lead to: other parts, and whole documents that Word shows in place.

Relations and parts are opened by `packages`; what the parts say is in the modules that ask for them.
"""

import importlib
from dataclasses import dataclass, replace

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.packages import Element, Package

_READERS = {"docx": "docx", "html": "html", "text": "text", "eml": "eml"}
_MAX_DEPTH = 3
_MAX_EMBEDDED = 500


@dataclass(slots=True)
class Links:
    """The relations of one part: id -> (kind, part)."""

    package: Package
    options: ReadOptions
    relations: dict[str, tuple[str, str]]
    depth: int = 0
    """How many documents this one is embedded in."""
    read: int = 0

    @classmethod
    def of(cls, package: Package, part: str, options: ReadOptions, depth: int = 0) -> "Links":
        return cls(package, options, package.relations(part), depth)

    def of_part(self, part: str) -> "Links":
        """The relations of another part of the same file."""
        return replace(self, relations=self.package.relations(part))

    def related(self, kind: str) -> str | None:
        """The first part of a kind (`styles`, `footnotes`, ...)."""
        return next((part for found, part in self.relations.values() if found == kind), None)

    def xml(self, kind: str) -> Element | None:
        part = self.related(kind)
        return None if part is None else self.package.xml(part)

    def graphic(self, relation_id: str) -> Element | None:
        """The data of a drawing; without its words, where they are damaged, the document can still be read."""
        try:
            return self.package.xml(self.relations[relation_id][1]) if relation_id in self.relations else None
        except NotReadable:
            return None

    def embedded(self, relation_id: str) -> Content:
        """The document that Word would show in place of a `w:altChunk`. Raises NotReadable where it cannot be read."""
        if relation_id not in self.relations:
            raise NotReadable(DocumentStatus.CORRUPT, "it is missing")
        self.read += 1
        if self.depth >= _MAX_DEPTH or self.read > _MAX_EMBEDDED:
            raise NotReadable(DocumentStatus.TOO_LARGE, "too many are nested in each other")
        return self._read(self.relations[relation_id][1])

    def _read(self, part: str) -> Content:
        from coderai_pipeline.readers.detect import detect

        with self.package.stream(part) as stream:
            data = stream.read()
        kind = detect(data, part)
        if kind == "docx":
            from coderai_pipeline.readers import docx

            return docx.read_nested(data, self.options, self.depth + 1)
        if kind not in _READERS:
            raise NotReadable(DocumentStatus.UNSUPPORTED, f"is a document of the type {kind}")
        reader = importlib.import_module(f"coderai_pipeline.readers.{_READERS[kind]}")
        return reader.read(data, self.options)
