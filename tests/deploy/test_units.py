"""The units for a machine without containers: what they name exists, they are hardened, and they run as they say."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from services.dev.rabbitmq import free_ports
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.server import GRACE
from shared.http.tokens import mint_token
from tests.support.office import bearer
from tests.support.pair import get, until
from tests.support.postgres import TestServer, as_role
from tests.support.units import PROGRAM, UNITS, Machine, Unit, units

NATION = {"code": "VN", "name": "Việt Nam", "level": "nation", "parent": "", "valid_from": "2004-01-01"}
NAMES = sorted(path.stem for path in UNITS.glob("*.service"))
SETUP = (UNITS / "setup.sh").read_text("utf-8")
SETTINGS = {"INTAKE": IntakeSettings, "FOLLOWUP": FollowupSettings}
ANALYZE = shutil.which("systemd-analyze")
#: The exposure that systemd counts, of 100: what reaches the network and keeps files has some.
MOST_EXPOSED = 20


@pytest.fixture(params=NAMES)
def unit(request: pytest.FixtureRequest) -> Unit:
    return Unit(request.param, Machine(Path("/nowhere")))


def names_set(lines: list[str]) -> set[str]:
    return {match for line in lines for match in re.findall(r"\b([A-Z][A-Z_]+)=", line)}


def test_unit__sets_only_settings_that_exist(unit: Unit) -> None:
    if unit.one("ExecStart").split()[0] != PROGRAM:
        pytest.skip("a program of Debian's")
    for name in names_set(unit.all("Environment")) - {"DOITHOAI_SECRETS_DIR"}:
        prefix, _, rest = name.partition("_")
        assert rest.lower() in SETTINGS[prefix].model_fields, name


def test_configuration__sets_only_settings_that_exist() -> None:
    lines = (UNITS / "doithoai.conf").read_text("utf-8").splitlines()
    for name in names_set([line.removeprefix("#") for line in lines if re.match(r"#?[A-Z_]+=", line)]):
        prefix, _, rest = name.partition("_")
        assert rest.lower() in SETTINGS[prefix].model_fields, name


def test_unit__is_given_only_secrets_that_the_setup_makes(unit: Unit) -> None:
    for value in unit.all("LoadCredential"):
        source = value.partition(":")[2].removeprefix("/etc/doithoai/secrets/")
        made = re.sub(r"^(migrate/)?(intake|followup)_", r"\1${service}_", source)
        assert made in SETUP or source.removesuffix(".key") in ("master", "sessions", "webhooks"), value


def test_units__each_service_is_given_its_own_secrets_alone() -> None:
    given = {name: {v.partition(":")[0] for v in Unit(name, Machine(Path())).all("LoadCredential")} for name in NAMES}
    assert "master.key" not in given["doithoai-followup"]
    assert given["doithoai-intake"] and given["doithoai-followup"]
    assert not given["doithoai-intake"] & given["doithoai-followup"]
    assert not given["doithoai-files"]
    users = [Unit(name, Machine(Path())).one("User") for name in NAMES]
    made = re.findall(r"^u (\S+)", (UNITS / "doithoai.sysusers.conf").read_text("utf-8"), re.MULTILINE)
    assert set(users) <= set(made)


@pytest.mark.parametrize("name", ["doithoai-intake", "doithoai-followup"])
def test_unit__waits_for_the_requests_in_flight(name: str) -> None:
    assert int(Unit(name, Machine(Path())).one("TimeoutStopSec")) > GRACE


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not on this machine")
def test_unit__is_hardened(unit: Unit) -> None:
    command = [
        str(ANALYZE),
        "security",
        "--offline=yes",
        f"--threshold={MOST_EXPOSED}",
        str(UNITS / f"{unit.name}.service"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not on this machine")
def test_units__are_understood_by_systemd(tmp_path: Path) -> None:
    files = []
    for source in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        # Verified is also whether the program is there.
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", source.read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / source.name).write_text(re.sub(r"^(User|Group)=.*", "", text, flags=re.MULTILINE), "utf-8")
        files.append(str(tmp_path / source.name))
    done = subprocess.run([str(ANALYZE), "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "doithoai" in line]
    assert (done.returncode, ours) == (0, [])


# --- the units' own commands, environment, credentials and signals, as processes against real servers ---


@pytest.fixture
async def machine(tmp_path: Path, pg_server: TestServer, amqp_url: str) -> Machine:
    """A machine on which everything was set up but nothing migrated or started."""
    made = Machine(tmp_path)
    admin = await asyncpg.connect(pg_server.dsn("postgres"))
    for role in ("intake", "followup", "intake_owner", "followup_owner"):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} LOGIN")
    secrets = "/etc/doithoai/secrets"
    for service in ("intake", "followup"):
        dsn = await pg_server.empty()
        owner = f"{service}_owner"
        await admin.execute(f"GRANT {service} TO {owner}")
        await admin.execute(f'ALTER DATABASE "{re.findall(r"/(test_[0-9_]+)", dsn)[0]}" OWNER TO {owner}')
        made.write(f"{secrets}/{service}_database_url", as_role(dsn, service))
        made.write(f"{secrets}/migrate/{service}_database_url", as_role(dsn, owner))
        made.write(f"{secrets}/{service}_amqp_url", amqp_url)
    await admin.close()
    for name in ("master.key", "sessions.key", "webhooks.key"):
        made.write(f"{secrets}/{name}", os.urandom(32))
    token, entry = mint_token("followup", "auditor")
    office, office_entry = mint_token("office", "office")
    made.write(f"{secrets}/auditor.token", token)
    made.write("/office.token", office)
    made.write("/etc/doithoai/tokens.json", msgspec.json.encode({"tokens": [entry, office_entry]}))
    ports = free_ports(2)
    text = (UNITS / "doithoai.conf").read_text("utf-8").replace("FOLLOWUP_BROKER_PUBLISHER=intake", "")
    text = text.replace("INTAKE_SOURCE=local", "INTAKE_SOURCE=lai-chau").replace(":8570", f":{ports[0]}")
    made.write("/etc/doithoai/doithoai.conf", f"{text}\nINTAKE_PORT={ports[0]}\nFOLLOWUP_PORT={ports[1]}\n")
    return made


@pytest.fixture
def started(machine: Machine) -> Iterator[list[Unit]]:
    with units(machine, "doithoai-migrate", "doithoai-intake", "doithoai-followup") as made:
        assert made[0].run() == 0, made[0].tail()
        yield [unit.start() for unit in made[1:]]


def url_of(unit: Unit) -> str:
    name = unit.name.removeprefix("doithoai-").upper()
    return f"http://127.0.0.1:{unit.environment()[f'{name}_PORT']}"


def is_ready(unit: Unit) -> bool:
    assert unit.process is not None and unit.process.poll() is None, unit.tail()
    try:
        return get(f"{url_of(unit)}/readyz", timeout=5).status_code == 200
    except Exception:
        return False


@pytest.mark.slow
def test_units__run_as_they_say_and_stop_in_time(machine: Machine, started: list[Unit]) -> None:
    intake, followup = started
    for unit in started:
        until(lambda unit=unit: is_ready(unit), what=unit.name)  # type: ignore[misc]
    office = bearer(machine.path("/office.token").read_text())
    # A proxy shows both under paths of one host; probes find them without.
    page = get(f"{url_of(followup)}/doithoai/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/doithoai/office/login")
    assert get(f"{url_of(intake)}/doithoai-intake/v1/clock", headers=office).status_code == 200
    body = {"jurisdiction": "VN", "text": "Đường vào bản bị sạt lở."}
    assert httpx.post(f"{url_of(intake)}/v1/jurisdictions", json=NATION, headers=office, timeout=30).is_success
    received = httpx.post(f"{url_of(intake)}/doithoai-intake/v1/petitions", json=body, headers=office, timeout=30)
    assert received.headers["location"].startswith("/doithoai-intake/v1/petitions/"), received.text
    case = f"{url_of(followup)}/doithoai/v1/cases/{received.json()['id']}"
    until(lambda: get(case, headers=office, timeout=10).status_code == 200, what="the petition in followup")
    assert machine.path("/var/lib/doithoai-intake/files").is_dir()
    for unit in started:
        assert unit.stop() == 0, unit.tail()
