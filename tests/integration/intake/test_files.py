"""Files: sealed where they lie, given out by the case that names them, gone when nobody may or will read them."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.intake import EDUCATION, Intake, served

PDF = b"%PDF-1.7\n" + b"Van ban tra loi.\n" * 10_000
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 500
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 500


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def docx(*more: str, first: str = "[Content_Types].xml") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in (first, "[Content_Types].xml", "word/document.xml", *more):
            if name not in parts.namelist():
                parts.writestr(name, f"<{name}/>" * 50)
    return made.getvalue()


@pytest.fixture
async def intake(database: str, tmp_path: Path) -> AsyncIterator[Intake]:
    async with served(database, tmp_path, files=str(tmp_path / "files")) as running:
        await running.places()
        yield running


async def uploaded(intake: Intake, content: bytes, status: int = 201, token: str = "", **query: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await intake.client.post("/v1/files", content=content, params=query, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def replied(intake: Intake, content: bytes, petitioner: str = "p1") -> str:
    petition = await intake.petition(petitioner_ids=[petitioner], identities={petitioner: {"name": "Lò Thị A"}})
    path = f"/v1/petitions/{petition['id']}"
    await intake.done(f"{path}/assignment", {"agency": EDUCATION})
    await intake.done(f"{path}/reply", {"number": "1", "signatory": "CT", "digest": digest_of(content)})
    return path


def stored(intake: Intake) -> list[Path]:
    return [path for path in Path(intake.settings.files).rglob("*") if path.is_file()]


async def test_file__that_a_reply_names_is_read_where_the_petition_is(intake: Intake) -> None:
    answer = await uploaded(intake, PDF, name="Trả lời bà Lò Thị A.pdf")
    assert answer == {"digest": digest_of(PDF), "media_type": "application/pdf", "size": len(PDF)}
    path = await replied(intake, PDF)
    found = await intake.get(f"{path}/files/{answer['digest']}", on_behalf_of="can-bo-1")
    assert found.status_code == 200, found.text
    assert found.content == PDF
