"""HAProxy on the edge: who calls knows one address for each service, and the services one for the brokers."""

from collections.abc import Iterable

from tests.cluster.hosts import DATABASES, EDGE
from tests.cluster.processes import Program
from tests.cluster.rabbit import PORT as AMQP
from tests.cluster.site import Site

PORTS = {"intake": 8570, "followup": 8571}

_HEAD = """\
global
  maxconn 2000
  hard-stop-after 1s
defaults
  mode http
  timeout connect 1s
  timeout client 90s
  timeout server 90s
  timeout check 1s
  # A server that has gone is asked no second time; the next takes the request, if nothing of it was sent yet.
  retries 2
  option redispatch 1
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""
_BROKERS = """\
listen brokers
  mode tcp
  bind {edge}:{port}
  timeout client 1h
  timeout server 1h
  balance leastconn
"""
_SERVICE = """\
listen {service}
  bind {edge}:{port}
  option httpchk GET /readyz
  http-check expect status 200
"""


def balancer_program(site: Site, services: Iterable[Program]) -> Program:
    """The balancer before the services that are there; writes its configuration."""
    edge = site.address(EDGE)
    text = _HEAD + _BROKERS.format(edge=edge, port=AMQP)
    text += "".join(f"  server {host} {site.address(host)}:{AMQP} check\n" for host in DATABASES)
    for service, port in PORTS.items():
        text += _SERVICE.format(service=service, edge=edge, port=port)
        for each in services:
            if each.name.startswith(service):
                text += f"  server {each.name} {site.address(each.host)}:{port} check\n"
    file = site.folder / "haproxy.cfg"
    file.write_text(text)
    return Program(
        name="haproxy",
        host=EDGE,
        command=(str(site.servers.haproxy), "-db", "-f", str(file)),
        environment=site.servers.environment,
    )


def url_of(site: Site, service: str) -> str:
    """Where a service is called."""
    return f"http://{site.address(EDGE)}:{PORTS[service]}"
