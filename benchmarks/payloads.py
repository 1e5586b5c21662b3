"""What every side stores: petitions as intake records them, sealed, with their metadata."""

import base64
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.adapters.seals import PetitionSeals
from services.intake.application.append_builder import Authorship, Recorder
from services.intake.application.ports import KeyRing
from services.intake.domain import NewFact
from shared.event_store.append import Append
from shared.events.petition import Identity, PetitionReceived
from shared.identifiers import ordered_id

JURISDICTION = "H35.10.31"
TEXT = (
    "Đường liên bản từ Nà Đa đến Phiêng Pẳng bị sạt lở sau mưa, xe máy không đi được, học sinh phải đi bộ đường vòng "
    "gần ba cây số. Đề nghị Ủy ban nhân dân huyện cho sửa chữa trước mùa mưa."
)


def new_id() -> UUID:
    """A new time-ordered id, as intake draws them."""
    return ordered_id(datetime.now(UTC), os.urandom(10))


def petitions(count: int) -> Iterator[Append]:
    """Commands that each record one sealed petition with its data key and its idempotency key."""
    seals = PetitionSeals(bytes(range(32)), new_id)
    recorder = Recorder(None, seals, new_id, None)  # type: ignore[arg-type]  # a new petition has no history
    for _ in range(count):
        petition, event_id, petitioner, ring = new_id(), new_id(), str(new_id()), KeyRing(())
        received = PetitionReceived(
            effective_on=date(2019, 7, 1),
            jurisdiction=JURISDICTION,
            receipt_code=f"KN-{petition.hex[-8:]}",
            channel="portal",
            petitioner_ids=(petitioner,),
            identities={petitioner: Identity(name="Lò Thị Phương", address="Bản Nà Đa", phone="0912345678")},
            text=TEXT,
        )
        said = Authorship(actor="portal", correlation_id=event_id, source="portal", external_id=petition.hex)
        fact = NewFact(petition, "petition", JURISDICTION, received)
        event = recorder.event(fact, 1, event_id, said, ring, (petitioner,))
        yield Append(
            events=(event,),
            expected={petition: 0},
            caller="portal",
            key=event_id.hex,
            fingerprint=seals.fingerprint(event.state),
            new_keys=tuple(ring.new),
        )


def plain(append: Append) -> dict[str, Any]:
    """The same event for stores that keep JSON: its fields and metadata, and the sealed bytes in base64."""
    (event,) = append.events
    state: dict[str, Any] = msgspec.json.decode(event.state)
    return state | {"sealed": base64.b64encode(event.sealed or b"").decode()}
