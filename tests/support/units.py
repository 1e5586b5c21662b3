"""systemd's unit files run as processes, by what they say: command, environment, credentials, signals and waits."""

import contextlib
import ctypes
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
PROGRAM = "/opt/doithoai/current/bin/doithoai"
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1  # what MemoryDenyWriteExecute asks of a kernel since 6.3
PR_SET_NO_NEW_PRIVS = 38

Settings = list[tuple[str, str]]


def read_unit(path: Path) -> dict[str, Settings]:
    """The sections of a unit file; a setting may stand there several times."""
    sections: dict[str, Settings] = {}
    section: Settings = []
    for line in path.read_text("utf-8").replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), [])
        elif line.strip() and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            section.append((name.strip(), value.strip()))
    return sections


class Machine:
    """A folder in place of `/`, in which units find what they name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where a path of a unit lies here."""
        return self.folder / name.lstrip("/")

    def write(self, name: str, content: str | bytes) -> None:
        """A file of the machine's administrator."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


class Unit:
    """One service unit as a process."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name, self.machine = name, machine
        self.settings = read_unit(UNITS / f"{name}.service")["Service"]
        self.log = machine.path(f"/var/log/{name}.log")
        self.process: subprocess.Popen[bytes] | None = None

    def all(self, name: str) -> list[str]:
        """Every value of a setting."""
        return [value for known, value in self.settings if known == name]

    def one(self, name: str, otherwise: str = "") -> str:
        """The last value of a setting."""
        return (self.all(name) or [otherwise])[-1]

    def environment(self) -> dict[str, str]:
        """What the process is given: the lines of the unit, and over them those of the administrator's file."""
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        lines = [word for value in self.all("Environment") for word in shlex.split(value)]
        for file in self.all("EnvironmentFile"):
            text = self.machine.path(file).read_text("utf-8")
            lines += [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        for line in lines:
            name, _, value = line.partition("=")
            value = value.replace("%d", str(self._credentials))
            found[name] = str(self.machine.path(value)) if value.startswith(("/etc/", "/var/")) else value
        return found

    @property
    def _credentials(self) -> Path:
        return self.machine.path(f"/run/credentials/{self.name}.service")

    def start(self) -> "Unit":
        """Start it as systemd would; credentials are read anew."""
        self._credentials.mkdir(parents=True, exist_ok=True)
        for value in self.all("LoadCredential"):
            name, _, source = value.partition(":")
            kept = self._credentials / name
            kept.unlink(missing_ok=True)
            kept.write_bytes(self.machine.path(source).read_bytes())
            kept.chmod(0o400)
        for folder in self.all("StateDirectory"):
            self.machine.path(f"/var/lib/{folder}").mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        program, *arguments = shlex.split(self.one("ExecStart"))
        assert program == PROGRAM
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "doithoai"), *arguments],
                env=self.environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=int(self.one("UMask", "0022"), 8),
                preexec_fn=_held,
            )
        return self

    def run(self) -> int:
        """Run it to its end; its exit code."""
        self.start()
        assert self.process is not None
        return self.process.wait(60)

    def stop(self) -> int:
        """Stop it as systemd would, which kills it after its time; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(int(self.one("TimeoutStopSec", "90")))

    def kill(self) -> None:
        """End it, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text("utf-8", "replace")[-3000:] if self.log.exists() else ""


@contextlib.contextmanager
def units(machine: Machine, *names: str) -> Iterator[list[Unit]]:
    """Units that end with the block."""
    made = [Unit(name, machine) for name in names]
    try:
        yield made
    finally:
        for unit in made:
            unit.kill()


def _held() -> None:
    """No privileges to be gained, no memory that is both written and run: where the kernel knows the latter."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)
