"""Secrets of subscriptions: sealed for one of them, and signatures that receivers' library takes."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.followup.adapters.webhooks.webhook_seals import SinkSecrets, WebhookSeals, new_secret, signatures, written
from shared.sealing import BrokenSeal

ONE, OTHER = UUID(int=1), UUID(int=2)


def test_secret__opens_for_its_subscription_alone() -> None:
    seals, secrets = WebhookSeals(bytes(32)), SinkSecrets(secret=new_secret(), headers={"Authorization": "x"})
    sealed = seals.seal(ONE, secrets)
    assert secrets.secret not in sealed
    assert seals.open(ONE, sealed) == secrets
    for other, subscription_id in ((seals, OTHER), (WebhookSeals(os.urandom(32)), ONE)):
        with pytest.raises(BrokenSeal):
            other.open(subscription_id, sealed)
    with pytest.raises(ValueError, match="32 bytes"):
        WebhookSeals(bytes(31))


def test_old_secret__signs_until_its_time_is_over() -> None:
    now, body = datetime.now(UTC), b'{"id": "1"}'
    secrets = SinkSecrets(secret=new_secret(), old=new_secret(), old_until=now + timedelta(hours=1))

    def verified(secret: bytes, at: datetime) -> bool:
        stamp = str(int(now.timestamp()))
        headers = {
            "webhook-id": "1",
            "webhook-timestamp": stamp,
            "webhook-signature": signatures(secrets, "1", at, body),
        }
        try:
            Webhook(written(secret)).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    assert verified(secrets.secret, now)
    assert verified(secrets.old, now)
    assert " " not in signatures(secrets, "1", now + timedelta(hours=2), body)
    assert not verified(new_secret(), now)
