"""A signal that ends the development pair is not lost, whatever was running when it came."""

import gc
import signal
import subprocess
import sys

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


def test_signal__amid_a_text_that_python_runs_is_handled_for_good() -> None:
    """As the methods of a data class are, where an import makes one."""
    program = (
        "from services.dev.pair import Interruption\n"
        "try:\n"
        "    exec('Interruption().ask(2, None)')\n"
        "except KeyboardInterrupt:\n"
        "    print('handled')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
