"""The deadline machine under other documents than the plan: what from, in which unit, through what, how often."""

from uuid import UUID

import pytest

from shared.events import Event
from shared.events.conference import (
    ComplexityDetermined,
    ConclusionNoticeIssued,
    ConferenceClosed,
    ConferenceOpened,
    ConferencePlanned,
    DialogueRequested,
    PublicationEnded,
    PublicationStarted,
    PublicNoticePublished,
    RequestAnswered,
)
from shared.events.petition import (
    AcceptanceNoticeSent,
    AgencyResultReported,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    ForwarderInformed,
    PetitionAssigned,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionReceived,
    RefusalNoticeSent,
    WrittenReplyIssued,
)
from shared.events.regulation import FrequencyDutyWaived, ReceptionDayHeld
from shared.identifiers import derived_id
from shared.policy import Policy, read_policy
from tests.support.history import DISTRICT, History, day

DISTRICT_ID = derived_id("jurisdiction", DISTRICT)
AGENCY = "H35.10.3"


def policy(rules: str, head: str = "") -> Policy:
    text = (
        f"policy_id: local\ndocument: {{number: 1/QĐ, issued_on: 2019-01-01}}\nvalid_from: 2019-01-01\n{head}rules:\n"
    )
    return read_policy(text + rules)


def outcomes(history: History, subject: UUID, duty: str) -> list[str]:
    return [e for e in history.told(subject, duty) if "DueSoon" not in e]


def notice(on: str, for_date: str, channel: str) -> PublicNoticePublished:
    return PublicNoticePublished(
        effective_on=day(on),
        for_date=day(for_date),
        channel=channel,  # type: ignore[arg-type]
        evidence="bản chụp",
    )


def published(on: str, channel: str) -> PublicationStarted:
    return PublicationStarted(effective_on=day(on), what="result", channel=channel, evidence="biên bản")  # type: ignore[arg-type]


class TestYouth:
    """Decree 13/2021/NĐ-CP; the dialogue of Thu 26 Mar 2026."""

    @pytest.fixture
    def history(self) -> History:
        history = History()
        history.adopt("youth-dialogue", "2026-01-05 08:00")
        return history

    def test_plan__published_through_any_one_channel(self, history: History) -> None:
        conference = history.plan("y", "2026-03-26", planned="2026-02-01", audience="youth")
        assert history.due(conference, "public_notice") == day("2026-02-24")
        history.record(conference, notice("2026-02-20", "2026-03-26", "posting"), "2026-02-20 09:00")
        assert outcomes(history, conference, "public_notice")[-1] == "DeadlineMet 2026-02-24"

    def test_another_audience__keeps_the_default(self, history: History) -> None:
        conference = history.plan("c", "2026-03-26", planned="2026-02-01")
        rows = {r.part: r.due_on for r in history.engine.raised_of(conference) if r.duty == "public_notice"}
        assert rows == {"media": day("2026-03-25"), "portal": day("2026-03-25")}

    def test_conclusion__ten_days_and_fifteen_for_several_fields(self, history: History) -> None:
        conference = history.plan("y", "2026-03-26", planned="2026-02-01", audience="youth")
        history.hold(conference, first="2026-03-26")
        assert history.due(conference, "conclusion_notice") == day("2026-04-05")
        several = ComplexityDetermined(
            effective_on=day("2026-04-03"), variant="several_fields", decided_by="chair", criteria=("nhiều lĩnh vực",)
        )
        history.record(conference, several, "2026-04-03 09:00")
        assert history.due(conference, "conclusion_notice") == day("2026-04-10")
        rows = {r.duty: r for r in history.engine.raised_of(conference)}
        explanation = rows["conclusion_notice"].explanation
        assert explanation is not None
        assert (explanation.rule, explanation.days, explanation.unit) == (
            "conclusion_notice_several_fields",
            15,
            "calendar_days",
        )

    def test_request__is_held_within_45_days(self, history: History) -> None:
        asked = derived_id("conference", "asked")
        request = DialogueRequested(
            effective_on=day("2026-04-10"), jurisdiction=DISTRICT, requester="Huyện đoàn", audience="youth"
        )
        history.record(asked, request, "2026-04-10 09:00", jurisdiction=DISTRICT)
        assert history.due(asked, "convene") == day("2026-05-25")
        assert history.due(asked, "proposal_decision") is None
        refused = RequestAnswered(effective_on=day("2026-04-20"), accepted=False, number="5/UBND")
        history.record(asked, refused, "2026-04-20 09:00")
        assert history.told(asked, "convene")[-1] == "DeadlineWaived 2026-05-25"

    def test_annual__warned_after_march__breached_after_december(self, history: History) -> None:
        history.until("2027-01-01 00:00")
        rows = [e.event for e in history.engine.emitted if e.event.duty == "annual_dialogue"]
        youth = [(e.TOPIC, e.at.astimezone().date()) for e in rows if e.part == "youth:2026"]
        assert [topic for topic, _ in youth] == ["DeadlineSet", "DeadlineDueSoon", "DeadlineBreached"]
        warned = next(e for e in rows if e.TOPIC == "DeadlineDueSoon")
        assert warned.stage_on == day("2026-04-01")
        assert {e.part for e in rows} == {"youth:2026", "youth:2027"}

    def test_annual__met_only_by_a_dialogue_with_the_youth(self, history: History) -> None:
        everyone = history.plan("c", "2026-03-12", planned="2026-02-01")
        history.hold(everyone, first="2026-03-12")
        youth = history.plan("y", "2026-03-26", planned="2026-03-13", audience="youth")
        assert "DeadlineMet 2026-12-31" not in history.told(DISTRICT_ID)
        history.hold(youth, first="2026-03-26")
        assert history.told(DISTRICT_ID)[-1] == "DeadlineMet 2026-12-31"


