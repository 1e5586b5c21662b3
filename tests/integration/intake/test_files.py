"""Files: sealed where they lie, given out by the case that names them, gone when nobody may or will read them."""

import asyncio
import io
import logging
import os
import socket
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from services.intake.adapters.file_folder import INCOMING, LocalFolder
from services.intake.adapters.file_records import StoredFileRecords
from services.intake.application import uploads
from services.intake.application.file_keeper import FileKeeper
from shared.http.auth import mint_token
from tests.support.clamd import MALICIOUS, clamd_on_a_port, clamd_on_a_socket
from tests.support.files import JPEG, PDF, PNG, answered, digest_of, docx, stored, uploaded
from tests.support.intake import COMMUNE, EDUCATION, Intake, served, tokens_file
from tests.support.waiting import until

DAY_LATER = "UPDATE files SET wanted_at = wanted_at - interval '25 hours'"


@pytest.fixture
async def intake(placed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Intake]:
    monkeypatch.setattr("services.intake.bootstrap.KEEP_FILES_EVERY", 0.05)
    async with served(placed, tmp_path, files=str(tmp_path / "files")) as running:
        yield running


async def execute(intake: Intake, statement: str) -> None:
    await intake.rows(statement)


async def keep(intake: Intake) -> None:
    """One round of what keeps the files in order."""
    async with asyncpg.create_pool(intake.dsn, min_size=1, max_size=1) as pool:
        await FileKeeper(StoredFileRecords(pool), LocalFolder(Path(intake.settings.files))).round()


async def until_dropped(intake: Intake, left: int = 0) -> None:
    async def is_dropped() -> bool:
        return len(stored(intake.settings.files)) == left

    await until(is_dropped)


TAKEN = {
    "application/pdf": PDF,
    "image/jpeg": JPEG,
    "image/png": PNG,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": docx(),
}


async def test_file__that_a_record_names_is_given_out_by_its_case(intake: Intake) -> None:
    for media_type, content in TAKEN.items():
        found = await uploaded(intake, content)
        assert found == {"digest": digest_of(content), "media_type": media_type, "size": len(content)}
    path = await answered(intake, *TAKEN.values())
    for media_type, content in TAKEN.items():
        answer = await intake.get(f"{path}/files/{digest_of(content).upper()}", on_behalf_of="can-bo-1")
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-type"] == media_type
    read, *_ = await intake.rows("SELECT caller, on_behalf_of, subject_id::text FROM content_reads")
    assert tuple(read.values()) == ("local", "can-bo-1", path.rpartition("/")[2])


async def test_file__of_a_conference_is_given_out_by_it(intake: Intake) -> None:
    await uploaded(intake, PDF)
    conference = await intake.conference()
    await intake.done(f"/v1/conferences/{conference}/secretary", {"name": "Thư ký"})
    await intake.done(f"/v1/conferences/{conference}/minutes", {"digest": digest_of(PDF), "minutes": "Biên bản."})
    answer = await intake.get(f"/v1/conferences/{conference}/files/{digest_of(PDF)}")
    assert (answer.status_code, answer.content) == (200, PDF)


async def test_file__of_a_pushed_petition_and_of_a_notice_within_an_extension_is_given_out(intake: Intake) -> None:
    await uploaded(intake, JPEG)
    attached = {"digest": digest_of(JPEG), "media_type": "image/jpeg", "size": len(JPEG)}
    petition = await intake.petition(attachments=[attached])
    assert (await intake.get(f"/v1/petitions/{petition['id']}/files/{digest_of(JPEG)}")).content == JPEG


async def test_file__that_a_part_of_an_act_names_is_given_out(intake: Intake) -> None:
    await uploaded(intake, PDF)
    path = await answered(intake)
    petition = path.rpartition("/")[2]
    await intake.done(f"{path}/assignment", {"agency": EDUCATION})
    body = {"number": "1", "signatory": "CT", "digest": digest_of(PDF)}
    part = {"command": "WrittenReplyIssued", "target": petition, "body": body}
    answer = await intake.post("/v1/acts/reply-and-report", {"parts": [part]})
    assert answer.status_code == 201, answer.text
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF


