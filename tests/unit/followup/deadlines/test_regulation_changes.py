"""What moves many clocks at once: a new policy, a new version of a calendar, a body that ends."""

from datetime import date
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.wording.explanation import letter
from shared.calendar import CalendarYear, DayOff
from shared.events.deadline import DeadlineDueSoon
from shared.events.petition import (
    AnswerPrepared,
    PetitionAssigned,
    PetitionForwarded,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyClosed, CalendarProposed, JurisdictionClosed
from shared.identifiers import derived_id
from shared.policy import Policy, read_policy
from tests.support.history import DISTRICT, History, at, day, seed_years

OLD, NEW = "H35.10.3", "H35.10.8"


def shorter(valid_from: str, head: str = "") -> Policy:
    text = f"policy_id: shorter\ndocument: {{number: 2/QĐ, issued_on: {valid_from}}}\nvalid_from: {valid_from}\n{head}"
    return read_policy(
        text + "rules:\n  - {duty: reply, form: deadline, length: 10, extension: {told: [petitioner]}}\n"
    )


def open_case(history: History, name: str = "p", first: str = "2019-08-23") -> tuple[UUID, UUID]:
    conference = history.plan("c" + name, first)
    petition = history.receive(name, "2019-08-01", (name,))
    history.hold(conference, petition, first=first)
    return conference, petition


def reply(on: str) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number="1/UBND", signatory="CT", digest="00")


def warning(valid_from: str, head: str) -> Policy:
    """The default's reply with other warnings."""
    text = f"policy_id: warning\ndocument: {{number: 3/QĐ, issued_on: {valid_from}}}\nvalid_from: {valid_from}\n{head}"
    return read_policy(
        text + "rules:\n  - {duty: reply, form: deadline, length: 15, extension: {told: [petitioner, committee]}}\n"
    )


def warned(history: History, petition: UUID) -> list[str]:
    emitted = (e.event for e in history.engine.emitted if e.event.subject_id == petition and e.event.duty == "reply")
    return [str(event.stage_on) for event in emitted if isinstance(event, DeadlineDueSoon)]


def told(history: History, petition: UUID) -> list[str]:
    return [e for e in history.told(petition, "reply") if "DueSoon" not in e]


