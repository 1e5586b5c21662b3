"""Digests from the running pair: two followups on one database, one mail for each body and day, nothing personal."""

import contextlib
from pathlib import Path

import pytest

from tests.support.mail import MailServer, mail_server
from tests.support.office import AGENCIES, BEGIN, Office
from tests.support.pair import Pair, until


@pytest.mark.slow
def test_two_followups__send_each_digest_once(pair: Pair, tmp_path: Path) -> None:
    to = tmp_path / "to.yaml"
    to.write_text(f"{AGENCIES[1]}: mot@example.vn\n{AGENCIES[2]}: [hai@example.vn, ba@example.vn]\n")
    with mail_server() as server:
        intake = pair.intake(CLOCK_START=BEGIN).start()
        dsn = pair.followup_dsn()
        mail = {"SMTP_URL": server.url, "DIGEST_FROM": "vp@example.vn", "DIGEST_TO": str(to)}
        followups = [pair.followup(intake, dsn, **mail).start() for _ in range(2)]
        with contextlib.closing(Office(lambda: intake.url)) as office:
            work(office, server)
        assert [f.stop() for f in followups] == [0, 0]


def work(office: Office, server: MailServer) -> None:
    """Two petitions whose replies never come: due soon, then overdue."""
    office.places()
    office.plan()
    for number in (1, 2):
        office.receive(number)
    office.clock("2019-08-05 08:00")
    for number in (1, 2):
        office.schedule(number)
    office.clock("2019-08-23 08:00")
    office.act("opening", f"/v1/conferences/{office.conference}/opening")
    for number in (1, 2):
        office.on(number, "raising", conference_id=office.conference)
    office.act("closing", f"/v1/conferences/{office.conference}/closing")
    office.clock("2019-08-30 08:00")
    for number in (1, 2):
        office.assign(number)
    office.clock("2019-09-16 07:30")
    until(lambda: _subjects(server, "16/09/2019") == 2, 90, "a digest for each agency")
    office.clock("2019-09-17 07:30")
    until(lambda: _subjects(server, "17/09/2019: 1 việc quá hạn") == 2, 90, "the next day's")
    assert len(set(server.ids)) == len(server.ids)
    texts = [message.get_content() for _, message in server.taken]
    assert any("là ngày cuối của thời hạn" in text for text in texts)
    assert not any("Người thứ" in text or "Kiến nghị số" in text for text in texts)  # names and texts of citizens


def _subjects(server: MailServer, holding: str) -> int:
    return sum(holding in str(message["Subject"]) for _, message in server.taken)
