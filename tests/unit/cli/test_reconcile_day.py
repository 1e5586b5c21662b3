"""`doithoai intake reconcile`: what differs is named, in as few calls as it takes."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from services.cli import build, reconcile_day
from services.exit_codes import FAILED, WRONG_USE
from shared.cases.reconciliation import LineDigests, bucket_of

LINES = {f"LC-{n}": ("1", "received") for n in range(300)} | {"Đơn 1": ("", "replied")}


class ComparedDay:
    """Answers as the service would for some lines, and counts the calls."""

    def __init__(self, lines: dict[str, tuple[str, str]]) -> None:
        self.lines, self.calls = lines, list[dict[str, list[str]]]()

    def get(self, url: str, path: str, token: str) -> dict[str, Any]:
        query = parse_qs(urlsplit(path).query)
        self.calls.append(query)
        wanted = [
            n
            for n in sorted(self.lines, key=str.encode)
            if query.get("bucket", [str(bucket_of(n))]) == [str(bucket_of(n))]
        ]
        digests = LineDigests()
        for name in wanted:
            digests.add(name, *self.lines[name])
        return {
            "final": True,
            "at": {"position": 7},
            "count": digests.total.count,
            "digest": digests.total.digest,
            "buckets": [{"bucket": n, "count": b.count, "digest": b.digest} for n, b in digests.buckets],
            "lines": [
                {"external_id": n, "source_version": self.lines[n][0], "state": self.lines[n][1]} for n in wanted
            ],
        }


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> ComparedDay:
    made = ComparedDay(dict(LINES))
    monkeypatch.setattr(reconcile_day, "get", made.get)
    return made


def compared(
    tmp_path: Path, lines: dict[str, tuple[str, str]], head: str = "external_id,source_version,state"
) -> Result:
    file = tmp_path / "ngay.csv"
    file.write_text("\n".join([f"\ufeff{head}", *(",".join((n, *line)) for n, line in lines.items())]) + "\n", "utf-8")
    return CliRunner().invoke(
        build("intake"), ["intake", "reconcile", str(file), "--source", "cổng", "--day", "2026-12-01"]
    )


def test_day__that_is_the_same_takes_one_call(service: ComparedDay, tmp_path: Path) -> None:
    done = compared(tmp_path, LINES)
    assert (done.exit_code, len(service.calls)) == (0, 1), done.output
    assert "301 giống nhau / the same" in done.output


def test_record__that_differs_is_named_in_two_calls(service: ComparedDay, tmp_path: Path) -> None:
    done = compared(tmp_path, LINES | {"LC-7": ("2", "received")})
    assert (done.exit_code, len(service.calls)) == (FAILED, 2)
    assert done.stdout.splitlines() == ["LC-7\tsource_version: 2 ≠ 1"]
    assert service.calls[1] == {
        "source": ["cổng"],
        "day": ["2026-12-01"],
        "bucket": [str(bucket_of("LC-7"))],
        "position": ["7"],
    }


def test_version__may_be_written_as_it_was_pushed(service: ComparedDay, tmp_path: Path) -> None:
    service.lines["LC-7"] = ("2026-03-02T01:15:00.000000Z", "received")
    service.lines["LC-8"] = ("7", "received")
    pushed = {"LC-7": ("2026-03-02T08:15:00+07:00", "received"), "LC-8": ("007", "received")}
    done = compared(tmp_path, LINES | pushed)
    assert (done.exit_code, len(service.calls)) == (0, 1), done.output


def test_records__of_one_side_alone_are_named(service: ComparedDay, tmp_path: Path) -> None:
    del service.lines["LC-8"]
    here = {name: line for name, line in LINES.items() if name != "Đơn 1"}
    done = compared(tmp_path, here)
    assert set(done.stdout.splitlines()) == {
        "LC-8\tchỉ có trong tệp / only in the file",
        "Đơn 1\tchỉ có ở hệ thống / only at the service",
    }


def test_file__without_a_column_or_with_an_id_twice_is_refused(service: ComparedDay, tmp_path: Path) -> None:
    done = compared(tmp_path, LINES, "external_id,version,state")
    assert done.exit_code == WRONG_USE and "source_version" in done.stderr
    done = compared(tmp_path, {"LC-1": ("1", "received"), " LC-1": ("1", "received")})
    assert done.exit_code == WRONG_USE and "ngay.csv:3" in done.stderr
    assert service.calls == []
