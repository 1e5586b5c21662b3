"""Events of the regulation: jurisdictions, agencies, policies, calendars, dialogue plans, catalogues."""

from datetime import date
from typing import ClassVar, Literal, get_args

import msgspec

from shared.calendar import DayOff, MakeUpDay
from shared.events.definition import DatedEvent, Internal, Public
from shared.policy import Policy
from shared.policy.schema import Level

#: What a catalogue lists: fields of petitions, ways by which they come in, kinds of preparation tasks, villages.
CatalogueKind = Literal["field", "channel", "task", "village"]
CATALOGUE_KINDS: tuple[CatalogueKind, ...] = get_args(CatalogueKind)


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One code of a catalogue and what it is called; `valid_until` is the last day on which it can be chosen."""

    code: str
    title: str
    title_en: str = ""
    parent: str = ""
    valid_until: date | None = None


class MappedText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text that was written before there was a catalogue, and the code that it means."""

    text: str
    code: str


class JurisdictionRegistered(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An authority whose chair holds dialogues exists from `valid_from` (địa bàn)."""

    TOPIC: ClassVar[str] = "JurisdictionRegistered"
    AGGREGATE: ClassVar[str] = "jurisdiction"
    code: Public[str]
    name: Public[str]
    level: Public[Level]
    valid_from: Public[date]
    parent: Public[str] = ""


class JurisdictionClosed(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The authority ended; `effective_on` is the first day without it."""

    TOPIC: ClassVar[str] = "JurisdictionClosed"
    AGGREGATE: ClassVar[str] = "jurisdiction"
    code: Public[str]
    successor: Public[str] = ""


class ReceptionDayHeld(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The head of the authority received citizens on a day (ngày tiếp công dân)."""

    TOPIC: ClassVar[str] = "ReceptionDayHeld"
    AGGREGATE: ClassVar[str] = "jurisdiction"
    code: Public[str]
    place: Public[str] = ""
    citizens: Internal[int] = 0


class FrequencyDutyWaived(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A periodic duty need not be done in one period; `substitute` is what was done in its place."""

    TOPIC: ClassVar[str] = "FrequencyDutyWaived"
    AGGREGATE: ClassVar[str] = "jurisdiction"
    code: Public[str]
    duty: Public[str]
    period: Public[str]
    number: Public[str]
    audience: Public[str] = ""
    substitute: Public[str] = ""


class AgencyRegistered(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A body that can be charged with duties exists from `valid_from`."""

    TOPIC: ClassVar[str] = "AgencyRegistered"
    AGGREGATE: ClassVar[str] = "agency"
    code: Public[str]
    name: Public[str]
    jurisdiction: Public[str]
    valid_from: Public[date]


class AgencyClosed(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The body ended; `effective_on` is the first day without it; `successor` takes over."""

    TOPIC: ClassVar[str] = "AgencyClosed"
    AGGREGATE: ClassVar[str] = "agency"
    code: Public[str]
    successor: Public[str] = ""


class PolicyAdopted(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A dated legal document sets the rules of a jurisdiction from `policy.valid_from` on.

    Version 1 had rules with a direction, a number of days and one of complex cases.
    """

    TOPIC: ClassVar[str] = "PolicyAdopted"
    AGGREGATE: ClassVar[str] = "policy"
    VERSION: ClassVar[int] = 2
    jurisdiction: Public[str]
    policy: Public[Policy]


class CalendarProposed(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A computed calendar of a year without one; deadlines on it are provisional."""

    TOPIC: ClassVar[str] = "CalendarProposed"
    AGGREGATE: ClassVar[str] = "calendar"
    year: Public[int]
    holidays: Public[tuple[DayOff, ...]]
    makeup_days: Public[tuple[MakeUpDay, ...]] = ()
    basis: Public[str] = ""


class CalendarPublished(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An official states the holidays and make-up days of a year; `confirmed` once a person stands for it."""

    TOPIC: ClassVar[str] = "CalendarPublished"
    AGGREGATE: ClassVar[str] = "calendar"
    year: Public[int]
    holidays: Public[tuple[DayOff, ...]]
    makeup_days: Public[tuple[MakeUpDay, ...]] = ()
    document: Public[str] = ""
    confirmed: Public[bool] = True


class DialoguePlanAdopted(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A jurisdiction adopted its dialogue plan (570/KH-UBND is one); version 1 had no `policy_id`."""

    TOPIC: ClassVar[str] = "DialoguePlanAdopted"
    AGGREGATE: ClassVar[str] = "plan"
    VERSION: ClassVar[int] = 2
    jurisdiction: Public[str]
    number: Public[str]
    year: Public[int]
    parent_plan: Public[str] = ""
    policy_id: Internal[str] = "plan-570"


class CatalogueAdopted(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A jurisdiction says which codes are chosen from, there and below it, from `effective_on` on."""

    TOPIC: ClassVar[str] = "CatalogueAdopted"
    AGGREGATE: ClassVar[str] = "catalogue"
    jurisdiction: Public[str]
    kind: Public[CatalogueKind]
    entries: Public[tuple[CatalogueEntry, ...]]
    number: Public[str] = ""


class CatalogueMapped(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A jurisdiction says which codes the texts of the past mean; of one text the last record counts."""

    TOPIC: ClassVar[str] = "CatalogueMapped"
    AGGREGATE: ClassVar[str] = "catalogue"
    jurisdiction: Public[str]
    kind: Public[CatalogueKind]
    entries: Public[tuple[MappedText, ...]]


#: Every event of the regulation. A fold or a rule that forgets one of them fails in the type checker.
RegulationEvent = (
    JurisdictionRegistered
    | JurisdictionClosed
    | ReceptionDayHeld
    | FrequencyDutyWaived
    | AgencyRegistered
    | AgencyClosed
    | PolicyAdopted
    | CalendarProposed
    | CalendarPublished
    | DialoguePlanAdopted
    | CatalogueAdopted
    | CatalogueMapped
)
