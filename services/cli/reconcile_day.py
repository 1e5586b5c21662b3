"""`doithoai intake reconcile`: a day of a portal's own export held against the service."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from services.cli.intake_client import DEFAULT_URL, get
from services.exit_codes import FAILED, WRONG_USE, stop_at
from shared.cases.reconciliation import LineDigests, bucket_of
from shared.cases.source_version import kept_version
from shared.identifiers import normalised
from shared.sentences import Sentence

COLUMNS = ("external_id", "source_version", "state")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")

Line = tuple[str, str]  # version and state


def reconcile(
    file: Annotated[Path, typer.Argument(help=f"CSV in UTF-8 with the columns {', '.join(COLUMNS)}", metavar="FILE")],
    source: Annotated[str, typer.Option(help="The source in whose name the petitions were pushed.")],
    day: Annotated[str, typer.Option(help="The day on which they were received, such as 2026-12-01.")],
    url: Annotated[str, typer.Option(help="The intake that is asked.")] = DEFAULT_URL,
    token: Annotated[str, typer.Option(help="The caller's token; else DOITHOAI_TOKEN.")] = "",
) -> None:
    """Compare a day of your own with the service: name what differs and how. 0 where nothing does, else 1."""
    _check_day(day)
    ours = _read(file)
    asked = {"source": source, "day": day}
    theirs = _asked(url, token, asked)
    own = _digests(ours)
    if (own.total.count, own.total.digest) == (theirs["count"], theirs["digest"]):
        final = Sentence("đã chốt", "final") if theirs["final"] else Sentence("chưa chốt", "not final yet")
        typer.echo(f"{day} {source}: {own.total.count} {Sentence('giống nhau', 'the same').both}; {final.both}")
        return
    # What came since the first answer is not to be told as a difference.
    asked["position"] = str(theirs["at"]["position"])
    differing = list(_differing(own, theirs["buckets"]))
    found = 0
    for bucket in differing:
        told = _asked(url, token, {**asked, "bucket": str(bucket)})["lines"]
        there = {line["external_id"]: (line["source_version"], line["state"]) for line in told}
        here = {name: line for name, line in ours.items() if bucket_of(name) == bucket}
        for sentence in _differences(here, there):
            typer.echo(sentence)
            found += 1
    said = Sentence(f"{found} bản ghi khác nhau", f"{found} records differ")
    stop_at(f"{day} {source}", FAILED, said)


def _check_day(day: str) -> None:
    try:
        if _ISO_DAY.fullmatch(day) is not None:
            datetime.fromisoformat(day)
            return
    except ValueError:
        pass
    said = Sentence(f"{day!r} không phải là ngày; hãy viết như 2026-12-01", f"{day!r} is no day; write 2026-12-01")
    stop_at("--day", WRONG_USE, said)


def _asked(url: str, token: str, query: Mapping[str, str]) -> dict[str, Any]:
    answer = get(url, f"/v1/reconciliation?{urlencode(query)}", token)
    if answer is None:
        said = Sentence(
            f"{url} không đối chiếu được (404); hãy nêu hệ thống tiếp nhận cùng phiên bản",
            f"{url} compares nothing (404); name an intake of this version",
        )
        stop_at("--url", FAILED, said)
    return answer


def _read(file: Path) -> dict[str, Line]:
    """The lines of the export by id."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            head = text.readline()
            delimiter = max(",;\t", key=head.count)
            names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
            if missing := [name for name in COLUMNS if name not in names]:
                listed = ", ".join(missing)
                said = Sentence(
                    f"thiếu cột {listed}; dòng đầu phải nêu các cột", f"no column {listed}; the first line names them"
                )
                stop_at(str(file), WRONG_USE, said)
            found: dict[str, Line] = {}
            for number, row in enumerate(csv.DictReader(text, names, delimiter=delimiter), 2):
                name, version, state = (normalised(row[column] or "") for column in COLUMNS)
                if not name or name in found:
                    said = Sentence(
                        "external_id để trống hoặc lặp lại; mỗi kiến nghị một dòng",
                        "external_id is empty, or stands there twice; give each petition one line",
                    )
                    stop_at(f"{file}:{number}", WRONG_USE, said)
                found[name] = (kept_version(version) or version, state)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        said = Sentence(
            f"không đọc được ({why}); hãy nêu một tệp CSV UTF-8", f"cannot be read ({why}); name CSV in UTF-8"
        )
        stop_at(str(file), WRONG_USE, said)
    return found


def _digests(lines: Mapping[str, Line]) -> LineDigests:
    digests = LineDigests()
    for name in sorted(lines, key=str.encode):
        digests.add(name, *lines[name])
    return digests


def _differing(own: LineDigests, buckets: list[dict[str, Any]]) -> Iterator[int]:
    here = {number: (found.count, found.digest) for number, found in own.buckets}
    there = {each["bucket"]: (each["count"], each["digest"]) for each in buckets}
    yield from sorted(n for n in here.keys() | there.keys() if here.get(n) != there.get(n))


def _differences(here: Mapping[str, Line], there: Mapping[str, Line]) -> Iterator[str]:
    """What differs, a line each: the id, then what this side says and what the service says."""
    for name in sorted(here.keys() | there.keys(), key=str.encode):
        ours, theirs = here.get(name), there.get(name)
        if ours is None:
            yield f"{name}\t{Sentence('chỉ có ở hệ thống', 'only at the service').both}"
        elif theirs is None:
            yield f"{name}\t{Sentence('chỉ có trong tệp', 'only in the file').both}"
        elif ours != theirs:
            parts = zip(COLUMNS[1:], ours, theirs, strict=True)
            yield "\t".join([name, *(f"{part}: {a or '-'} ≠ {b or '-'}" for part, a, b in parts if a != b)])