async def test_answer__is_saved_and_never_shown(intake: Intake) -> None:
    await uploaded(intake, PDF, name="C:\\fakepath\\Trả lời bà Lò Thị A.exe")
    path = await answered(intake, PDF)
    headers = (await intake.get(f"{path}/files/{digest_of(PDF)}")).headers
    own = quote("Trả lời bà Lò Thị A.exe.pdf", safe="")
    assert (
        headers["content-disposition"] == f"attachment; filename=\"{digest_of(PDF)[:16]}.pdf\"; filename*=UTF-8''{own}"
    )
    assert headers["content-type"] == "application/pdf"
    assert headers["content-length"] == str(len(PDF))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_caller__keeps_no_more_unnamed_than_there_is_room_for(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_UNNAMED", len(PDF) - 1)
    await uploaded(intake, PDF)
    refused = await uploaded(intake, PDF + b"more", 503)
    assert refused["type"] == "urn:doithoai:problem:overloaded"
    await answered(intake, PDF)

    async def is_settled() -> bool:
        return bool(await intake.rows("SELECT 1 FROM files WHERE wrapped IS NULL"))

    await until(is_settled)
    await uploaded(intake, PDF + b"more")


NAMES = {
    "../../etc/passwd": "passwd.pdf",
    "a\r\nSet-Cookie: x.pdf": "aSet-Cookie: x.pdf",
    "///": "",
    "..": "",
    "x" * 900 + ".pdf": "x" * 150 + ".pdf",
    "Đơn.PDF": "Đơn.PDF",
    "\u202egpj.fdp": "gpj.fdp.pdf",
}


async def test_name__leads_nowhere_and_ends_as_its_type(intake: Intake) -> None:
    contents = [PDF + name.encode() for name in NAMES]
    for name, content in zip(NAMES, contents, strict=True):
        await uploaded(intake, content, name=name)
    path = await answered(intake, *contents)
    for kept, content in zip(NAMES.values(), contents, strict=True):
        said = (await intake.get(f"{path}/files/{digest_of(content)}")).headers["content-disposition"]
        assert said.partition("filename*=UTF-8''")[2] == quote(kept, safe="")


@pytest.mark.parametrize(("said", "kept"), [
    ('attachment; filename="don.pdf"', "don.pdf"),
    ('attachment; filename="Đơn.pdf"', "Đơn.pdf"),  # as curl sends what it is given
    ("attachment; filename*=UTF-8''%C4%90%C6%A1n.pdf", "Đơn.pdf"),
    ("attachment; filename*=none''x.pdf", "x.pdf"), ("attachment", None), ("filename*=", None),
    ("a; filename*1;filename*", None),
    ('a; filename="' + "x" * 5000, None),
    ("attachment; filename*0=\"a\"; filename*1=\"b.pdf\"", "ab.pdf"),
])  # fmt: skip
async def test_name__is_read_as_it_is_written_or_is_none(intake: Intake, said: str, kept: str | None) -> None:
    headers = {"Content-Disposition": said.encode()}
    assert (await intake.client.post("/v1/files", content=PDF, headers=headers)).status_code == 201
    path = await answered(intake, PDF)
    answer = (await intake.get(f"{path}/files/{digest_of(PDF)}")).headers["content-disposition"]
    found = answer.partition("filename*=UTF-8''")[2] or None
    assert found == (kept and quote(kept, safe=""))


async def test_name__stands_in_no_log_and_no_table(
    intake: Intake, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "Don cua ong Bi Mat"
    with caplog.at_level(logging.DEBUG):
        await uploaded(intake, PDF, name=f"{secret}.pdf")
        await uploaded(intake, b"", 422, name=secret)
        path = await answered(intake, PDF)
        await intake.get(f"{path}/files/{digest_of(PDF)}")
    written = capsys.readouterr()
    assert secret not in caplog.text + written.out + written.err
    for row in await intake.rows("SELECT files::text AS line FROM files"):
        assert secret not in row["line"] and secret.encode().hex() not in row["line"]


async def test_folder__holds_nothing_in_the_clear(intake: Intake) -> None:
    await uploaded(intake, PDF, name="x.pdf")
    (file,) = stored(intake.settings.files)
    sealed = file.read_bytes()
    assert PDF[:40] not in sealed and file.name == digest_of(sealed)
    assert file.stat().st_mode & 0o077 == 0
    (row,) = await intake.rows("SELECT stored_name, wrapped FROM files")
    assert row["stored_name"] == file.name and row["wrapped"] is not None


async def test_named_file__has_no_key_of_the_masters_any_more(intake: Intake) -> None:
    await uploaded(intake, PDF)
    path = await answered(intake, PDF)

    async def is_settled() -> bool:
        return bool(await intake.rows("SELECT 1 FROM files WHERE wrapped IS NULL"))

    await until(is_settled)
    (key,) = await intake.rows("SELECT s.owner_id FROM file_keys k JOIN sealing_keys s USING (key_id)")
    assert key["owner_id"] == "p1"
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF


async def test_same_file_again__is_answered_the_same(intake: Intake) -> None:
    first = await uploaded(intake, PDF)
    assert await uploaded(intake, PDF, 200) == first
    await answered(intake, PDF)
    assert await uploaded(intake, PDF, 200) == first
    assert len(stored(intake.settings.files)) == 1


async def test_two_uploads_of_one_file_at_once__are_one_file(intake: Intake) -> None:
    answers = await asyncio.gather(*(intake.client.post("/v1/files", content=PDF * 30) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(stored(intake.settings.files)) == 1
    path = await answered(intake, PDF * 30)
    assert (await intake.get(f"{path}/files/{digest_of(PDF * 30)}")).content == PDF * 30


async def test_one_upload__may_be_named_in_several_petitions(intake: Intake) -> None:
    await uploaded(intake, PDF)
    one, two = await answered(intake, PDF, petitioner="p1"), await answered(intake, PDF, petitioner="p2")
    await intake.done("/v1/petitioners/p1/erasure", {})
    assert (await intake.get(f"{one}/files/{digest_of(PDF)}")).status_code == 410
    assert (await intake.get(f"{two}/files/{digest_of(PDF)}")).content == PDF
    await intake.done("/v1/petitioners/p2/erasure", {})
    assert (await intake.get(f"{two}/files/{digest_of(PDF)}")).status_code == 410
    await until_dropped(intake)


async def test_file__that_nobody_uploaded_is_not_found_and_the_command_was_taken(intake: Intake) -> None:
    path = await answered(intake, PDF)
    answer = await intake.get(f"{path}/files/{digest_of(PDF)}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:doithoai:problem:not-found")
    assert (await intake.get(f"{path}/files/x")).status_code == 404


async def test_digest__of_anothers_file_opens_nothing(database: str, tmp_path: Path) -> None:
    """A digest is public; naming it in a case of one's own must not lead to the file of somebody else's."""
    token, entry = mint_token("gd", "agency", "H35.10", EDUCATION)
    files = str(tmp_path / "files")
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, entry)), files=files) as intake:
        await intake.places()
        await uploaded(intake, PDF)
        theirs = await answered(intake, PDF)
        own = await answered(intake, petitioner="p2")
        await intake.done(
            f"{own}/prepared-answer",
            {"agency": EDUCATION, "digest": digest_of(PDF)},
            Authorization=f"Bearer {token}",
        )
        assert (await intake.get(f"{own}/files/{digest_of(PDF)}", token=token)).status_code == 404
        assert (await intake.get(f"{theirs}/files/{digest_of(PDF)}")).content == PDF
        # Having the file, it uploads it itself.
        await uploaded(intake, PDF, token=token)
        body = {"agency": EDUCATION, "digest": digest_of(PDF)}
        await intake.done(f"{own}/prepared-answer", body, Authorization=f"Bearer {token}")
        assert (await intake.get(f"{own}/files/{digest_of(PDF)}", token=token)).content == PDF


async def test_upload__is_for_those_who_give_commands(database: str, tmp_path: Path) -> None:
    entries = [mint_token(role, role) for role in ("auditor", "operations", "system")]
    file = tokens_file(tmp_path, *(entry for _, entry in entries))
    async with served(database, tmp_path, tokens_file=str(file), files=str(tmp_path / "files")) as intake:
        for (token, _), status in zip(entries, (403, 403, 201), strict=True):
            await uploaded(intake, PDF, status, token)


async def test_unnamed_file__is_dropped_after_a_day_and_may_come_again(intake: Intake) -> None:
    await uploaded(intake, PDF)
    await execute(intake, "UPDATE files SET wanted_at = wanted_at - interval '23 hours'")
    await keep(intake)
    assert len(stored(intake.settings.files)) == 1
    await execute(intake, DAY_LATER)
    await until_dropped(intake)

    async def is_forgotten() -> bool:
        return not await intake.rows("SELECT 1 FROM files")

    await until(is_forgotten)
    await uploaded(intake, PDF)


async def test_file__that_is_sent_again_or_named_waits_on(intake: Intake) -> None:
    await uploaded(intake, PDF)
    path = await answered(intake, PDF)
    await execute(intake, DAY_LATER)
    await keep(intake)
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF


async def test_refused_command__names_no_file(intake: Intake) -> None:
    await uploaded(intake, PDF)
    path = await answered(intake)
    today = await intake.today()
    body = {"agency": EDUCATION, "digest": digest_of(PDF)}
    refused = await intake.post(f"{path}/prepared-answer", body, If_Match='"99"')
    assert refused.status_code == 412, today
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).status_code == 404
    await intake.done(f"{path}/prepared-answer", body)
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF


