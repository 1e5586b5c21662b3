"""Which forms are shown to whom: what intake lets a role do to a petition as it stands, and nothing else."""

import msgspec
import pytest

from services.followup.console.form_fields import ACTS, ENDED, RECEIVE, ActForm, acts_for, body_of_act, field_of_form
from services.followup.domain.deadlines.case_rows import OPEN_STATES, UNASSIGNED, CaseRow, CaseState
from services.intake.domain import errors
from services.intake.domain.acts import PETITION_ACTS, PETITION_CREATING
from shared.events.petition import ExtensionGranted
from shared.identifiers import derived_id
from tests.unit.intake.plan import HELD, NOTICE, A, Register

OF_INTAKE = {act.path: act for act in PETITION_ACTS.values()}


def row(state: CaseState, agency: str = "H35.10.4") -> CaseRow:
    return CaseRow(
        subject="petition",
        subject_id=derived_id("p"),
        jurisdiction="H35.10",
        state=state,
        unresolved=True,
        agency=agency,
    )


def paths(state: CaseState, role: str, agency: str = "H35.10.4", owed: tuple[str, ...] = ("reply",)) -> set[str]:
    return {act.path for act in acts_for(row(state, agency), frozenset({role}), owed)}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.path)
def test_roles__are_those_of_intake(act: ActForm) -> None:
    assert act.roles == OF_INTAKE[act.path].roles
    assert RECEIVE.roles == next(iter(PETITION_CREATING.values())).roles


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.path)
def test_moment__is_that_of_intake(act: ActForm) -> None:
    register = Register()
    register.assigned()
    open_one = register.petition(A)
    register.do(A, "WrittenReplyIssued", NOTICE, number="1", signatory="x", digest="ab" * 32)
    register.do(A, "PetitionClosed", NOTICE)
    ended = register.petition(A)
    assert open_one is not None and ended is not None

    def possible(petition: object) -> bool:
        try:
            OF_INTAKE[act.path].possible(petition)  # type: ignore[arg-type]
        except (errors.CaseEnded, errors.NeverEnded):
            return False
        except errors.Refused:
            return True  # another reason than that it has ended or has not
        return True

    assert (possible(open_one), possible(ended)) == (act.when in ("open", "any"), act.when in ("ended", "any"))


def test_states__are_open_or_ended() -> None:
    petition_states = {*OPEN_STATES, CaseState.RESOLVED, *ENDED}
    assert len(petition_states) == len(OPEN_STATES) + 1 + len(ENDED)
    conference = {CaseState(s) for s in ("proposed", "planned", "open", "held", "cancelled", "bound")}
    assert petition_states | conference == set(CaseState)


def test_forms__by_role_and_state() -> None:
    assert paths(CaseState.ASSIGNED, "agency") == {"extension", "reply", "reply-report", "result-report"}
    assert paths(CaseState.ASSIGNED, "auditor") == paths(CaseState.CLOSED, "operations") == set()
    assert paths(CaseState.ASSIGNED, "system") == {"withdrawal"}
    assert "reassignment" in paths(CaseState.ASSIGNED, "office") and "assignment" not in paths(
        CaseState.ASSIGNED, "office"
    )
    assert "assignment" in paths(CaseState.RAISED, "office", UNASSIGNED)
    assert paths(CaseState.CLOSED, "chair") == {"reopening", "reminders", "annulments"}
    assert paths(CaseState.MERGED, "chair") == {"reminders", "annulments"}
    conference = msgspec.structs.replace(row(CaseState.HELD), subject="conference")
    assert acts_for(conference, frozenset({"office"}), ()) == ()
    assert {"extension", "reminders"} & paths(CaseState.ASSIGNED, "office", owed=()) == set()
    assert "extension" not in paths(CaseState.REPLIED, "office", owed=("result_report",))


def test_notice__is_sent_as_a_document_and_its_refusal_is_shown_at_its_field() -> None:
    extension = next(act for act in ACTS if act.path == "extension")
    filled = {
        "expected_on": "2019-10-01",
        "ground": "x",
        "petitioner_told_on": HELD.isoformat(),
        "petitioner_notice.number": " 12/TB ",
        "petitioner_notice.digest": "ab" * 32,
    }
    body = body_of_act(extension, filled)
    assert body["petitioner_notice"] == {"number": "12/TB", "digest": "ab" * 32}
    assert set(body) <= set(ExtensionGranted.__struct_fields__)
    assert field_of_form(extension, "petitioner_notice.digest") == "petitioner_notice.digest"
    assert field_of_form(extension, "committee_notice") == "committee_notice.number"
    assert field_of_form(extension, "reports[0].on") == field_of_form(extension, None) == ""
