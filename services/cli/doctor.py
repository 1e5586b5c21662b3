"""`doithoai doctor`: one page of what is right and wrong with a pair, each with its remedy."""

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.exit_codes import FAILED, WRONG_USE, stop_at
from shared.sentences import Sentence

if TYPE_CHECKING:  # it knows every room, and is imported when it is asked for
    from services.doctor.examination import Examination

NOT_CONFIGURED = Sentence(
    "hãy đặt một trong hai hoặc cả hai, như khi chạy dịch vụ", "set one of them or both, as for the services"
)


def doctor(
    backups: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Nơi cất các bản sao lưu. / Where the backups are; looked at too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON. / Print JSON instead of text.")] = False,
) -> None:
    """Khám một lượt: cái gì đúng, cái gì sai, cách sửa. / Say what is right and wrong here, and what to do.

    It looks at what the settings of the services name, with their environment: settings, secrets, databases and their
    servers, broker, processes, certificates, time, disks, backups. As root it also looks whether the users of the units
    may read and write what they need. It changes nothing. Exit code 1 where something is wrong.
    """
    from services.doctor.examination import examined, is_configured

    if not is_configured():
        stop_at("INTAKE_DATABASE_URL, FOLLOWUP_DATABASE_URL", WRONG_USE, NOT_CONFIGURED)
    # What libraries log of a broker that is away would stand above the page, which says it in both languages.
    logging.getLogger().addHandler(logging.NullHandler())
    report = asyncio.run(examined(backups, time.time))
    if as_json:
        told = [
            {
                "section": part.title.en,
                "state": finding.state.value,
                "vi": finding.said.vi,
                "en": finding.said.en,
                "remedy": {"vi": finding.remedy.vi, "en": finding.remedy.en} if finding.remedy else None,
            }
            for part in report.sections
            for finding in part.findings
        ]
        typer.echo(json.dumps({"version": report.version, "right": report.is_right, "findings": told}))
    else:
        _print(report)
    if not report.is_right:
        raise typer.Exit(FAILED)


def _print(report: "Examination") -> None:
    marks = {"right": "  ✓", "note": "  !", "wrong": "  ✗"}
    typer.echo(f"doithoai {report.version}")
    for part in report.sections:
        typer.echo(f"\n{part.title.both}")
        for finding in part.findings:
            typer.echo(f"{marks[finding.state.value]} {finding.said.both}")
            if finding.remedy is not None:
                typer.echo(f"      → {finding.remedy.both}")
    count = sum(finding.state.value == "wrong" for part in report.sections for finding in part.findings)
    said = (
        Sentence(f"{count} điều sai", f"{count} things are wrong") if count else Sentence("không sai", "all is right")
    )
    typer.echo(f"\n{said.both}")
