"""Office packages (ZIP archives of XML parts): opened with bounds on what they unpack to. Names in them are only keys.

What the parts say is in the reader of each format.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, TypeAlias, cast
from urllib.parse import unquote

from lxml import etree

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import NotReadable

Element: TypeAlias = etree._Element  # pyright: ignore[reportPrivateUsage] - lxml has no other name for it

_MAX_MEMBERS = 20_000
_SMALL = 100 * 2**20
_MAX_RATIO = 200
_CHUNK = 2**20
_OVERRIDE = "{http://schemas.openxmlformats.org/package/2006/content-types}Override"
_FLAT = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


class Package:
    """The parts of an Office file by name. Nothing is unpacked before its size is checked, or further than declared."""

    def __init__(self, data: bytes, memory_mb: int) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise damaged(str(error)) from error
        self._check(len(data), memory_mb)
        self._members = {_name(member.filename): member for member in self._archive.infolist()}

    def names(self) -> list[str]:
        return list(self._members)

    def has(self, part: str) -> bool:
        return _name(part) in self._members

    def stream(self, part: str) -> IO[bytes]:
        """A part to read from; it ends with NotReadable where the archive is damaged or lies about its size."""
        member = self._members.get(_name(part))
        if member is None:
            raise damaged(f"the part {part} is missing")
        if member.flag_bits & 0x1:
            raise NotReadable(DocumentStatus.NEEDS_PASSWORD, "is under a password; add it to reading.passwords")
        try:
            return cast("IO[bytes]", _Bounded(self._archive.open(member), member))
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError) as error:
            raise damaged(str(error)) from error

    def xml(self, part: str) -> Element | None:
        """The root of a small part, or None where it is missing or empty."""
        if not self.has(part):
            return None
        with self.stream(part) as stream:
            data = stream.read()
        if not data.strip():
            return None
        try:
            return etree.fromstring(_transitional(data), safe_parser())
        except etree.XMLSyntaxError as error:
            raise damaged(f"{part}: {error.msg}") from error

    def xml_stream(self, part: str) -> IO[bytes]:
        """A large part to parse from, its namespaces as in `xml`."""
        return cast("IO[bytes]", _Transitional(self.stream(part)))

    def types(self) -> dict[str, str]:
        """Part -> its content type, of those that have one of their own."""
        root = self.xml("[Content_Types].xml")
        overrides = () if root is None else root.iter(_OVERRIDE)
        return {_name(override.get("PartName", "")): override.get("ContentType", "") for override in overrides}

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Relation id -> (its kind, the part it leads to) of the relations within the package that start at a part."""
        folder, base = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for relation in () if root is None else root.iter(_RELATION):
            if relation.get("TargetMode") != "External":
                target = posixpath.join("/", folder, relation.get("Target", ""))
                kind = relation.get("Type", "").rpartition("/")[2]
                found[relation.get("Id", "")] = kind, posixpath.normpath(target).lstrip("/")
        return found

    def verify(self) -> list[str]:
        """Unpack every part once, keeping nothing, so that damage anywhere is known. Returns the damaged pictures and
        other media, without which a document can be read; raises NotReadable for damage to any other part."""
        harmed: list[str] = []
        for part, member in self._members.items():
            try:
                with self.stream(part) as stream:
                    while stream.read(_CHUNK):
                        pass
            except NotReadable as trouble:
                if "/media/" not in part or trouble.status != DocumentStatus.CORRUPT:
                    raise
                harmed.append(member.filename)
        return harmed

    def _check(self, packed: int, memory_mb: int) -> None:
        members = self._archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if len(members) > _MAX_MEMBERS:
            raise NotReadable(DocumentStatus.TOO_LARGE, f"holds {len(members):,} parts; save it again, or split it")
        if unpacked > memory_mb * 2**20 or (unpacked > _SMALL and unpacked > _MAX_RATIO * packed):
            reason = f"unpacks from {packed / 1e6:.1f} MB to {unpacked / 1e6:,.0f} MB, like a ZIP bomb; split it"
            raise NotReadable(DocumentStatus.TOO_LARGE, reason)


def packed(data: bytes) -> bytes:
    """A package as a ZIP archive, also where it comes as one XML file (Flat OPC); pictures and the like are left out."""
    if data.startswith(b"PK"):
        return data
    try:
        root = etree.fromstring(data, safe_parser())
    except etree.XMLSyntaxError as error:
        raise damaged(str(error.msg)) from error
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for part in root.iter(_FLAT + "part"):
            content = part.find(_FLAT + "xmlData")
            if content is not None and len(content):
                package.writestr(part.get(_FLAT + "name", ""), etree.tostring(content[0], encoding="utf-8"))
    return archive.getvalue()


def damaged(detail: str) -> NotReadable:
    reason = f"is damaged ({detail}); copy it again from where it came from, or open it and save it again"
    return NotReadable(DocumentStatus.CORRUPT, reason)


def safe_parser() -> etree.XMLParser:
    """Takes nothing from outside the part: no entities, no DTD, no network, no trees without bounds."""
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_pis=True)


class _Bounded(io.RawIOBase):
    """Reads a member up to the size that it declared and was checked for, not a byte further."""

    def __init__(self, stream: IO[bytes], member: zipfile.ZipInfo) -> None:
        self._stream = stream
        self._member = member
        self._left = member.file_size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise damaged(str(error)) from error
        self._left -= len(data)
        if self._left < 0:
            raise NotReadable(DocumentStatus.TOO_LARGE, f"unpacks to more than it says ({self._member.filename})")
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Transitional(io.RawIOBase):
    """A part of an ISO 29500 Strict file with the namespaces of the usual, transitional kind; any other as it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._strict: bool | None = None
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._strict is None:
            self._strict = bool(_STRICT.search(data))
        if not self._strict:
            return data
        while data:
            whole = self._rest + data
            # A name that may go on in what is read next waits for it.
            at = max(whole.rfind(mark) for mark in (b'"', b"'", b"<", b" "))
            self._rest = whole[max(at, 0) :]
            if at > 0:
                return _transitional(whole[:at])
            data = self._stream.read(size)
        rest, self._rest = self._rest, b""
        return _transitional(rest)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _transitional(data: bytes) -> bytes:
    return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", data)


def _name(name: str) -> str:
    """Parts are named case-insensitively, percent-encoded or not, with backslashes or a leading slash."""
    return unquote(name).replace("\\", "/").lstrip("/").casefold()


def is_element(node: Element) -> bool:
    """Comments, processing instructions and entities also stand among an element's children, with a function as tag."""
    return not callable(node.tag)


def text_children(element: Element) -> Iterator[str]:
    """The text of an element whose entities were not resolved: what stands around them."""
    yield element.text or ""
    for child in element:
        yield child.tail or ""
