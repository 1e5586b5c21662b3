"""Pushes petitions to Đối thoại, follows what happens to them, and proves that both sides hold the same."""

from doithoai_client.async_client import AsyncClient
from doithoai_client.calls import FeedQuestion
from doithoai_client.client import Client
from doithoai_client.consuming import PositionStore, SqliteStore, once, resume
from doithoai_client.events import FeedEvent, event_of, event_of_message, verified_event
from doithoai_client.models import (
    BatchEntry,
    ChangesPage,
    EventsPage,
    FileReceipt,
    PetitionAnswer,
    PetitionChange,
    PutResult,
)
from doithoai_client.problems import CallRefused, ClientError, HistoryChanged, NotReached, WebhookRefused
from doithoai_client.reconciling import DayComparison, DayDifference, DayRecord, digest_of
from doithoai_client.retries import Retries

__all__ = [
    "AsyncClient",
    "BatchEntry",
    "CallRefused",
    "ChangesPage",
    "Client",
    "ClientError",
    "DayComparison",
    "DayDifference",
    "DayRecord",
    "EventsPage",
    "FeedEvent",
    "FeedQuestion",
    "FileReceipt",
    "HistoryChanged",
    "NotReached",
    "PetitionAnswer",
    "PetitionChange",
    "PositionStore",
    "PutResult",
    "Retries",
    "SqliteStore",
    "WebhookRefused",
    "digest_of",
    "event_of",
    "event_of_message",
    "once",
    "resume",
    "verified_event",
]
