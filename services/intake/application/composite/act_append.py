"""From a decided act to one append: sealed, encoded, each part under its own reference, all under one key."""

import asyncio

from services.intake.application.append_builder import Recorder
from services.intake.application.composite.act_decider import DecidedAct
from services.intake.application.composite.given_act import GivenAct, of_part
from services.intake.application.ports import Ids
from shared.event_store.append import Append, NewEvent


class ActAppends:
    """Makes the appends of decided acts."""

    def __init__(self, recorder: Recorder, new_id: Ids) -> None:
        self._recorder, self._new_id = recorder, new_id

    async def append(self, act: GivenAct, decided: DecidedAct, fingerprint: bytes) -> Append:
        """One append for all parts. Raises Refused of a part that is too large."""
        parts, versions, first_id = decided.parts, dict(decided.expected), self._new_id()
        ring = await self._recorder.ring([fact for part in parts for fact in part.decided.facts], decided.expected)
        events: list[NewEvent] = []
        references: list[tuple[str, str, int]] = []
        for number, part in enumerate(parts):
            if reference := part.command.reference:
                references.append((*reference, len(events)))
            part_id = self._new_id() if events else first_id
            with of_part(number):
                # What has no correlation of its own belongs together with the first event of the act.
                made = self._recorder.events(part.command, part.decided, versions, ring, part_id, first_id)
            await self._recorder.name_files(act.caller.name, part.decided, made, ring)
            events += made
            await asyncio.sleep(0)  # others take their turn: there may be hundreds of parts
        return Append(
            events=tuple(events),
            expected=decided.expected,
            # Only a decision that took the day for granted depends on it.
            today=parts[0].decided.day if any(part.command.body.effective_on is None for part in parts) else None,
            caller=act.caller.name if act.key else "",
            key=act.key,
            fingerprint=fingerprint,
            references_at=tuple(references),
            new_keys=tuple(ring.new),
            used_keys=tuple(sorted(ring.used)),
        )
