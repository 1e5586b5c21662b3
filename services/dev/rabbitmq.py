"""A private RabbitMQ for development and tests, with its own node, ports, folder and epmd. It leaves nothing behind."""

import base64
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from services.dev import debian
from services.dev.process_groups import MARK, end_group, end_leftovers

SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # the plain scripts: those in /usr/sbin change to the user rabbitmq
START_TIMEOUT = 90.0  # seconds
STOP_TIMEOUT = 20.0  # seconds
GREETING = b"AMQP\x00\x00\x09\x01"
#: What each user may do, on the virtual host `doithoai`. An installed wheel has it not: there each may do everything.
RIGHTS = Path(__file__).resolve().parents[2] / "deploy" / "rabbitmq" / "definitions.json"
SHIPPED_SOURCE = "local"  # whose commands the portal of the shipped rights may queue


class BrokerUnavailable(RuntimeError):
    """There is no broker and none can be started here. The message names the remedy."""


class PrivateBroker:
    """A private node in a folder. `start` and `stop` may be repeated; the data stays."""

    def __init__(self, folder: Path, source: str = SHIPPED_SOURCE) -> None:
        self._folder, self._source = folder.resolve(), source
        self._users: dict[str, str] = {}
        self._port, self._dist, self._epmd_port = free_ports(3)
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its default virtual host."""
        return self.vhost_url("%2F")

    def vhost_url(self, vhost: str) -> str:
        """The URL of one of its virtual hosts."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/{vhost}"

    def url_of(self, user: str) -> str:
        """The URL of its default virtual host for a user of its own, who is there from the next launch."""
        password = self._users.setdefault(user, secrets.token_hex(16))
        return self.url.replace("guest:guest", f"{user}:{password}")

    def launch(self) -> None:
        """Start without waiting. Raises BrokerUnavailable."""
        script = server_script()
        if script is None:
            raise BrokerUnavailable("no rabbitmq-server is installed: apt-get install rabbitmq-server, or give a URL")
        (self._folder / "log").mkdir(parents=True, exist_ok=True)
        # Two nodes on one folder would corrupt it.
        end_leftovers(self._folder / "pids", self._folder)
        settings = {"listeners.tcp.1": f"127.0.0.1:{self._port}", "disk_free_limit.absolute": "50MB"}
        if self._users:
            settings["load_definitions"] = str(self._write_users())
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self._folder / "rabbitmq.conf").write_text("".join(lines), "utf-8")
        (self._folder / "enabled_plugins").write_text("[].\n", "utf-8")
        with (self._folder / "log" / "start.log").open("ab") as output:
            epmd = shutil.which("epmd") or "/usr/lib/erlang/bin/epmd"
            # Ours, in the foreground: the one that a node starts by itself outlives it.
            self._epmd = self._spawn([epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1"], output)
            _until_open(self._epmd_port, 5.0)
            self._node = self._spawn([str(script)], output)
        (self._folder / "pids").write_text(f"{self._node.pid} {self._epmd.pid}", "utf-8")

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until it accepts AMQP connections. Raises BrokerUnavailable."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self._node is None or self._node.poll() is not None:
                break
            if _greets(self._port):
                return
            time.sleep(0.1)
        raise BrokerUnavailable(f"the broker did not start; see {self._folder / 'log'}")

    def start(self) -> None:
        """Start and wait. Raises BrokerUnavailable."""
        self.launch()
        self.wait_ready()

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._node is not None and self._node.poll() is None

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in good order, and its epmd with it."""
        self._end(signal.SIGTERM)

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl` and give its output."""
        command = [str(SCRIPTS / "rabbitmqctl"), "-q", *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise BrokerUnavailable(f"rabbitmqctl {arguments[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def add_vhost(self, name: str) -> str:
        """Create a virtual host and give its URL."""
        return self.add_vhosts(name)[0]

    def add_vhosts(self, *names: str) -> list[str]:
        """Create virtual hosts, all by one command, and give their URLs."""
        everything = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
        added = {"vhosts": [{"name": n} for n in names], "permissions": [everything | {"vhost": n} for n in names]}
        path = self._folder / "added.json"
        path.write_text(json.dumps(added), "utf-8")
        self.control("import_definitions", str(path))
        return [self.vhost_url(name) for name in names]

    def _write_users(self) -> Path:
        """The users as definitions, each with the rights that are shipped for its name."""
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        content = {"permissions": [{"user": name, "vhost": "/"} | everything for name in self._users]}
        if RIGHTS.exists():
            shipped = RIGHTS.read_text("utf-8").replace('"doithoai"', '"/"')
            content = json.loads(shipped.replace(f'"^{SHIPPED_SOURCE}$"', json.dumps(f"^{re.escape(self._source)}$")))
        for kind in ("permissions", "topic_permissions"):
            content[kind] = [right for right in content.get(kind, []) if right["user"] in self._users]
        content |= {"vhosts": [{"name": "/"}], "users": [_user(*each) for each in self._users.items()]}
        path = self._folder / "definitions.json"
        path.write_text(json.dumps(content), "utf-8")
        return path

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        return kept | {
            MARK: folder,
            "HOME": folder,
            "RABBITMQ_NODENAME": "doithoai@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_PID_FILE": f"{folder}/node.pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
        }

    def _spawn(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches us alone, and we end the whole group.
        return subprocess.Popen(
            command,
            env=self._environment(),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _end(self, with_signal: signal.Signals) -> None:
        for process in (self._node, self._epmd):
            if process is not None:
                end_group(process, with_signal, STOP_TIMEOUT)
        self._node = self._epmd = None
        (self._folder / "pids").unlink(missing_ok=True)


def _user(name: str, password: str) -> dict[str, Any]:
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {"name": name, "tags": [], "password_hash": base64.b64encode(salt + digest).decode()}


def server_script() -> Path | None:
    """The installed `rabbitmq-server`, if there is one."""
    if (SCRIPTS / "rabbitmq-server").exists():
        return SCRIPTS / "rabbitmq-server"
    found = shutil.which("rabbitmq-server")
    return Path(found) if found else None


def find_broker(
    folder: Path, choice: str, say: Callable[[str], None], install: bool = True, source: str = SHIPPED_SOURCE
) -> PrivateBroker | str | None:
    """The given URL, else a private node that is not launched yet, or None where there can be no broker."""
    if choice.startswith(("amqp://", "amqps://")):
        return choice
    if choice == "none":
        return None
    if server_script() is None and install and os.environ.get("BROKER") != "none" and debian.can_install():
        say("RabbitMQ is not installed: installing it with apt-get (BROKER=none refuses).")
        debian.install("rabbitmq-server")
    return PrivateBroker(folder, source) if server_script() is not None else None


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _until_open(port: int, timeout: float) -> None:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)


def _greets(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(GREETING)
        return bool(connection.recv(1))
    return False