class TestCommunes:
    """Law 72/2025/QH15, adopted for the province: each of its communes owes what it says."""

    COMMUNE = "H35.31"

    @pytest.fixture
    def history(self) -> History:
        history = History()
        history.register("H35", "province")
        history.register(self.COMMUNE, "commune", parent="H35")
        history.adopt("communes-2025", "2025-07-01 08:00", "H35")
        return history

    def test_annual_dialogue__is_owed_by_the_commune_and_not_by_the_province(self, history: History) -> None:
        assert history.told(derived_id("jurisdiction", self.COMMUNE), "annual_dialogue") == ["DeadlineSet 2025-12-31"]
        assert history.told(derived_id("jurisdiction", "H35")) == []

    def test_results__through_all_three_channels(self, history: History) -> None:
        conference = derived_id("conference", "x")
        history.plan("x", "2025-10-29", planned="2025-10-01")  # of the district: the plan's rules
        assert [r.part for r in history.engine.raised_of(conference) if r.duty == "result_publication"] == []

    def test_commune__notice_seven_days_before_and_results_in_ten(self, history: History) -> None:
        conference = derived_id("conference", "commune")
        first = day("2025-10-29")
        planned = ConferencePlanned(
            effective_on=day("2025-10-01"),
            jurisdiction=self.COMMUNE,
            kind="periodic",
            first_day=first,
            last_day=first,
            place="Hội trường",
        )
        steps: list[tuple[Event, str]] = [
            (planned, "2025-10-01 08:00"),
            (ConferenceOpened(effective_on=first), "2025-10-29 08:00"),
            (ConferenceClosed(effective_on=first), "2025-10-29 17:00"),
        ]
        for event, when in steps:
            history.record(conference, event, when, jurisdiction=self.COMMUNE)
        dues = {
            (r.duty, r.part): r.due_on
            for r in history.engine.raised_of(conference)
            if r.duty in ("public_notice", "result_publication")
        }
        assert dues == {
            ("public_notice", "media"): day("2025-10-22"),
            ("result_publication", "media"): day("2025-11-08"),
            ("result_publication", "posting"): day("2025-11-08"),
            ("result_publication", "village_heads"): day("2025-11-08"),
        }
        history.record(conference, published("2025-11-03", "posting"), "2025-11-03 09:00")
        assert history.told(conference, "result_publication")[-1] == "DeadlineMet 2025-11-08"
        history.until("2025-11-20 00:00")
        told = [e for e in history.told(conference, "result_publication") if "Breached" in e]
        assert len(told) == 2
        assert history.told(derived_id("jurisdiction", self.COMMUNE))[-1] == "DeadlineMet 2025-12-31"


