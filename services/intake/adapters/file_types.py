"""What a file is by what stands in it, whatever its sender calls it. Nothing is unpacked."""

import io
import zipfile

from puremagic import PureError, magic_string

from services.intake.application.uploads import DOCX, JPEG, PDF, PNG

MOST_READ = 1 << 20  # bytes of a ZIP that are read for its directory: of a bomb not more either
_DOCX_PARTS = frozenset({"[Content_Types].xml", "word/document.xml"})
_MACROS = "vbaproject.bin"
_ZIP = b"PK\x03\x04"


def sniffed(head: bytes) -> str:
    """The media type by the first bytes of a file, among those that are taken; empty where it is none of them.

    What begins as a ZIP is a DOCX until its parts say otherwise.
    """
    try:
        found = {match.mime_type for match in magic_string(head)}
    except (PureError, ValueError):
        return ""
    if head.startswith(_ZIP):
        return DOCX if DOCX in found else ""
    return next((kind for kind in (PDF, JPEG, PNG) if kind in found), "")


def has_parts_of_docx(source: io.RawIOBase) -> bool:
    """Whether a ZIP names the parts of a DOCX in its directory, and no macros."""
    try:
        names = zipfile.ZipFile(_Bounded(source)).namelist()
    except (zipfile.BadZipFile, _TooMuch, NotImplementedError, ValueError, OSError, EOFError):
        return False
    return set(names) >= _DOCX_PARTS and not any(name.lower().endswith(_MACROS) for name in names)


class _TooMuch(Exception):
    pass


class _Bounded(io.RawIOBase):
    """A file of which only so much can be read, whatever its directory claims to hold."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source, self._left = source, MOST_READ

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data, wanted = bytearray(), size if size >= 0 else self._left + 1
        while len(data) < wanted and (more := self._source.read(min(wanted, self._left + 1) - len(data))):
            data += more
            if len(data) > self._left:
                raise _TooMuch
        self._left -= len(data)
        return bytes(data)
