"""Opens Office files that are under a password, by the passwords that the project lists."""

import io
import struct
from collections.abc import Sequence
from typing import Any, cast

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import NotReadable


def decrypt_office(data: bytes, passwords: Sequence[str]) -> bytes:
    """The Office package inside. Raises NotReadable `needs_password` where none of the passwords opens it."""
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

    # Word encrypts read-only recommended files under this password of Microsoft's own.
    for password in (*passwords, "VelvetSweatshop"):
        try:
            locked: Any = cast("Any", msoffcrypto).OfficeFile(io.BytesIO(data))
            opened = io.BytesIO()
            locked.load_key(password=password)
            locked.decrypt(opened)
        except (InvalidKeyError, DecryptionError):
            continue
        except (FileFormatError, ParseError, struct.error, ValueError, LookupError, OSError) as error:
            reason = f"is encrypted and damaged ({error}); open it and save it again without a password"
            raise NotReadable(DocumentStatus.CORRUPT, reason) from error
        if opened.getvalue().startswith(b"PK"):
            return opened.getvalue()
    tried = "none of the passwords in reading.passwords opens it" if passwords else "add it to reading.passwords"
    raise NotReadable(DocumentStatus.NEEDS_PASSWORD, f"is under a password; {tried}")
