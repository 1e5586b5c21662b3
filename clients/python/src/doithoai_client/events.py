"""Events, the same whichever way they came: by the feed, a webhook or the broker."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from doithoai_client.problems import WebhookRefused

TYPE_PREFIX = "vn.doithoai."


@dataclass(frozen=True)
class FeedEvent:
    """What happened. `id` is the same whichever way it came; `type` is the short name, whatever prefix was sent.

    `source` and `position` say where in which log it stands; `subject` is the petition or conference; `time` is when it
    was so, `recorded_at` when it was recorded. `external_source` and `external_id` are the petition's own reference.
    """

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    position: int
    recorded_at: datetime | None
    external_source: str
    external_id: str
    data: Mapping[str, Any] = field(repr=False)
    attributes: Mapping[str, Any] = field(repr=False)


def event_of(found: Mapping[str, Any]) -> FeedEvent:
    """A CloudEvent in structured mode, as the feed and webhooks give it. Raises ValueError."""
    try:
        return FeedEvent(
            id=found["id"],
            source=found["source"],
            type=found["type"].removeprefix(TYPE_PREFIX),
            time=datetime.fromisoformat(found["time"]),
            subject=found.get("subject", ""),
            position=int(found["position"]),
            recorded_at=datetime.fromisoformat(found["recordedat"]) if "recordedat" in found else None,
            external_source=found.get("externalsource", ""),
            external_id=found.get("externalid", ""),
            data=found["data"],
            attributes={name: value for name, value in found.items() if name != "data"},
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error!r}") from error


def event_of_message(headers: Mapping[str, Any], body: bytes) -> FeedEvent:
    """The CloudEvent of a message of the broker (binary mode). Raises ValueError.

    Take messages of the users `intake` and `followup` alone (`user_id`): the broker vouches for that.
    """
    named = {name[3:]: _text(value) for name, value in headers.items() if name.startswith("ce-")}
    return event_of({**named, "data": json.loads(body)})


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes | bytearray) else str(value)


def verified_event(secrets: str | list[str], headers: Mapping[str, str], body: bytes) -> FeedEvent:
    """The event that a webhook delivered, by Standard Webhooks. Raises WebhookRefused.

    `secrets` begin with `whsec_`; while one is being replaced there are two. `body` is what came, byte by byte. The
    same event may be delivered again: `once` takes it in once.
    """
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        try:
            Webhook(secret).verify(body, dict(headers.items()), json_parse=False)
        # The library raises ValueError where a signature or a header is not of its shape.
        except (WebhookVerificationError, ValueError):
            continue
        try:
            return event_of(json.loads(body))
        except ValueError as error:
            raise WebhookRefused("signed, but not an event that this version knows") from error
    raise WebhookRefused("no secret of ours signed this, or it is older than five minutes")
