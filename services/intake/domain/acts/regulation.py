"""The register that all cases rest on: jurisdictions, agencies, policies, calendars, dialogue plans, catalogues.

It is one state for all of them. Of its records only the adoption of a policy can be annulled; the others are followed.
"""

import re
from datetime import date

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, OFFICE_OR_OPERATIONS, RegulationAct
from services.intake.domain.facts import Fact
from services.intake.domain.regulation import PublicBody, Regulation
from shared.calendar import CalendarYear, ContradictoryCalendar, validate
from shared.cases.catalogues import clashing
from shared.events.any_stream import RecordAnnulled
from shared.events.regulation import (
    AgencyClosed,
    AgencyRegistered,
    CalendarProposed,
    CalendarPublished,
    CatalogueAdopted,
    CatalogueEntry,
    CatalogueMapped,
    DialoguePlanAdopted,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    PolicyAdopted,
    ReceptionDayHeld,
)
from shared.identifiers import MAX_CODE_LENGTH, NATION, is_within, lineage
from shared.policy import UncountablePolicy, check, occurrences
from shared.policy.probe import uncountable_rules
from shared.sentences import Sentence

# --- jurisdictions and agencies --------------------------------------------------------------------------------------


def _check_jurisdiction(event: JurisdictionRegistered, regulation: Regulation) -> str:
    _require_new(regulation.jurisdictions.get(event.code), event.code)
    if event.parent == event.code:
        raise errors.InvalidCode("parent", "below-itself", code=event.code)
    if event.parent and event.parent != NATION:
        regulation.jurisdiction_on(event.parent, event.valid_from, "parent")
        if not is_within(event.code, event.parent):
            # Who sees what follows the codes: a parent elsewhere would say otherwise.
            raise errors.InvalidCode("code", "not-under-parent", code=event.code, parent=event.parent)
    return event.code


def _register_jurisdiction(regulation: Regulation, fact: Fact[JurisdictionRegistered]) -> None:
    event = fact.event
    regulation.jurisdictions[event.code] = PublicBody(
        event.code, event.name, event.parent or NATION, event.valid_from, level=event.level
    )


def _check_end_of_jurisdiction(event: JurisdictionClosed, regulation: Regulation) -> str:
    _check_end(regulation.jurisdictions, event, errors.UnknownJurisdiction)
    return event.code


def _check_agency(event: AgencyRegistered, regulation: Regulation) -> str:
    _require_new(regulation.agencies.get(event.code), event.code)
    regulation.require_seat(event.jurisdiction)
    if _is_of_another_authority(event, regulation):
        raise errors.InvalidCode("code", "not-under-parent", code=event.code, parent=event.jurisdiction)
    return event.jurisdiction


def _is_of_another_authority(event: AgencyRegistered, regulation: Regulation) -> bool:
    """Whether an agency's code belongs to another authority than its seat, which alone gives such codes away.

    A code belongs to the nearest jurisdiction on record that it is or lies under; of one that has ended, to who took
    over. The seat's own are free to it, so are codes under those above it, and those of no jurisdiction on record.
    """
    nearest = next((code for code in lineage(event.code) if code in regulation.jurisdictions), NATION)
    authority = regulation.successor_of_jurisdiction(nearest, event.effective_on)
    if is_within(nearest, event.jurisdiction) or is_within(authority, event.jurisdiction):
        return False
    return nearest == event.code or not (
        is_within(event.jurisdiction, nearest) or is_within(event.jurisdiction, authority)
    )


def _register_agency(regulation: Regulation, fact: Fact[AgencyRegistered]) -> None:
    event = fact.event
    regulation.agencies[event.code] = PublicBody(event.code, event.name, event.jurisdiction, event.valid_from)


def _check_end_of_agency(event: AgencyClosed, regulation: Regulation) -> str:
    return _check_end(regulation.agencies, event, errors.UnknownAgency).jurisdiction


def _require_new(known: PublicBody | None, code: str) -> None:
    if known is not None:
        raise errors.AlreadyRegistered("code", code=code, name=known.name)


def _check_end(
    bodies: dict[str, PublicBody],
    event: JurisdictionClosed | AgencyClosed,
    unknown: type[errors.UnknownJurisdiction | errors.UnknownAgency],
) -> PublicBody:
    body = bodies.get(event.code)
    if body is None:
        raise unknown("code", code=event.code)
    if body.closed_on is not None:
        raise errors.AlreadyClosed("code", code=event.code, closed_on=body.closed_on)
    if event.effective_on < body.valid_from:
        raise errors.InvalidValue("effective_on", "before-existence", code=event.code, valid_from=body.valid_from)
    if event.successor and (event.successor == event.code or event.successor not in bodies):
        raise unknown("successor", "successor", code=event.successor)
    return body


def _close(bodies: dict[str, PublicBody], event: JurisdictionClosed | AgencyClosed) -> None:
    if (body := bodies.get(event.code)) is not None:
        bodies[event.code] = replace(body, closed_on=event.effective_on, successor=event.successor)