async def test_erasure__reaches_the_file_its_key_and_its_bytes(intake: Intake) -> None:
    await uploaded(intake, PDF, name="Lò Thị A.pdf")
    path = await answered(intake, PDF)
    await intake.done("/v1/petitioners/p1/erasure", {})
    answer = await intake.get(f"{path}/files/{digest_of(PDF)}")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:doithoai:problem:file-erased")
    await until_dropped(intake)
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).status_code == 410
    assert await intake.rows("SELECT 1 FROM files WHERE wrapped IS NOT NULL") == []
    # What comes after it belongs to the office alone.
    await uploaded(intake, PDF)
    await intake.done(f"{path}/prepared-answer", {"agency": EDUCATION, "digest": digest_of(PDF)})
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF


async def test_erasure__does_not_wait_for_the_next_round(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.bootstrap.KEEP_FILES_EVERY", 3600)
    async with served(database, tmp_path, files=str(tmp_path / "files")) as intake:
        await intake.places()
        await uploaded(intake, PDF)
        await answered(intake, PDF)
        await intake.done("/v1/petitioners/p1/erasure", {})
        await until_dropped(intake)


async def test_erasure_of_one_of_two__leaves_the_file_to_the_other(intake: Intake) -> None:
    await uploaded(intake, PDF)
    identities = {"p1": {"name": "A"}, "p2": {"name": "B"}}
    attached = [{"digest": digest_of(PDF)}]
    petition = await intake.petition(petitioner_ids=["p1", "p2"], identities=identities, attachments=attached)
    path = f"/v1/petitions/{petition['id']}/files/{digest_of(PDF)}"
    await intake.done("/v1/petitioners/p1/erasure", {})
    assert (await intake.get(path)).content == PDF
    await intake.done("/v1/petitioners/p2/erasure", {})
    assert (await intake.get(path)).status_code == 410
    await until_dropped(intake)


async def test_missing_file__is_told(intake: Intake) -> None:
    await uploaded(intake, PDF)
    path = await answered(intake, PDF)
    (file,) = stored(intake.settings.files)
    content = file.read_bytes()
    file.unlink()
    answer = await intake.get(f"{path}/files/{digest_of(PDF)}")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:doithoai:problem:files-unavailable")
    file.write_bytes(content[:-1])
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).status_code == 503
    file.write_bytes(content)
    assert (await intake.get(f"{path}/files/{digest_of(PDF)}")).content == PDF

    async def is_counted() -> bool:
        return "intake_files_unreadable_total 2.0" in (await intake.get("/metrics")).text

    await until(is_counted)


