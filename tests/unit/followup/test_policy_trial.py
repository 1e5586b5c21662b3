"""A policy tried on a history: what would differ, and nothing that time alone brings."""

import msgspec
import pytest

from services.followup.application.policy_trial import DeadlineChange, TrialAdoption, policy_impact
from shared.policy import Policy, read_policy
from tests.support.history import DISTRICT, History, day

SHORTER = read_policy(
    "policy_id: shorter\ndocument: {number: 2/QĐ, issued_on: 2019-08-01}\nvalid_from: 2019-08-01\n"
    "rules: [{duty: reply, form: deadline, length: 10}]\n"
)


@pytest.fixture
def history() -> History:
    """Petitions of the conference of Friday 23 August 2019; the last record is of Monday 2 September."""
    history = History()
    history.adopt("plan-570", "2019-06-24 08:00")
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-08-01")
    history.hold(conference, petition, first="2019-08-23")
    history.receive("q", "2019-09-02")
    return history


def differences(history: History, policy: Policy, valid_from: str, running: str = "keep") -> list[DeadlineChange]:
    given = msgspec.structs.replace(policy, valid_from=day(valid_from), running_clocks=running)
    return policy_impact(history.facts, TrialAdoption(jurisdiction=DISTRICT, policy=given))


def replies(found: list[DeadlineChange]) -> list[tuple[str, str, str]]:
    assert {each.duty for each in found} <= {"reply"}
    return [
        (each.state, str(each.before and each.before.due_on), str(each.after and each.after.due_on)) for each in found
    ]


def test_in_force_before_the_conference__its_clocks_differ(history: History) -> None:
    assert replies(differences(history, SHORTER, "2019-08-01")) == [("open", "2019-09-16", "2019-09-09")]


def test_in_force_after_it__only_moves_running_clocks_if_it_says_so(history: History) -> None:
    assert differences(history, SHORTER, "2019-08-24") == []
    assert replies(differences(history, SHORTER, "2019-08-24", "move")) == [("open", "2019-09-16", "2019-09-09")]


def test_in_force_from_a_day_to_come__is_seen_from_today(history: History) -> None:
    assert differences(history, SHORTER, "2021-01-01") == []
    assert differences(history, SHORTER, "2021-01-01", "move") == []
    assert replies(differences(history, SHORTER, "2019-09-05", "move")) == [("open", "2019-09-16", "2019-09-09")]


def test_same_rules__no_difference(history: History) -> None:
    same = msgspec.structs.replace(SHORTER, rules=())
    assert differences(history, same, "2019-08-01") == []


def test_nothing_happened__nothing_differs() -> None:
    assert policy_impact([], TrialAdoption(jurisdiction=DISTRICT, policy=SHORTER)) == []


def test_warnings_alone__are_a_difference(history: History) -> None:
    text = "policy_id: earlier\ndocument: {number: 3/QĐ, issued_on: 2019-08-01}\nvalid_from: 2019-08-01\n"
    rule = "{duty: reply, form: deadline, length: 15, extension: {told: [petitioner, committee]}, warn_days: [3]}"
    found = differences(history, read_policy(f"{text}rules: [{rule}]\n"), "2019-08-01")
    assert replies(found) == [("open", "2019-09-16", "2019-09-16")]
    # Working days before Mon 16 Sep 2019: 13(1) 12(2) 11(3) 10 9(5).
    (only,) = found
    assert only.before is not None and only.before.warned_on == (day("2019-09-09"), day("2019-09-13"))
    assert only.after is not None and only.after.warned_on == (day("2019-09-11"),)
