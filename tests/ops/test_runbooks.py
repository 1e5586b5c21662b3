"""The runbooks: one page an alert, and every command on them exists."""

import asyncio
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from typer.testing import CliRunner

from services.cli import build
from tests.support.postgres import TestServer
from tests.support.prometheus import RULES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(FOLDER.glob("Doithoai*.md"))
SECTIONS = ("What it means.", "deadlines meanwhile.", "How to look.", "How to mend.", "How you know that it is over.")
FILES = [
    file for room in ("services", "shared") for file in (ROOT / room).rglob("*.*") if file.suffix in (".py", ".sql")
]
CODE = "".join(file.read_text("utf-8") for file in FILES)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / "alerts.rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind on all pages, and in what leads to them."""
    files = [*PAGES, FOLDER / "README.md", ROOT / "docs" / "howto" / "operate.md"]
    text = "".join(file.read_text("utf-8") for file in files)
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for found, block in fenced if found == kind]


def test_alerts__each_has_its_page_and_each_page_its_alert() -> None:
    assert {page.stem for page in PAGES} == {rule["alert"] for rule in alerts()}


def test_index__lists_every_page_with_the_severity_of_its_alert() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    for name in {rule["alert"] for rule in alerts()}:
        severities = dict.fromkeys(rule["labels"]["severity"] for rule in alerts() if rule["alert"] == name)
        assert f"| [{name}]({name}.md) | {', '.join(severities)} |" in index


@pages
def test_page__says_what_a_person_on_call_asks(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem}\n\n*"), "the name, then what it means in Vietnamese"
    places = [text.find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


@pages
def test_page__links_to_files_that_exist(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        assert (page.parent / link.partition("#")[0]).is_file(), link


@pages
def test_page__names_what_the_code_names(page: Path) -> None:
    for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)", page.read_text("utf-8")):
        assert name in CODE or name.removesuffix("_total") in CODE, name


def test_commands__are_of_the_command_line() -> None:
    found = [line.split() for block in blocks("") for line in block.splitlines() if line.startswith("doithoai ")]
    assert len(found) >= 5
    for words in found:
        # The help is printed only if everything before it is a command, an argument or an option.
        arguments = [word.strip('"') for word in words[1:] if not word.isupper()]
        result = CliRunner().invoke(build(arguments[0]), [*arguments, "--help"])
        assert result.exit_code == 0, f"{' '.join(words)}: {result.output}"


def test_addresses__are_routes_of_the_service() -> None:
    found = {
        (service, path)
        for block in blocks("")
        for service, path in re.findall(r"\$(INTAKE|FOLLOWUP)(/[a-z0-9/]*)", block)
    }
    assert len(found) >= 8
    shared = "".join(file.read_text("utf-8") for file in (ROOT / "shared" / "http").glob("*.py"))
    for service, path in found:
        code = "".join(file.read_text("utf-8") for file in (ROOT / "services" / service.lower()).rglob("*.py"))
        assert f'"{path}"' in shared + code, f"{service}{path}"


@pytest.mark.parametrize("service", ["intake", "followup"])
def test_queries__run_and_only_read(service: str, pg_server: TestServer) -> None:
    queries = [block for block in blocks("sql") if block.startswith(f"-- {service}\n")]
    assert queries
    dsn = pg_server.database("shared.postgres", f"services.{service}")

    async def read() -> None:
        connection = await asyncpg.connect(dsn, server_settings={"default_transaction_read_only": "on"})
        try:
            for query in queries:
                await connection.fetch(query)
        finally:
            await connection.close()

    asyncio.run(read())


def test_queries__all_say_their_database() -> None:
    assert all(re.match(r"-- (intake|followup)\n", block) for block in blocks("sql"))
