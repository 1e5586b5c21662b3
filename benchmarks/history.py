"""A history as offices make it: conferences with their petitions, each event as intake stores and publishes it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from shared.calendar import DayOff
from shared.events import DatedEvent, Event, Metadata, Recorded, encode_state
from shared.events.conference import ConferenceClosed, ConferenceOpened, ConferencePlanned
from shared.events.petition import (
    PetitionAssigned,
    PetitionClassified,
    PetitionRaised,
    PetitionReceived,
    PetitionScheduled,
    WrittenReplyIssued,
)
from shared.events.regulation import CalendarPublished
from shared.identifiers import derived_id, ordered_derived_id

SOURCE, EPOCH, JURISDICTION = "bench", "e1", "H35.10"
PETITIONS_EACH = 40
EVENTS_EACH = 3 + 6 * PETITIONS_EACH  # of one conference
BEGIN = datetime(2019, 6, 24, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=1)  # all of it lies before the first warning stage, so that events alone are measured
HELD = date(2019, 8, 23)
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class SyntheticHistory:
    """Makes events one after another, each at the next position."""

    def __init__(self, begin: datetime = BEGIN, replies: bool = True) -> None:
        self.position = 0
        self._last: UUID | None = None
        self._begin, self._replies = begin, replies
        self._late = 0  # petitions received one by one

    def events(self, conferences: int) -> Iterator[Recorded]:
        """Two calendars, then conferences: planned, petitions received to raised, closed, assigned, answered."""
        for year in (2019, 2020):
            yield self._calendar(year, 1, (date(year, 9, 2),))
        for number in range(conferences):
            yield from self._conference(number)

    def day_off(self) -> Recorded:
        """A second day off in the limits of all that is assigned."""
        return self._calendar(2019, 2, (date(2019, 9, 2), date(2019, 9, 3)))

    def received(self) -> Recorded:
        """One more petition."""
        self._late += 1
        return self._recorded(self._id("late", self._late), 1, self._receipt(f"late-{self._late}"), "petition")

    def _calendar(self, year: int, version: int, days: tuple[date, ...]) -> Recorded:
        holidays = tuple(DayOff(date=day, name="Quốc khánh", name_en="National Day") for day in days)
        published = CalendarPublished(effective_on=date(2019, 6, 24), year=year, holidays=holidays)
        return self._recorded(derived_id("calendar", year), version, published, "calendar")

    def _conference(self, number: int) -> Iterator[Recorded]:
        conference = self._id("conference", number)
        planned = ConferencePlanned(
            effective_on=date(2019, 6, 24), jurisdiction=JURISDICTION, kind="extraordinary", first_day=HELD,
            last_day=HELD, place="Hội trường UBND huyện",
        )  # fmt: skip
        yield self._recorded(conference, 1, planned, "conference")
        petitions = [self._id("petition", number, index) for index in range(PETITIONS_EACH)]
        for index, petition in enumerate(petitions):
            events: tuple[DatedEvent, ...] = (
                self._receipt(f"{number}-{index}"),
                PetitionClassified(
                    effective_on=date(2019, 7, 2), subject="Sửa chữa đường liên bản Nà Đa", field="giao thông"
                ),
                PetitionScheduled(effective_on=date(2019, 7, 3), conference_id=conference),
                PetitionRaised(effective_on=HELD, conference_id=conference),
            )  # fmt: skip
            for version, event in enumerate(events, 1):
                yield self._recorded(petition, version, event, "petition")
        yield self._recorded(conference, 2, ConferenceOpened(effective_on=HELD), "conference")
        yield self._recorded(conference, 3, ConferenceClosed(effective_on=HELD), "conference")
        for petition in petitions:
            assigned = PetitionAssigned(effective_on=date(2019, 8, 30), agency="H35.10.3")
            yield self._recorded(petition, 5, assigned, "petition")
            if not self._replies:
                continue
            reply = WrittenReplyIssued(
                effective_on=date(2019, 9, 10), number="12/TB-UBND", signatory="Chủ tịch UBND huyện", digest=DIGEST
            )
            yield self._recorded(petition, 6, reply, "petition")

    def _receipt(self, petitioner: str) -> PetitionReceived:
        code = f"KN-{ordered_derived_id(self._begin + STEP * self.position, petitioner).hex[-8:]}"
        return PetitionReceived(
            effective_on=date(2019, 7, 1), jurisdiction=JURISDICTION, receipt_code=code, channel="portal",
            petitioner_ids=(f"p-{petitioner}",),
        )  # fmt: skip

    def _id(self, *parts: object) -> UUID:
        return ordered_derived_id(self._begin + STEP * self.position, *parts)

    def _recorded(self, originator: UUID, version: int, event: Event, aggregate: str) -> Recorded:
        self.position += 1
        stamp = self._begin + STEP * self.position
        event_id = ordered_derived_id(stamp, "event", self.position)
        meta = Metadata(
            event_id=event_id, aggregate=aggregate, jurisdiction=JURISDICTION, actor="portal", correlation_id=event_id,
            source="portal", sealed_sha256=DIGEST if event.TOPIC == "PetitionReceived" else "",
        )  # fmt: skip
        made = Recorded(
            source=SOURCE, epoch=EPOCH, position=self.position, previous_id=self._last, event_id=event_id,
            originator_id=originator, version=version, topic=event.TOPIC, recorded_at=stamp,
            state=encode_state(event, meta),
        )  # fmt: skip
        self._last = event_id
        return made
