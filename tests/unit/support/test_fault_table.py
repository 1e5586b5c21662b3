"""The table of faults as a document: dated, with seed and machine, complete, its surroundings kept."""

from pathlib import Path

import pytest

from tests.support import fault_table

ROWS = [
    {"row": "10", "title": "Disk full", "how": "tmpfs | 200 MB", "checks": "I1", "result": "failed", "notes": ["a\nb"]},
    {"row": "1", "title": "Broker killed", "how": "SIGKILL", "checks": "I2 I3", "result": "passed", "notes": []},
]


def test_document__holds_every_row_and_keeps_the_words_around_it(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text(f"before\n{fault_table.BEGIN}old\n{fault_table.END}after\n")
    fault_table.write_document(fault_table.whole(ROWS, "7"), page)
    head, blank, *table = page.read_text().removeprefix(f"before\n{fault_table.BEGIN}").splitlines()
    assert "seed 7: 3 not injected, 1 passed, 1 failed." in head and head.startswith("20") and "Python" in head
    assert blank == ""
    assert table[2:4] == [
        "| 1 | Broker killed | SIGKILL | I2 I3 | passed |",
        "| 9 | A real pgbouncer in transaction mode | – | – | not injected; " + fault_table.LEFT_OUT[2][4] + " |",
    ]
    assert table[4] == "| 10 | Disk full | tmpfs \\| 200 MB | I1 | failed; a b |"
    assert table[-2:] == [fault_table.END.strip(), "after"]
    fault_table.write_document(fault_table.whole(ROWS[:1], "8"), page)
    assert "Broker killed" not in page.read_text() and page.read_text().startswith("before\n")


def test_document__committed_has_room_for_the_table() -> None:
    text = fault_table.DOCUMENT.read_text()
    assert text.count(fault_table.BEGIN) == text.count(fault_table.END) == 1


def test_kept__for_tools_and_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_table, "TABLE", tmp_path / "build" / "chaos.json")
    fault_table.write(fault_table.whole(ROWS, "7"))
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == ["chaos.json", "chaos.md"]
