"""The tag of an answer: the same for the same history, another for every other."""

from datetime import UTC, datetime, timedelta

from services.intake.application.answers import Chain, ChainLink
from services.intake.domain import AnyFact
from services.intake.domain.facts import Fact
from shared.events.petition import PetitionReceived
from shared.identifiers import derived_id
from tests.unit.intake.plan import COMMUNE, RECEIVED

AT = datetime(2019, 12, 2, tzinfo=UTC)
ID = derived_id("petition")


def fact(number: int, name: str, at: datetime = AT) -> AnyFact:
    event = PetitionReceived(effective_on=RECEIVED, jurisdiction=COMMUNE)
    return Fact(event, derived_id("event", name), number, number, at)


def tag(*facts: AnyFact, may_open: bool = True) -> str:
    return Chain((ChainLink(ID, facts),), may_open).tag


def test_tag__of_the_same_history_is_the_same() -> None:
    assert tag(fact(1, "receipt"), fact(2, "reply")) == tag(fact(1, "receipt"), fact(2, "reply"))
    assert tag(fact(1, "receipt")).startswith('"1-')


def test_tag__of_a_history_after_a_restore_is_another() -> None:
    lost = tag(fact(1, "receipt"), fact(2, "reply"), fact(3, "closing"))
    assert tag(fact(1, "receipt"), fact(2, "another reply"), fact(3, "closing")) != lost, "another event of its number"
    again = fact(2, "reply", AT + timedelta(hours=1))
    assert tag(fact(1, "receipt"), again, fact(3, "closing")) != lost, "sent again under its key, with other words"


def test_tag__tells_withheld_words_from_open_ones() -> None:
    assert tag(fact(1, "receipt"), may_open=False) != tag(fact(1, "receipt"))