async def test_file__altered_in_its_middle_is_never_given_out_whole(intake: Intake) -> None:
    content = PDF * 30
    await uploaded(intake, content)
    path = await answered(intake, content)
    (file,) = stored(intake.settings.files)
    sealed = bytearray(file.read_bytes())
    sealed[-100_000] ^= 1
    file.write_bytes(sealed)
    received = b""
    with pytest.raises(Exception, match="peer closed connection"):
        async with intake.client.stream("GET", f"{path}/files/{digest_of(content)}") as answer:
            async for block in answer.aiter_raw():
                received += block
    assert len(received) < len(content) and content.startswith(received)


async def test_upload__without_a_folder_is_told(database: str, tmp_path: Path) -> None:
    async with served(database, tmp_path) as intake:
        answer = await intake.client.post("/v1/files", content=PDF)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:doithoai:problem:not-found")


WRONG = {
    "a program": b"MZ\x90\x00 a program",
    "a page": b"<html><script>alert(1)</script></html>",
    "another picture": b"GIF89a" + bytes(100),
    "an old document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "a spreadsheet": docx(names=("[Content_Types].xml", "xl/workbook.xml")),
    "an open document": docx(names=("mimetype", "content.xml")),
    "macros": docx("word/vbaProject.bin"),
    "half a document": docx()[:-30],
    "only the beginning of a document": b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 20,
    "letters": b"x" * 20_000_000,
    "one byte": b"\x00",
}


