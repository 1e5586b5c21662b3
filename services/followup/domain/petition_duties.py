"""The duties that a petition brings: reply, its report, the result, the higher answer, the prepared answer."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase, Round
from services.followup.domain.conference_duties import back_from, stretches
from services.followup.domain.desired import Desired, Done, Duty, Waived, settle
from services.followup.domain.facts import Fact, by_effect
from services.followup.domain.notes import note
from services.followup.domain.regulation import Regulation
from shared.calendar import Calendar
from shared.events.petition import (
    RECIPIENTS,
    AgencyResultReported,
    AnswerPrepared,
    ExtensionGranted,
    HigherAuthorityAnswered,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)
from shared.policy import count

OFFICE = "office"


class Kin(msgspec.Struct, frozen=True):
    """A petition merged into another, with the fact that merged it."""

    case: PetitionCase
    merged: Fact
    kin: tuple["Kin", ...] = ()


class Surroundings(msgspec.Struct, frozen=True):
    """What a petition's duties depend on besides its own facts."""

    source: str
    regulation: Regulation
    conference: Callable[[UUID], ConferenceCase | None]


class ReplyClock(msgspec.Struct, frozen=True):
    """What started a reply clock and how its day is found under a calendar."""

    start: Fact
    counted_from: date
    due_under: Callable[[Calendar], date]
    complex_counts: bool
    expected_on: date | None
    notes: tuple[str, ...]


def petition_duties(case: PetitionCase, kin: tuple[Kin, ...], around: Surroundings) -> list[Desired]:
    """Every deadline that the petition ought to have. Raises CalendarMissing."""
    duties = [
        *_replies(case, kin, around),
        *_reply_reports(case, around),
        *_results(case, around),
        *_higher_answers(case, around),
        *_prepared_answers(case, around),
    ]
    return [settle(duty, around.regulation) for duty in duties]


def _duty(
    case: PetitionCase, around: Surroundings, name: str, start: Fact, debtor: str, counted_from: date, **more: object
) -> Duty:
    fields = {"policy": around.regulation.policy(case.jurisdiction, start.on), **more}
    return Duty(
        source=around.source,
        subject="petition",
        subject_id=case.petition_id,
        duty=name,
        start=start,
        debtor=debtor,
        jurisdiction=case.jurisdiction,
        counted_from=counted_from,
        **fields,  # type: ignore[arg-type]
    )


def _ended(life: Round) -> Waived | None:
    if life.end is None:
        return None
    reason = {PetitionAnsweredAtConference: "answered_at_conference", PetitionMerged: "merged"}.get(
        type(life.end.event), life.end.topic.removeprefix("Petition").lower()
    )
    return Waived(life.end.on, life.end, reason)


# --- reply ---------------------------------------------------------------------------------------------------------


def _replies(case: PetitionCase, kin: tuple[Kin, ...], around: Surroundings) -> list[Duty]:
    duties = []
    for index, life in enumerate(case.rounds):
        clock = reply_clock(case, index, kin, around)
        if clock is None:
            continue
        duties.append(
            _duty(
                case,
                around,
                "reply",
                clock.start,
                case.lead or OFFICE,
                clock.counted_from,
                is_complex=clock.complex_counts,
                end=_answered(case, life, kin) or _ended(life),
                expected_on=clock.expected_on,
                notes=clock.notes,
                due_under=clock.due_under,
            )
        )
    return duties


