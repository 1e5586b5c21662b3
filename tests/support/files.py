"""Files for tests: one of each type that is taken, and how they are sent, named and looked for."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.intake import EDUCATION, Intake

PDF = b"%PDF-1.7\n" + b"Van ban tra loi so 1.\n" * 10_000
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 500
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 500


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def docx(*more: str, names: tuple[str, ...] = ("[Content_Types].xml", "word/document.xml")) -> bytes:
    """A ZIP with the parts of a DOCX, and more."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in (*names, *more):
            parts.writestr(name, f"<{name}/>" * 50)
    return made.getvalue()


async def uploaded(
    intake: Intake, content: bytes, status: int = 201, token: str = "", name: str = ""
) -> dict[str, Any]:
    """What an upload is answered with; it must have this status."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    answer = await intake.client.post("/v1/files", content=content, headers=headers)
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found


async def answered(intake: Intake, *contents: bytes, petitioner: str = "p1", **headers: str) -> str:
    """The address of a petition whose prepared answers name files."""
    petition = await intake.petition(petitioner_ids=[petitioner], identities={petitioner: {"name": "Lò Thị A"}})
    path = f"/v1/petitions/{petition['id']}"
    await intake.done(f"{path}/forwarding", {"agency": EDUCATION})
    for content in contents:
        body = {"agency": EDUCATION, "digest": digest_of(content)}
        await intake.done(f"{path}/prepared-answer", body, **headers)
    return path


def stored(folder: str | Path) -> list[Path]:
    """The files in a folder of sealed files, half ones too."""
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())
