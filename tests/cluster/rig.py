"""The whole cluster: brought up in order, hurt, looked at, taken down."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from tests.cluster.balancer import PORTS, balancer_program, url_of
from tests.cluster.etcd import environment_of_etcd, etcd_programs
from tests.cluster.hosts import APPLICATIONS, EDGE, hosts_of, loopback_of
from tests.cluster.packages import find_servers
from tests.cluster.patroni import Databases
from tests.cluster.processes import NotWithin, Processes, Program, until
from tests.cluster.rabbit import NODES as BROKERS
from tests.cluster.rabbit import Brokers
from tests.cluster.services import make_secrets, service_programs, token_of
from tests.cluster.site import FOLDER, ROOT, Site

#: Where `connect-a-system` pushes its petitions: code, level, name.
PLACES = (
    ("H35", "province", "Tỉnh Lai Châu"), ("H35.10", "district", "Huyện Tam Đường"),
    ("H35.10.31", "commune", "Xã Bản Bo"),
)  # fmt: skip
LIVED = 1.0  # seconds after which a part that cannot be asked is taken to stay
READY_WITHIN = 60.0  # seconds
WHOLE_WITHIN = 120.0  # seconds after everything runs again: a server may have to be rewound
DOOR = "door"


class Rig:
    """One cluster on this machine, in one folder. Another process may have brought it up."""

    def __init__(self, folder: Path = FOLDER, say: Callable[[str], None] = print) -> None:
        hosts = hosts_of(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.site = Site(folder, hosts, find_servers(folder / "servers"))
        self.processes = Processes(folder, hosts)
        self.databases, self.brokers = Databases(self.site), Brokers(self.site)
        self.hosts, self._say = hosts, say
        self.programs: dict[str, Program] = {}

    # --- up and down -----------------------------------------------------------------------------------------------

    def is_standing(self) -> bool:
        """Whether something of it runs."""
        return bool(self.processes.pids())

    def up(self) -> None:
        """Bring it up on an empty folder, whatever was left there; then call from the edge."""
        self.down()
        shutil.rmtree(self.site.folder / "log", ignore_errors=True)
        began = time.monotonic()
        self.hosts.make()
        if self.hosts.can_cut:
            self.processes.start(self._door())
        self.attach()
        make_secrets(self.site)
        self.databases.configure()
        self.brokers.configure()
        self._start("epmd", "etcd")
        # Beside each other, since a broker takes half a minute; its first node alone, whom the others then find.
        self._start("rabbit1")
        until(lambda: all(self._answers(p.probe) for p in self._of("etcd")), READY_WITHIN, "etcd")
        self._start("pg1")
        self._tell("etcd", began)
        until(lambda: self.databases.primary() == "pg1", READY_WITHIN, "a primary")
        self._start("pg2")
        self.databases.create()
        until(lambda: self.brokers.answers("rabbit1"), READY_WITHIN, "the first broker")
        self._start("rabbit2", "rabbit3")
        self.databases.wait_whole(WHOLE_WITHIN)
        self._tell("PostgreSQL", began)
        self.brokers.wait_formed()
        self._tell("RabbitMQ", began)
        # The first migrates and makes the queues; all the same any may come first.
        self._start("haproxy", "intake", "followup")
        self.wait_whole()
        self._tell("the services", began)

    def attach(self) -> None:
        """Know what there is and call from the edge; also of a cluster that another process has brought up."""
        self.hosts.enter()
        services = service_programs(self.site, self.databases, self.brokers)
        declared = [
            *etcd_programs(self.site), *self.databases.programs(), *self.brokers.programs(),
            balancer_program(self.site, services), *services,
        ]  # fmt: skip
        self.programs = {program.name: program for program in declared}

    def down(self) -> None:
        """End everything that runs, take the hosts away, empty the folder."""
        self.processes.kill_all()
        self.hosts.remove()
        for path in self.site.folder.iterdir():
            if path.name not in ("servers", "log"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _door(self) -> Program:
        """Lets whoever sits at this machine in: the hosts are reached from nowhere else."""
        inside, outside = self.site.address(EDGE), loopback_of(self.site.folder, 1)
        ports = [str(port) for port in PORTS.values()]
        command = (
            sys.executable,
            str(ROOT / "tests" / "cluster" / "door.py"),
            outside,
            inside,
            self.hosts.space(EDGE),
            *ports,
        )
        return Program(name=DOOR, host="", command=command)

    def _start(self, *prefixes: str) -> None:
        for name, program in self.programs.items():
            if name.startswith(prefixes) and not self.processes.pids(name):
                self.processes.start(program)

    def _of(self, prefix: str) -> list[Program]:
        return [program for name, program in self.programs.items() if name.startswith(prefix)]

    def _tell(self, what: str, began: float) -> None:
        self._say(f"{time.monotonic() - began:5.0f} s  {what}")

    # --- one part --------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a part again."""
        self.processes.start(self.programs[name])

    def wait_started(self, name: str) -> None:
        """Wait until a part that was started can serve. Raises NotWithin, at once where it has ended again."""
        begun = time.monotonic()

        def has_begun() -> bool:
            if not self.processes.pids(name):
                raise NotWithin(f"{name} has ended again: {self.processes.last_words(name)}")
            if probe := self.programs[name].probe:
                return self._answers(probe)
            return self.brokers.answers(name) if name in BROKERS else time.monotonic() - begun > LIVED

        until(has_begun, READY_WITHIN, f"{name} is ready, though it runs")

    def kill(self, name: str) -> None:
        """End a part as a power cut would."""
        self.processes.kill(name)

    def lose(self, name: str) -> None:
        """End a part as a power cut would, and let its disk be gone."""
        disk = self.programs[name].disk
        assert disk, f"{name} keeps nothing on a disk"
        self.kill(name)
        shutil.rmtree(disk, ignore_errors=True)

    def stop(self, name: str) -> None:
        """End a part in good order."""
        self.processes.stop(name)

    def freeze(self, name: str) -> None:
        """Let a part stand still."""
        self.processes.signal_to(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self.processes.signal_to(name, signal.SIGCONT)

    def environment(self, command: Sequence[str], host: str = "") -> tuple[str, dict[str, str]]:
        """Where a person runs a command, and with which environment: what the engines' programs and the services need.

        RabbitMQ's programs run beside a node, all others on an application host where no host is given.
        """
        servers = self.site.servers
        if any(word.startswith("rabbitmq") for word in command):  # also behind `timeout 5`
            node = self.brokers.node_on(host)
            return self.programs[node].host, self.brokers.environment(node) | {"PATH": self._path(servers.rabbit)}
        host = host or APPLICATIONS[0]
        found = servers.environment | environment_of_etcd(self.site) | self.databases.environment()
        for program in self.programs.values():
            if program.name.startswith(tuple(PORTS)) and program.host in (host, APPLICATIONS[0]):
                found |= program.environment
        token = {"DOITHOAI_TOKEN": token_of(self.site, "office")}
        return host, found | token | {
            "PATH": self._path(servers.etcdctl.parent, servers.postgres, servers.patroni.parent)
        }

    def _path(self, *folders: Path) -> str:
        return ":".join([*map(str, folders), self.site.servers.environment.get("PATH", os.environ["PATH"])])

    def register_places(self) -> None:
        """Make the places of which the documents tell; safe to repeat."""
        authorization = f"Bearer {token_of(self.site, 'office')}"
        with httpx.Client(base_url=url_of(self.site, "intake"), headers={"Authorization": authorization}) as intake:
            for code, level, name in PLACES:
                body = {
                    "code": code, "name": name, "level": level, "parent": code.rpartition(".")[0],
                    "valid_from": "2019-01-01",
                }  # fmt: skip
                answer = intake.post("/v1/jurisdictions", json=body, headers={"Idempotency-Key": f"place:{code}"})
                assert answer.status_code == 201, answer.text

    def name_of(self, pid: int, prefix: str) -> str:
        """Which part a process belongs to."""
        return next(program.name for program in self._of(prefix) if pid in self.processes.pids(program.name))

    def holder(self, service: str, kind: str) -> str:
        """The process of a service that holds a lease now whose name begins so."""
        asked = f"SELECT holder FROM leases WHERE name LIKE '{kind}%' AND expires_at > now()"
        found = self.databases.query(service, asked)
        assert found, f"nobody holds a lease {kind}… of {service}"
        return self.name_of(int(found.split(":")[1]), service)

    def told_lost(self) -> int:
        """How many acknowledged commands intake tells an operator of as lost; each is then confirmed."""
        missing = sum(each["missing"] for each in json.loads(self._losses("--json")) if not each["confirmed_at"])
        self._losses("--confirm", "all", "--by", "Trực ban")
        return missing

    def _losses(self, *options: str) -> str:
        intake = self._of("intake")[0]
        command = (*intake.command[:2], "losses", *options)
        return self.site.run(intake.host, *command, environment=dict(intake.environment))

    # --- how it is -------------------------------------------------------------------------------------------------

    def wait_ready(self, name: str) -> None:
        """Wait until a part says that it can serve. Raises NotWithin."""
        until(lambda: self._answers(self.programs[name].probe), READY_WITHIN, f"{name} is ready")

    def wait_whole(self, synchronous: bool = True) -> None:
        """Wait until every part is there and does its work. Raises NotWithin."""
        for program in self.programs.values():
            if program.probe:
                until(lambda p=program: self._answers(p.probe), WHOLE_WITHIN, f"{program.name} is ready")
        self.databases.wait_whole(WHOLE_WITHIN, synchronous)
        until(self.brokers.is_whole, WHOLE_WITHIN, "three brokers")
        for service in PORTS:
            until(
                lambda s=service: self._answers(f"{url_of(self.site, s)}/readyz"), WHOLE_WITHIN, f"{service} is reached"
            )

    def _answers(self, url: str) -> bool:
        try:
            return httpx.get(url, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def addresses(self) -> dict[str, str]:
        """Where a person at this machine finds what."""
        outside = loopback_of(self.site.folder, 1) if self.hosts.can_cut else self.site.address(EDGE)
        return {service: f"http://{outside}:{port}/" for service, port in PORTS.items()}
