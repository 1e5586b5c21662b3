"""What the services answer, as far as this library reads it. `raw` is the whole answer."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doithoai_client.events import FeedEvent
from doithoai_client.problems import CallRefused


@dataclass(frozen=True)
class PutResult:
    """What a push came to.

    `result` is `created`, `changed`, `unchanged`, `stale` (you pushed a later version before) or `conflict`: the office
    changed the same, or has classified the petition, and decides; `conflicts` names the fields. With `unchanged` it
    names those in which the office keeps something else than you say.
    """

    id: str
    result: str
    source_version: str
    conflicts: tuple[str, ...]
    receipt_code: str
    raw: Mapping[str, Any] = dataclasses.field(repr=False)


@dataclass(frozen=True)
class BatchEntry:
    """What one petition of a batch came to: `pushed`, or the refusal, as `put` would raise it."""

    external_id: str
    pushed: PutResult | None
    refused: CallRefused | None


@dataclass(frozen=True)
class PetitionAnswer:
    """What you may tell your citizen: the public state, its name, and the reply where there is one."""

    id: str
    state: str
    vi: str
    en: str
    reply: Mapping[str, Any] | None
    raw: Mapping[str, Any] = dataclasses.field(repr=False)


@dataclass(frozen=True)
class FileReceipt:
    """A file that was stored: name these three in `attachments` of a petition within 24 hours."""

    digest: str
    media_type: str
    size: int


@dataclass(frozen=True)
class EventsPage:
    """A page of a feed, and the cursor from which the next one begins.

    A page may be empty while more follows. `is_last` says that the end was reached; `complete_to` is then, where it is
    known, the instant before which nothing can come any more.
    """

    events: tuple[FeedEvent, ...]
    cursor: str
    complete_to: datetime | None
    is_last: bool


@dataclass(frozen=True)
class PetitionChange:
    """One of your petitions as it stands: the version that was recorded last, its public state, its id."""

    external_id: str
    source_version: str
    state: str
    id: str


@dataclass(frozen=True)
class ChangesPage:
    """What changed of your petitions, and the cursor from which the next page begins. `more`: there is one now."""

    items: tuple[PetitionChange, ...]
    cursor: str
    more: bool
