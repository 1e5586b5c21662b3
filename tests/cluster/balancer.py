"""HAProxy on the edge, as it is shipped: who calls knows one address for each service."""

import re
from collections.abc import Iterable

from tests.cluster.hosts import EDGE
from tests.cluster.processes import Program
from tests.cluster.site import ROOT, Site

PORTS = {"intake": 8570, "followup": 8571}
SHIPPED = ROOT / "deploy" / "haproxy" / "doithoai.cfg"


def balancer_program(site: Site, services: Iterable[Program]) -> Program:
    """The balancer before the services that are there; writes its configuration."""
    file = site.folder / "haproxy.cfg"
    file.write_text(configuration(site.address(EDGE), {each.name: site.address(each.host) for each in services}))
    return Program(
        name="haproxy",
        host=EDGE,
        command=(str(site.servers.haproxy), "-db", "-f", str(file)),
        environment=site.servers.environment,
    )


def configuration(edge: str, servers: dict[str, str]) -> str:
    """What is shipped, with the addresses of the door and of each process."""
    text = re.sub(r"bind 192\.0\.2\.\d+:", f"bind {edge}:", SHIPPED.read_text("utf-8"))
    text = re.sub(r"server (\w+) 192\.0\.2\.\d+:", lambda found: f"server {found[1]} {servers[found[1]]}:", text)
    assert "192.0.2." not in text.partition("\nglobal")[2], "an address of the document is left"
    return text


def url_of(site: Site, service: str) -> str:
    """Where a service is called."""
    return f"http://{site.address(EDGE)}:{PORTS[service]}"