class TestNewPolicy:
    def test_clocks_that_start_on_its_day__keep_it__running_ones_keep_theirs(self) -> None:
        # 30 Aug + 10: 3-6 Sep(4) 9-13(9) 16(10)
        history = History()
        _, running = open_case(history)
        history.adopt(shorter("2019-08-30"), "2019-08-26 08:00")
        _, fresh = open_case(history, "q", "2019-08-30")
        assert history.due(running, "reply") == day("2019-09-16")
        assert history.due(fresh, "reply") == day("2019-09-16")
        assert told(history, running) == ["DeadlineSet 2019-09-16"]

    def test_the_document_says_otherwise__running_clocks_move_and_say_why(self) -> None:
        # 23 Aug + 10: 26-30(5) [31 1 2] 3-6(9) [7 8] 9(10)
        history = History()
        _, running = open_case(history)
        history.adopt(shorter("2019-08-30", "running_clocks: move\n"), "2019-08-26 08:00")
        assert told(history, running) == ["DeadlineSet 2019-09-16", "DeadlineMoved 2019-09-09"]
        moved = next(e.event for e in history.engine.emitted if e.event.TOPIC == "DeadlineMoved")
        assert moved.reason == "policy"
        assert "policy_moved:2/QĐ:2019-08-30" in moved.explanation.notes
        assert moved.explanation.document == "2/QĐ"

    def test_only_the_warnings_change__running_clocks_warn_by_them(self) -> None:
        # due 16 Sep, a Monday: 3 working days before is Wed 11, 5 is Mon 9, 1 is Fri 13
        history = History()
        _, running = open_case(history)
        warns = warning("2019-08-30", "warn_days: [3]\nrunning_clocks: move\n")
        history.adopt(warns, "2019-08-26 08:00")
        history.until("2019-09-17 00:00")
        assert warned(history, running) == ["2019-09-11"]
        assert told(history, running) == ["DeadlineSet 2019-09-16", "DeadlineBreached 2019-09-16"]
        breach = next(e.event for e in history.engine.emitted if e.event.TOPIC == "DeadlineBreached")
        assert breach.cause_id == next(e.event.cause_id for e in history.engine.emitted if e.event.due_on)

    def test_only_the_warnings_change__without_a_word__running_clocks_keep_theirs(self) -> None:
        history = History()
        _, running = open_case(history)
        history.adopt(warning("2019-08-30", "warn_days: [3]\n"), "2019-08-26 08:00")
        history.until("2019-09-17 00:00")
        assert warned(history, running) == ["2019-09-09", "2019-09-13"]

    @pytest.mark.parametrize(
        ("days", "expected"),
        [
            ("[5, 1]", ["2019-09-09", "2019-09-13"]),  # the same again
            ("[6, 1]", ["2019-09-09", "2019-09-13"]),  # one that was given stands for those before it
            ("[4, 1]", ["2019-09-09", "2019-09-10", "2019-09-13"]),  # one that is past by now is given at once
            ("[4, 3, 1]", ["2019-09-09", "2019-09-11", "2019-09-13"]),  # of those past, the last
            ("[]", ["2019-09-09"]),
        ],
    )
    def test_warnings_change_after_one_was_given__none_is_given_twice(self, days: str, expected: list[str]) -> None:
        history = History()
        _, running = open_case(history)
        history.until("2019-09-11 00:00")
        history.adopt(warning("2019-09-11", f"warn_days: {days}\nrunning_clocks: move\n"), "2019-09-11 08:00")
        history.until("2019-09-17 00:00")
        assert warned(history, running) == expected

    def test_running_clock__that_passed_before_its_day__stays(self) -> None:
        history = History()
        _, late = open_case(history)
        history.until("2019-09-20 00:00")
        history.adopt(shorter("2019-09-20", "running_clocks: move\n"), "2019-09-20 08:00")
        assert told(history, late) == ["DeadlineSet 2019-09-16", "DeadlineBreached 2019-09-16"]

    def test_deed_done_before_its_day__stays(self) -> None:
        history = History()
        _, done = open_case(history)
        history.record(done, reply("2019-08-29"), "2019-08-29 09:00")
        history.adopt(shorter("2019-08-30", "running_clocks: move\n"), "2019-08-30 08:00")
        assert told(history, done) == ["DeadlineSet 2019-09-16", "DeadlineMet 2019-09-16"]

    def test_moved_into_the_past__is_a_breach_with_its_reason(self) -> None:
        history = History()
        _, running = open_case(history)
        history.until("2019-09-12 00:00")
        history.adopt(shorter("2019-09-02", "running_clocks: move\n"), "2019-09-12 08:00")
        history.until("2019-09-12 09:00")
        assert told(history, running)[1:] == ["DeadlineMoved 2019-09-09", "DeadlineBreached 2019-09-09"]
        breach = history.engine.emitted[-1].event
        assert (breach.TOPIC, breach.reason) == ("DeadlineBreached", "policy")

    def test_law__before_a_nearer_plan__and_its_end(self) -> None:
        history = History()
        law = msgspec.structs.replace(
            shorter("2019-08-01"), policy_id="law", precedence="law", valid_until=date(2019, 8, 25)
        )
        history.adopt(law, "2019-08-01 08:00", "H35")
        plan = msgspec.structs.replace(shorter("2019-08-01"), rules=(msgspec.structs.replace(law.rules[0], length=20),))
        history.adopt(plan, "2019-08-02 08:00")
        _, under_law = open_case(history)
        _, under_plan = open_case(history, "q", "2019-08-30")
        # 23 Aug + 10 = 9 Sep; 30 Aug + 20: 16(10) 17-20(14) 23-27(19) 30(20)
        assert history.due(under_law, "reply") == day("2019-09-09")
        assert history.due(under_plan, "reply") == day("2019-09-30")

    def test_adopted_again__the_rules_left_out_are_gone(self) -> None:
        history = History()
        history.adopt(shorter("2019-08-01"), "2019-08-01 08:00")
        again = msgspec.structs.replace(shorter("2019-08-10"), rules=())
        history.adopt(again, "2019-08-10 08:00")
        _, petition = open_case(history)
        assert history.due(petition, "reply") == day("2019-09-16")


def year(number: int) -> CalendarYear:
    return next(y for y in seed_years() if y.year == number)


