"""What a row adds to a case that is known: an event of it repeats a record, adds to one, contradicts one, or is new."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.intake.application.importing.refusals import Differing, RowDiffers
from services.intake.application.importing.register import columns_of, differing_columns, laid_over
from services.intake.application.importing.values import Row
from services.intake.application.known_reference import differing, is_erased, with_recorded_ids
from services.intake.domain import AnyFact
from shared.cases.facts import annulled_ids
from shared.cases.rounds import ENDINGS
from shared.events import SEALED, DatedEvent, public_data
from shared.events.petition import (
    AgencyResultReported,
    PetitionReceived,
    PetitionReopened,
    ReplyReported,
    WrittenReplyIssued,
)
from shared.identifiers import normalised

#: What the service drew or filled in itself says nothing about whether two records are the same.
_FILLED = frozenset({"petitioner_ids", "receipt_code", "notice_id"})
#: By which fields a row of a register means a record of its case; a day that was filled in means none.
_NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "PetitionReceived": (),
    "PetitionClassified": ("effective_on",),
    "PetitionScheduled": ("conference_id",),
    "PetitionRaised": ("conference_id",),
    "PetitionAnsweredAtConference": ("conference_id",),
    "PetitionAssigned": ("agency",),
    "PetitionMarkedComplex": (),
    "ExtensionGranted": ("expected_on",),
    "PetitionEscalated": (),
    "WrittenReplyIssued": ("number",),
    "AgencyResultReported": ("agency", "effective_on"),
    "PetitionClosed": (),
    "PetitionWithdrawn": (),
    "PetitionRedirected": (),
}
#: The same of a row that names its act: a case may have several of all the others, so they are meant whole.
_ACTS_NAMED_BY = frozenset({"PetitionReceived", "WrittenReplyIssued"})
#: A reassignment records the same as an assignment of the register.
_ALIKE: Mapping[str, tuple[str, ...]] = {"PetitionAssigned": ("PetitionAssigned", "PetitionReassigned")}
_TO_ANNUL = (
    "thu hồi ghi nhận đó trên hồ sơ vụ việc rồi nhập lại dòng này",
    "annul that record on the page of the case and import the row again",
)
_TO_DO: Mapping[str, tuple[str, str]] = {
    "PetitionReceived": (
        "ghi phần thay đổi bằng một việc trên hồ sơ vụ việc đó",
        "record the change by an act on that case",
    ),
    "PetitionAssigned": (
        "giao lại trên hồ sơ vụ việc, hoặc nhập một dòng có cột command là PetitionReassigned",
        "reassign the case on its page, or by a row with the command PetitionReassigned",
    ),
}


class RowSaid(msgspec.Struct, frozen=True):
    """What stands in a row itself: fields of its event, and of a register the row and its filled columns.

    The rest of an event was filled in, so it is not held against the record.
    """

    fields: frozenset[str]
    row: Row | None = None
    columns: frozenset[str] = frozenset()

    def means(self, event: DatedEvent, record: DatedEvent) -> bool:
        """Whether the event would be this record, were they the same."""
        if self.row is None and event.TOPIC not in _ACTS_NAMED_BY:
            return record_of(event) == record_of(record)
        # The day of a classification is asked for only where the row has one; that of a result follows the reply's.
        fields = (f for f in _NAMED_BY[event.TOPIC] if f in self.fields or event.TOPIC != "PetitionClassified")
        return all(_plain(getattr(event, f)) == _plain(getattr(record, f)) for f in fields)


class _Record(msgspec.Struct, frozen=True):
    """A record of the case; `standing` where nothing took it back or made it past."""

    event: DatedEvent
    content: Mapping[str, Any] = {}
    standing: bool = True


class CaseRecords:
    """The records of one case, with what was told of it before the row."""

    def __init__(
        self,
        facts: Sequence[AnyFact],
        opened: Mapping[int, Mapping[str, Any]],
        told: Iterable[DatedEvent],
        canonical: Callable[[DatedEvent], DatedEvent],
    ) -> None:
        """`canonical` gives the event with the codes that its values mean: a title and its code say the same."""
        self._canonical = canonical
        self._erased = is_erased(facts)
        self._by_topic: dict[str, list[_Record]] = {}
        self._whole: dict[bytes, list[_Record]] = {}
        annulled = annulled_ids(facts)
        reopened = max((f.version for f in facts if isinstance(f.event, PetitionReopened)), default=0)
        for fact in facts:
            past = fact.event_id in annulled or (type(fact.event) in ENDINGS and fact.version < reopened)
            self._add(_Record(canonical(fact.event), opened.get(fact.version, {}), not past))
        for event in told:
            self.add(event)

    def add(self, event: DatedEvent) -> None:
        """Take in what is told now."""
        self._add(_Record(self._canonical(event)))

    def _add(self, record: _Record) -> None:
        self._by_topic.setdefault(record.event.TOPIC, []).append(record)
        self._whole.setdefault(record_of(record.event), []).append(record)

    def news(self, event: DatedEvent, said: RowSaid) -> DatedEvent | None:
        """What of an event is not on record: the event, what it adds to a record, or nothing. Raises RowDiffers."""
        event = self._canonical(event)
        nearest: tuple[_Record, list[str]] | None = None
        for record in self._meant(event, said):
            found = self._differing(event, record, said)
            if not found:
                return self._added(event, record, said)
            if record.standing and (nearest is None or len(found) < len(nearest[1])):
                nearest = record, found
        if nearest is None:
            return event
        raise self._contradiction(event, *nearest, said)

    def _meant(self, event: DatedEvent, said: RowSaid) -> list[_Record]:
        if said.row is None and event.TOPIC not in _ACTS_NAMED_BY:
            return self._whole.get(record_of(event), [])
        alike = [r for topic in _ALIKE.get(event.TOPIC, (event.TOPIC,)) for r in self._by_topic.get(topic, ())]
        same: list[_Record] = []
        if isinstance(event, AgencyResultReported) and "effective_on" not in said.fields:
            # The day of a result without one is that of the reply: any record of the same result will do.
            same = [record for record in alike if not self._differing(event, record, said)]
        return same or [record for record in alike if said.means(event, record.event)]

    def _differing(self, event: DatedEvent, record: _Record, said: RowSaid) -> list[str]:
        left_out = SEALED[event.TOPIC] if self._erased else ()
        fields = [f for f in event.__struct_fields__ if f in said.fields and f not in left_out and f != "reports"]
        given, recorded = self._held_against(event, record, said)
        return differing(given, recorded, fields)

    def _held_against(self, event: DatedEvent, record: _Record, said: RowSaid) -> tuple[dict[str, Any], dict[str, Any]]:
        recorded = msgspec.to_builtins(record.event) | record.content
        given = msgspec.to_builtins(with_recorded_ids(event, record.event))
        if said.row is not None and isinstance(event, PetitionReceived):
            given = laid_over(given, recorded, said.row, said.columns)
        return given, recorded

    def _added(self, event: DatedEvent, record: _Record, said: RowSaid) -> DatedEvent | None:
        """The report of a reply that is on record without it."""
        if not isinstance(event, WrittenReplyIssued) or "reports" not in said.fields:
            return None
        assert isinstance(record.event, WrittenReplyIssued)
        known = [(report, record.standing) for report in record.event.reports]
        for other in self._by_topic.get(ReplyReported.TOPIC, ()):
            assert isinstance(other.event, ReplyReported)
            if other.event.reply_number == record.event.number:
                known += [(report, other.standing) for report in other.event.reports]
        missing = tuple(report for report in event.reports if all(report != each for each, _ in known))
        if not missing:
            return None
        asked = {report.recipient for report in missing}
        if standing := [report for report, stands in known if stands and report.recipient in asked]:
            column = "reports" if said.row is None else columns_of(event.TOPIC, "reports")[0]
            raise RowDiffers([Differing(column, standing[0].on.isoformat())], _TO_ANNUL)
        return ReplyReported(
            effective_on=max(report.on for report in missing), reply_number=record.event.number, reports=missing
        )

    def _contradiction(self, event: DatedEvent, record: _Record, fields: Sequence[str], said: RowSaid) -> RowDiffers:
        given, recorded = self._held_against(event, record, said)
        found: list[Differing] = []
        for field in fields:
            if said.row is None:
                columns: Sequence[str] = (field,)
            else:
                columns = differing_columns(event.TOPIC, field, said.row, said.columns, given, recorded)
            value = recorded.get(field) if field not in SEALED[record.event.TOPIC] else None
            found += [Differing(column, value if isinstance(value, str) else None) for column in columns]
        return RowDiffers(found, _TO_DO.get(event.TOPIC, _TO_ANNUL))


def record_of(event: DatedEvent) -> bytes:
    """All that an event says and that is not sealed: an act with the same of it means the same record."""
    data = {name: value for name, value in public_data(event).items() if name not in _FILLED}
    return msgspec.json.encode([event.TOPIC, data], order="sorted")


def _plain(value: Any) -> Any:
    return normalised(value) if isinstance(value, str) else value
