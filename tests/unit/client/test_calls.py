"""What the client library sends, when it sends it again, and what it makes of the answers."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import httpx
import pytest

from doithoai_client import CallRefused, Client, ClientError, DayComparison, DayRecord, NotReached, Retries, digest_of
from doithoai_client.calls import MOST_BYTES, in_batches
from doithoai_client.reconciling import by_bucket
from shared.cases.reconciliation import line_of
from shared.cases.source_version import kept_version

Answer = Callable[[httpx.Request], httpx.Response]
#: Waits of no length, so that tests do not wait.
AT_ONCE = Retries(attempts=3, longest=0)
PUSHED = {"id": "i", "version": 1, "position": 1, "receipt_code": "r", "result": "created", "source_version": "1"}
ANSWERED = {"id": "i", "state": "received", "names": {"vi": "Đã tiếp nhận", "en": "Received"}, "reply": None}


def client_of(answer: Answer, **options: Any) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Client("cong", "secret", "http://intake/", "http://followup", http=http, **{"retries": AT_ONCE} | options)


def outcomes(*listed: httpx.Response | Exception) -> tuple[list[httpx.Request], Answer]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        outcome = listed[min(len(asked), len(listed)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return asked, answer


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(status, text="<html>") for status in (429, 502, 503, 504)]
    + [httpx.ConnectError("no"), httpx.ReadError("lost"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")],
)
def test_call__that_may_be_recorded_is_sent_again_with_the_same_key(trouble: httpx.Response | Exception) -> None:
    asked, answer = outcomes(trouble, trouble, httpx.Response(201, json={"id": "i"}))
    with client_of(answer) as client:
        assert client.send("intake", "POST", "/v1/petitions", {"text": "a"}) == {"id": "i"}
    keys = {request.headers["idempotency-key"] for request in asked}
    assert len(asked) == 3 and len(keys) == 1 and min(map(len, keys)) > 20
    assert len({request.content for request in asked}) == 1


@pytest.mark.parametrize("trouble", [httpx.Response(503), httpx.Response(502), httpx.ReadError("lost")])
def test_call__that_followup_may_have_done_is_not_sent_again(trouble: httpx.Response | Exception) -> None:
    asked, answer = outcomes(trouble, httpx.Response(201, json={"id": "i"}))
    with client_of(answer) as client, pytest.raises(ClientError):
        client.send("followup", "POST", "/v1/subscriptions", {"sink": "https://portal.example"})
    assert len(asked) == 1 and "idempotency-key" not in asked[0].headers


@pytest.mark.parametrize("trouble", [httpx.Response(429), httpx.ConnectError("no"), httpx.ConnectTimeout("no")])
def test_call__that_followup_cannot_have_done_is_sent_again(trouble: httpx.Response | Exception) -> None:
    asked, answer = outcomes(trouble, httpx.Response(201, json={"id": "i"}))
    with client_of(answer) as client:
        assert client.send("followup", "POST", "/v1/subscriptions", {"sink": "https://portal.example"}) == {"id": "i"}
    assert len(asked) == 2


@pytest.mark.parametrize("name", ["a/b", ".", ".."])
def test_reference__that_no_address_can_hold_goes_in_a_batch(name: str) -> None:
    asked, answer = outcomes(httpx.Response(200, json={"items": [{"status": 201, "push": PUSHED}]}))
    with client_of(answer) as client:
        assert client.put(name, "1", {}).result == "created"
    assert asked[0].url.path == "/v1/petitions/batch"
    assert json.loads(asked[0].content)["items"][0]["external_id"] == name


def test_call__is_sent_no_oftener_than_said() -> None:
    asked, answer = outcomes(httpx.ConnectError("no"))
    with client_of(answer) as client, pytest.raises(NotReached, match="3 attempts"):
        client.answer("TN-1")
    assert len(asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_refusal__is_not_sent_again(status: int) -> None:
    asked, answer = outcomes(httpx.Response(status, json={"type": "urn:doithoai:problem:x"}))
    with client_of(answer) as client, pytest.raises(CallRefused):
        client.answer("TN-1")
    assert len(asked) == 1


def test_wait__grows_with_chance_and_heeds_the_service() -> None:
    retries = Retries(attempts=9, longest=30, chance=lambda: 0.0)
    busy = httpx.Response(503)
    assert [retries.wait(attempt, busy) for attempt in (1, 2, 3, 8, 9)] == [0.25, 0.5, 1.0, 15.0, None]
    assert Retries(chance=lambda: 1.0).wait(1, busy) == 0.5
    assert retries.wait(1, httpx.Response(429, headers={"Retry-After": "7"})) == 7
    assert retries.wait(1, httpx.Response(429, headers={"Retry-After": "900"})) is None
    assert retries.wait(1, httpx.Response(429, headers={"Retry-After": "Tue, 01 Dec 2026 00:00:00 GMT"})) == 0.25
    assert retries.wait(1, httpx.UnsupportedProtocol("ftp")) is None


def test_refusal__says_field_and_sentence_in_both_languages() -> None:
    members = {
        "type": "urn:doithoai:problem:not-in-catalogue",
        "field": "channel",
        "allowed": ["portal"],
        "translations": {"vi": {"title": "T", "detail": "Không có"}, "en": {"title": "T", "detail": "Not there"}},
    }
    _, answer = outcomes(httpx.Response(422, json=members, headers={"X-Request-Id": "r-1"}))
    with (
        client_of(answer) as client,
        pytest.raises(CallRefused, match="422 not-in-catalogue: channel: Not there") as raised,
    ):
        client.put("TN-1", "1", {})
    refused = raised.value
    assert (refused.status, refused.field, refused.vi, refused.en) == (422, "channel", "Không có", "Not there")
    assert (refused.request_id, refused.members["allowed"]) == ("r-1", ["portal"])


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"null", b'{"type": 7}', b'{"translations": {"vi": 1}}', b"\xff"]
)
def test_refusal__of_a_proxy_of_others_is_its_status(body: bytes) -> None:
    _, answer = outcomes(httpx.Response(500, content=body))
    with client_of(answer) as client, pytest.raises(CallRefused) as raised:
        client.answer("TN-1")
    assert raised.value.code == "http-500"


def test_token__is_asked_anew_and_stands_where_the_gateway_lets_it() -> None:
    tokens = iter(["old", "new"])
    asked, answer = outcomes(httpx.Response(503), httpx.Response(200, json=ANSWERED))
    with client_of(answer) as client:
        client._sending._token = lambda: next(tokens)
        client.answer("TN-1")
    assert [request.headers["authorization"] for request in asked] == ["Bearer old", "Bearer new"]
    with client_of(answer, token_header="X-Doithoai-Token") as client:
        client.answer("TN-1")
    assert asked[-1].headers["x-doithoai-token"] == "secret" and "authorization" not in asked[-1].headers


def test_redirect__is_not_followed_with_the_token() -> None:
    asked, answer = outcomes(httpx.Response(307, headers={"Location": "http://elsewhere/"}))
    with client_of(answer) as client, pytest.raises(CallRefused):
        client.answer("TN-1")
    assert len(asked) == 1


def test_reference__stands_in_the_address_as_it_is() -> None:
    asked, answer = outcomes(httpx.Response(201, json=PUSHED))
    with client_of(answer) as client:
        assert client.put("TN-7 ?#%é", "1", {"text": "Rác"}).result == "created"
    assert asked[0].url.raw_path == b"/v1/petitions/by-reference/cong/TN-7%20%3F%23%25%C3%A9"
    assert json.loads(asked[0].content) == {"text": "Rác", "source_version": "1"}


def test_reference__with_a_slash_stands_in_no_address() -> None:
    found = httpx.Response(200, json={"id": "i"})
    pushed = httpx.Response(200, json={"items": [{"index": 0, "status": 201, "push": PUSHED}]})
    asked, answer = outcomes(pushed, found, httpx.Response(200, json=ANSWERED), found, httpx.Response(201, json={}))
    with client_of(answer) as client:
        assert client.put("7/2026", "1", {"text": "Rác"}).result == "created"
        assert client.answer("7/2026").state == "received"
        client.withdraw("7/2026")
    assert json.loads(asked[0].content)["items"][0]["external_id"] == "7/2026"
    paths = [
        "/v1/petitions/batch",
        "/v1/petitions",
        "/v1/petitions/i/answer",
        "/v1/petitions",
        "/v1/petitions/i/withdrawal",
    ]
    assert [request.url.path for request in asked] == paths


def test_batch__says_what_each_came_to() -> None:
    problem = {"type": "urn:doithoai:problem:invalid-value", "field": "jurisdiction", "status": 422}
    items = [{"index": 0, "status": 201, "push": PUSHED}, {"index": 1, "status": 422, "problem": problem}]
    _, answer = outcomes(httpx.Response(200, json={"items": items}))
    with client_of(answer) as client:
        first, second = client.batch([{"external_id": "TN-1"}, {"external_id": "TN-2"}])
        assert first.pushed and (first.external_id, first.pushed.result) == ("TN-1", "created")
        assert second.refused and (second.refused.code, second.refused.field) == ("invalid-value", "jurisdiction")
        _, answer = outcomes(httpx.Response(200, json={"items": items[1:]}))
    with client_of(answer) as client, pytest.raises(CallRefused, match="422 invalid-value"):
        client.put("1/2", "1", {})


def test_batches__are_within_number_and_size() -> None:
    small = [{"external_id": str(each)} for each in range(2_001)]
    assert [len(each) for each in in_batches("cong", small)] == [1_000, 1_000, 1]
    large = [{"external_id": str(each), "text": "ẩ" * 100_000} for each in range(7)]
    batches = list(in_batches("cong", large))
    assert [item for each in batches for item in each] == large
    assert all(sum(len(item["text"].encode()) for item in each) <= MOST_BYTES for each in batches) and len(batches) == 4
    assert list(in_batches("cong", [])) == []


def test_file__that_is_another_one_is_refused() -> None:
    _, answer = outcomes(httpx.Response(200, content=b"another"))
    with client_of(answer) as client, pytest.raises(ValueError, match="not the file"):
        client.fetch_file("i", "00" * 32)


def records(*names: str) -> list[DayRecord]:
    return [DayRecord(name, "1", "received") for name in names]


def test_day__that_is_the_same_takes_one_call_and_a_record_that_differs_two() -> None:
    names = [f"TN-{each}" for each in range(500)]
    theirs = [*records(*names[:-1]), DayRecord(names[-1], "2", "received")]

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        bucket = request.url.params.get("bucket")
        if bucket is not None:
            assert request.url.params["position"] == "7"
            lines = [vars(each) for each in theirs if each.bucket == int(bucket)]
            return httpx.Response(200, json={"lines": lines})
        buckets = [{"bucket": number, "digest": digest_of(each)} for number, each in by_bucket(theirs).items()]
        totals = {"final": True, "at": {"position": 7}, "digest": digest_of(theirs), "buckets": buckets}
        return httpx.Response(200, json=totals)

    calls: list[httpx.Request] = []
    with client_of(answer) as client:
        same = client.reconcile(date(2026, 12, 1), reversed(theirs))
        assert same == DayComparison(True, 7, digest_of(theirs), ())
        assert len(calls) == 1
        (found,) = client.reconcile(date(2026, 12, 1), records(*names)).differences
        assert (found.external_id, len(calls)) == (names[-1], 3)
        assert found.ours and found.theirs and (found.ours.source_version, found.theirs.source_version) == ("1", "2")
        missing = client.reconcile(date(2026, 12, 1), [*theirs[1:], DayRecord("TN-x", "1", "received")])
        assert [(each.external_id, each.ours is None, each.theirs is None) for each in missing.differences] == [
            ("TN-0", True, False),
            ("TN-x", False, True),
        ]


def test_digest__is_that_of_the_published_line() -> None:
    # Counted by another program: printf 'TN-1\t2\treceived\nTN-\xc3\xa9\t1\treplied\n' | sha256sum
    assert digest_of([DayRecord("TN-e\u0301", "1", "replied"), DayRecord("TN-1", "2", "received")]) == COUNTED
    assert digest_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "version",
    [
        *("7", "007", "000", "", "9" * 60, "2026-03-02T08:15:00+07:00", "2026-03-02 08:15:00.123456789+07:00"),
        *("2026-03-02T01:15:00.000000Z", " 2026-03-02T01:15Z ", "20260302T011500Z", "0001-01-01T00:00:00+07:00"),
        *("2026-03-02T08:15:00", "two", "²", "٧"),
    ],
)
def test_line__has_the_version_as_the_service_keeps_it(version: str) -> None:
    kept = kept_version(version) or version
    assert DayRecord("TN-1", version, "received").line == line_of("TN-1", kept, "received")


COUNTED = "85c2165c962d1436336f44c3f5b2efd807382b5ff7e6909e8c4510fc70a5a81c"


def test_changes__since_an_instant_without_a_zone_are_not_asked_for() -> None:
    asked, answer = outcomes()
    with client_of(answer) as client, pytest.raises(ValueError, match="time zone"):
        client.changes(datetime(2026, 3, 2))
    assert not asked