def reply_clock(case: PetitionCase, index: int, kin: tuple[Kin, ...], around: Surroundings) -> ReplyClock | None:
    """The reply clock of one round, its modifications applied in the order in which they took effect."""
    life = case.rounds[index]
    start = _reply_start(case, index, around)
    inherited = _inherited(case, index, kin, around)
    if start is None and not inherited:
        return None
    first = start or inherited[0][0]
    counted_from = first.on
    policy = around.regulation.policy(case.jurisdiction, first.on)
    rule = policy.rule("reply")
    steps = by_effect([*life.complex, *life.extensions, *life.chair_dates, *(fact for fact, _ in inherited)])
    heirlooms = {fact.event_id: due for fact, due in inherited}

    def run(calendar: Calendar) -> tuple[date, bool, date | None, tuple[str, ...]]:
        def limit(is_complex: bool) -> date:
            counted = count(rule, counted_from, calendar, is_complex=is_complex)
            assert counted is not None, "a reply has a number in every policy"
            return counted.due_on

        caps: list[date] = []
        extended: date | None = None
        expected: date | None = None
        notes: list[str] = []
        complex_counts = False
        due = limit(False) if start is not None else date.max
        for step in steps:
            match step.event:
                case PetitionMarkedComplex():
                    if step.on <= due and start is not None:
                        complex_counts = True
                        due = max(extended or date.min, min([limit(True), *caps]))
                    else:
                        notes.append(note("complex_too_late", step.on))
                case ExtensionGranted() as extension:
                    if max(extension.petitioner_told_on, extension.committee_told_on) <= due:
                        due = extended = max(due, extension.expected_on)
                        notes.append(note("extended", extension.expected_on))
                    else:
                        expected = extension.expected_on
                        notes.append(note("extension_too_late", extension.expected_on))
                case PetitionAssigned(due_on=day) | PetitionReassigned(due_on=day) if day is not None:
                    caps.append(day)
                    if day < due:
                        due = day
                        notes.append(note("chair_date", day))
                case PetitionMerged():
                    caps.append(heirlooms[step.event_id](calendar))
                    if caps[-1] < due:
                        due = caps[-1]
                        notes.append(note("merged_earliest", due))
                case _:
                    pass
        return due, complex_counts, expected, tuple(notes)

    _, complex_counts, expected, notes = run(around.regulation.calendar)
    if life.reopened is not None:
        notes = (note("reopened", life.reopened.on), *notes)
    return ReplyClock(first, counted_from, lambda calendar: run(calendar)[0], complex_counts, expected, notes)


def _reply_start(case: PetitionCase, index: int, around: Surroundings) -> Fact | None:
    life = case.rounds[index]
    if life.reopened is not None:
        return life.reopened
    receipt_rule = around.regulation.policy(case.jurisdiction, case.received.on).rule("reply")
    if receipt_rule.counted_from == "receipt":
        return case.received
    closings = []
    for conference_id in case.raised:
        conference = around.conference(conference_id)
        closed = conference.closed if conference and not conference.cancelled else None
        if closed is not None and not _over_before(life, closed):
            closings.append(closed)
    return by_effect(closings)[0] if closings else None


def _over_before(life: Round, closed: Fact) -> bool:
    # An end recorded only after the clock was set leaves the clock, to be waived; the trace stays.
    return life.end is not None and life.end.position < closed.position


def _inherited(
    case: PetitionCase, index: int, kin: tuple[Kin, ...], around: Surroundings
) -> list[tuple[Fact, Callable[[Calendar], date]]]:
    if index != len(case.rounds) - 1:
        return []
    found = []
    for relative in sorted(kin, key=lambda k: k.merged.position):
        clock = reply_clock(relative.case, len(relative.case.rounds) - 1, relative.kin, around)
        if clock is not None:
            found.append((relative.merged, clock.due_under))
    return found


def _petitioners(case: PetitionCase, kin: tuple[Kin, ...]) -> set[str]:
    everyone = set(case.receipt.petitioner_ids)
    for relative in kin:
        everyone |= _petitioners(relative.case, relative.kin)
    return everyone


def _answered(case: PetitionCase, life: Round, kin: tuple[Kin, ...]) -> Done | None:
    missing = _petitioners(case, kin)
    for fact in by_effect(life.replies):
        reply = fact.event
        assert isinstance(reply, WrittenReplyIssued)
        missing = missing - set(reply.answers) if reply.answers else set()
        if not missing:
            return Done(fact.on, fact)
    return None


# --- after the reply -----------------------------------------------------------------------------------------------