class TestReception:
    """Law 42/2013/QH13: the petition of Thu 23 Apr 2026."""

    @pytest.fixture
    def history(self) -> History:
        history = History()
        history.adopt("citizen-reception", "2026-04-01 08:00")
        return history

    def test_acceptance_notice__ten_working_days_from_receipt(self, history: History) -> None:
        petition = history.receive("p", "2026-04-23")
        assert history.due(petition, "acceptance_notice") == day("2026-05-12")
        accepted = AcceptanceNoticeSent(effective_on=day("2026-05-12"), number="1/TB")
        history.record(petition, accepted, "2026-05-13 09:00")
        assert outcomes(history, petition, "acceptance_notice")[1:] == [
            "DeadlineBreached 2026-05-12",
            "DeadlineBreachRetracted 2026-05-12",
            "DeadlineMet 2026-05-12",
        ]

    def test_refusal__is_an_answer_too_and_ends_the_case(self, history: History) -> None:
        petition = history.receive("p", "2026-04-23")
        history.record(petition, RefusalNoticeSent(effective_on=day("2026-04-28"), number="2/TB"), "2026-04-28 09:00")
        assert history.told(petition, "acceptance_notice")[-1] == "DeadlineMet 2026-05-12"
        row = history.engine.case_row(petition)
        assert row is not None and (row.state, row.unresolved) == ("refused", False)

    def test_settlement_elsewhere__is_told_back_and_then_to_the_petitioner(self, history: History) -> None:
        petition = history.receive("p", "2026-04-23")
        history.record(petition, PetitionForwarded(effective_on=day("2026-04-24"), agency=AGENCY), "2026-04-24 09:00")
        settled = AgencyResultReported(effective_on=day("2026-05-11"), agency=AGENCY, result="resolved")
        history.record(petition, settled, "2026-05-11 09:00")
        (report,) = [r for r in history.engine.raised_of(petition) if r.duty == "forwarder_report"]
        assert (report.due_on, report.debtor) == (day("2026-05-20"), AGENCY)
        history.record(petition, ForwarderInformed(effective_on=day("2026-05-18"), agency=AGENCY), "2026-05-18 09:00")
        (told,) = [r for r in history.engine.raised_of(petition) if r.duty == "result_notice"]
        assert (told.due_on, told.debtor) == (day("2026-05-25"), "office")
        reply = WrittenReplyIssued(effective_on=day("2026-05-20"), number="9/UBND", signatory="CT", digest="00")
        history.record(petition, reply, "2026-05-20 09:00")
        assert history.told(petition, "result_notice")[-1] == "DeadlineMet 2026-05-25"

    def test_reception_day__each_month_is_met_for_itself(self, history: History) -> None:
        history.record(DISTRICT_ID, ReceptionDayHeld(effective_on=day("2026-04-20"), code=DISTRICT), "2026-04-20 17:00")
        history.until("2026-06-02 00:00")
        # What falls at one midnight comes in the order of the deadlines' ids.
        assert sorted(outcomes(history, DISTRICT_ID, "reception_day")) == [
            "DeadlineBreached 2026-05-31",
            "DeadlineMet 2026-04-30",
            "DeadlineSet 2026-04-30",
            "DeadlineSet 2026-05-31",
            "DeadlineSet 2026-06-30",
        ]

    def test_plan_alone__asks_for_no_such_notice(self) -> None:
        history = History()
        petition = history.receive("p", "2026-04-23")
        assert history.told(petition) == []


class TestFrequency:
    HANDBOOK = (
        "  - duty: annual_dialogue\n    form: frequency\n"
        "    frequency:\n      times: 2\n"
        "      windows: [{first: 06-01, last: 06-30}, {first: 12-01, last: 12-31}]\n"
        "      waiver: {substitute: required}\n"
    )

    def test_twice_a_year__the_second_is_still_owed(self) -> None:
        history = History()
        history.adopt(policy(self.HANDBOOK), "2026-01-02 08:00")
        conference = history.plan("c", "2026-06-18", planned="2026-05-01")
        history.hold(conference, first="2026-06-18")
        rows = {r.part: r.outcome for r in history.engine.raised_of(DISTRICT_ID)}
        assert rows == {"2026/1": "met", "2026/2": ""}
        history.until("2026-12-31 12:00")
        assert not [e for e in history.told(DISTRICT_ID) if "Breached" in e]

    def test_waived__with_what_was_done_in_its_place(self) -> None:
        history = History()
        history.adopt(policy(self.HANDBOOK), "2026-01-02 08:00")
        waived = FrequencyDutyWaived(
            effective_on=day("2026-07-01"),
            code=DISTRICT,
            duty="annual_dialogue",
            period="2026/1",
            number="7/QĐ",
            substitute="câu hỏi bằng văn bản",
        )
        history.record(DISTRICT_ID, waived, "2026-07-01 08:00")
        history.until("2027-01-01 00:00")
        rows = {r.part: (r.outcome, r.breached) for r in history.engine.raised_of(DISTRICT_ID) if "2026" in r.part}
        assert rows == {"2026/1": ("waived", False), "2026/2": ("", True)}


