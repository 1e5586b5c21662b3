"""The command `doithoai import` for tests: in a process of its own, or inside the test's."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import build
from tests.support.intake import Intake

COMMAND = [sys.executable, "-m", "services.cli", "import"]


def environment(intake: Intake) -> dict[str, str]:
    """What the command needs of a running intake's settings."""
    settings = intake.settings
    return {"INTAKE_DATABASE_URL": intake.dsn, "INTAKE_MASTER_KEY_FILE": settings.master_key_file}


class Importing:
    """Imports into one store."""

    def __init__(self, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
        self.intake = intake
        for name, value in environment(intake).items():
            monkeypatch.setenv(name, value)

    async def run(self, file: Path, *options: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, summary and error output."""
        arguments = ["import", str(file), "--json", *options]
        result = await asyncio.to_thread(CliRunner().invoke, build("import"), arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, json.loads(result.stdout or "{}"), result.stderr

    async def done(self, file: Path, *options: str) -> dict[str, Any]:
        """An import of which every row is recorded or known."""
        code, summary, errors = await self.run(file, *options)
        assert code == 0, errors or rejects_of(summary)
        return summary

    def start(self, file: Path, *options: str) -> "subprocess.Popen[bytes]":
        """The command in a process of its own."""
        environ = os.environ | environment(self.intake)
        return subprocess.Popen(
            [*COMMAND, str(file), "--json", *options], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


def write_lines(path: Path, *records: dict[str, Any]) -> Path:
    """A file of JSON Lines."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path


def rejects_of(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The rejected rows of JSON Lines; of any other file its lines."""
    path = Path(summary["rejects"])
    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line) if path.suffix == ".jsonl" else {"line": line} for line in lines]
