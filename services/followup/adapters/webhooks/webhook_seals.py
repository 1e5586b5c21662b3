"""The secrets of subscriptions, sealed under a key file, and the signatures of Standard Webhooks by them."""

import base64
import hashlib
import hmac
import os
from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.sealing import KEY_BYTES, derived_key, opened_bytes, sealed_bytes

PREFIX = "whsec_"
SECRET_BYTES = 32


class SinkSecrets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What only followup and the sink know: the secrets, the newest first, and the headers that the sink asks for.

    Until `old_until` the one before signs too.
    """

    secret: bytes
    old: bytes = b""
    old_until: datetime | None = None
    headers: dict[str, str] = {}


class WebhookSeals:
    """Seals under the key file of webhooks."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of webhooks has {KEY_BYTES} bytes, this one has {len(key)}")
        self._box = AESGCM(derived_key(key, b"doithoai-webhooks:secrets"))

    def seal(self, subscription_id: UUID, secrets: SinkSecrets) -> bytes:
        """The secrets of a subscription, which open for no other."""
        return sealed_bytes(self._box, msgspec.json.encode(secrets), subscription_id.bytes)

    def open(self, subscription_id: UUID, sealed: bytes) -> SinkSecrets:
        """The secrets again. Raises BrokenSeal."""
        return msgspec.json.decode(opened_bytes(self._box, sealed, subscription_id.bytes), type=SinkSecrets)


def new_secret() -> bytes:
    """A secret that nobody has seen."""
    return os.urandom(SECRET_BYTES)


def written(secret: bytes) -> str:
    """A secret as a receiver takes it."""
    return PREFIX + base64.b64encode(secret).decode()


def signatures(secrets: SinkSecrets, message_id: str, now: datetime, body: bytes) -> str:
    """What stands in `webhook-signature`: one signature a secret that is valid now."""
    content = f"{message_id}.{int(now.timestamp())}.".encode() + body
    valid = [secrets.secret]
    if secrets.old_until is not None and now < secrets.old_until:
        valid.append(secrets.old)
    return " ".join("v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in valid)
