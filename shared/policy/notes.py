"""What is to be said of a due date besides its count, and how that is recorded. Pure."""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import cast, get_args

import msgspec

from shared.policy.schema import Trait

_TOO_LATE = "_too_late"


class NoteKind(StrEnum):
    """What a note says; the value is the code under which it is recorded."""

    #: `trait` was found on `day`, after the due date: its own limit does not count. Recorded as `complex_too_late`, ….
    TRAIT_TOO_LATE = "trait_too_late"
    #: The document has no limit of its own for cases with `trait`.
    NO_VARIANT = "no_variant"
    #: More time was granted, to `day`.
    EXTENDED = "extended"
    #: An extension was granted to `day`, but the document allows none.
    EXTENSION_NOT_PROVIDED = "extension_not_provided"
    #: An extension was granted to `day`, but somebody was notified only after the due date.
    EXTENSION_TOO_LATE = "extension_too_late"
    #: An extension was granted to `day` after as many as the document allows.
    EXTENSIONS_USED_UP = "extensions_used_up"
    #: An extension was granted to `day`, which is longer than the document allows: it counts up to that.
    EXTENSION_CAPPED = "extension_capped"
    #: The chair set the earlier due date `day`.
    CHAIR_DATE = "chair_date"
    #: A petition merged into this one brought the earlier due date `day`.
    MERGED_EARLIEST = "merged_earliest"
    #: The clock stands still from `day` on.
    SUSPENDED = "suspended"
    #: The clock runs again from `day` on.
    RESUMED = "resumed"
    #: The suspension of `day`, or one of its notices, came after the due date and has no effect.
    SUSPENSION_TOO_LATE = "suspension_too_late"
    #: The document does not let a clock be suspended: that of `day` has no effect.
    SUSPENSION_NOT_PROVIDED = "suspension_not_provided"
    #: The case was reopened on `day` and has a new clock.
    REOPENED = "reopened"
    #: By the rule alone the due date would be `day`.
    BY_RULE_ALONE = "by_rule_alone"
    #: The document gives no number of days: the default fills the gap.
    NOT_STATED = "not_stated"
    #: `document`, in force from `day` on, also moves clocks that were running.
    POLICY_MOVED = "policy_moved"
    #: What was posted must stay to the end of `day`.
    MUST_STAY_UNTIL = "must_stay_until"
    #: What was posted was taken down on `day`, before its time.
    TAKEN_DOWN_EARLY = "taken_down_early"
    #: What the limit is counted from has not happened yet.
    NO_ANCHOR = "no_anchor"
    #: The document allows no waiver: that of `day` has no effect.
    WAIVER_NOT_PROVIDED = "waiver_not_provided"
    #: The calendar of a year in the count is only proposed.
    PROVISIONAL = "provisional"
    #: Hours are counted to the end of the day, because events are known by their day.
    HOURS_IN_DAYS = "hours_in_days"
    #: The due date had passed when the duty arose.
    IMPOSSIBLE_FROM_BIRTH = "impossible_from_birth"


class Note(msgspec.Struct, frozen=True, gc=False):
    """One thing that is to be said of a due date; `kind` says which of the other fields are set."""

    kind: NoteKind
    day: date | None = None
    trait: Trait | None = None
    document: str | None = None


def recorded_note(note: Note) -> str:
    """A note as events, rows and the API carry it: `extended:2019-10-15`, `complex_too_late:2019-10-15`."""
    if note.kind is NoteKind.TRAIT_TOO_LATE:
        assert note.trait is not None and note.day is not None
        return f"{note.trait}{_TOO_LATE}:{note.day.isoformat()}"
    # A colon parts the values.
    document = note.document.replace(":", " ") if note.document is not None else None
    day = note.day.isoformat() if note.day is not None else None
    return ":".join([note.kind.value, *(value for value in (note.trait, document, day) if value is not None)])


@lru_cache(maxsize=1_024)  # an explanation is read several times for one letter
def read_note(recorded: str) -> Note | None:
    """The note that was recorded so; None where this release does not know its code or its values."""
    code, *values = recorded.split(":")
    try:
        if code.endswith(_TOO_LATE) and (trait := code.removesuffix(_TOO_LATE)) in get_args(Trait):
            return Note(NoteKind.TRAIT_TOO_LATE, date.fromisoformat(values[0]), _trait(trait))
        match kind := NoteKind(code):
            case NoteKind.NO_VARIANT:
                return Note(kind, trait=_trait(values[0]))
            case NoteKind.POLICY_MOVED:
                return Note(kind, date.fromisoformat(values[1]), document=values[0])
            case _:
                return Note(kind, date.fromisoformat(values[0]) if values else None)
    except (ValueError, IndexError):
        return None


def _trait(name: str) -> Trait:
    if name not in get_args(Trait):
        raise ValueError(name)
    return cast(Trait, name)