# --- what a jurisdiction does by itself ------------------------------------------------------------------------------


def _check_reception(event: ReceptionDayHeld, regulation: Regulation) -> str:
    regulation.jurisdiction_on(event.code, event.effective_on, "code")
    return event.code


def _check_waiver(event: FrequencyDutyWaived, regulation: Regulation) -> str:
    regulation.jurisdiction_on(event.code, event.effective_on, "code")
    rule_in_force = regulation.rule_in_force(event.code, event.duty, event.effective_on, event.audience)
    frequency = rule_in_force.rule.frequency if rule_in_force else None
    if frequency is None:
        raise errors.InvalidValue("duty", "not-periodic", duty=event.duty)
    if frequency.waiver is None:
        raise errors.WaiverNotProvided("duty", duty=event.duty)
    around = date(event.effective_on.year - 1, 1, 1), date(event.effective_on.year + 1, 12, 31)
    known = [each.part for each in occurrences(frequency, *around)]
    if event.period not in known:
        raise errors.InvalidValue("period", "unknown-period", period=event.period, example=known[-1])
    if frequency.waiver.substitute == "required" and not event.substitute.strip():
        raise errors.InvalidValue("substitute", "substitute")
    return event.code


def _remember_waiver(regulation: Regulation, fact: Fact[FrequencyDutyWaived]) -> None:
    regulation.waivers.append(fact)


def _nothing(regulation: Regulation, fact: Fact[ReceptionDayHeld] | Fact[RecordAnnulled]) -> None:
    """Nothing that a later command is judged on changes."""


# --- policies, calendars, plans --------------------------------------------------------------------------------------


def _check_policy(event: PolicyAdopted, regulation: Regulation) -> str:
    regulation.require_seat(event.jurisdiction)
    try:
        check(event.policy)
        if uncountable := uncountable_rules(event.policy, regulation.calendar):
            raise UncountablePolicy(uncountable)
    except UncountablePolicy as invalid:
        problems = Sentence(
            "; ".join(f"policy.{problem.path}: {problem.said.vi}" for problem in invalid.problems),
            "; ".join(f"policy.{problem.path}: {problem.said.en}" for problem in invalid.problems),
        )
        raise errors.InvalidPolicy(f"policy.{invalid.problems[0].path}", problems=problems) from invalid
    return event.jurisdiction


def _adopt_policy(regulation: Regulation, fact: Fact[PolicyAdopted]) -> None:
    regulation.adoptions.append(fact)


def _check_annulment(event: RecordAnnulled, regulation: Regulation) -> str:
    """Only an adoption is taken back, and not while a waiver rests on its document."""
    if event.event_id in regulation.annulled:
        raise errors.AlreadyAnnulled("event_id")
    adoption = next((fact for fact in regulation.adoptions if fact.event_id == event.event_id), None)
    if adoption is None:
        raise errors.UnknownRecord("event_id", event_id=event.event_id)
    if event.effective_on < adoption.on:
        raise errors.InvalidValue("effective_on", "before-record", day=event.effective_on, record_day=adoption.on)
    without = regulation.without(adoption)
    for waiver in regulation.waivers:
        if (reason := _refusal(waiver.event, without)) and not _refusal(waiver.event, regulation):
            raise errors.LaterFactsRestOnIt("event_id", topic=waiver.event.TOPIC, day=waiver.on, reason=reason)
    return adoption.event.jurisdiction


def _refusal(event: FrequencyDutyWaived, regulation: Regulation) -> str:
    try:
        _check_waiver(event, regulation)
    except errors.Refused as refused:
        return refused.code
    return ""


def _check_calendar(event: CalendarPublished | CalendarProposed, regulation: Regulation) -> str:
    if isinstance(event, CalendarProposed) and event.year in regulation.years:
        raise errors.CalendarAlreadyThere("year", year=event.year)
    try:
        validate(CalendarYear(year=event.year, holidays=event.holidays, makeup_days=event.makeup_days))
    except ContradictoryCalendar as error:
        raise errors.InvalidCalendar(error.field, error.rule, **error.values) from error
    return NATION


def _check_dialogue_plan(event: DialoguePlanAdopted, regulation: Regulation) -> str:
    regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    if (event.jurisdiction, event.number, event.year) in regulation.plans:
        raise errors.PlanAlreadyAdopted("number", number=event.number, year=event.year)
    return event.jurisdiction


def _adopt_plan(regulation: Regulation, fact: Fact[DialoguePlanAdopted]) -> None:
    regulation.plans.add((fact.event.jurisdiction, fact.event.number, fact.event.year))


# --- catalogues ------------------------------------------------------------------------------------------------------

_ENTRY_CODE = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")


def _check_catalogue(event: CatalogueAdopted, regulation: Regulation) -> str:
    regulation.require_seat(event.jurisdiction)
    for number, entry in enumerate(event.entries):
        if len(entry.code) > MAX_CODE_LENGTH or not _ENTRY_CODE.fullmatch(entry.code):
            raise errors.InvalidValue(
                f"entries[{number}].code", "catalogue-code", code=entry.code, most=MAX_CODE_LENGTH
            )
        if not entry.title:
            raise errors.InvalidValue(f"entries[{number}].title", "empty")
    if (second := clashing(event.entries)) is not None:
        raise errors.InvalidValue(f"entries[{second}]", "catalogue-twice", title=event.entries[second].title)
    _check_parents(event.entries)
    return event.jurisdiction


