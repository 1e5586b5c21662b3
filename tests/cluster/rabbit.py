"""Three RabbitMQ nodes, whose queues are quorum queues."""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

from services.dev.rabbitmq import GREETING
from shared.rabbit.topology import events_of
from tests.cluster.hosts import DATABASES
from tests.cluster.processes import Program, until
from tests.cluster.site import ROOT, SOURCE, VHOST, Site

NODES = ("rabbit1", "rabbit2", "rabbit3")
HOSTS = dict(zip(NODES, DATABASES, strict=True))
PORT, DISTRIBUTION, MAPPER = 5672, 25672, 4369
USERS = ("intake", "followup")
TICK = 10  # seconds until a node whose host was cut off is given up; meanwhile nothing can be declared
FORMED_WITHIN = 120.0  # seconds

_SCHEDULERS = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"  # no busy waiting: the machine is shared


class Brokers:
    """The three nodes and the queue that matters."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def configure(self) -> None:
        """Write what each node reads."""
        secrets = self._site.folder / "secrets"
        for user in USERS:
            self._site.keep(f"rabbitmq-{user}.password", self._site.secret(f"broker-{user}"))
        shipped = ROOT / "deploy" / "rabbitmq"
        definitions = secrets / "rabbitmq.definitions.json"
        with definitions.open("w") as output:
            filler = [
                sys.executable,
                str(shipped / "with_passwords.py"),
                str(shipped / "definitions.json"),
                str(secrets),
            ]
            subprocess.run(filler, stdout=output, check=True)
        content = json.loads(definitions.read_text())
        for right in content["topic_permissions"]:
            right["write"] = right["write"].replace("local", SOURCE)
        definitions.write_text(json.dumps(content))
        for name in NODES:
            folder = self._site.folder / name
            folder.mkdir(parents=True, exist_ok=True)
            cookie = folder / ".erlang.cookie"
            if not cookie.exists():
                cookie.write_text(self._site.secret("erlang"))
                cookie.chmod(0o400)
            (folder / "enabled_plugins").write_text("[].\n")
            (folder / "rabbitmq.conf").write_text("".join(f"{k} = {v}\n" for k, v in self._settings(name).items()))

    def _settings(self, name: str) -> dict[str, str]:
        discovery = "cluster_formation"
        return {
            "listeners.tcp.1": f"{self._site.address(HOSTS[name])}:{PORT}",
            f"{discovery}.peer_discovery_backend": "classic_config",
            **{f"{discovery}.classic_config.nodes.{i}": self._node(n) for i, n in enumerate(NODES, 1)},
            "cluster_partition_handling": "pause_minority",
            "net_ticktime": str(TICK),
            "load_definitions": str(self._site.folder / "secrets" / "rabbitmq.definitions.json"),
            "loopback_users": "none",
            "max_message_size": "16777216",
            "disk_free_limit.absolute": "50MB",
            "vm_memory_high_watermark.absolute": "1GB",
        }

    def programs(self) -> list[Program]:
        """The nodes, and what tells them each other's ports: one for each host, or one for all on the loopback."""
        each = DATABASES if self._site.hosts.can_cut else DATABASES[:1]
        addresses = ",".join(self._site.address(host) for host in DATABASES)
        mappers = [
            Program(
                name=f"epmd{number}",
                host=host,
                command=(
                    self._epmd(), "-port", str(self._mapper_port()),
                    "-address", self._site.address(host) if self._site.hosts.can_cut else addresses,
                ),
            )
            for number, host in enumerate(each, 1)
        ]  # fmt: skip
        return mappers + [
            Program(
                name=name,
                host=HOSTS[name],
                command=(str(self._site.servers.rabbit / "rabbitmq-server"),),
                environment=self.environment(name),
                disk=str(self._site.folder / name / "mnesia"),
                stale=(str(self._site.folder / name / "node.pid"),),
            )
            for name in NODES
        ]

    def environment(self, name: str) -> dict[str, str]:
        """What a node needs, and what is to talk to it on its host: its name, its cookie, its ports."""
        folder, address = self._site.folder / name, self._site.address(HOSTS[name])
        interface = "{" + address.replace(".", ",") + "}"
        return self._site.servers.environment | {
            "HOME": str(folder),
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": self._node(name),
            "RABBITMQ_DIST_PORT": str(DISTRIBUTION + NODES.index(name)),  # one mapper takes each port once
            "ERL_CRASH_DUMP": f"{folder}/erl_crash.dump",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_PID_FILE": f"{folder}/node.pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{_SCHEDULERS} -kernel inet_dist_use_interface {interface}",
            "ERL_EPMD_ADDRESS": address,
            "ERL_EPMD_PORT": str(self._mapper_port()),
        }

    def url(self, user: str) -> str:
        """Where a user reaches the nodes."""
        nodes = ",".join(f"{self._site.address(host)}:{PORT}" for host in DATABASES)
        return f"amqp://{user}:{self._site.secret(f'broker-{user}')}@{nodes}/{VHOST}"

    def control(self, name: str, *arguments: str) -> str:
        """What `rabbitmqctl` says of a node."""
        program = str(self._site.servers.rabbit / "rabbitmqctl")
        return self._site.run(HOSTS[name], program, "-q", *arguments, environment=self.environment(name))

    def leader(self) -> str:
        """The node that leads the queue of intake's events, as a node that answers sees it."""
        listed = self.control(self._answering()[0], "list_queues", "-p", VHOST, "--no-table-headers", "name", "leader")
        leaders = dict(line.split("\t")[:2] for line in listed.splitlines() if "\t" in line)
        node = leaders[events_of(SOURCE).queue]
        return next(name for name in NODES if self._node(name) == node)

    def is_whole(self) -> bool:
        """Whether each node takes connections."""
        return len(self._answering()) == len(NODES)

    def answers(self, name: str) -> bool:
        """Whether a node takes connections."""
        return _greets(self._site.address(HOSTS[name]))

    def node_on(self, host: str) -> str:
        """The node of a host; without a host one that answers."""
        named = [name for name in NODES if HOSTS[name] == host] if host else self._answering()
        return named[0] if named else NODES[0]

    def _answering(self) -> list[str]:
        return [name for name in NODES if self.answers(name)]

    def wait_formed(self) -> None:
        """Wait until the three are one cluster. Raises NotWithin."""
        until(self.is_whole, FORMED_WITHIN, "three RabbitMQ nodes take connections")
        listed = json.loads(self.control(NODES[0], "cluster_status", "--formatter", "json"))
        assert len(listed["running_nodes"]) == len(NODES), f"no cluster: {listed['running_nodes']}"

    def version(self) -> str:
        """The version of RabbitMQ."""
        return self.control(NODES[0], "version").strip()

    def _node(self, name: str) -> str:
        # On the loopback one mapper serves all three, to whom two nodes of one name would be one.
        return f"{name}@{self._site.address(HOSTS[name])}"

    def _mapper_port(self) -> int:
        if self._site.hosts.can_cut:
            return MAPPER
        # A mapper listens on 127.0.0.1 too, whatever it is told: there the usual port may be another's.
        _, first, second, _ = map(int, self._site.address(DATABASES[0]).split("."))
        return 20_000 + (first * 256 + second) % 10_000

    def _epmd(self) -> str:
        below = self._site.servers.environment.get("ERL_ROOTDIR", "/usr/lib/erlang")
        return str(next(Path(below).glob("erts-*/bin/epmd")))


def _greets(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, PORT), 1) as connection:
        connection.settimeout(1)
        connection.sendall(GREETING)
        return bool(connection.recv(1))
    return False
