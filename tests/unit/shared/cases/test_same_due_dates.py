"""Whatever happens, intake refuses by the due date that followup raises."""

from hypothesis import given, settings

from tests.support.both_services import BothServices
from tests.support.reply_strategies import PETITIONS, Plot, play, plots


@settings(max_examples=100, deadline=None)
@given(plots())
def test_due_dates__are_the_same_in_both_services_after_every_event(plot: Plot) -> None:
    both = BothServices()

    def check() -> None:
        assert both.due_in_intake(PETITIONS) == both.due_in_followup(PETITIONS)

    play(plot, both, check)
