"""Which petitions the line of a speaker offers in the hall: the page grows with its speakers, not with their square."""

from services.followup.adapters.read.models import Case
from services.followup.console.hall import NEAR, HallSpeaker, offered_petitions
from services.followup.domain.deadlines.case_rows import CaseRow, CaseState
from services.followup.domain.wording.names import Bilingual
from shared.identifiers import derived_id

MANY = 300


def case(number: int) -> Case:
    row = CaseRow(
        subject="petition", subject_id=derived_id("petition", number), jurisdiction="H35.10",
        state=CaseState.NO_CLOCK, unresolved=True, agency="unassigned",
    )  # fmt: skip
    return Case(source="local", row=row, due_on=None, overdue=False, field_title=Bilingual("", ""))


def test_lines__those_near_the_turn_offer_every_petition_the_others_their_own() -> None:
    petitions = [case(number) for number in range(MANY)]
    speakers = [
        HallSpeaker(str(number), str(derived_id("petition", number)), called_by="chair" if number < 5 else "")
        for number in range(MANY)
    ]
    offered = offered_petitions(speakers, petitions)
    for number in (5, 5 + NEAR - 1):
        assert offered(str(number), speakers[number].petition_id) == petitions
    late = 5 + NEAR
    assert offered(str(late), speakers[late].petition_id) == [petitions[late]]
    assert offered(str(late), "") == [] and offered(str(late), "typed") == []
    assert offered("", "") == petitions  # of who is added by the script
    assert sum(len(offered(each.number, each.petition_id)) for each in speakers) < (NEAR + 1) * MANY
