"""What is written is confirmed: a required standby has it, or whoever wrote it is told that it has not.

A pool's statements and blocks look at that themselves, and so does `connected`. These are the only ways to write.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from services.followup.entrypoints.app import make_app as followup_app
from services.intake.entrypoints.app import make_app as intake_app
from shared.http.auth import Callers
from shared.postgres.transient_errors import Unconfirmed

Trees: TypeAlias = Mapping[str, ast.Module]

#: Modules that open a connection of the driver's own, and why nothing is written by it that a standby must have.
OWN_CONNECTIONS = {
    "shared/postgres/hosts.py": "opens those of the pool",
    "services/backups/recovery.py": "a server of the restore alone, which has no standby",
    "services/backups/restoring.py": "a server of the restore alone, which has no standby",
    "services/dev/postgres.py": "a developer's server",
    "services/followup/adapters/source_log.py": "reads only",
    "services/sandbox/store.py": "a developer's server",
}
#: Modules that open a connection with our settings and do not ask what became of its commits.
READERS = {
    "services/backups/restoring.py": "reads only",
    "services/backups/taking.py": "reads, and makes a slot, which no standby takes over",
    "services/doctor/databases.py": "reads only",
    "services/doctor/servers.py": "reads only",
    "services/doctor/store_key.py": "reads only",
    "shared/postgres/pool.py": "makes `connected` of it",
}
#: Modules that take a connection from a pool without a block, and why.
WITHOUT_BLOCK = {"shared/postgres/group_commit.py": "keeps it from batch to batch, and listens itself"}
#: What else is acquired there.
NO_POOLS = {"lease", "self._renewals"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Each call under the name by which it is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_connection_of_the_driver__is_opened_where_nothing_must_be_confirmed(trees: Trees) -> None:
    opening = {"asyncpg.connect", "asyncpg.create_pool", "asyncpg.Pool", "psycopg.connect"}
    found = {module for module, tree in trees.items() for name, _ in calls(tree) if name in opening}
    assert found == OWN_CONNECTIONS.keys()


def test_connection_outside_a_pool__writes_nothing_but_by_connected(trees: Trees) -> None:
    found = set()
    for module, tree in trees.items():
        imported = [
            (f"{node.module}.{alias.name}", alias.asname or alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        names = {name for what, name in imported if what == "shared.postgres.pool.connect"}
        names |= {f"{name}.connect" for what, name in imported if what == "shared.postgres.pool"}
        if module == "shared/postgres/pool.py":
            names = {"connect"}
        if any(name in names for name, _ in calls(tree)):
            found.add(module)
    assert found == READERS.keys(), "open a connection that writes by `connected`"


def test_walk_over_hosts__is_begun_by_the_pool_alone(trees: Trees) -> None:
    found = {
        module
        for module, tree in trees.items()
        if any(isinstance(node, ast.ImportFrom) and node.module == "shared.postgres.hosts" for node in ast.walk(tree))
        for name, _ in calls(tree)
        if name.lower().endswith("hosts.connect") or (name.startswith("Hosts(") and name.endswith(").connect"))
    }
    assert found == {"shared/postgres/pool.py"}


def test_connection_of_a_pool__is_taken_by_a_block(trees: Trees) -> None:
    found = set()
    for module, tree in trees.items():
        blocks = {
            id(item.context_expr) for node in ast.walk(tree) if isinstance(node, ast.AsyncWith) for item in node.items
        }
        for name, call in calls(tree):
            whose, _, what = name.rpartition(".")
            if what == "acquire" and whose not in NO_POOLS and id(call) not in blocks:
                found.add(module)
    assert found == WITHOUT_BLOCK.keys(), "a block looks whether its commits are confirmed"


def test_unconfirmed_commit__is_answered_by_both_services() -> None:
    for make in (intake_app, followup_app):
        assert Unconfirmed in make([], Callers(local_allowed=True)).exception_handlers
