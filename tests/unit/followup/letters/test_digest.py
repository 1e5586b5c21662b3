"""Which days' digests are sent, under which id; the template and the file of recipients, right and wrong."""

from datetime import date
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import formataddr
from pathlib import Path

import pytest

from services.followup.adapters.mail import DigestTemplate, InvalidMail, Post, load_recipients
from services.followup.domain.letters.digest import MailDigest, Recipient, days_to_send, message_id
from tests.support.history import day

# --- days ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "newest", "today", "days"),
    [
        (None, "2019-09-17", "2019-09-17", ["2019-09-17"]),
        (None, "2019-09-16", "2019-09-17", []),  # new here, and the hour has not come
        ("2019-09-17", "2019-09-17", "2019-09-17", []),
        ("2019-09-16", "2019-09-17", "2019-09-17", ["2019-09-17"]),
        ("2019-09-14", "2019-09-17", "2019-09-17", ["2019-09-15", "2019-09-16", "2019-09-17"]),
        ("2019-09-20", "2019-09-17", "2019-09-17", []),
    ],
)
def test_days__are_those_missed_up_to_the_newest(last: str | None, newest: str, today: str, days: list[str]) -> None:
    found = days_to_send(day(last) if last else None, day(newest), day(today))
    assert [d.isoformat() for d in found] == days


def test_days__missed_for_long_are_let_go() -> None:
    found = days_to_send(date(2019, 6, 1), date(2019, 9, 17), date(2019, 9, 17))
    assert (found[0], len(found)) == (date(2019, 9, 11), 7)


def test_message_id__is_that_of_source_body_and_day() -> None:
    mine = message_id("local", "H35.10.3", date(2019, 9, 17), "example.vn")
    assert mine == message_id("local", "H35.10.3", date(2019, 9, 17), "example.vn")
    others = {
        message_id("other", "H35.10.3", date(2019, 9, 17), "example.vn"),
        message_id("local", "H35.10.4", date(2019, 9, 17), "example.vn"),
        message_id("local", "H35.10.3", date(2019, 9, 18), "example.vn"),
    }
    assert len(others | {mine}) == 4
    assert mine.startswith("<digest.") and mine.endswith("@example.vn>")


# --- the template --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ngày {{ dya | date }}\n\nNội dung", ":1: 'dya' is undefined"),
        ("Ngày\n\n{% for it in due %}\n{{ it.about }}", ":4: "),
        ("Ngày\n\n{{ name | date }}", ":3: "),
        ("Ngày\n\n{{ day | ngày }}", ":3: No filter named 'ngày'"),
        ("Chỉ một dòng", ": the first line is the subject"),
        ("Ngày\nNội dung không có dòng trống", ": the first line is the subject"),
        ("{{ ''.__class__.__mro__ }}\n\nx", "unsafe"),
    ],
)
def test_template__that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "digest.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidMail) as refused:
        DigestTemplate(str(path))
    assert str(refused.value).startswith(str(path)) and told in str(refused.value)


def test_template__that_is_missing_is_refused() -> None:
    with pytest.raises(InvalidMail, match="No such file or directory"):
        DigestTemplate("/nowhere/digest.txt")


# --- recipients ----------------------------------------------------------------------------------------------------


def test_recipients__are_bodies_with_their_addresses(tmp_path: Path) -> None:
    path = tmp_path / "to.yaml"
    path.write_text(
        "000.00.00.H35: ubnd@laichau.example.vn\nH35.10.3: [a@example.vn, b@example.vn]\noffice@H35.10: vp@example.vn\n"
    )
    found = {r.key: (r.debtor, r.jurisdiction, r.addresses) for r in load_recipients(str(path))}
    assert found == {
        "H35": ("H35", "VN", ("ubnd@laichau.example.vn",)),
        "H35.10.3": ("H35.10.3", "VN", ("a@example.vn", "b@example.vn")),
        "office@H35.10": ("office", "H35.10", ("vp@example.vn",)),
    }
    path.write_text('{"chair": "ct@example.vn"}')
    assert [r.key for r in load_recipients(str(path))] == ["chair"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name at least one body"),
        ("- a@example.vn", "name at least one body"),
        ("H35.10.3: [a@example.vn", ":1: is no YAML"),
        ("H35.10.3: a@example.vn\nH35.10.4: c@example.vn\nH35.10.3: b@example.vn", ":3: 'H35.10.3' is written twice"),
        ("H35.10.3: a@example.vn\nh35.10.3: b@example.vn", ":2: H35.10.3 is written twice; give its addresses"),
        ("000.00.00.H35: a@example.vn\nH35: b@example.vn", ":2: H35 is written twice"),
        ("H35.10.3: không phải thư", "H35.10.3: give one mail address"),
        ("H35.10.3: []", "H35.10.3: give one mail address"),
        ("H35.10.3: 7", "H35.10.3: give one mail address"),
        ("H35.10.3: 'a@example.vn\\nBcc: x@example.vn'", "give one mail address"),
        ("phòng: a@example.vn", "no agency code"),
        ("office@: a@example.vn", "no agency code"),
    ],
)
def test_recipients__that_are_none_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "to.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidMail) as refused:
        load_recipients(str(path))
    assert str(refused.value).startswith(str(path)) and told in str(refused.value)
    assert "a@example.vn" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "sender"),
    [("http://mail", "vp@example.vn"), ("smtp://", "vp@example.vn"), ("smtp://mail:x", "vp@example.vn"),
     ("smtp://mail", ""), ("smtp://mail", "Văn phòng")],
)  # fmt: skip
def test_server_or_sender__that_is_none_is_refused(url: str, sender: str) -> None:
    with pytest.raises(InvalidMail):
        Post(url, sender, DigestTemplate())


WORDS = "Thời hạn giải quyết kiến nghị ngày 30/11/2026: 0 việc quá hạn, 12 việc đến hạn trong 7 ngày tới"


@pytest.mark.parametrize("length", range(10, len(WORDS), 6))
def test_headers__keep_every_blank_on_every_python(tmp_path: Path, length: int) -> None:
    text = WORDS[:length].strip()
    template = tmp_path / "digest.txt"
    template.write_text(f"{text}\n\n{{{{ name }}}}\n", "utf-8")
    sender = f"Văn phòng {text}"
    post = Post("smtp://127.0.0.1", formataddr((sender, "vp@example.vn")), DigestTemplate(str(template)))
    digest = MailDigest(
        source="local", recipient="chair", name="Chủ tịch", day=date(2019, 9, 19), today=date(2019, 9, 19),
        read_to=None, overdue=[], due=[], retracted=[], overdue_total=0, due_total=0,
    )  # fmt: skip
    sent = post.message(digest, Recipient("chair", ("a@example.vn",))).as_bytes()
    assert sent.isascii() and max(map(len, sent.splitlines())) <= 78
    read = message_from_bytes(sent)  # the older parser, which unfolds as any mail program does
    assert str(make_header(decode_header(read["Subject"]))) == text
    assert str(make_header(decode_header(read["From"]))) == f"{sender} <vp@example.vn>"
