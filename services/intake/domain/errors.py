"""Every refusal of the domain, one class a rule; its `code` is the name of its class.

A raise names the field that is to blame, if one is, then the key of a sentence if the code has several, then the values
for the places in that sentence: `raise errors.LaterThanDue("due_on", day=day, due=due)`. The sentences stand in
`refusal_words`, in both languages.

Refused
├── NotAllowed           who may not: RoleMayNot, JurisdictionMayNot, AgencyMayNot, SourceMayNot, …
├── WrongContent         what the body itself says: dates, codes, texts, calendars, policies
├── RegulationRefused    jurisdictions, agencies, plans, posts
├── PetitionRefused      moves that a petition in its state does not allow
├── ConferenceRefused    moves that a conference in its state does not allow
└── AnnulmentRefused     records that cannot be taken back
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from services.intake.domain.refusal_words import refusal_text
from shared.sentences import ProblemText

SHOWN_CODES = 20  # of a catalogue, in a sentence


class Refused(Exception):
    """A command that the rules do not allow; nothing is recorded."""

    code: ClassVar[str] = "refused"

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, field: str | None = None, sentence: str = "", /, **values: object) -> None:
        super().__init__(field, sentence, values)
        self.field, self.sentence, self.values = field, sentence, values

    @property
    def text(self) -> ProblemText:
        """Title and sentence in both languages."""
        return refusal_text(self.code, self.sentence, self.values)

    def __str__(self) -> str:
        detail = self.text.detail.en
        return f"{self.field}: {detail}" if self.field else detail


# --- who may not ---------------------------------------------------------------------------------------------------


class NotAllowed(Refused):
    """The caller may not do this here."""


class RoleMayNot(NotAllowed):
    """None of the caller's roles may do this."""


class JurisdictionMayNot(NotAllowed):
    """The event concerns a jurisdiction outside the caller's subtree."""


class AgencyMayNot(NotAllowed):
    """An agency acts only in its own name, on what was forwarded or assigned to it."""


class SourceMayNot(NotAllowed):
    """A caller pushes only in the names that its token says, and a system acts only on what came from it."""


class DelegationNotPassedOn(NotAllowed):
    """Who acts by a delegation does not delegate further."""


# --- what the body says ---------------------------------------------------------------------------------------------


class WrongContent(Refused):
    """A value of the body is wrong."""


class InvalidValue(WrongContent):
    """A text is empty or too long, or two values contradict each other."""