def with_off(calendar: CalendarYear, *days: str) -> CalendarYear:
    off = tuple(DayOff(date=date.fromisoformat(d), name="Nghỉ đột xuất") for d in days)
    return msgspec.structs.replace(calendar, holidays=(*calendar.holidays, *off))


def proposed(history: History, calendar: CalendarYear, when: str) -> None:
    event = CalendarProposed(
        effective_on=day(when[:10]), year=calendar.year, holidays=calendar.holidays, makeup_days=calendar.makeup_days
    )
    history.record(derived_id("calendar", calendar.year), event, when, "calendar")


class TestCalendar:
    def test_a_day_off_more__moves_later__a_day_off_less_moves_back_and_breaches(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.publish(with_off(year(2019), "2019-09-12"), at("2019-09-10 08:00"))
        history.until("2019-09-17 08:00")
        history.publish(year(2019), at("2019-09-17 09:00"))
        history.until("2019-09-17 10:00")
        assert told(history, petition) == [
            "DeadlineSet 2019-09-16",
            "DeadlineMoved 2019-09-17",
            "DeadlineMoved 2019-09-16",
            "DeadlineBreached 2019-09-16",
        ]
        moved, breach = history.engine.emitted[-2].event, history.engine.emitted[-1].event
        assert (moved.reason, breach.reason) == ("calendar", "calendar")
        assert breach.cause_id == history.facts[-1].event_id

    def test_a_breach_that_was_none__is_retracted(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.until("2019-09-17 08:00")
        history.publish(with_off(year(2019), "2019-09-12"), at("2019-09-17 09:00"))
        assert told(history, petition)[1:] == [
            "DeadlineBreached 2019-09-16",
            "DeadlineBreachRetracted 2019-09-16",
            "DeadlineMoved 2019-09-17",
        ]
        retracted = next(e.event for e in history.engine.emitted if e.event.TOPIC == "DeadlineBreachRetracted")
        assert retracted.reason == "calendar"

    def test_deed_done_in_time__never_becomes_late(self) -> None:
        history = History(calendars=[year(2019), *[y for y in seed_years() if y.year != 2019]])
        history.publish(with_off(year(2019), "2019-09-12"), at("2019-08-02 08:00"))
        _, petition = open_case(history)
        history.record(petition, reply("2019-09-17"), "2019-09-17 09:00")
        history.publish(year(2019), at("2019-09-18 09:00"))
        history.until("2019-10-01 00:00")
        assert told(history, petition) == ["DeadlineSet 2019-09-17", "DeadlineMet 2019-09-17"]

    def test_deed_done_late__becomes_in_time_by_a_later_version(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.record(petition, reply("2019-09-17"), "2019-09-17 09:00")
        assert told(history, petition)[-1] == "DeadlineMetLate 2019-09-16"
        history.publish(with_off(year(2019), "2019-09-12"), at("2019-09-18 09:00"))
        assert told(history, petition)[-3:] == [
            "DeadlineMoved 2019-09-17",
            "DeadlineBreachRetracted 2019-09-17",
            "DeadlineMet 2019-09-17",
        ]

    def test_deed_in_time_by_a_later_version__stays_so_by_one_of_the_same_day(self) -> None:
        history = History()
        _, petition = open_case(history)
        history.record(petition, reply("2019-09-17"), "2019-09-17 09:00")
        history.publish(with_off(year(2019), "2019-09-12"), at("2019-09-18 09:00"))
        history.publish(year(2019), at("2019-09-18 09:05"))
        history.until("2019-10-01 00:00")
        assert told(history, petition)[-1] == "DeadlineMet 2019-09-17"

    def test_provisional__firms_up_when_its_year_is_published(self) -> None:
        history = History(calendars=[y for y in seed_years() if y.year != 2020])
        proposed(history, year(2020), "2019-01-02 08:00")
        _, petition = open_case(history, first="2019-12-20")
        (raised,) = [r for r in history.engine.raised_of(petition) if r.duty == "reply"]
        assert raised.provisional and raised.due_on == day("2020-01-13")
        before = raised.explanation
        history.publish(year(2020), at("2019-12-23 08:00"))
        (raised,) = [r for r in history.engine.raised_of(petition) if r.duty == "reply"]
        assert not raised.provisional
        assert told(history, petition) == ["DeadlineSet 2020-01-13"]
        assert raised.explanation is not None and before is not None
        assert "provisional" in before.notes and "provisional" not in raised.explanation.notes
        assert "chưa được công bố" in letter(before).vi
        assert raised.explanation.calendar_versions != before.calendar_versions

    def test_published__before_it_was_proposed__the_proposal_says_nothing(self) -> None:
        history = History()
        _, petition = open_case(history)
        proposed(history, with_off(year(2019), "2019-09-12"), "2019-09-01 08:00")
        assert told(history, petition) == ["DeadlineSet 2019-09-16"]


class TestSuccessor:
    @pytest.fixture
    def case(self) -> tuple[History, UUID]:
        history = History()
        _, petition = open_case(history)
        history.record(petition, PetitionAssigned(effective_on=day("2019-08-30"), agency=OLD), "2019-08-30 09:00")
        return history, petition

    def close(self, history: History, when: str = "2019-09-05 08:00") -> None:
        closed = AgencyClosed(effective_on=day(when[:10]), code=OLD, successor=NEW)
        history.record(derived_id("agency", OLD), closed, when, "agency")

    def test_open_case__has_its_clock_and_another_debtor__and_emits_nothing(self, case: tuple[History, UUID]) -> None:
        history, petition = case
        history.until("2019-09-05 07:00")
        before = len(history.engine.emitted)
        self.close(history)
        assert len(history.engine.emitted) == before
        row = history.engine.case_row(petition)
        assert row is not None
        assert (row.agency, row.due_on) == (NEW, day("2019-09-16"))
        assert [(s.agency, s.since, s.until) for s in row.spans] == [
            (OLD, day("2019-08-30"), day("2019-09-05")),
            (NEW, day("2019-09-05"), None),
        ]
        history.until("2019-09-17 00:00")
        breach = history.engine.emitted[-1].event
        assert (breach.TOPIC, breach.debtor) == ("DeadlineBreached", NEW)

    def test_done_before__stays_with_the_old_body(self, case: tuple[History, UUID]) -> None:
        history, petition = case
        history.record(petition, reply("2019-09-04"), "2019-09-04 09:00")
        self.close(history)
        debtors = {r.duty: r.debtor for r in history.engine.raised_of(petition)}
        assert debtors["reply"] == OLD
        assert debtors["result_report"] == NEW

    def test_prepared_answer__of_the_successor_counts(self) -> None:
        history = History()
        conference = history.plan("c", "2019-08-23")
        petition = history.receive("p", "2019-08-01")
        history.record(petition, PetitionForwarded(effective_on=day("2019-08-05"), agency=OLD))
        history.raise_at(conference, petition, "2019-08-05")
        self.close(history, "2019-08-10 08:00")
        history.record(petition, AnswerPrepared(effective_on=day("2019-08-20"), agency=NEW), "2019-08-20 09:00")
        assert history.told(petition, "prepared_answer")[-1] == "DeadlineMet 2019-08-22"

    def test_jurisdiction_closed__its_open_cases_go_to_its_successor__under_their_own_rules(self) -> None:
        history = History()
        history.register("H35", "province")
        history.register(DISTRICT, "district", parent="H35")
        history.register("H35.31", "commune", parent="H35")
        history.adopt(shorter("2019-08-01"), "2019-08-01 08:00")
        _, petition = open_case(history)
        closed = JurisdictionClosed(effective_on=day("2019-09-01"), code=DISTRICT, successor="H35.31")
        history.record(derived_id("jurisdiction", DISTRICT), closed, "2019-09-02 08:00", jurisdiction=DISTRICT)
        row = history.engine.case_row(petition)
        assert row is not None
        assert (row.jurisdiction, row.due_on) == ("H35.31", day("2019-09-09"))
        history.until("2019-09-10 00:00")
        assert history.engine.emitted[-1].jurisdiction == "H35.31"

    def test_office_that_is_no_more__the_document_names_who_acts(self) -> None:
        history = History()
        named = read_policy(
            "policy_id: heirs\ndocument: {number: 3/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-01-01\n"
            "heirs: {office: H35.10.1}\nrules:\n  - {duty: reply, form: deadline, length: 15}\n"
        )
        history.adopt(named, "2019-01-02 08:00")
        _, petition = open_case(history)
        (raised,) = [r for r in history.engine.raised_of(petition) if r.duty == "reply"]
        assert raised.debtor == "H35.10.1"
