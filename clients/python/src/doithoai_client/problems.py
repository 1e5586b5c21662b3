"""What a service refuses, as typed exceptions.

ClientError
├── CallRefused             the service answered with a problem (RFC 9457)
│   └── HistoryChanged  the store was restored to a point before the cursor
├── NotReached          no answer came, however often it was asked
└── WebhookRefused      a delivery that the service did not sign
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx

TYPE_PREFIX = "urn:doithoai:problem:"


class ClientError(Exception):
    """Everything that this library raises of its own."""


class NotReached(ClientError):
    """No answer came. What was sent may have been recorded: send the same again, with the same key."""


class WebhookRefused(ClientError):
    """A delivery is not from the service, was altered, or is too old. Answer it with 400 or 401."""


class CallRefused(ClientError):
    """An answer that is an error.

    Branch on `code`; show `vi` or `en` beside `field`, which names what is to blame, or is empty. `members` are all
    members of the problem document, such as `allowed`.
    """

    def __init__(self, status: int, members: Mapping[str, Any], request_id: str = "") -> None:
        self.status, self.members, self.request_id = status, members, request_id
        kind = members.get("type")
        # A proxy of others in front may answer with a page of HTML: then the status is all there is.
        self.code = kind.rpartition(":")[2].rpartition("/")[2] if isinstance(kind, str) else f"http-{status}"
        self.field = str(members.get("field") or "")
        self.vi, self.en = (_sentence(members, language) for language in ("vi", "en"))
        said = self.en or self.vi
        super().__init__(f"{status} {self.code}: {f'{self.field}: ' if self.field else ''}{said}")


class HistoryChanged(CallRefused):
    """The store was restored to a point before the cursor: what came after it may be gone there.

    `cursor` is from where to go on. Events that come again have the ids that they had; those of the lost part have not.
    Look at what you did with the last events before you go on (`resume`).
    """

    def __init__(self, status: int, members: Mapping[str, Any], request_id: str = "") -> None:
        super().__init__(status, members, request_id)
        self.cursor = str(members["cursor"])
        self.feed = ""  # under which a store keeps the cursor


def refusal_of(response: httpx.Response) -> CallRefused:
    """The exception that an answer with an error stands for."""
    try:
        members = json.loads(response.content)
    except ValueError:
        members = {}
    if not isinstance(members, dict):
        members = {}
    request_id = response.headers.get("x-request-id", "")
    kind = CallRefused
    if str(members.get("type", "")).endswith("history-changed") and "cursor" in members:
        kind = HistoryChanged
    return kind(response.status_code, members, request_id)


def _sentence(members: Mapping[str, Any], language: str) -> str:
    translations = members.get("translations")
    found = translations.get(language) if isinstance(translations, dict) else None
    if isinstance(found, dict):
        return str(found.get("detail") or found.get("title") or "")
    return str(members.get("detail") or members.get("title") or "")
