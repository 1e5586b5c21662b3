"""The processes of the product: two intakes and two followups, one of each on either application host.

This is where a process is declared: its command, its environment, the URL at which it says that it can serve.
"""

import os

from shared.http.tokens import Role, change_tokens, mint_token
from tests.cluster.balancer import PORTS, url_of
from tests.cluster.hosts import APPLICATIONS
from tests.cluster.patroni import Databases
from tests.cluster.processes import Program
from tests.cluster.rabbit import Brokers
from tests.cluster.site import SOURCE, Site

CALLERS: tuple[Role, ...] = ("office", "operations", "auditor", "system")
NAMES = {service: tuple(f"{service}{number}" for number in (1, 2)) for service in PORTS}


def service_programs(site: Site, databases: Databases, brokers: Brokers) -> list[Program]:
    """Every process of the product."""
    return [
        Program(
            name=name,
            host=host,
            command=(str(site.servers.doithoai), service, "serve"),
            environment=_environment(site, databases, brokers, service, host),
            probe=f"http://{site.address(host)}:{PORTS[service]}/readyz",
        )
        for service, names in NAMES.items()
        for name, host in zip(names, APPLICATIONS, strict=True)
    ]


def _environment(site: Site, databases: Databases, brokers: Brokers, service: str, host: str) -> dict[str, str]:
    secrets, prefix = site.folder / "secrets", service.upper()
    common = {
        "DATABASE_URL": databases.service_dsn(service),
        "AMQP_URL": brokers.url(service),
        "HOST": site.address(host),
        "PORT": str(PORTS[service]),
        "TOKENS_FILE": str(secrets / "tokens.json"),
    }
    own = {
        "intake": {"SOURCE": SOURCE, "MASTER_KEY_FILE": str(secrets / "master.key")},
        "followup": {
            "SOURCE": f"{SOURCE}-followup",
            "SOURCES": url_of(site, "intake"),
            "SOURCE_TOKEN_FILE": str(secrets / "auditor.token"),
            "BROKER_PUBLISHER": "intake",
        },
    }
    return {f"{prefix}_{name}": value for name, value in (common | own[service]).items()}


def make_secrets(site: Site) -> None:
    """The master key, and a token for each kind of caller."""
    if not (site.folder / "secrets" / "master.key").exists():
        site.keep("master.key", os.urandom(32))
        for role in CALLERS:
            add_caller(site, role, role)


def add_caller(site: Site, name: str, role: Role) -> None:
    """A token in a file that is named as its caller; the services see the new entry within seconds."""
    token, entry = mint_token(name, role)
    site.keep(f"{name}.token", token)
    change_tokens(site.folder / "secrets" / "tokens.json", lambda entries: (*entries, entry))


def token_of(site: Site, name: str) -> str:
    """The token of a caller."""
    return (site.folder / "secrets" / f"{name}.token").read_text()
