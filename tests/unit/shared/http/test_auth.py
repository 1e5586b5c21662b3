"""Who a caller is: tokens, the local caller, pages of others; what the tokens file may say, and how it is written."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Request

from shared.http.auth import (
    COOKIE,
    Callers,
    configured_callers,
    is_from_foreign_page,
    lesser_token,
    token_of,
)
from shared.http.loopback import is_loopback
from shared.http.problems import ProblemError
from shared.http.refused_calls import FREE, LONGEST_WAIT, MAX_ADDRESSES, MAX_WAITING, RefusedCalls, network_of
from shared.http.tokens import (
    InvalidTokens,
    TokenEntry,
    TokenFile,
    change_tokens,
    checked,
    follow_tokens,
    load_tokens,
    mint_token,
    rotated,
)

TOKEN, ENTRY = mint_token("cổng", "system")


def request(method: str = "GET", peer: str = "127.0.0.1", **headers: str) -> Request[Any, Any, Any]:
    given = {"host": "127.0.0.1:8570"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "client": (peer, 50000),
        "state": {},
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
    }
    return Request(scope)  # type: ignore[arg-type]


def refusal(callers: Callers, asked: Request[Any, Any, Any]) -> str:
    """What a request is refused with; empty where it is served."""
    try:
        callers.of_request(asked)
    except ProblemError as error:
        return error.code
    return ""


# --- the local caller ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"])
def test_loopback__is_an_address_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.1", "", "0.0.0.0", "10.0.0.1"]
)
def test_loopback__is_no_name_that_begins_like_one(host: str) -> None:
    assert not is_loopback(host)


def test_local__may_choose_to_be_less() -> None:
    callers = Callers(local_allowed=True)
    caller = callers.of_request(request(authorization=f"Bearer {lesser_token('agency', 'H35.10', 'H35.10.3')}"))
    assert (caller.roles, caller.jurisdiction, caller.agency) == (frozenset({"agency"}), "H35.10", "H35.10.3")


@pytest.mark.parametrize("token", ["local:", "local:root:H35", "local:office", "local:office:", "local::H35"])
def test_local__that_names_no_role_and_place_is_nobody(token: str) -> None:
    assert refusal(Callers(local_allowed=True), request(authorization=f"Bearer {token}")) == "unauthenticated"


def test_local__that_is_less_is_nobody_where_local_is() -> None:
    proof = {"authorization": f"Bearer {lesser_token('office', 'H35')}"}
    assert refusal(Callers((ENTRY,), local_allowed=False), request(**proof)) == "unauthenticated"
    callers = Callers(local_allowed=True)
    assert refusal(callers, request(peer="10.0.0.9", **proof)) == "unauthenticated"
    assert refusal(callers, request(x_forwarded_for="10.0.0.9", **proof)) == "unauthenticated"
    assert refusal(callers, request(host="evil.example", **proof)) == "foreign-origin"


@pytest.mark.parametrize("host", ["127.evil.example", "127.0.0.1.evil.example:8570", "example.org", "[::1"])
def test_local__is_nobody_under_a_name_that_others_own(host: str) -> None:
    callers = Callers(local_allowed=True)
    assert refusal(callers, request(host=host)) == "foreign-origin"
    assert refusal(callers, request("POST", host=host, origin=f"http://{host}")) == "foreign-origin"
    assert refusal(callers, request(host="[::1]:8570")) == ""


@pytest.mark.parametrize(
    "header",
    ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded"],
)
def test_local__is_nobody_whom_a_proxy_brings(header: str) -> None:
    assert refusal(Callers(local_allowed=True), request(**{header: "127.0.0.1"})) == "unauthenticated"


def test_local__is_nobody_from_another_machine() -> None:
    assert refusal(Callers(local_allowed=True), request(peer="10.0.0.7")) == "unauthenticated"


def test_local__is_nobody_once_tokens_are_configured(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    change_tokens(file, lambda _: (ENTRY,))
    configured = configured_callers("127.0.0.1", str(file), "")
    assert refusal(configured, request()) == "unauthenticated"
    assert refusal(configured, request(authorization=f"Bearer {TOKEN}")) == ""
    # Nor once the last of them is taken out, which is not taken.
    with pytest.raises(InvalidTokens):
        configured.replace(())
    assert refusal(configured, request()) == "unauthenticated"
    assert refusal(configured_callers("127.0.0.1", "", ""), request()) == ""


def test_nothing_starts_with_a_file_that_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text('{"tokens": []}')
    with pytest.raises(InvalidTokens, match="doithoai token"):
        configured_callers("127.0.0.1", str(file), "")


# --- pages of others -------------------------------------------------------------------------------------------------

OWN = "http://127.0.0.1:8570"


@pytest.mark.parametrize(
    ("method", "headers", "is_foreign"),
    [
        ("POST", {"sec_fetch_site": "same-origin", "origin": "null"}, False),
        ("POST", {"sec_fetch_site": "none"}, False),
        ("POST", {"sec_fetch_site": "cross-site", "origin": OWN}, True),
        ("POST", {"sec_fetch_site": "same-site", "origin": OWN}, True),
        ("POST", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, True),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, False),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, True),
        ("POST", {"origin": OWN}, False),
        ("POST", {"origin": "null"}, True),
        ("POST", {"origin": "http://127.0.0.1:9999"}, True),
        ("POST", {"origin": "http://[evil"}, True),
        ("POST", {}, False),
        ("DELETE", {"origin": "https://example.org"}, True),
        ("GET", {"origin": "https://example.org"}, False),
    ],
)
def test_foreign_page__is_told_by_the_browser(method: str, headers: dict[str, str], is_foreign: bool) -> None:
    asked = request(method, **headers)
    assert is_from_foreign_page(asked) is is_foreign
    if is_foreign:
        with_cookie = request(method, cookie=f"doithoai_token={TOKEN}", **headers)
        assert refusal(Callers((ENTRY,), local_allowed=False, cookies=True), with_cookie) == "foreign-origin"
        assert refusal(Callers(local_allowed=True), asked) == "foreign-origin"


def test_foreign_page__needs_no_look_where_a_program_sends_its_token() -> None:
    asked = request("POST", authorization=f"Bearer {TOKEN}", sec_fetch_site="cross-site", origin="https://example.org")
    assert refusal(Callers((ENTRY,), local_allowed=False), asked) == ""


# --- the tokens file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cookie", ["{}={}", "a=b; {}={}", "{}={};a=b", "a; =; {} = {} ", "a={0}; {0}=x; {0}={1}", "{}={}; {}x=y"]
)
def test_cookie__is_found_among_others(cookie: str) -> None:
    callers = Callers((ENTRY,), local_allowed=False, cookies=True)
    header = cookie.format(COOKIE, TOKEN, COOKIE)
    assert refusal(callers, request(cookie=header)) == ""
    assert token_of(request(cookie=header)) == TOKEN
    assert refusal(callers, request(cookie=f"{COOKIE}x={TOKEN}")) == "unauthenticated"


def test_cookie__of_others_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 KiB of backslashes between quotes take the framework 20 seconds."""
    read = list[str]()
    monkeypatch.setattr("http.cookies._unquote", read.append)
    monkeypatch.setattr("litestar._parsers.unquote_cookie", read.append)
    asked = request(cookie='a="' + "\\" * 1000 + '"')
    assert refusal(Callers((ENTRY,), local_allowed=False, cookies=True), asked) == "unauthenticated"
    assert (token_of(asked), read) == ("", [])


