"""Cases that go on after their body has ended: by a day they are those of whoever took over."""

from datetime import date

import msgspec

from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation


def inherited(petition: Petition, regulation: Regulation, day: date) -> Petition:
    """The petition with the bodies that have it on a day, in the place of those that ended before.

    Its jurisdiction stays: the rules of its clocks are still those of the one in which it began.
    """

    named = regulation.heirs_named(petition.jurisdiction, "reply", day)

    def heir(code: str) -> str:
        return regulation.successor_of(code, day, named)

    now = msgspec.structs.replace(
        petition,
        lead=heir(petition.lead),
        assisting=tuple(heir(code) for code in petition.assisting),
        forwarded=tuple(heir(code) for code in petition.forwarded),
    )
    now.__dict__.update(petition.__dict__)  # the facts behind the state
    return now
