"""The tools themselves are the locked ones."""

from tests.support.interop import run_node_tool


def test_node__is_the_locked_one() -> None:
    answer = run_node_tool("node", "--version")
    assert answer.returncode == 0
    assert int(answer.stdout.removeprefix("v").split(".")[0]) >= 24