def test_token__has_a_second_one_while_it_is_replaced() -> None:
    second, both = rotated(ENTRY)
    third, newest = rotated(both)
    callers = Callers((both,), local_allowed=False)
    assert [refusal(callers, request(authorization=f"Bearer {t}")) for t in (TOKEN, second)] == ["", ""]
    callers.replace((newest,))
    found = [refusal(callers, request(authorization=f"Bearer {t}")) for t in (TOKEN, second, third)]
    assert found == ["unauthenticated", "", ""]


def entry(**fields: Any) -> TokenEntry:
    return msgspec.structs.replace(mint_token("a", "system")[1], **fields)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((entry(), entry()), "same name"),
        ((entry(amqp_user="u"), entry(name="b", amqp_user="u")), "same amqp_user"),
        ((entry(sha256="0" * 64), entry(name="b", sha256=("1" * 64, "0" * 64))), "same sha256"),
        # The same name, written with a letter and its mark apart.
        ((entry(name="c\u1ed5ng"), entry(name="co\u0302\u0309ng")), "same name"),
        ((entry(sha256="abc"),), "hash of a token"),
        ((entry(sha256=()),), "hash of a token"),
        ((entry(sha256=("0" * 64, "1" * 64, "2" * 64)),), "hash of a token"),
        ((entry(role="agency"),), "agency's code"),
        ((entry(name="local"),), "product's own"),
        ((entry(sources=("",)),), "not empty"),
        ((entry(amqp_user="cong"), entry(name="b", amqp_user="cong.tinh")), "queues of cong.tinh"),
    ],
)
def test_tokens__that_contradict_themselves_are_refused(entries: tuple[TokenEntry, ...], why: str) -> None:
    with pytest.raises(InvalidTokens, match=why):
        checked(entries)


