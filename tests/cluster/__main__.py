"""`make cluster`: bring the cluster up, inject every row of the table, account for it, take the cluster down.

`make cluster ARGS=up` leaves it standing for a person; then rows run on it, and each of its parts can be hurt by name.
"""

import argparse
import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator

from tests.cluster.hosts import NAMES
from tests.cluster.load import RATE
from tests.cluster.measuring import Measurement, Result
from tests.cluster.packages import PackagesMissing
from tests.cluster.rig import Rig
from tests.cluster.rows import ROWS, ClusterFault
from tests.cluster.site import FOLDER
from tests.cluster.table import run_of, verdict, write, write_document

PARTS = {
    "kill": "end a part as a power cut would",
    "lose": "the same, and its disk is gone",
    "stop": "end a part in good order",
    "start": "start a part again, and wait until it can serve",
    "freeze": "let a part stand still",
    "thaw": "let it go on",
    "cut": "cut a host off the network (root)",
    "heal": "connect it again",
}


def main() -> int:
    """Do what the command line says; the exit code."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.do(arguments) or 0)
    except (PackagesMissing, AssertionError) as error:
        print(f"make cluster: {error}; the logs are in {FOLDER / 'log'}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__.split("\n")[0])
    parser.set_defaults(do=_run)
    parser.add_argument("--only", default="", metavar="ROW,...", help="these rows alone")
    parser.add_argument("--doc", action="store_true", help="write the table into docs/cluster.md")
    parser.add_argument("--list", action="store_const", const=_list, dest="do", help="name the rows")
    verbs = parser.add_subparsers(title="a cluster that stays", metavar="VERB")
    for name, do, what in (
        ("up", _up, "bring the cluster up and leave it"),
        ("down", _down, "end all of it, also what a run that crashed has left"),
        ("status", _status, "what runs, who leads"),
    ):
        verbs.add_parser(name, help=what).set_defaults(do=do)
    for name, what in PARTS.items():
        verb = verbs.add_parser(name, help=what)
        verb.add_argument("part", nargs="+")
        verb.set_defaults(do=_hurt, verb=name)
    inside = verbs.add_parser("run", help="run patronictl, etcdctl, psql, rabbitmqctl, doithoai or any command there")
    inside.add_argument("--on", choices=NAMES, default="", metavar="HOST", help="on this host")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    inside.set_defaults(do=_inside)
    return parser


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One at a time in a checkout."""
    FOLDER.parent.mkdir(exist_ok=True)
    with (FOLDER.parent / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(arguments: argparse.Namespace) -> int:
    names = [name for name in arguments.only.split(",") if name]
    if unknown := set(names) - {row.name for row in ROWS}:
        sys.exit(f"--only: {', '.join(sorted(unknown))}: not a row; --list names them")
    if names and arguments.doc:
        sys.exit("--doc: the table of the document is of one whole run, so leave out --only")
    chosen = [row for row in ROWS if not names or row.name in names]
    with _alone(), _cluster() as rig:
        results = list(Measurement(rig).rows(chosen, _tell))
        run = run_of(results, _engines(rig), RATE)
        write(run)
        if arguments.doc:
            write_document(run)
    return int(any(result.problem or result.is_late for result in results))


@contextlib.contextmanager
def _cluster() -> Iterator[Rig]:
    """The one that stands, else one of its own."""
    rig = Rig()
    if rig.is_standing():
        rig.attach()
        rig.wait_whole()
        yield rig
        return
    try:
        rig.up()
        yield rig
    finally:
        rig.down()


def _tell(row: ClusterFault, result: Result) -> None:
    gaps = f"accept {result.accept:5.1f}  visible {result.visible:5.1f}  console {result.console:5.1f}"
    print(f"{row.name:22} {gaps}  {verdict(row, result)}  {' '.join(result.notes)}", flush=True)


def _engines(rig: Rig) -> str:
    """The servers of the run and their versions."""
    servers = rig.site.servers
    haproxy = rig.site.run("edge", str(servers.haproxy), "-v").split()[2].split("-")[0]
    etcd = rig.site.run("edge", str(servers.etcd), "--version").split()[2]
    patroni = rig.site.run("edge", str(servers.patroni), "--version").split()[1]
    return (
        f"RabbitMQ {rig.brokers.version()}, PostgreSQL {rig.databases.version()}, Patroni {patroni}, etcd {etcd}, "
        f"HAProxy {haproxy}"
    )


def _list(_: argparse.Namespace) -> None:
    for row in ROWS:
        print(f"{row.name:22} {row.how}")


def _up(_: argparse.Namespace) -> None:
    rig = Rig()
    with _alone():
        rig.up()
    rig.register_places()
    for service, url in rig.addresses().items():
        print(f"{service:9} {url}")
    print(f"tokens    {rig.site.folder}/secrets/*.token: office, operations, auditor, system")
    print("make cluster ARGS=down ends it; ARGS=--help names what can be done to it.")


def _down(_: argparse.Namespace) -> None:
    with _alone():
        Rig().down()


def _status(_: argparse.Namespace) -> None:
    rig = _standing()
    for name, program in rig.programs.items():
        runs = "runs" if rig.processes.pids(name) else "does not run"
        print(f"{name:10} {program.host:5} {rig.site.address(program.host):15} {runs}")
    for member in rig.databases.members():
        print(f"{member.name:10} {member.role}, {member.state}")


def _hurt(arguments: argparse.Namespace) -> None:
    rig = _standing()
    is_host = arguments.verb in ("cut", "heal")
    for part in arguments.part:
        known = NAMES if is_host else rig.programs
        assert part in known, f"{part}: not one of {', '.join(known)}"
        getattr(rig.hosts if is_host else rig, arguments.verb)(part)
    if arguments.verb == "start":
        for part in arguments.part:
            rig.wait_started(part)


def _inside(arguments: argparse.Namespace) -> int:
    rig = _standing()
    assert arguments.command, "run: name a command"
    host, environment = rig.environment(arguments.command, arguments.on)
    command = [*rig.hosts.inside(host), "env", *arguments.command]  # env: it looks for the program in the new PATH
    return subprocess.run(command, env=os.environ | environment, check=False).returncode


def _standing() -> Rig:
    rig = Rig()
    assert rig.is_standing(), "no cluster stands here: make cluster ARGS=up"
    rig.attach()
    return rig


if __name__ == "__main__":
    sys.exit(main())