class NotInCatalogue(WrongContent):
    """The catalogue that stands has no such code; `allowed` are those that it has, of which a sentence shows some."""

    def __init__(self, field: str, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        more = ("…",) if len(self.allowed) > SHOWN_CODES else ()
        super().__init__(field, shown=(*self.allowed[:SHOWN_CODES], *more))


class InvalidCode(WrongContent):
    """No electronic identifier."""


class InvalidCalendar(WrongContent):
    """The calendar contradicts itself."""


class InvalidPolicy(WrongContent):
    """The policy cannot be counted with."""


class FutureDeed(WrongContent):
    """An event cannot be dated after the store's day."""


class CalendarYearMissing(WrongContent):
    """The day of the act, or a day that a clock reaches, is in a year without a calendar."""


class UnknownJurisdiction(WrongContent):
    """Nobody registered that jurisdiction."""


class JurisdictionClosedThen(WrongContent):
    """The jurisdiction did not exist on the day of the act."""


class UnknownAgency(WrongContent):
    """Nobody registered that agency."""


class AgencyClosedThen(WrongContent):
    """The agency did not exist on the day of the act."""


class LaterThanDue(WrongContent):
    """The chair's own date is later than the date that the rule gives."""


# --- regulation ----------------------------------------------------------------------------------------------------


class RegulationRefused(Refused):
    """The register does not allow it."""


class AlreadyRegistered(RegulationRefused):
    """The code is in use."""


class AlreadyClosed(RegulationRefused):
    """The body was closed before."""


class PlanAlreadyAdopted(RegulationRefused):
    """The plan of that number and year is recorded."""


class WaiverNotProvided(RegulationRefused):
    """The policy in force lets nobody off the duty."""


class CalendarAlreadyThere(RegulationRefused):
    """A proposal is made only for a year without a calendar."""


class UnknownPost(RegulationRefused):
    """Nobody granted that post or that delegation."""


class PostAlreadyHeld(RegulationRefused):
    """The person has the same post, or the same delegation, on some of those days."""


class PostOver(RegulationRefused):
    """The post or the delegation was ended before."""


class LastAdministrator(RegulationRefused):
    """Administrators do not end their own last post while nobody else administers the place."""


class RoleNotOfPlace(RegulationRefused):
    """A post allows no more than its place has."""


class NoDeputy(RegulationRefused):
    """The chair delegates to a deputy, on days of the deputy's post."""


# --- petition ------------------------------------------------------------------------------------------------------


class PetitionRefused(Refused):
    """The petition's state does not allow it."""


class CaseEnded(PetitionRefused):
    """The case has ended."""


class AnsweringWithdrawnPetition(CaseEnded):
    """A withdrawn petition is not answered."""


class DatedBeforeReceipt(PetitionRefused):
    """The event is dated before the petition was received."""


class UnknownPetition(PetitionRefused):
    """There is no such petition."""


class AlreadyForwarded(PetitionRefused):
    """The agency has it to prepare an answer already."""


class NeverForwarded(PetitionRefused):
    """The agency was never asked to prepare an answer."""


class AlreadyScheduled(PetitionRefused):
    """The petition is on an agenda already."""


class AlreadyRaised(PetitionRefused):
    """The petition was raised at that conference before."""


class NeverRaised(PetitionRefused):
    """The petition was not raised at that conference."""


class ConferenceElsewhere(PetitionRefused):
    """The conference is not one of the petition's jurisdiction or of one above it."""


class AlreadyAssigned(PetitionRefused):
    """A lead agency has the case: reassign it."""


class NeverAssigned(PetitionRefused):
    """The case was assigned to nobody, or not to this agency."""


class AlreadyComplex(PetitionRefused):
    """The case was decided to be complex before."""


class NothingToExtend(PetitionRefused):
    """No reply clock runs."""


class ExtensionNotLater(PetitionRefused):
    """The expected day is no later than the due date."""


class VariantNotProvided(PetitionRefused):
    """The policy has no limit of its own for such a case."""


class ExtensionNotProvided(PetitionRefused):
    """The policy allows no extension, or no further one."""


class ExtensionTooLong(PetitionRefused):
    """The policy allows less."""


class SuspensionNotProvided(PetitionRefused):
    """The policy does not let the clock be suspended."""


class NothingToSuspend(PetitionRefused):
    """No reply clock runs."""


class AlreadySuspended(PetitionRefused):
    """The clock stands still."""


class NeverSuspended(PetitionRefused):
    """The clock runs."""


class AlreadyAccepted(PetitionRefused):
    """The petitioner was told that the matter is taken up."""


class AlreadyEscalated(PetitionRefused):
    """The higher authority has the matter."""


class NeverEscalated(PetitionRefused):
    """No higher authority was asked, or it has answered."""


class ReplyNumberUsed(PetitionRefused):
    """A reply of that number was recorded."""


class UnknownReply(PetitionRefused):
    """There is no reply of that number."""


class ReportedBeforeReply(PetitionRefused):
    """A report is dated before its reply."""


class ClosingWithoutReplyOrGround(PetitionRefused):
    """A case is closed with its reply, or on a stated ground."""


class NeverEnded(PetitionRefused):
    """Only an ended case is reopened."""


class ReopeningMergedPetition(PetitionRefused):
    """A merged petition goes on in its survivor."""


class ReopenedBeforeEnd(PetitionRefused):
    """The reopening is dated before the end."""


class MergingWithItself(PetitionRefused):
    """A petition is merged into another one."""


class MergingIntoEndedPetition(PetitionRefused):
    """The survivor has ended."""


class MergingElsewhere(PetitionRefused):
    """The survivor belongs to a jurisdiction that is neither above nor below the petition's."""


# --- conference ----------------------------------------------------------------------------------------------------


class ConferenceRefused(Refused):
    """The conference's state does not allow it."""


class UnknownConference(ConferenceRefused):
    """There is no such conference."""


class NeverProposed(ConferenceRefused):
    """There is no proposal to decide on."""


class ProposalAlreadyDecided(ConferenceRefused):
    """The proposal was decided on."""


class ProposalNotAccepted(ConferenceRefused):
    """The chair has not accepted the proposal."""


class NeverRequested(ConferenceRefused):
    """Nobody asked for the dialogue."""


class AlreadyDetermined(ConferenceRefused):
    """The conference was decided to be such a case."""


class AlreadyPublished(ConferenceRefused):
    """It is public through that channel."""


class NeverPublished(ConferenceRefused):
    """It is not public through that channel."""


class AlreadyPlanned(ConferenceRefused):
    """The conference has its days: reschedule it."""


class NeverPlanned(ConferenceRefused):
    """The conference has no days yet."""


class DatedBeforeConference(ConferenceRefused):
    """The event is dated before the act that it follows."""


class PlannedAfterItsDay(ConferenceRefused):
    """A conference is planned for a day not before the planning act."""


class NamesAnotherDate(ConferenceRefused):
    """The conference was never planned for the date that the notice names."""


class ConferenceIsCancelled(ConferenceRefused):
    """The conference was cancelled."""


class ConferenceAlreadyOpened(ConferenceRefused):
    """The conference was opened."""


class OpeningOnAnotherDay(ConferenceRefused):
    """A conference opens on its planned first day."""


class ConferenceNeverOpened(ConferenceRefused):
    """The conference was not opened."""


class ConferenceAlreadyClosed(ConferenceRefused):
    """The conference was closed."""


class ConferenceNotClosed(ConferenceRefused):
    """The conference has not been closed."""


class OutsideTheConference(ConferenceRefused):
    """The event is dated on no day of the conference."""


class TaskAlreadyAssigned(ConferenceRefused):
    """A task of that name was given out."""


class UnknownTask(ConferenceRefused):
    """There is no task of that name."""


class TaskAlreadyDone(ConferenceRefused):
    """The task was done before."""


class SecretaryMissing(ConferenceRefused):
    """Minutes are adopted by a secretary."""


class MinutesAlreadyAdopted(ConferenceRefused):
    """The minutes were adopted."""


class SpeakerAlreadyRegistered(ConferenceRefused):
    """The speaker is on the list."""


class UnknownSpeaker(ConferenceRefused):
    """The speaker never registered."""


class SpeakerAlreadyCalled(ConferenceRefused):
    """The speaker had the floor."""


class SpeakerOutOfOrder(ConferenceRefused):
    """Another speaker registered earlier, and the chair gave no reason."""


class ReviewAlreadyHeld(ConferenceRefused):
    """The internal review was held."""


class ConclusionAlreadyIssued(ConferenceRefused):
    """The conclusion notice was issued."""


# --- annulment -----------------------------------------------------------------------------------------------------


class AnnulmentRefused(Refused):
    """The record stays."""


class UnknownRecord(AnnulmentRefused):
    """The stream holds no such record."""


class AlreadyAnnulled(AnnulmentRefused):
    """The record was taken back before."""


class NotAnnullable(AnnulmentRefused):
    """Such a record is not taken back."""


class LaterFactsRestOnIt(AnnulmentRefused):
    """A later fact would be impossible without the record."""
