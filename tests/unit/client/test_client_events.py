"""An event is the same whichever way it came; nobody else's is taken for one of the service's."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from doithoai_client import WebhookRefused, event_of, event_of_message, verified_event
from tests.support.feed_stub import event_at

SECRET, OTHER = "whsec_c2VjcmV0IG9mIG91cnMgMTIz", "whsec_YW5vdGhlciBzZWNyZXQgMTIzNA=="


def signed(body: str, secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - age
    signature = Webhook(secret).sign("0190-1", at, body)
    return {"Webhook-Id": "0190-1", "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def test_webhook__gives_the_event_of_the_feed() -> None:
    body = json.dumps(event_at(1))
    assert verified_event(SECRET, signed(body), body.encode()) == event_of(event_at(1))
    assert verified_event([OTHER, SECRET], signed(body), body.encode()).position == 1


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1"},
        {"Webhook-Signature": "v1,é"},
        {"Webhook-Signature": "v1,abc"},
        {"Webhook-Id": "0190-2"},
        {"Webhook-Timestamp": "x"},
        {"Webhook-Timestamp": "nan"},
        {"Webhook-Timestamp": "1e400"},
    ],
)
def test_webhook__with_other_headers_is_refused(change: dict[str, str]) -> None:
    body = json.dumps(event_at(1))
    with pytest.raises(WebhookRefused):
        verified_event(SECRET, signed(body) | change, body.encode())


def test_webhook__of_another_secret_altered_old_or_no_event_is_refused() -> None:
    body = json.dumps(event_at(1))
    for headers, came in (
        (signed(body, OTHER), body.encode()),
        (signed(body), body.encode() + b" "),
        (signed(body), b"\xff"),
        (signed(body, age=timedelta(minutes=6)), body.encode()),
        (signed("[]"), b"[]"),
        (signed("{}"), b"{}"),
        (signed("x"), b"x"),
        ({}, body.encode()),
    ):
        with pytest.raises(WebhookRefused):
            verified_event(SECRET, headers, came)


@given(st.text(max_size=60), st.text(max_size=30), st.binary(max_size=60))
def test_webhook__of_chance_is_refused(signature: str, at: str, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        verified_event(SECRET, {"webhook-id": "1", "webhook-timestamp": at, "webhook-signature": signature}, body)


def test_message__gives_the_event_of_the_feed() -> None:
    event = event_at(4)
    headers = {f"ce-{name}": value for name, value in event.items() if name not in ("data", "datacontenttype")}
    by_queue = event_of_message(headers, json.dumps(event["data"]).encode())
    assert dataclasses.replace(by_queue, attributes={}) == dataclasses.replace(event_of(event), attributes={})


def test_type__is_the_short_name_whatever_stands_before_it() -> None:
    assert event_of(event_at(1, type="vn.doithoai.PetitionReceived")).type == "PetitionReceived"


@pytest.mark.parametrize("left_out", ["id", "source", "type", "time", "position", "data"])
def test_event__that_lacks_what_it_must_have_is_none(left_out: str) -> None:
    with pytest.raises(ValueError):
        event_of({name: value for name, value in event_at(1).items() if name != left_out})
