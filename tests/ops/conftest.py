"""The tools of operations: installed once, where they may be."""

import pytest

from tests.support.prometheus import ensure_installed


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """promtool, amtool, prometheus, prometheus-alertmanager."""
    ensure_installed()
