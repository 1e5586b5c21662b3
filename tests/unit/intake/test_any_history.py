"""Whatever is asked in whatever order: what is accepted folds, and nothing is done to a case after its end."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import Refused
from tests.unit.intake.plan import EDUCATION, HEALTH, HELD, NOTICE, PLANNED, RECEIVED, A, B, C, Register

P = {"jurisdiction": "H35.10", "kind": "periodic", "place": "x", "first_day": HELD, "last_day": HELD}
DEEDS: list[tuple[Any, str, dict[str, Any]]] = [
    (A, "PetitionForwarded", {"agency": EDUCATION}),
    (A, "AnswerPrepared", {"agency": EDUCATION, "text": "Dự thảo."}),
    (A, "PetitionScheduled", {"conference_id": C}),
    (A, "PetitionRaised", {"conference_id": C}),
    (A, "PetitionAnsweredAtConference", {"conference_id": C}),
    (A, "PetitionAssigned", {"agency": EDUCATION, "due_on": date(2019, 9, 10)}),
    (A, "PetitionReassigned", {"agency": HEALTH}),
    (A, "PetitionMarkedComplex", {"decided_by": "Chủ tịch", "criteria": ("x",)}),
    (A, "ExtensionGranted", {"petitioner_told_on": NOTICE, "committee_told_on": NOTICE, "expected_on": NOTICE}),
    (A, "PetitionEscalated", {"authority": "UBND tỉnh"}),
    (A, "HigherAuthorityAnswered", {"authority": "UBND tỉnh"}),
    (A, "WrittenReplyIssued", {"number": "1", "signatory": "x", "digest": "d" * 64}),
    (A, "AgencyResultReported", {"agency": HEALTH, "result": "resolved"}),
    (A, "PetitionClosed", {}),
    (A, "PetitionReopened", {}),
    (A, "PetitionWithdrawn", {}),
    (A, "PetitionMerged", {"into": B}),
    (B, "PetitionMerged", {"into": A}),
    (A, "PetitionRedirected", {"procedure": "complaint", "body": "Thanh tra"}),
    (C, "ConferencePlanned", P),
    (C, "ConferenceOpened", {}),
    (C, "ConferenceClosed", {}),
    (C, "ConferenceCancelled", {}),
]
DAYS = (RECEIVED, PLANNED, HELD, NOTICE, NOTICE + timedelta(days=20))
AFTER_END = {"PetitionReopened", "RecordAnnulled", "ReplyReported", "ReminderSent"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DEEDS)), st.sampled_from(DAYS), st.integers(0, 40)), max_size=40))
def test_what_is_accepted_folds_and_nothing_follows_the_end(asked: list[tuple[int, date, int]]) -> None:
    r = Register().receive(A, B)
    for index, on, chosen in asked:
        before = {i: r.petition(i) for i in (A, B)}
        if index == len(DEEDS):
            target, topic = A, "RecordAnnulled"
            fields: dict[str, Any] = {"event_id": r.facts[A][chosen % len(r.facts[A])].event_id} if A in r.facts else {}
        else:
            target, topic, fields = DEEDS[index]
        if r.petition(A) is None:
            return
        try:
            r.do(target, topic, on, **fields)
        except Refused:
            continue
        r.context()
        ended = before.get(target)
        if ended is not None and ended.ended:
            assert topic in AFTER_END, f"{topic} after {ended.ended}"