class TestClock:
    """A reply counted from its acceptance, in calendar days, that may be extended once and suspended."""

    RULES = (
        "  - duty: reply\n    form: deadline\n    length: 30\n    unit: calendar_days\n    counted_from: acceptance\n"
        "    roll: next_working_day\n"
        "    variants: [{when: [complex], in_total: 45}]\n"
        "    extension: {times: 1, each: 10, counted_from: unrolled, told: [petitioner]}\n"
        "    pause: {told: [petitioner]}\n"
    )

    @pytest.fixture
    def case(self) -> tuple[History, UUID]:
        history = History()
        history.adopt(policy(self.RULES), "2026-01-02 08:00")
        petition = history.receive("p", "2026-03-02")
        assert history.told(petition, "reply") == []
        history.record(petition, AcceptanceNoticeSent(effective_on=day("2026-03-06"), number="1"), "2026-03-06 09:00")
        return history, petition

    def test_counts_from_the_acceptance__and_rolls(self, case: tuple[History, UUID]) -> None:
        # Fri 6 Mar + 30 = Sun 5 Apr, rolled to Mon 6 Apr
        history, petition = case
        assert history.due(petition, "reply") == day("2026-04-06")

    def test_complex__is_a_total(self, case: tuple[History, UUID]) -> None:
        # 6 Mar + 45 = Mon 20 Apr
        history, petition = case
        marked = PetitionMarkedComplex(effective_on=day("2026-03-20"), decided_by="chair", criteria=("x",))
        history.record(petition, marked, "2026-03-20 09:00")
        assert history.due(petition, "reply") == day("2026-04-20")

    def test_extension__is_capped_from_the_unrolled_end__and_given_once(self, case: tuple[History, UUID]) -> None:
        # Sun 5 Apr + 10 = Wed 15 Apr; a second one has no effect
        history, petition = case
        granted = ExtensionGranted(
            effective_on=day("2026-04-01"), petitioner_told_on=day("2026-04-01"), expected_on=day("2026-04-30")
        )
        history.record(petition, granted, "2026-04-01 09:00")
        assert history.due(petition, "reply") == day("2026-04-15")
        history.record(petition, granted, "2026-04-02 09:00")
        assert history.due(petition, "reply") == day("2026-04-15")
        (raised,) = [r for r in history.engine.raised_of(petition) if r.duty == "reply"]
        assert raised.expected_on == day("2026-04-30")

    def test_suspended__cannot_breach__and_the_time_between_does_not_count(self, case: tuple[History, UUID]) -> None:
        # suspended Mon 16 Mar, resumed Mon 30 Mar: 14 days; Sun 5 Apr + 14 = Sun 19 Apr, rolled to Mon 20 Apr
        history, petition = case
        suspended = ClockSuspended(effective_on=day("2026-03-16"), number="2", petitioner_told_on=day("2026-03-16"))
        history.record(petition, suspended, "2026-03-16 09:00")
        assert history.told(petition, "reply")[-1] == "DeadlineMoved None"
        history.until("2026-05-01 00:00")
        history.record(petition, ClockResumed(effective_on=day("2026-03-30"), number="3"), "2026-05-01 09:00")
        history.until("2026-05-02 00:00")
        assert outcomes(history, petition, "reply") == [
            "DeadlineSet 2026-04-06",
            "DeadlineMoved None",
            "DeadlineMoved 2026-04-20",
            "DeadlineBreached 2026-04-20",
        ]

    def test_suspension_recorded_late__retracts_the_breach(self, case: tuple[History, UUID]) -> None:
        history, petition = case
        history.until("2026-04-10 00:00")
        suspended = ClockSuspended(effective_on=day("2026-03-16"), number="2", petitioner_told_on=day("2026-03-16"))
        history.record(petition, suspended, "2026-04-10 09:00")
        assert outcomes(history, petition, "reply")[-3:] == [
            "DeadlineBreached 2026-04-06",
            "DeadlineBreachRetracted 2026-04-06",
            "DeadlineMoved None",
        ]

    def test_plan__lets_no_clock_stand_still(self) -> None:
        history = History()
        conference = history.plan("c", "2019-08-23")
        petition = history.receive("p", "2019-08-01")
        history.hold(conference, petition, first="2019-08-23")
        suspended = ClockSuspended(effective_on=day("2019-09-02"), number="2", petitioner_told_on=day("2019-09-02"))
        history.record(petition, suspended, "2019-09-02 09:00")
        assert history.due(petition, "reply") == day("2019-09-16")

    def test_online__is_known_from_the_receipt(self) -> None:
        history = History()
        rules = (
            "  - duty: acceptance_notice\n    form: deadline\n    length: 5\n"
            "    variants: [{when: [online], length: 3}]\n"
        )
        history.adopt(policy(rules), "2026-08-31 08:00")
        petition = derived_id("petition", "online")
        received = PetitionReceived(effective_on=day("2026-09-07"), jurisdiction=DISTRICT, channel="online")
        history.record(petition, received, "2026-09-07 09:00")
        assert history.due(petition, "acceptance_notice") == day("2026-09-10")


