"""What the console shows to whom is what intake lets them do."""

import pytest

from services.followup.console import roles
from services.intake.application.definitions import DEFINITIONS
from services.intake.entrypoints.people_queries import STAFF


@pytest.mark.parametrize(
    ("shown", "commands"),
    [
        (roles.RECEIVING, {"PetitionReceived", "PetitionClassified"}),
        (roles.REMINDING, {"ReminderSent"}),
        (roles.KEEPING, {"SpeakerCalled", "SpeakerRegistered", "MinutesAdopted", "PetitionRaised"}),
        (roles.PROPOSING, {"ConferenceProposed"}),
    ],
)
def test_roles__that_are_shown_an_act_are_those_that_may_do_it(shown: roles.Roles, commands: set[str]) -> None:
    found = [definition for definition in DEFINITIONS.values() if definition.command in commands]
    assert {definition.command for definition in found} == commands
    for definition in found:
        assert set(definition.roles) - {"system"} == set(shown)


def test_roles__that_see_people_are_those_of_intake() -> None:
    assert set(roles.SEEING_PEOPLE) == set(STAFF)