def test_tokens__of_the_release_before_are_read(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(
        '{"tokens": [{"name": "cong", "sha256": "%s", "role": "system", "amqp_user": "cong"}]}' % ("0" * 64)
    )
    (found,) = checked(load_tokens(str(file)))
    assert (found.hashes, found.jurisdiction, found.sources) == (("0" * 64,), "VN", ())
    # And an entry that uses nothing new is written as that release reads it.
    change_tokens(file, lambda entries: entries)
    assert msgspec.json.decode(file.read_bytes())["tokens"] == [
        {"name": "cong", "sha256": "0" * 64, "role": "system", "amqp_user": "cong"}
    ]


def test_tokens__begin_with_a_byte_order_mark_or_without(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_bytes(b"\xef\xbb\xbf" + msgspec.json.encode({"tokens": [ENTRY]}))
    assert load_tokens(str(file)) == (ENTRY,)


@pytest.mark.parametrize("emptied", ["", " \n", "{}", '{"tokens": []}'])
async def test_tokens_file__that_names_nobody_shuts_nobody_out(
    tmp_path: Path, emptied: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shared.http.tokens.LOOK_EVERY", 0.01)
    file, asked = tmp_path / "tokens.json", request(authorization=f"Bearer {TOKEN}")
    change_tokens(file, lambda _: (ENTRY,))
    callers = configured_callers("0.0.0.0", str(file), "")
    file.write_text(emptied)
    following = asyncio.create_task(follow_tokens(callers, str(file)))
    logged = ""
    while "tokens_" not in logged:
        await asyncio.sleep(0.01)
        logged += capsys.readouterr().out
    assert "tokens_not_replaced" in logged
    assert refusal(callers, asked) == ""
    # Another entry alone is a change like any other.
    file.write_bytes(msgspec.json.encode({"tokens": [mint_token("văn phòng", "office")[1]]}))
    while "tokens_read" not in logged:
        await asyncio.sleep(0.01)
        logged += capsys.readouterr().out
    assert refusal(callers, asked) == "unauthenticated"
    following.cancel()


def test_tokens_file__is_its_owners_alone_whatever_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("")
    file.chmod(0o644)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    change_tokens(link, lambda _: (ENTRY,))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert link.is_symlink()
    assert load_tokens(str(file)) == (ENTRY,)


def test_tokens_file__stays_readable_to_the_group_that_it_was_given_to(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("")
    file.chmod(0o640)
    change_tokens(file, lambda _: (ENTRY,))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_tokens_file__stays_as_it_was_where_a_change_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    change_tokens(file, lambda _: (ENTRY,))
    with pytest.raises(InvalidTokens):
        change_tokens(file, lambda entries: (*entries, *entries))
    assert load_tokens(str(file)) == (ENTRY,)
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.json"]


def test_token_file__is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "source.token"
    file.write_text("first\n")
    token = TokenFile(str(file))
    assert token() == "first"
    file.write_text("the second\n")
    assert token() == "the second"
    file.write_text("")
    assert token() == "the second", "a file that is being written takes nothing away"
    file.unlink()
    assert token() == "the second"
    assert TokenFile("")() == ""


# --- refused calls ---------------------------------------------------------------------------------------------------


class Waits:
    """A clock that stands still, and the waits that were asked for."""

    def __init__(self) -> None:
        self.now, self.asked = 0.0, list[float]()
        self.refused = RefusedCalls(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)

    async def note(self, times: int, address: str = "10.0.0.7", reason: str = "unknown-token") -> None:
        for _ in range(times):
            await self.refused.note(address, reason)


async def test_refused_call__is_answered_later_the_more_there_are() -> None:
    waits = Waits()
    await waits.note(FREE)
    assert waits.asked == []
    await waits.note(20)
    assert waits.asked == sorted(waits.asked)
    assert (len(waits.asked), waits.asked[-1]) == (20, LONGEST_WAIT)
    # Nobody else waits for it, nor does the same address a minute later.
    await waits.note(1, "10.0.0.8")
    waits.now += 61
    await waits.note(1)
    assert len(waits.asked) == 20


async def test_refused_call__of_a_foreign_page_costs_nobody_time() -> None:
    waits = Waits()
    await waits.note(50, reason="foreign-origin")
    await waits.note(FREE)
    assert waits.asked == []


async def test_refused_call__is_logged_once_a_minute_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    waits = Waits()
    await waits.note(300)
    await waits.note(300, "10.0.0.8")
    waits.now += 61
    await waits.note(1)
    lines = [line for line in capsys.readouterr().out.splitlines() if "call_refused" in line]
    assert len(lines) == 3
    assert "10.0.0.7" in lines[2]
    assert "299" in lines[2], "how many were not told"
    assert waits.refused.counts == {("unknown-token",): 601}


async def test_refused_call__is_forgotten_where_there_are_too_many_addresses() -> None:
    waits = Waits()
    for number in range(2 * MAX_ADDRESSES):
        await waits.refused.note(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", "unknown-token")
    assert len(waits.refused._addresses) <= MAX_ADDRESSES + 1


async def test_refused_call__holds_back_few_answers_at_a_time() -> None:
    release = asyncio.Event()
    waiting = 0

    async def sleep(_: float) -> None:
        nonlocal waiting
        waiting += 1
        await release.wait()

    refused = RefusedCalls(lambda: 0.0, sleep)
    tasks = [asyncio.create_task(refused.note("10.0.0.7", "unknown-token")) for _ in range(MAX_WAITING + 50)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert waiting == MAX_WAITING
    release.set()
    await asyncio.gather(*tasks)


def test_address__of_version_6_stands_for_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("10.0.0.7") == "10.0.0.7"
    assert network_of("no address") == "others"
