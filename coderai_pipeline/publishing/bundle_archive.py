"""A zip file of a replication bundle: its bytes depend on what is in it alone, and it ends with the checksums of all files.

What goes in is decided in `export_bundle`; checking a bundle is in `bundle_check`.
"""

import hashlib
import io
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

SUMS = "SHA256SUMS"
"""The last file of a bundle; `sha256sum -c SHA256SUMS` reads it."""

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A bundle being written. sums: the SHA-256 of each file in it, by name."""

    archive: ZipFile
    moment: datetime
    sums: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            self._add(name, source, path.stat().st_size)

    def add_text(self, name: str, text: str) -> None:
        content = text.encode()
        self._add(name, io.BytesIO(content), len(content))

    def _add(self, name: str, source: BinaryIO, size: int) -> None:
        info = ZipInfo(name, self.moment.astimezone(UTC).timetuple()[:6])
        info.compress_type, info.create_system, info.external_attr, info.file_size = ZIP_DEFLATED, 3, 0o644 << 16, size
        digest = hashlib.sha256()
        with self.archive.open(info, "w") as target:
            while piece := source.read(PIECE):
                digest.update(piece)
                target.write(piece)
        self.sums[name] = digest.hexdigest()


@contextmanager
def new_bundle(path: Path, moment: datetime) -> Generator[BundleFile]:
    """A new bundle, dated by the moment; whole, with its checksums, on leaving."""
    with ZipFile(path, "w") as archive:
        bundle = BundleFile(archive, moment)
        yield bundle
        bundle.add_text(SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(bundle.sums.items())))
