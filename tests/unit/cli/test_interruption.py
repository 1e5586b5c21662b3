"""A signal that ends the development pair is not lost, whatever was running when it came."""

import gc
import signal

import pytest

from services.dev.pair import Interruption


class Swallows:
    """Something whose destructor the signal falls into: what it raises there Python only prints."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGUSR1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_signal__in_a_destructor_ends_the_run_at_its_next_look() -> None:
    interruption = Interruption()
    interruption.check()
    before = signal.signal(signal.SIGUSR1, interruption.ask)
    try:
        Swallows()
        gc.collect()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    finally:
        signal.signal(signal.SIGUSR1, before)
