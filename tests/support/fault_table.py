"""The table that a session of faults ends with: on the terminal, in build, in docs.

`python -m tests.support.fault_table` writes docs/faults.md anew from the last build/chaos.json.
"""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.lines import engine

ROOT = Path(__file__).resolve().parents[2]
TABLE, DOCUMENT = ROOT / "build" / "chaos.json", ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- the table, by make chaos -->\n", "<!-- the end of the table -->\n"
#: Rows that no test injects, and why.
LEFT_OUT = (
    ("33", "Tampering as superuser", "SQL", "the verifier names the first bad row", "comes with the audit of the log"),
    ("34", "Key shredded, then rebuild and replay", "DROP of keys", "I8 I10", "comes with the audit of the log"),
    ("9", "A real pgbouncer in transaction mode", "–", "–", "Debian 12 has 1.18, which loses prepared statements (1.21 "
     "keeps them); what it does to LISTEN is injected by the proxy"),
)  # fmt: skip

Row: TypeAlias = dict[str, Any]


def whole(rows: Iterable[Row], seed: str) -> dict[str, Any]:
    """Everything that build/chaos.json says: what was injected and what was not, when, where, under which seed."""
    left_out = [
        {"row": row, "title": title, "how": how, "checks": checks, "result": "not injected", "notes": [why]}
        for row, title, how, checks, why in LEFT_OUT
    ]
    found = sorted([*rows, *left_out], key=lambda row: _number(row["row"]))
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"seed": seed, "when": when, "machine": engine(), "faults": found}


def lines(found: dict[str, Any]) -> list[str]:
    """The same as Markdown."""
    counts = ", ".join(
        f"{number} {result}" for result, number in Counter(row["result"] for row in found["faults"]).most_common()
    )
    head = f"{found['when']}; {found['machine']}; seed {found['seed']}: {counts}."
    table = ["| row | fault | how injected | must hold | result |", "|---|---|---|---|---|"]
    for row in found["faults"]:
        result = "; ".join([row["result"], *row["notes"]])
        cells = (row["row"], row["title"], row["how"], row["checks"], result)
        table.append("| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |")
    return [head, "", *table]


def write(found: dict[str, Any]) -> None:
    """Keep it in build, for tools and for people."""
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    TABLE.with_suffix(".md").write_text("\n".join(lines(found)) + "\n", "utf-8")


def write_document(found: dict[str, Any], document: Path = DOCUMENT) -> None:
    """Put it into the document in place of the table that is there; the words around it stay."""
    before, _, rest = document.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(before + BEGIN + "\n".join(lines(found)) + "\n" + END + after, "utf-8")


def _number(row: str) -> tuple[int, str]:
    first = row.split(",")[0]
    return (int(first), "") if first.isdigit() else (99, row)


if __name__ == "__main__":
    write_document(json.loads(TABLE.read_text("utf-8")))