def _reply_reports(case: PetitionCase, around: Surroundings) -> list[Duty]:
    duties = []
    reported = case.of(ReplyReported)
    for life in case.rounds:
        for fact in life.replies:
            reply = fact.event
            assert isinstance(reply, WrittenReplyIssued)
            own = [
                r.event for r in reported if isinstance(r.event, ReplyReported) and r.event.reply_number == reply.number
            ]
            done = _all_told([*reply.reports, *(report for event in own for report in event.reports)])
            end = Done(done, fact) if done else None
            duties.append(_duty(case, around, "reply_report", fact, case.lead or OFFICE, fact.on, end=end))
    return duties


def _all_told(reports: list[Report]) -> date | None:
    first: dict[str, date] = {}
    for report in reports:
        first[report.recipient] = min(report.on, first.get(report.recipient, date.max))
    return max(first.values()) if all(r in first for r in RECIPIENTS) else None


def _roots(case: PetitionCase) -> list[Fact]:
    return [f for f in case.assigned if isinstance(f.event, PetitionAssigned)]


def _results(case: PetitionCase, around: Surroundings) -> list[Duty]:
    roots = _roots(case)
    results = [
        f for f in case.of(AgencyResultReported) if isinstance(f.event, AgencyResultReported) and _is_final(f.event)
    ]
    duties = []
    for index, root in enumerate(roots):
        until = roots[index + 1].position if index + 1 < len(roots) else None
        mine = [f for f in results if f.position > root.position and (until is None or f.position < until)]
        life = _round_of(case, root)
        ended = _ended(life)
        end = Done(mine[0].on, mine[0]) if mine else ended
        duties.append(
            _duty(case, around, "result_report", root, case.lead, root.on, part=str(root.event_id), end=end)
        )
    return duties


def _is_final(result: AgencyResultReported) -> bool:
    return result.result != "in_progress"


def _round_of(case: PetitionCase, fact: Fact) -> Round:
    starts = [0, *(r.reopened.position for r in case.rounds if r.reopened)]
    return case.rounds[max(i for i, position in enumerate(starts) if position <= fact.position)]


def _higher_answers(case: PetitionCase, around: Surroundings) -> list[Duty]:
    duties = []
    answers = list(case.higher_answers)
    for fact in case.escalated:
        answer = next((a for a in answers if a.position > fact.position), None)
        if answer is not None:
            assert isinstance(answer.event, HigherAuthorityAnswered)
            answers.remove(answer)
        end = Done(answer.on, answer) if answer else _ended(_round_of(case, fact))
        duties.append(_duty(case, around, "higher_answer", fact, OFFICE, fact.on, end=end))
    return duties


# --- before the conference -----------------------------------------------------------------------------------------


def _prepared_answers(case: PetitionCase, around: Surroundings) -> list[Duty]:
    conference = _standing_conference(case, around)
    if conference is None or conference.planned is None:
        return []
    policy = around.regulation.policy(case.jurisdiction, conference.planned.on)
    rule = policy.rule("prepared_answer")
    duties = []
    for fact in case.forwarded:
        assert isinstance(fact.event, PetitionForwarded)
        agency = fact.event.agency
        prepared = [
            f for f in case.of(AnswerPrepared) if isinstance(f.event, AnswerPrepared) and f.event.agency == agency
        ]
        for stretch in stretches(conference, fact, rule, around.regulation):
            end: Done | Waived | None = Done(prepared[0].on, prepared[0]) if prepared else None
            if end is None and stretch.overtaken is not None:
                end = Waived(stretch.overtaken.on, stretch.overtaken, "rescheduled")
            if end is None and conference.cancelled is not None:
                end = Waived(conference.cancelled.on, conference.cancelled, "cancelled")
            duties.append(
                _duty(
                    case,
                    around,
                    "prepared_answer",
                    stretch.start,
                    agency,
                    stretch.first_day,
                    part=agency,
                    policy=policy,
                    end=end or _ended(case.rounds[0]),
                    due_under=back_from(rule, stretch.first_day),
                )
            )
    return duties


def _standing_conference(case: PetitionCase, around: Surroundings) -> ConferenceCase | None:
    known = [around.conference(c) for c in case.scheduled]
    standing = [c for c in known if c is not None and c.planned is not None]
    held = [c for c in standing if c.cancelled is None]
    return (held or standing)[-1] if standing else None