class TestPosting:
    RULES = "  - {duty: posting, form: minimum_duration, length: 30, unit: calendar_days, first_day: included}\n"

    @pytest.fixture
    def case(self) -> tuple[History, UUID]:
        history = History()
        history.adopt(policy(self.RULES), "2026-01-02 08:00")
        conference = history.plan("c", "2026-02-27", planned="2026-02-02")
        history.hold(conference, first="2026-02-27")
        history.record(conference, published("2026-03-02", "posting"), "2026-03-02 09:00")
        return history, conference

    def ended(self, on: str) -> PublicationEnded:
        return PublicationEnded(effective_on=day(on), what="result", channel="posting")

    def test_while_it_stays__nothing_is_due(self, case: tuple[History, UUID]) -> None:
        history, conference = case
        history.until("2026-06-01 00:00")
        assert history.told(conference, "posting") == ["DeadlineSet None"]
        (raised,) = [r for r in history.engine.raised_of(conference) if r.duty == "posting"]
        assert raised.expected_on == day("2026-03-31")

    def test_taken_down_on_its_last_day__is_met(self, case: tuple[History, UUID]) -> None:
        history, conference = case
        history.record(conference, self.ended("2026-03-31"), "2026-04-01 09:00")
        assert history.told(conference, "posting")[-1] == "DeadlineMet None"

    def test_taken_down_early__is_a_breach_at_the_end_of_that_day(self, case: tuple[History, UUID]) -> None:
        history, conference = case
        history.record(conference, self.ended("2026-03-20"), "2026-03-20 09:00")
        history.until("2026-03-21 00:00")
        assert history.told(conference, "posting")[1:] == ["DeadlineMoved 2026-03-20", "DeadlineBreached 2026-03-20"]
        history.record(conference, published("2026-03-23", "posting"), "2026-03-23 09:00")
        assert sorted(history.told(conference, "posting")[-2:]) == ["DeadlineSet None", "DeadlineWaived 2026-03-20"]


def test_result_report__counted_from_the_conference() -> None:
    # the handbook: agencies report within 20 days of Thu 18 Jun 2026
    history = History()
    rules = "  - {duty: result_report, form: deadline, length: 20, unit: calendar_days, counted_from: conference_end}\n"
    history.adopt(policy(rules), "2026-01-02 08:00")
    conference = history.plan("c", "2026-06-18", planned="2026-05-04")
    petition = history.receive("p", "2026-05-04")
    history.hold(conference, petition, first="2026-06-18")
    history.record(petition, PetitionAssigned(effective_on=day("2026-06-26"), agency=AGENCY), "2026-06-26 09:00")
    (report,) = [r for r in history.engine.raised_of(petition) if r.duty == "result_report"]
    assert report.due_on == day("2026-07-08")


def test_reply__counted_from_the_conclusion_notice() -> None:
    history = History()
    rules = "  - {duty: reply, form: deadline, length: 15, counted_from: conclusion}\n"
    history.adopt(policy(rules), "2019-01-02 08:00")
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-08-01")
    history.hold(conference, petition, first="2019-08-23")
    assert history.told(petition, "reply") == []
    notice_issued = ConclusionNoticeIssued(effective_on=day("2019-08-30"), number="1/TB", signatory="CT", digest="00")
    history.record(conference, notice_issued, "2019-08-30 09:00")
    # Fri 30 Aug: 3-6 Sep(4) 9-13(9) 16-20(14) 23(15)
    assert history.due(petition, "reply") == day("2019-09-23")
