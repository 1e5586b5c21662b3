"""The table's rows: what is broken, how it is mended, and for how long calls may go unanswered meanwhile."""

import signal
import time
from collections.abc import Callable

import msgspec

from services.followup.adapters.store import writer_leases
from shared.postgres.hosts import CONNECT_TIMEOUT
from shared.postgres.lease import LEASE_SECONDS
from tests.cluster.etcd import LASTS_LONGER, MEMBERS, leading_member
from tests.cluster.hosts import APPLICATIONS
from tests.cluster.patroni import ASKS_FOR, HOSTS, LOOP_WAIT, REPLICATION_TIMEOUT, TTL
from tests.cluster.processes import send
from tests.cluster.rabbit import NODES
from tests.cluster.rig import Rig
from tests.cluster.services import NAMES

#: What a fault is told to mend: the parts that it has hurt.
Hurt = tuple[str, ...]


class Budget(msgspec.Struct, frozen=True):
    """For how long a row may keep people waiting, and after what that is named."""

    seconds: float
    what: str


class ClusterFault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault under load. `mend` is what a supervisor, or a host that comes back, does by itself."""

    name: str
    title: str
    how: str
    budget: Budget | None
    inject: Callable[[Rig], Hurt]
    mend: Callable[[Rig, Hurt], None] = lambda rig, hurt: None
    lasts: float = 8.0  # seconds from the fault until it is mended
    cuts: bool = False  # a host off the network, which takes root
    loses: bool = False  # acknowledged petitions, and says so
    why: str = ""  # where the budget is none: what the time is made of


BROKER = Budget(2, "2 s")
ENGINE = Budget(2, "2 s")
UPGRADE = Budget(2, "2 s")
LEASE = Budget(LEASE_SECONDS + 2, "the lease + 2 s")
SWITCH = Budget(4, "4 s")
LOOP = Budget(LOOP_WAIT + 3, "Patroni's loop + 3 s")
LOST = Budget(TTL + 3, "Patroni's ttl + 3 s")
#: Of a primary that refuses nothing but keeps silent, who asks it has to wait: Patroni, and then a service that may
#: have come to it just before the other server was promoted.
_ASKED = f"{ASKS_FOR} s in which it asks the old primary + {CONNECT_TIMEOUT:g} s of a service's connection to it + 3 s"
SILENT = Budget(TTL + ASKS_FOR + CONNECT_TIMEOUT + 3, f"Patroni's ttl + {_ASKED}")
#: The host of the primary may be that of etcd's leader too.
CUT = Budget(SILENT.seconds + LASTS_LONGER, f"Patroni's ttl + {LASTS_LONGER} s of etcd's election + {_ASKED}")
HALF_OPEN = Budget(REPLICATION_TIMEOUT + LOOP_WAIT + 3, "the replication's time-out + Patroni's loop + 3 s")


# --- what faults are made of ------------------------------------------------------------------------------------------


def _killed(rig: Rig, *names: str) -> Hurt:
    for name in names:
        rig.kill(name)
    return names


def _start(rig: Rig, hurt: Hurt) -> None:
    for name in hurt:
        rig.start(name)


def _cut(rig: Rig, host: str) -> Hurt:
    rig.hosts.cut(host)
    return (host,)


def _heal(rig: Rig, hurt: Hurt) -> None:
    for host in hurt:
        rig.hosts.heal(host)


def _postmaster_killed(rig: Rig) -> Hurt:
    send([rig.databases.postmaster(rig.databases.primary())], signal.SIGKILL)
    return ()


def _frozen(rig: Rig, name: str) -> Hurt:
    rig.freeze(name)
    return (name,)


def _thaw(rig: Rig, hurt: Hurt) -> None:
    for name in hurt:
        rig.thaw(name)


def _switched(rig: Rig) -> Hurt:
    rig.databases.switch_over()
    return ()


def _others(names: tuple[str, ...], *but: str) -> Hurt:
    return tuple(name for name in names if name not in but)


def _application_host(rig: Rig) -> Hurt:
    """The host of the followup that leads."""
    leads = rig.holder("followup", writer_leases.KIND)
    return _cut(rig, dict(zip(NAMES["followup"], APPLICATIONS, strict=True))[leads])


def _rolled(rig: Rig, service: str) -> Hurt:
    """One process after the other is ended and started, each once the one before is ready."""
    for name in NAMES[service]:
        rig.stop(name)
        rig.start(name)
        rig.wait_ready(name)
        time.sleep(SEEN_READY)
    return ()


SEEN_READY = 2.0  # seconds until the balancer gives work to a server that is ready again
DEAD_STANDBY = 15.0  # seconds in which the primary has noticed and goes on alone


def _standby_then_primary(rig: Rig) -> Hurt:
    primary, standby = rig.databases.primary(), rig.databases.standby()
    rig.kill(standby)
    time.sleep(DEAD_STANDBY)
    rig.kill(primary)
    rig.start(standby)
    return (primary,)


def _lagging_standby_promoted(rig: Rig) -> Hurt:
    """Replication is asynchronous, the standby receives nothing for some seconds, then the primary is lost."""
    rig.databases.set_synchronous(False)
    rig.databases.wait_whole(LOOP_WAIT * 3, synchronous=False)
    primary, standby = rig.databases.primary(), rig.databases.standby()
    send(rig.databases.receivers(standby, rig.processes), signal.SIGSTOP)
    time.sleep(3)
    rig.kill(primary)
    send(rig.databases.receivers(standby, rig.processes), signal.SIGKILL)
    return (primary,)


def _rejoin(rig: Rig, hurt: Hurt) -> None:
    _start(rig, hurt)
    rig.wait_whole(synchronous=False)
    rig.databases.set_synchronous(True)


ROWS = (
    ClusterFault(
        name="broker-leader", title="The broker that leads the queue killed", budget=BROKER,
        how="SIGKILL of the node that leads the queue of events; started again",
        inject=lambda rig: _killed(rig, rig.brokers.leader()), mend=_start,
    ),
    ClusterFault(
        name="broker-follower", title="A broker that follows killed", budget=BROKER,
        how="SIGKILL of a node that does not lead the queue; started again",
        inject=lambda rig: _killed(rig, _others(NODES, rig.brokers.leader())[0]), mend=_start,
    ),
    ClusterFault(
        name="broker-majority", title="Two of three brokers killed", budget=BROKER,
        how="SIGKILL of the leader and another; the third pauses; both started again",
        inject=lambda rig: _killed(rig, leader := rig.brokers.leader(), _others(NODES, leader)[0]), mend=_start,
    ),
    ClusterFault(
        name="postmaster-killed", title="PostgreSQL killed", budget=LOOP,
        how="SIGKILL of the primary's postmaster; Patroni lives and starts it again", inject=_postmaster_killed,
        lasts=15,
    ),
    ClusterFault(
        name="primary-lost", title="The whole primary lost", budget=LOST,
        how="SIGKILL of the primary and its Patroni; started again, rewound, it follows",
        inject=lambda rig: _killed(rig, rig.databases.primary()), mend=_start, lasts=TTL + 8,
    ),
    ClusterFault(
        name="primary-frozen", title="The primary frozen", budget=SILENT,
        how="SIGSTOP of the primary and its Patroni, SIGCONT after another leads",
        inject=lambda rig: _frozen(rig, rig.databases.primary()), mend=_thaw, lasts=TTL + 10,
    ),
    ClusterFault(
        name="switchover", title="A planned switchover", budget=SWITCH, how="Patroni's switchover to the standby",
        inject=_switched,
    ),
    ClusterFault(
        name="primary-cut", title="The primary's host cut off", budget=CUT, cuts=True,
        how="no packet to or from the host of the primary, an etcd and a broker; healed after another leads",
        inject=lambda rig: _cut(rig, HOSTS[rig.databases.primary()]), mend=_heal, lasts=TTL + 10,
    ),
    ClusterFault(
        name="standby-lost", title="The standby lost", budget=LOOP,
        how="SIGKILL of the synchronous standby and its Patroni; started again",
        inject=lambda rig: _killed(rig, rig.databases.standby()), mend=_start, lasts=15,
    ),
    ClusterFault(
        name="standby-cut", title="The standby's host cut off", budget=HALF_OPEN, cuts=True,
        how="no packet to or from the host of the standby, an etcd and a broker; healed",
        inject=lambda rig: _cut(rig, HOSTS[rig.databases.standby()]), mend=_heal, lasts=20,
    ),
    ClusterFault(
        name="standby-then-primary", title="The standby dies, then the primary", budget=None,
        how="SIGKILL of the standby, later of the primary; the standby alone is started, then the primary too",
        inject=_standby_then_primary, mend=_start, lasts=DEAD_STANDBY + TTL + 8,
        why="no server may lead until the one that has everything is back: what was answered comes first",
    ),
    ClusterFault(
        name="etcd-leader", title="The etcd that leads killed", budget=ENGINE, how="SIGKILL; started again",
        inject=lambda rig: _killed(rig, leading_member(rig.site)), mend=_start,
    ),
    ClusterFault(
        name="etcd-majority", title="Two of three etcd killed", budget=ENGINE,
        how="SIGKILL of the leader and another for longer than Patroni's ttl; started again",
        inject=lambda rig: _killed(rig, leader := leading_member(rig.site), _others(MEMBERS, leader)[0]), mend=_start,
        lasts=TTL + 8,
    ),
    ClusterFault(
        name="intake-killed", title="The intake that relays killed", budget=LEASE, how="SIGKILL; started again",
        inject=lambda rig: _killed(rig, rig.holder("intake", "relay:")), mend=_start, lasts=12,
    ),
    ClusterFault(
        name="followup-killed", title="The followup that leads killed", budget=LEASE, how="SIGKILL; started again",
        inject=lambda rig: _killed(rig, rig.holder("followup", writer_leases.KIND)), mend=_start, lasts=12,
    ),
    ClusterFault(
        name="application-cut", title="An application host cut off", budget=LEASE, cuts=True,
        how="no packet to or from the host of the followup that leads and of an intake; healed",
        inject=_application_host, mend=_heal, lasts=15,
    ),
    ClusterFault(
        name="upgrade-followup", title="Rolling upgrade of followup", budget=UPGRADE,
        how="SIGTERM and a new process, one after the other", inject=lambda rig: _rolled(rig, "followup"), lasts=0,
    ),
    ClusterFault(
        name="upgrade-intake", title="Rolling upgrade of intake", budget=UPGRADE,
        how="SIGTERM and a new process, one after the other", inject=lambda rig: _rolled(rig, "intake"), lasts=0,
    ),
    ClusterFault(
        name="asynchronous-loss", title="A loss under asynchronous replication", budget=LOST, loses=True,
        how="synchronous_mode off, the standby receives nothing for 3 s, SIGKILL of the primary and its Patroni",
        inject=_lagging_standby_promoted, mend=_rejoin, lasts=TTL + 8,
    ),
)  # fmt: skip
