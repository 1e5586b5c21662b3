"""The account after a fault: what was accepted is what is stored is what is applied, and raises what it would have."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from services.followup.adapters.source_log import StoreHistory
from services.followup.application.replay import Until, replay
from tests.cluster.processes import until
from tests.cluster.rig import Rig
from tests.cluster.site import SOURCE
from tests.support import oracle

QUIET_WITHIN = 60.0  # seconds


class Account(msgspec.Struct, frozen=True):
    """What was found to be right."""

    accepted: int
    events: int
    deadline_events: int


def account(rig: Rig, accepted: Mapping[str, Mapping[str, Any]], caller: str) -> Account:
    """Compare a caller's accepted commands, the store, the projection and an undisturbed replay. Raises AssertionError.

    It reads the server that leads now, after everything has caught up.
    """
    intake, followup = (rig.databases.primary_dsn(service) for service in ("intake", "followup"))
    until(lambda: _is_quiet(intake, followup), QUIET_WITHIN, "followup has read all, and what fell due then is raised")
    oracle.check_store(intake, accepted, caller=caller)
    oracle.check_projection(intake, followup, SOURCE)
    position, horizon = oracle.point_of(followup, SOURCE)
    undisturbed = asyncio.run(replay(StoreHistory(intake), Until(position, horizon)))
    raised = oracle.check_emitted(undisturbed.engine, followup, source=SOURCE)
    assert oracle.state(followup, undisturbed.point) == undisturbed.digest, "the state is not the fold of the log"
    return Account(len(accepted), undisturbed.point.position, raised)


def lost(rig: Rig, accepted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The keys of accepted commands that the store does not have."""
    stored = {(str(e[2]), e[3], e[0]) for e in oracle.stored_events(rig.databases.primary_dsn("intake"))}
    return [key for key, a in accepted.items() if (a["id"], a["version"], a["position"]) not in stored]


def _is_quiet(intake: str, followup: str) -> bool:
    ((head, stamp),) = oracle.rows(intake, "SELECT max(notification_id), max(recorded_at) FROM stored_events")
    position, horizon = oracle.point_of(followup, SOURCE)
    return position == head and horizon is not None and horizon > stamp