async def test_wrong_type__is_refused_whatever_it_is_called(intake: Intake) -> None:
    for what, content in WRONG.items():
        headers = {"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename=don.pdf"}
        answer = await intake.client.post("/v1/files", content=content, headers=headers)
        assert answer.status_code == 415, what
        assert answer.json()["type"] == "urn:doithoai:problem:unsupported-media-type"
        assert "application/pdf" in answer.json()["allowed"]
    await until_dropped(intake)


async def test_zip__whose_directory_is_a_bomb_is_refused(intake: Intake) -> None:
    answer = await intake.client.post("/v1/files", content=docx(*(f"word/{n}.xml" for n in range(20_000))))
    assert answer.status_code == 415


async def test_docx__that_would_unpack_to_very_much_is_only_looked_at(intake: Intake) -> None:
    """A bomb of 40 MiB in 40 KiB is taken, since nothing here unpacks it; a scanner may know better."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", "x")
        parts.writestr("word/document.xml", bytes(40 << 20))
    found = await uploaded(intake, made.getvalue())
    assert found["size"] < 100_000


async def test_empty_file__is_refused(intake: Intake) -> None:
    assert (await uploaded(intake, b"", 422))["type"] == "urn:doithoai:problem:invalid-file"
    assert stored(intake.settings.files) == []


async def test_file__beyond_the_bound_is_refused_also_where_it_does_not_say_its_size(
    database: str, tmp_path: Path
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield PDF[:9]
        for _ in range(20):
            yield bytes(100_000)

    async with served(database, tmp_path, files=str(tmp_path / "files"), largest_file=1) as intake:
        exact = PDF + bytes((1 << 20) - len(PDF))
        await uploaded(intake, exact)
        refused = await uploaded(intake, exact + b"\0", 413)
        assert "1 MiB" in refused["detail"]
        answer = await intake.client.post("/v1/files", content=blocks())
        assert answer.status_code == 413
        assert len(stored(intake.settings.files)) == 1


async def test_compressed_body__is_refused(intake: Intake) -> None:
    answer = await intake.client.post("/v1/files", content=PDF, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


async def test_upload__that_breaks_off_leaves_nothing(intake: Intake) -> None:
    port = intake.client.base_url.port
    assert port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 3000000\r\n\r\n"
    writer.write(head.encode() + PDF)
    await writer.drain()

    async def has_begun() -> bool:
        return len(stored(intake.settings.files)) == 1

    await until(has_begun)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.close()
    await until_dropped(intake)
    assert await intake.rows("SELECT 1 FROM files") == []
    del reader


async def test_slow_uploads__are_bounded_for_a_caller(intake: Intake) -> None:
    held = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield PDF
        await held.wait()

    slow = [asyncio.create_task(intake.client.post("/v1/files", content=slowly())) for _ in range(8)]

    async def all_are_under_way() -> bool:
        return len(stored(intake.settings.files)) == 8

    await until(all_are_under_way)
    answer = await intake.client.post("/v1/files", content=PNG)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    held.set()
    statuses = sorted(found.status_code for found in await asyncio.gather(*slow))
    assert statuses == [200] * 7 + [201]
    await uploaded(intake, PNG)


async def test_half_files__of_whoever_died_are_removed(intake: Intake) -> None:
    incoming = Path(intake.settings.files) / INCOMING
    young, old, lost = incoming / "a.part", incoming / "b.part", incoming / ("c" * 64)
    for path in (young, old, lost):
        path.write_bytes(b"half")
    for path in (old, lost):
        os.utime(path, (1, 1))
    await until_dropped(intake, left=1)
    assert stored(intake.settings.files) == [young]


async def scanned(database: str, tmp_path: Path, address: str) -> list[Any]:
    async with served(database, tmp_path, files=str(tmp_path / "files"), scanner=address) as intake:
        clean, bad = await uploaded(intake, PDF * 10), await uploaded(intake, PDF + MALICIOUS, 422)
        assert len(stored(intake.settings.files)) == 1
        return [clean["digest"], bad["type"]]


FOUND = [digest_of(PDF * 10), "urn:doithoai:problem:invalid-file"]


async def test_scanner__on_a_socket_is_shown_the_file_itself(database: str, tmp_path: Path) -> None:
    async with clamd_on_a_socket(tmp_path / "clamd.ctl") as clamd:
        assert await scanned(database, tmp_path, f"unix://{tmp_path}/clamd.ctl") == FOUND
    assert clamd.shown == [PDF * 10, PDF + MALICIOUS]


async def test_scanner__on_a_port_is_shown_the_file_itself(database: str, tmp_path: Path) -> None:
    async with clamd_on_a_port() as (clamd, address):
        assert await scanned(database, tmp_path, address) == FOUND
    assert clamd.shown == [PDF * 10, PDF + MALICIOUS]


async def test_scanner__that_does_not_answer_keeps_every_file_out(database: str, tmp_path: Path) -> None:
    where = tmp_path / "clamd.ctl"
    async with served(database, tmp_path, files=str(tmp_path / "files"), scanner=f"unix://{where}") as intake:
        assert (await uploaded(intake, PDF, 503))["type"] == "urn:doithoai:problem:files-unavailable"
        async with clamd_on_a_socket(where) as clamd:
            clamd.answer = b"INSTREAM size limit exceeded. ERROR"
            await uploaded(intake, PDF, 503)
            assert stored(intake.settings.files) == []
            clamd.answer = b""
            await uploaded(intake, PDF)


async def test_petition__without_petitioners_keeps_its_files_under_its_own_key(intake: Intake) -> None:
    await uploaded(intake, PDF)
    petition = await intake.petition(jurisdiction=COMMUNE, attachments=[{"digest": digest_of(PDF)}])
    assert (await intake.get(f"/v1/petitions/{petition['id']}/files/{digest_of(PDF)}")).content == PDF
