"""Digests by mail to a real server: what they tell, once a day, at least once, late, through faults."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from services.followup.adapters import mail
from services.followup.adapters.mail import DigestTemplate, Post
from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.adapters.read.metrics_snapshot import MetricsQueries
from services.followup.application import digest_mailer
from services.followup.application.digest_mailer import DigestMailer, Mailed, MailServerUnavailable
from services.followup.domain.letters.digest import MailDigest, Recipient
from shared.events.regulation import AgencyClosed
from shared.identifiers import derived_id
from shared.postgres import lease
from tests.support import forked
from tests.support.following import opened, projection_pool
from tests.support.history import History, at
from tests.support.mail import PASSWORD, USER, MailServer, mail_server, self_signed
from tests.support.projection import AUTUMN, EDUCATION, ENVIRONMENT, Pool, dialogue, petition, project, replied

MINE = Recipient(ENVIRONMENT, ("tnmt@example.vn", "van-thu@example.vn"))
OTHER = Recipient(EDUCATION, ("gddt@example.vn",))


@pytest.fixture
async def pool(followup_dsn: str) -> AsyncIterator[Pool]:
    """The autumn of 2019; a reply of 16 September was entered on the last day of that month."""
    async with projection_pool(followup_dsn) as made:
        await project(made, told(), AUTUMN)
        yield made


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


def told() -> History:
    history = dialogue()
    history.record(petition("overdue"), replied("2019-09-16", "3/TL-UBND"), "2019-09-30 15:00")
    return history


async def alone() -> bool:
    return True


def mailer(
    pool: Pool, url: str, *recipients: Recipient, hour: int = 7, store: StoredDigests | None = None
) -> DigestMailer:
    post = Post(url, "Văn phòng HĐND-UBND <vp@tamduong.example.vn>", DigestTemplate())
    return DigestMailer(store or StoredDigests(pool), post.send, recipients or (MINE,), hour, alone)


async def logged(pool: Pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT recipient, day, outcome FROM sent_digests ORDER BY recipient, day")
    return [(r["recipient"], r["day"].isoformat(), r["outcome"]) for r in rows]


# --- what is told --------------------------------------------------------------------------------------------------


async def test_digest__tells_what_is_overdue_due_and_retracted(pool: Pool, server: MailServer) -> None:
    assert await mailer(pool, server.url).send_due() == 1
    ((addresses, message),) = server.taken
    assert addresses == list(MINE.addresses)
    assert str(message["Subject"]) == (
        "Thời hạn giải quyết kiến nghị ngày 01/10/2019: 4 việc quá hạn, 0 việc đến hạn trong 7 ngày"
    )
    assert str(message["From"]) == "Văn phòng HĐND-UBND <vp@tamduong.example.vn>"
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "vi")
    text = message.get_content()
    assert "Kính gửi: Phòng Tài nguyên và Môi trường" in text
    assert "I. ĐÃ QUÁ HẠN: 4 việc" in text and "Kéo điện lưới quốc gia về bản" in text
    assert "Hạn cuối: 16/09/2019, đã quá hạn 11 ngày làm việc" in text
    assert "570" not in text and "thời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định" in text
    retracted = text.split("III. ")[1]
    assert "TRONG NGÀY 30/09/2019: 1 việc" in retracted
    assert "Chậm cấp giấy chứng nhận quyền sử dụng đất" in retracted
    assert "Lý do: văn bản đề ngày còn trong hạn, vào sổ muộn" in retracted


async def test_digest__of_an_heir_tells_what_was_retracted_of_its_predecessor(pool: Pool, server: MailServer) -> None:
    history = told()
    gone = AgencyClosed(effective_on=at("2019-09-30 00:00").date(), code=ENVIRONMENT, successor=EDUCATION)
    history.record(derived_id("agency", ENVIRONMENT), gone, "2019-10-01 09:10", jurisdiction="H35.10")
    await project(pool, history, "2019-10-01 09:30")
    await mailer(pool, server.url, OTHER).send_due()
    retracted = server.taken[0][1].get_content().split("III. ")[1]
    assert "TRONG NGÀY 30/09/2019: 1 việc" in retracted and "Chậm cấp giấy chứng nhận" in retracted


async def test_digest__looks_seven_days_ahead(pool: Pool, server: MailServer) -> None:
    await mailer(pool, server.url, OTHER).send_due()
    text = server.taken[0][1].get_content()
    assert "TỪ 01/10/2019 ĐẾN HẾT 07/10/2019: 1 việc" in text
    assert "Điểm trường thiếu phòng học" in text and "Hạn cuối: 07/10/2019, còn 04 ngày làm việc" in text
    assert "30 ngày làm việc kể từ sau ngày 23/08/2019" in text


async def test_office_of_a_subtree__is_told_of_that_subtree(pool: Pool, server: MailServer) -> None:
    here, elsewhere = Recipient("office@H35.10", ("vp@example.vn",)), Recipient("office@H40", ("x@example.vn",))
    assert await mailer(pool, server.url, here, elsewhere).send_due() == 1
    assert [addresses for addresses, _ in server.taken] == [["vp@example.vn"]]
    assert (await logged(pool))[1] == ("office@H40", "2019-10-01", "empty")


async def test_template_of_an_office__is_what_is_sent(pool: Pool, server: MailServer, tmp_path: Path) -> None:
    own = tmp_path / "digest.txt"
    own.write_text("Bản tin {{ day | date }}\n\n{{ name }}: {{ overdue_total }} việc quá hạn.\n", "utf-8")
    post = Post(server.url, "vp@example.vn", DigestTemplate(str(own)))
    await DigestMailer(StoredDigests(pool), post.send, [MINE], 7, alone).send_due()
    message = server.taken[0][1]
    assert str(message["Subject"]) == "Bản tin 01/10/2019"
    assert message.get_content().strip() == "Phòng Tài nguyên và Môi trường: 4 việc quá hạn."


# --- when ----------------------------------------------------------------------------------------------------------


async def test_second_run__sends_nothing(pool: Pool, server: MailServer) -> None:
    assert await mailer(pool, server.url).send_due() == 1
    assert await mailer(pool, server.url).send_due() == 0
    assert len(server.taken) == 1
    assert await logged(pool) == [(ENVIRONMENT, "2019-10-01", "sent")]


async def test_hour_that_has_not_come__sends_nothing(pool: Pool, server: MailServer) -> None:
    assert await mailer(pool, server.url, hour=10).send_due() == 0
    assert (server.taken, await logged(pool)) == ([], [])


async def test_nothing_to_tell__is_remembered_and_not_sent(pool: Pool, server: MailServer) -> None:
    assert await mailer(pool, server.url, Recipient("H35.10.99", ("a@example.vn",))).send_due() == 0
    assert (server.taken, await logged(pool)) == ([], [("H35.10.99", "2019-10-01", "empty")])


async def test_missed_days__are_sent_late_and_once(pool: Pool, server: MailServer) -> None:
    await pool.execute(
        "INSERT INTO sent_digests (source, recipient, day, outcome) VALUES ('test', $1, '2019-09-28', 'sent')",
        ENVIRONMENT,
    )
    assert await mailer(pool, server.url).send_due() == 3
    assert await mailer(pool, server.url).send_due() == 0
    texts = [message.get_content() for _, message in server.taken]
    assert ["gửi muộn vào ngày 01/10/2019" in text for text in texts] == [True, True, False]
    assert "bản tin của ngày 29/09/2019" in texts[0]
    assert len(set(server.ids)) == 3
    assert [day for _, day, _ in await logged(pool)] == ["2019-09-28", "2019-09-29", "2019-09-30", "2019-10-01"]


async def test_next_day__is_another_digest(pool: Pool, server: MailServer) -> None:
    await mailer(pool, server.url).send_due()
    writer = await opened(pool)
    await writer.advance(at("2019-10-02 08:00"), writer.cursor.head)
    await mailer(pool, server.url).send_due()
    assert len(set(server.ids)) == 2
    assert "TRONG NGÀY 01/10/2019: 0 việc" in server.taken[1][1].get_content()


async def test_silent_source__is_waited_for_an_hour(pool: Pool, server: MailServer) -> None:
    await pool.execute("UPDATE sources SET complete_read_at = complete_read_at - interval '5 minutes'")
    assert await mailer(pool, server.url, hour=9).send_due() == 0  # it is five past nine
    await pool.execute("UPDATE sources SET complete_read_at = complete_read_at - interval '1 hour'")
    assert await mailer(pool, server.url, hour=9).send_due() == 1
    # What the digest rests on is told.
    assert "Theo hồ sơ theo dõi đến 09 giờ 00 ngày 01/10/2019" in server.taken[0][1].get_content()


# --- faults --------------------------------------------------------------------------------------------------------


async def test_server_away__is_tried_again(pool: Pool, server: MailServer) -> None:
    server.stop()
    mine = mailer(pool, server.url)
    assert await mine.send_due() == 0
    assert await logged(pool) == []
    server.start()
    assert await mine.send_due() == 1
    assert len(server.taken) == 1


class Forgetful(StoredDigests):
    """Dies between sending and remembering."""

    async def done(self, digest: MailDigest, mailed: Mailed) -> None:
        raise ConnectionResetError


async def test_crash_between_sending_and_remembering__sends_again_under_the_same_id(
    pool: Pool, server: MailServer
) -> None:
    with pytest.raises(ConnectionResetError):
        await mailer(pool, server.url, store=Forgetful(pool)).send_due()
    assert (len(server.taken), await logged(pool)) == (1, [])
    assert await mailer(pool, server.url).send_due() == 1
    assert len(server.taken) == 2 and len(set(server.ids)) == 1
    assert await mailer(pool, server.url).send_due() == 0


async def test_several_followups__one_sends(pool: Pool, server: MailServer) -> None:
    post = Post(server.url, "vp@example.vn", DigestTemplate())

    def of(holder: str) -> DigestMailer:
        async def may_send() -> bool:
            return await lease.acquire(pool, "digests", holder, 60) is not None

        return DigestMailer(StoredDigests(pool), post.send, [MINE, OTHER], 7, may_send)

    sent = await asyncio.gather(*(of(f"process {n}").send_due() for n in range(4)))
    assert sorted(sent) == [0, 0, 0, 2]
    assert len(server.taken) == 2 == len(set(server.ids))


async def test_refused_address__hinders_no_other_body(
    pool: Pool, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refuse = {"tnmt": "550 no such mailbox", "van-thu": "550 no such mailbox"}
    mine = mailer(pool, server.url, MINE, OTHER)
    assert await mine.send_due() == 1
    assert await logged(pool) == [(EDUCATION, "2019-10-01", "sent")]
    server.refuse = {}
    assert await mine.send_due() == 0  # not offered again at once
    monkeypatch.setattr(digest_mailer, "REFUSED_AGAIN", 0.0)
    assert await mailer(pool, server.url, MINE, OTHER).send_due() == 1


async def test_what_cannot_be_sent__is_told_since_when_until_it_is(
    pool: Pool, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = 0.0
    monkeypatch.setattr(digest_mailer, "monotonic", lambda: ticks)
    post = mailer(pool, server.url, MINE, OTHER)
    await post.look()
    assert post.failing_for == 0.0
    await project(pool, told(), "2019-10-02 08:00")
    server.refuse = {"tnmt": "550 no such mailbox", "van-thu": "550 no such mailbox"}
    await post.look()
    ticks = 100.0
    assert post.failing_for == 100.0, "although the other body got its digest"
    await post.look()
    assert post.failing_for == 100.0, "also while the refused one is not offered again yet"
    shown = await MetricsQueries(pool, digests_failing_for=lambda: post.failing_for).snapshot()
    assert shown.digests_failing_since == pytest.approx(shown.taken_at - 100.0)
    server.refuse = {}
    server.stop()
    ticks = 2 * digest_mailer.REFUSED_AGAIN
    await post.look()
    assert post.failing_for == ticks
    server.start()
    await post.look()
    assert post.failing_for == 0.0


@pytest.mark.parametrize("answer", ["550 no such mailbox", "450 grey, come again"])
async def test_one_address_of_two_refused__is_offered_again_alone(
    pool: Pool, server: MailServer, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    server.refuse = {"van-thu": answer}
    mine = mailer(pool, server.url)
    await mine.look()
    assert server.taken[0][0] == ["tnmt@example.vn"]
    assert mine.failing_for > 0 and await logged(pool) == [(ENVIRONMENT, "2019-10-01", "sent")]
    await mine.look()
    assert (len(server.taken), mine.failing_for > 0) == (1, True), "not offered again at once, and still told"
    server.refuse = {}
    # Another process knows it from the store; the address that has it gets no second one.
    later = mailer(pool, server.url)
    await later.look()
    assert [addresses for addresses, _ in server.taken] == [["tnmt@example.vn"], ["van-thu@example.vn"]]
    assert len(set(server.ids)) == 1 and later.failing_for == 0
    assert await mailer(pool, server.url).send_due() == 0
    kept = await pool.fetch("SELECT * FROM sent_digests")
    assert "example.vn" not in str([{**row, "message_id": ""} for row in kept]), "no address is kept"


async def test_address_that_left_the_file__is_owed_nothing(pool: Pool, server: MailServer) -> None:
    server.refuse = {"van-thu": "550 no such mailbox"}
    await mailer(pool, server.url).send_due()
    now = mailer(pool, server.url, Recipient(ENVIRONMENT, ("tnmt@example.vn",)))
    await now.look()
    assert (now.failing_for, len(server.taken)) == (0, 1)


async def test_busy_server__is_tried_again(pool: Pool, server: MailServer) -> None:
    server.refuse = {"example.vn": "451 try again later"}
    mine = mailer(pool, server.url)
    assert await mine.send_due() == 0
    server.refuse = {}
    assert await mine.send_due() == 1


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
async def test_password__goes_only_to_a_server_that_is_trusted(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    certificate = self_signed(tmp_path)
    with mail_server(needs_password=True, tls=tls, certificate=certificate) as server:
        assert await mailer(pool, server.url_for(USER, PASSWORD)).send_due() == 0  # nobody knows who signed it
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await mailer(pool, server.url_for(USER, "falsch")).send_due() == 0
        assert await logged(pool) == []
        assert await mailer(pool, server.url_for(USER, PASSWORD)).send_due() == 1
        assert len(server.taken) == 1


# --- the command line ----------------------------------------------------------------------------------------------


def doithoai(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return forked.run("followup", "digest", *arguments, env=os.environ | environment)


async def test_command__prints_what_would_be_sent_then_sends_it_once(
    pool: Pool, followup_dsn: str, server: MailServer, tmp_path: Path
) -> None:
    to = tmp_path / "to.yaml"
    to.write_text(f"{ENVIRONMENT}: tnmt@example.vn\nH35.10.99: khac@example.vn\n")
    settings = {"FOLLOWUP_DATABASE_URL": followup_dsn, "FOLLOWUP_DIGEST_TO": str(to)}
    printed = await asyncio.to_thread(doithoai, "--day", "2019-10-01", "--agency", ENVIRONMENT, "--print", **settings)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith(f"To: {ENVIRONMENT}\nSubject: Thời hạn giải quyết kiến nghị ngày 01/10/2019")
    assert "Kính gửi: Phòng Tài nguyên và Môi trường" in printed.stdout
    assert (server.taken, await logged(pool)) == ([], [])

    settings |= {"FOLLOWUP_SMTP_URL": server.url, "FOLLOWUP_DIGEST_FROM": "vp@example.vn"}
    first = await asyncio.to_thread(doithoai, "--day", "2019-10-01", **settings)
    assert first.stdout == f"test  {ENVIRONMENT}  sent\ntest  H35.10.99  nothing to tell\n", first.stderr
    again = await asyncio.to_thread(doithoai, "--day", "2019-10-01", **settings)
    assert (again.stdout, len(server.taken)) == ("Nothing to send.\n", 1)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--day", "2019-10-01"), 2, "FOLLOWUP_SMTP_URL"),
        (("--day", "2019-10-01", "--print"), 2, "FOLLOWUP_DIGEST_TO"),
        (("--day", "2099-10-01", "--print", "--agency", ENVIRONMENT), 1, "has not come"),
        (
            (
                "--day",
                "hôm nay",
            ),
            2,
            "--day",
        ),
    ],
)
async def test_command__that_cannot_be_done_says_why(
    pool: Pool, followup_dsn: str, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = await asyncio.to_thread(doithoai, *arguments, FOLLOWUP_DATABASE_URL=followup_dsn)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr


async def test_digest_of_the_office__asks_for_the_next_calendar_from_october_on(pool: Pool) -> None:
    store = StoredDigests(pool)
    # The history publishes 2019 to 2026: of 2026 the next year is missing.
    for recipient, day, asked, empty in (
        ("office@H35.10.99", date(2026, 9, 30), None, True),
        ("office@H35.10.99", date(2026, 10, 1), 2027, False),
        ("office@H35.10.99", date(2026, 10, 2), 2027, True),
        ("office@H35.10.99", date(2025, 10, 1), None, True),
        ("H35.10.99", date(2026, 10, 1), None, True),
    ):
        digest = await store.digest("test", Recipient(recipient, ()), day, day)
        assert (digest.unpublished_year, digest.is_empty) == (asked, empty), (recipient, day)
    asking = await store.digest("test", Recipient("office@H35.10.99", ()), date(2026, 10, 1), date(2026, 10, 1))
    assert "LỊCH LÀM VIỆC NĂM 2027 CHƯA ĐƯỢC CÔNG BỐ" in DigestTemplate().render(asking)[1]


async def test_mail_server__that_drips_its_greeting_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "WHOLE", 0.3)

    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    async with asyncio.timeout(20), await asyncio.start_server(drip, "127.0.0.1", 0) as dripping:
        url, digest = f"smtp://127.0.0.1:{dripping.sockets[0].getsockname()[1]}", mail._SAMPLE
        with pytest.raises(MailServerUnavailable):
            await Post(url, "a@example.vn", DigestTemplate()).send(digest, Recipient(digest.recipient, MINE.addresses))
        await ended.wait()
