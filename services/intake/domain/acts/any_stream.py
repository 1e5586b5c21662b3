"""What is done to any case: a reminder, the annulment of a wrong record, the erasure of a petitioner.

What an annulment is checked for stands in `annulment`: it judges the records that stay by all the other acts.
"""

from services.intake.domain.acts.act import OFFICE_OR_CHAIR, ConferenceAct, PetitionAct, always, any_body, unchanged
from services.intake.domain.acts.petition.reply_and_report import possible_after_reply
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.petition import PersonalDataErased

ERASURE = PetitionAct(
    event=PersonalDataErased,
    path="/v1/petitioners/{id}/erasure",
    roles=OFFICE_OR_CHAIR,
    follows_receipt=False,
    possible=always,
    check=any_body,
    fold=unchanged,
)
PETITION_ACTS = (
    PetitionAct(
        event=ReminderSent,
        path="reminders",
        roles=OFFICE_OR_CHAIR,
        # A duty that outlives the case can still be urged.
        possible=possible_after_reply,
        check=any_body,
        fold=unchanged,
    ),
    PetitionAct(
        event=RecordAnnulled,
        path="annulments",
        roles=OFFICE_OR_CHAIR,
        decided=("annulled_topic",),
        follows_receipt=False,
        possible=always,
        check=any_body,
        fold=unchanged,
    ),
    ERASURE,
)
CONFERENCE_ACTS = (
    ConferenceAct(
        event=ReminderSent,
        path="reminders",
        roles=OFFICE_OR_CHAIR,
        follows_beginning=False,
        possible=always,
        check=any_body,
        fold=unchanged,
    ),
    ConferenceAct(
        event=RecordAnnulled,
        path="annulments",
        roles=OFFICE_OR_CHAIR,
        decided=("annulled_topic",),
        follows_beginning=False,
        possible=always,
        check=any_body,
        fold=unchanged,
    ),
)
