"""Events: one definition for storage, message and schema; sealed fields never in the open; old versions upcast."""

from datetime import date
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from shared.envelope import TYPE_PREFIX, FeedPage, feed_page, from_message, parse_feed_page, to_message
from shared.events import (
    DATED_EVENTS,
    EVENTS,
    SEALED,
    VISIBILITY,
    Metadata,
    Recorded,
    Undecodable,
    UnknownTopic,
    decode_state,
    encode_state,
    json_schema,
    sealed_data,
)
from shared.events.any_stream import AnyStreamEvent
from shared.events.conference import ConferenceEvent
from shared.events.deadline import DeadlineEvent, DeadlineMet
from shared.events.person import PersonEvent
from shared.events.petition import Identity, PetitionEvent, PetitionReceived
from shared.events.regulation import DialoguePlanAdopted, RegulationEvent
from tests.support.history import at

ID = UUID("018f0000-0000-7000-8000-000000000001")
META = Metadata(event_id=ID, aggregate="petition", jurisdiction="H35.10", actor="office", correlation_id=ID)
RECEIVED = PetitionReceived(
    effective_on=date(2019, 8, 1),
    jurisdiction="H35.10",
    petitioner_ids=("p1",),
    identities={"p1": Identity(name="Lò Văn Bình")},
    text="Đường vào bản bị sạt lở",
)


def test_state__holds_no_sealed_field() -> None:
    state = encode_state(RECEIVED, META)
    assert "Bình" not in state.decode() and "sạt lở" not in state.decode()
    assert set(sealed_data(RECEIVED)) == {"identities", "text"}


def test_state__is_canonical_and_reads_back() -> None:
    event, meta = decode_state("PetitionReceived", encode_state(RECEIVED, META))
    assert meta == META
    assert event == msgspec.structs.replace(RECEIVED, identities={}, text="")
    assert encode_state(event, meta) == encode_state(RECEIVED, META)


def test_version_1__is_upcast_from_its_stored_bytes() -> None:
    stored = (
        b'{"data":{"effective_on":"2019-06-24","jurisdiction":"H35.10","number":"570/KH-UBND","parent":"1017/KH-UBND",'
        b'"year":2019},"meta":{"actor":"office","aggregate":"plan","correlation_id":"018f0000-0000-7000-8000-000000000001",'
        b'"event_id":"018f0000-0000-7000-8000-000000000001","jurisdiction":"H35.10"},"v":1}'
    )
    event, _ = decode_state("DialoguePlanAdopted", stored)
    assert event == DialoguePlanAdopted(
        effective_on=date(2019, 6, 24),
        jurisdiction="H35.10",
        number="570/KH-UBND",
        year=2019,
        parent_plan="1017/KH-UBND",
        policy_id="plan-570",
    )


def test_field_that_was_removed__does_not_keep_old_bytes_from_being_read() -> None:
    stored = (
        b'{"data":{"at":"2019-09-17T00:00:00+07:00","cause_id":"018f0000-0000-7000-8000-000000000001",'
        b'"deadline_id":"018f0000-0000-7000-8000-000000000002","debtor":"office","done_on":"2019-09-16","duty":"reply",'
        b'"note":"","source":"test","subject":"petition","subject_id":"018f0000-0000-7000-8000-000000000003"},'
        b'"meta":{"actor":"followup","aggregate":"deadline","correlation_id":"018f0000-0000-7000-8000-000000000001",'
        b'"event_id":"018f0000-0000-7000-8000-000000000001","jurisdiction":"H35.10"},"v":1}'
    )
    event, _ = decode_state("DeadlineMet", stored)
    assert isinstance(event, DeadlineMet) and event.done_on == date(2019, 9, 16)


def test_newer_version__is_refused_as_unknown() -> None:
    state = encode_state(RECEIVED, META).replace(b'"v":1', b'"v":9')
    with pytest.raises(UnknownTopic):
        decode_state("PetitionReceived", state)


def test_unknown_topic_and_broken_bytes__are_refused() -> None:
    with pytest.raises(UnknownTopic):
        decode_state("PetitionTeleported", b"{}")
    with pytest.raises(Undecodable):
        decode_state("PetitionReceived", b'{"data":{},"meta":{}}')


def test_unions_of_events__name_every_event_once() -> None:
    unions = (PetitionEvent, ConferenceEvent, RegulationEvent, PersonEvent, AnyStreamEvent, DeadlineEvent)
    named = [kind for union in unions for kind in get_args(union)]
    missing = set(EVENTS.values()) - set(named)
    assert not missing, f"add to the union at the end of its file: {sorted(kind.TOPIC for kind in missing)}"
    assert len(named) == len(set(named)) == len(EVENTS)


def test_every_field_of_every_event__is_classed() -> None:
    assert set(VISIBILITY) == set(EVENTS)
    assert len(DATED_EVENTS) >= 50


@pytest.mark.parametrize("topic", EVENTS)
def test_schema__shows_no_sealed_field(topic: str) -> None:
    properties = json_schema(topic)["properties"]["data"]["properties"]
    assert not set(SEALED[topic]) & set(properties)
    assert all("x-visibility" in s for s in properties.values())


def test_message_and_feed__carry_the_stored_bytes() -> None:
    state = encode_state(RECEIVED, META)
    recorded = Recorded(
        source="laichau",
        epoch="e1",
        position=7,
        previous_id=ID,
        event_id=ID,
        originator_id=ID,
        version=1,
        topic="PetitionReceived",
        recorded_at=at("2019-08-01 09:00"),
        state=state,
    )
    page = FeedPage(
        source="laichau", epoch="e1", previous_id=ID, head=7, complete_to=at("2019-08-01 10:00"), events=[recorded]
    )
    for prefix in ("", TYPE_PREFIX):
        message = to_message(recorded, prefix)
        assert message.headers["ce-type"] == f"{prefix}PetitionReceived"
        assert message.routing_key == "petition.petition_received.H35.10"
        assert from_message(message.headers, message.body) == recorded
        assert f'"type":"{prefix}PetitionReceived"'.encode() in feed_page(page, prefix)
        assert parse_feed_page(feed_page(page, prefix)) == page
