"""Kinds of file that are recognised only to be refused by name, each with what a person can do about it."""

from dataclasses import dataclass

_PICTURE = "save it as PDF; scanned pages are read where OCR is installed"
_UNPACK = "unpack it and put the files in it into the inbox"
_TRANSCRIBE = "transcribe it and put the transcript into the inbox"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of file that is not read. start: its first bytes; then: bytes at an offset that must follow."""

    what: str
    remedy: str
    start: bytes = b""
    then: tuple[int, bytes] = (0, b"")

    def fits(self, data: bytes) -> bool:
        offset, expected = self.then
        return data.startswith(self.start) and data[offset : offset + len(expected)] == expected


FOREIGN = (
    Foreign("a PNG image", _PICTURE, b"\x89PNG\r\n\x1a\n"),
    Foreign("a JPEG image", _PICTURE, b"\xff\xd8\xff"),
    Foreign("a GIF image", _PICTURE, b"GIF8"),
    Foreign("a TIFF image", _PICTURE, b"II*\0"),
    Foreign("a TIFF image", _PICTURE, b"MM\0*"),
    Foreign("a BMP image", _PICTURE, b"BM", (6, b"\0\0\0\0")),
    Foreign("a WebP image", _PICTURE, b"RIFF", (8, b"WEBP")),
    Foreign("a HEIC image", _PICTURE, then=(4, b"ftypheic")),
    Foreign("a HEIC image", _PICTURE, then=(4, b"ftypmif1")),
    Foreign("a DjVu scan", "convert it to PDF", b"AT&TFORM"),
    Foreign("a PostScript file", "convert it to PDF", b"%!PS"),
    Foreign("an RTF file", "save it as .docx", b"{\\rtf"),
    Foreign("a Windows help or e-book file", "convert it to PDF or HTML", b"ITSF"),
    Foreign("a MOBI e-book", "convert it to PDF or HTML", then=(60, b"BOOKMOBI")),
    Foreign("a compressed file (gzip)", _UNPACK, b"\x1f\x8b"),
    Foreign("a compressed file (bzip2)", _UNPACK, b"BZh"),
    Foreign("a compressed file (xz)", _UNPACK, b"\xfd7zXZ\0"),
    Foreign("a compressed file (zstd)", _UNPACK, b"\x28\xb5\x2f\xfd"),
    Foreign("a 7-Zip archive", _UNPACK, b"7z\xbc\xaf\x27\x1c"),
    Foreign("a RAR archive", _UNPACK, b"Rar!\x1a\x07"),
    Foreign("a TAR archive", _UNPACK, then=(257, b"ustar")),
    Foreign("an SQLite database", "export its table as CSV", b"SQLite format 3\0"),
    Foreign("a Windows program", "remove it", b"MZ", (2, b"\x90\0")),
    Foreign("a program", "remove it", b"\x7fELF"),
    Foreign("a sound file", _TRANSCRIBE, b"ID3"),
    Foreign("a sound file", _TRANSCRIBE, b"RIFF", (8, b"WAVE")),
    Foreign("a sound file", _TRANSCRIBE, b"OggS"),
    Foreign("a sound file", _TRANSCRIBE, b"fLaC"),
    Foreign("a film or sound file", _TRANSCRIBE, then=(4, b"ftyp")),
    Foreign("a film", _TRANSCRIBE, b"\x1a\x45\xdf\xa3"),
)