def _check_parents(entries: tuple[CatalogueEntry, ...]) -> None:
    """Each entry lies under another of the same catalogue, or under none, and none under itself."""
    parents = {entry.code: entry.parent for entry in entries}
    for number, entry in enumerate(entries):
        above, seen = entry.parent, {entry.code}
        while above:
            if above in seen or above not in parents:
                raise errors.InvalidValue(f"entries[{number}].parent", "catalogue-parent", code=entry.parent)
            seen.add(above)
            above = parents[above]


def _check_mapping(event: CatalogueMapped, regulation: Regulation) -> str:
    regulation.require_seat(event.jurisdiction)
    standing = regulation.catalogues.standing(event.jurisdiction, event.kind, event.effective_on)
    if standing is None:
        raise errors.InvalidValue("kind", "no-catalogue", place=event.jurisdiction, day=event.effective_on)
    codes = tuple(entry.code for entry in standing.entries)
    for number, mapped in enumerate(event.entries):
        if not mapped.text:
            raise errors.InvalidValue(f"entries[{number}].text", "empty")
        if mapped.code not in codes:
            raise errors.NotInCatalogue(f"entries[{number}].code", codes)
    return event.jurisdiction


REGULATION_ACTS = (
    RegulationAct(
        event=JurisdictionRegistered,
        path="/v1/jurisdictions",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        check=_check_jurisdiction,
        fold=_register_jurisdiction,
    ),
    RegulationAct(
        event=JurisdictionClosed,
        path="/v1/jurisdictions/{id}/closure",
        roles=OFFICE_OR_OPERATIONS,
        creates=False,
        in_path=("code",),
        check=_check_end_of_jurisdiction,
        fold=lambda regulation, fact: _close(regulation.jurisdictions, fact.event),
    ),
    RegulationAct(
        event=ReceptionDayHeld,
        path="/v1/jurisdictions/{id}/reception-days",
        roles=OFFICE_OR_CHAIR,
        creates=False,
        in_path=("code",),
        check=_check_reception,
        fold=_nothing,
    ),
    RegulationAct(
        event=FrequencyDutyWaived,
        path="/v1/jurisdictions/{id}/waivers",
        roles=OFFICE_OR_CHAIR,
        creates=False,
        in_path=("code",),
        check=_check_waiver,
        fold=_remember_waiver,
    ),
    RegulationAct(
        event=AgencyRegistered,
        path="/v1/agencies",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        check=_check_agency,
        fold=_register_agency,
    ),
    RegulationAct(
        event=AgencyClosed,
        path="/v1/agencies/{id}/closure",
        roles=OFFICE_OR_OPERATIONS,
        creates=False,
        in_path=("code",),
        check=_check_end_of_agency,
        fold=lambda regulation, fact: _close(regulation.agencies, fact.event),
    ),
    RegulationAct(
        event=PolicyAdopted,
        is_final=False,
        path="/v1/policies",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        check=_check_policy,
        fold=_adopt_policy,
    ),
    RegulationAct(
        event=RecordAnnulled,
        is_final=False,
        stream="policy",
        path="/v1/policies/{id}/annulments",
        roles=OFFICE_OR_OPERATIONS,
        creates=False,
        decided=("annulled_topic",),
        check=_check_annulment,
        fill=lambda event: replace(event, annulled_topic=PolicyAdopted.TOPIC),
        fold=_nothing,
    ),
    RegulationAct(
        event=CalendarPublished,
        is_final=False,
        path="/v1/calendars",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        check=_check_calendar,
        fold=lambda regulation, fact: regulation.calendars.add(fact, fact.event),
    ),
    RegulationAct(
        # The service proposes calendars by itself: no caller does.
        event=CalendarProposed,
        path="",
        roles=frozenset(),
        creates=True,
        check=_check_calendar,
        fold=lambda regulation, fact: regulation.calendars.add(fact, fact.event),
    ),
    RegulationAct(
        event=DialoguePlanAdopted,
        path="/v1/plans",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        check=_check_dialogue_plan,
        fold=_adopt_plan,
    ),
    RegulationAct(
        event=CatalogueAdopted,
        is_final=False,
        path="/v1/catalogues",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        not_empty=("entries",),
        check=_check_catalogue,
        fold=lambda regulation, fact: regulation.catalogues.add(fact.event),
    ),
    RegulationAct(
        event=CatalogueMapped,
        is_final=False,
        path="/v1/catalogue-mappings",
        roles=OFFICE_OR_OPERATIONS,
        creates=True,
        not_empty=("entries",),
        check=_check_mapping,
        fold=lambda regulation, fact: regulation.catalogues.add(fact.event),
    ),
)
