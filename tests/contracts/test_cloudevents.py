"""Our messages and feed are CloudEvents for the official SDK: it reads them, and writes them the same."""

import json
from datetime import date
from uuid import UUID

import pytest
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat

from shared.envelope import CONTENT_TYPE, FeedPage, feed_page, to_message
from shared.events import Event, Metadata, Recorded, encode_state
from shared.events.deadline import DeadlineMet
from shared.events.petition import PetitionReceived
from tests.support.history import at

ID = UUID("018f0000-0000-7000-8000-000000000001")
MET = DeadlineMet(
    deadline_id=ID,
    source="laichau",
    duty="reply",
    subject="petition",
    subject_id=ID,
    debtor="H35.10.4",
    cause_id=ID,
    at=at("2019-08-02 00:00"),
    done_on=date(2019, 8, 1),
)
EVENTS = (PetitionReceived(effective_on=date(2019, 8, 1), jurisdiction="H35.10", petitioner_ids=("p1",)), MET)


def recorded(event: Event) -> Recorded:
    meta = Metadata(event_id=ID, aggregate=event.AGGREGATE, jurisdiction="H35.10", actor="office", correlation_id=ID)
    return Recorded(
        source="laichau",
        epoch="e1",
        position=7,
        previous_id=ID,
        event_id=ID,
        originator_id=ID,
        version=1,
        topic=event.TOPIC,
        recorded_at=at("2019-08-01 09:00"),
        state=encode_state(event, meta),
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TOPIC)
def test_message__is_read_and_written_the_same_by_the_sdk(event: Event) -> None:
    message = to_message(recorded(event))
    found = from_binary(RabbitMQMessage(message.headers, CONTENT_TYPE, message.body), JSONFormat())
    assert (found.get_id(), found.get_type(), found.get_source()) == (str(ID), event.TOPIC, "/doithoai/laichau")
    assert found.get_extension("position") == "7"
    assert found.get_data() == json.loads(message.body)
    written = to_binary(found, JSONFormat())
    assert (written.headers, written.content_type) == (message.headers, CONTENT_TYPE)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TOPIC)
def test_feed__carries_structured_events_of_the_sdk(event: Event) -> None:
    page = FeedPage(source="laichau", epoch="e1", previous_id=ID, head=7, complete_to=None, events=[recorded(event)])
    (structured,) = json.loads(feed_page(page))["events"]
    found = JSONFormat().read(None, json.dumps(structured))
    assert found.get_data() == json.loads(recorded(event).state)
    assert found.get_subject() == str(ID) and found.get_extension("epoch") == "e1"
