"""The words of the rule language: a policy is a document's metadata and its rules, as frozen data. Pure.

Each word's meaning stands where it is used: `counting` counts, `running_clock` extends and suspends, `periods` repeats,
`precedence` chooses between documents. What the words cannot say is refused (`checking`), never left out.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

Form = Literal["deadline", "minimum_notice", "minimum_duration", "frequency", "undated"]
Unit = Literal["working_days", "calendar_days", "hours"]
Anchor = Literal[
    "conference_start",
    "conference_end",
    "receipt",
    "acceptance",
    "assignment",
    "conclusion",
    "reply",
    "settlement",
    "body_notice",
    "escalation",
    "proposal",
    "request",
    "decision",
    "publication_start",
    "publication_end",
    "plan",
    "fixed_date",
]
FirstDay = Literal["excluded", "included"]
Roll = Literal["stay", "next_working_day", "previous_working_day"]
Trait = Literal["complex", "very_complex", "several_fields", "remote", "online"]
Notified = Literal["petitioner", "committee"]
End = Literal["rolled", "unrolled"]
Granter = Literal["lead_agency", "chair"]
Per = Literal["year", "half_year", "quarter", "month", "week"]
Channel = Literal["media", "portal", "posting", "venue", "loudspeaker", "village_heads"]
Recipient = Literal["party_committee", "government", "chair", "superior", "fatherland_front", "peoples_council"]
Precedence = Literal["plan", "decision", "circular", "decree", "law"]
Level = Literal["nation", "province", "district", "commune"]
RunningClocks = Literal["keep", "move"]

#: A day of every year, as `MM-DD`.
YearDay = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
#: The same, or one day of one year, as `YYYY-MM-DD`.
FixedDate = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
#: A count of days or hours; 0 is the day itself.
Length = Annotated[int, msgspec.Meta(ge=0, le=8784)]
#: The same, of at least one.
Amount = Annotated[int, msgspec.Meta(ge=1, le=8784)]
Count = Annotated[int, msgspec.Meta(ge=1, le=366)]
DayOfMonth = Annotated[int, msgspec.Meta(ge=1, le=31)]


class DocumentPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every part of a document is: data whose unknown words are errors, because a word passed over miscounts."""


class Text(DocumentPart, frozen=True):
    """A text in Vietnamese and, where it was written, English."""

    vi: str
    en: str = ""


class Document(DocumentPart, frozen=True):
    """The legal document that adopts a policy; `source` says where its text can be read."""

    number: str
    issued_on: date
    issuer: str = ""
    source: str = ""


class Variant(DocumentPart, frozen=True):
    """Another number for cases with every trait in `when`: a `length`, or a cap `in_total` that nothing lifts.

    `criteria` are those that the document writes down; who decides must name one of them.
    """

    when: tuple[Trait, ...]
    length: Length | None = None
    in_total: Length | None = None
    criteria: tuple[str, ...] = ()


class Extension(DocumentPart, frozen=True):
    """More time, in the rule's unit: how often, how much each or in total from the start, counted on from which end.

    `granted_by` the lead agency or the chair; where it says `chair`, by the chair alone.
    """

    times: Count | None = None
    each: Amount | None = None
    in_total: Amount | None = None
    counted_from: End = "rolled"
    told: tuple[Notified, ...] = ("petitioner",)
    granted_by: Granter = "lead_agency"


class Pause(DocumentPart, frozen=True):
    """The clock may be suspended by a decision and resumed: the time between does not count. `told` must be told."""

    told: tuple[Notified, ...] = ("petitioner",)


class Window(DocumentPart, frozen=True):
    """The part of the year in which the act is expected; outside it is late only once the period has ended."""

    first: YearDay
    last: YearDay


class Waiver(DocumentPart, frozen=True):
    """The deed of a period may be waived, with or without something done in its place."""

    substitute: Literal["required", "optional"] = "required"


class Frequency(DocumentPart, frozen=True):
    """How often a deed is owed: so many times in each period, with its windows or its day of the month."""

    times: Count = 1
    per: Per = "year"
    windows: tuple[Window, ...] = ()
    day: DayOfMonth | None = None
    waiver: Waiver | None = None


class ChannelEvidence(DocumentPart, frozen=True):
    """A channel, and what proves that it was used."""

    channel: Channel
    evidence: str


class Channels(DocumentPart, frozen=True):
    """Through which channels: any one of them is enough, or all of them are needed."""

    any_of: tuple[ChannelEvidence, ...] = ()
    all_of: tuple[ChannelEvidence, ...] = ()

    @property
    def names(self) -> tuple[Channel, ...]:
        """Every channel that is named."""
        return tuple(each.channel for each in (*self.any_of, *self.all_of))


class Rule(DocumentPart, frozen=True):
    """One duty: its form says how it is counted, the other words how much, from what and with which exceptions.

    `section` is where the document says so; `stated` is false where it gives no number and another fills the gap.
    `title` names the duty as the document does, where that differs from the product's name.
    """

    duty: str
    form: Form
    length: Length | None = None
    unit: Unit = "working_days"
    counted_from: Anchor | None = None
    fixed_date: FixedDate | None = None
    first_day: FirstDay = "excluded"
    roll: Roll = "stay"
    variants: tuple[Variant, ...] = ()
    extension: Extension | None = None
    pause: Pause | None = None
    frequency: Frequency | None = None
    channels: Channels | None = None
    recipients: tuple[Recipient, ...] = ()
    warn_days: tuple[Count, ...] | None = None
    warn_on: tuple[YearDay, ...] = ()
    section: str = ""
    stated: bool = True
    title: Text | None = None

    @property
    def is_backward(self) -> bool:
        """Whether the count runs back from its anchor."""
        return self.form == "minimum_notice"


class Policy(DocumentPart, frozen=True):
    """A document's rules: for whom, from when, before which others.

    `levels` are the levels of authority that it binds (none: the one that adopts it, and as rules all below it);
    `audience` the dialogues that it is for (none: all); `replaces` earlier documents that it ends; `heirs` who takes
    over from a body or office that is no more; `running_clocks` whether it moves clocks that started before it.
    `warn_days` are working days before a due date.
    """

    policy_id: str
    document: Document
    valid_from: date
    valid_until: date | None = None
    title: Text | None = None
    precedence: Precedence = "plan"
    levels: tuple[Level, ...] = ()
    audience: str = ""
    replaces: tuple[str, ...] = ()
    heirs: dict[str, str] = {}
    running_clocks: RunningClocks = "keep"
    warn_days: tuple[Count, ...] = (5, 1)
    rules: tuple[Rule, ...] = ()

    def stated_rule(self, duty: str) -> Rule | None:
        """The rule of this document for a duty, if it has one."""
        return next((rule for rule in self.rules if rule.duty == duty), None)
