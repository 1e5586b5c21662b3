"""From the decided cases of a group to one append: sealed, encoded, marked as historic data recorded later."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from services.intake.application.append_builder import Authorship, Recorder
from services.intake.application.importing.case_decider import IMPORT, Group
from services.intake.application.ports import Ids, KeyRing, StoredKey
from shared.event_store.append import Append, NewEvent
from shared.events import PetitionReference


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one import was asked for: the register that the rows are of, its authority, who answers for the data."""

    source: str
    within: str = ""
    on_behalf_of: str = ""


class Appends:
    """Makes appends."""

    def __init__(self, settings: Settings, recorder: Recorder, new_id: Ids) -> None:
        self._settings, self._recorder, self._new_id = settings, recorder, new_id

    def append(self, group: Group, key: str, digest: bytes, keys: Mapping[UUID, Sequence[StoredKey]]) -> Append:
        """One append for all the cases of a group; each new one is found again by its name in its source."""
        versions = dict(group.expected)
        ring = KeyRing(key for i in versions for key in keys.get(i, ())) if keys else KeyRing()
        events: list[NewEvent] = []
        references: list[tuple[str, str, int]] = []
        said: dict[UUID, Authorship] = {}
        pushed_as = dict(group.references)
        deed_id: UUID | None = None
        for told in group.told:
            fact, event_id, case = told.fact, self._new_id(), told.fact.originator_id
            versions[case] = version = versions[case] + 1
            if case not in said:
                said[case] = self._authorship(event_id, told.case)
            if told.case and version == 1:
                references.append((self._settings.source, told.case, len(events)))
                pushed_as[case] = PetitionReference(self._settings.source, told.case)
            if not told.follows:
                deed_id = event_id
            cause = deed_id if told.follows else None
            petitioners = tuple(getattr(fact.event, "petitioner_ids", ())) or group.petitioners.get(case, ())
            reference = pushed_as.get(case) if fact.aggregate == "petition" else None
            events.append(
                self._recorder.event(fact, version, event_id, said[case], ring, petitioners, cause, reference)
            )
        return Append(
            events=tuple(events),
            expected=group.expected,
            caller=IMPORT.name,
            key=key,
            fingerprint=digest,
            references_at=tuple(references),
            new_keys=tuple(ring.new),
            used_keys=tuple(sorted(ring.used)),
        )

    def _authorship(self, first_id: UUID, case: str) -> Authorship:
        return Authorship(
            actor=IMPORT.name,
            on_behalf_of=self._settings.on_behalf_of,
            correlation_id=first_id,
            source=self._settings.source,
            external_id=case,
            backfilled=True,
        )
