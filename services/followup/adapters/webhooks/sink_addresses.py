"""Where a webhook may lead: a name is resolved once, every address that it has is judged, and one of them is used.

A sink is an address that somebody outside names, and followup stands inside the province's network. So what is not
reachable for everybody in the internet is refused, unless the operator allows it by name or by network.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import msgspec

LONGEST = 2000  # characters of an address
HTTPS, HTTP = "https", "http"
_PORTS = {HTTPS: 443, HTTP: 80}

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
#: The addresses of a host, as the system's resolver gives them. Raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

#: Globally routed, and yet the machine's own provider answers there with what only the machine may know.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
#: Ways of writing an IPv4 address within one of IPv6; where it leads is said by the address within.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Given out for protocols, for papers, to relays and, once, for the inside of a site: nobody's sink stands there, and
#: versions of Python judge apart which of them are reachable.
_NO_SINKS = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10")))
_WRAPPED = (
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("2001::/32"),
    ipaddress.ip_network("64:ff9b:1::/48"),
)
#: Threads of their own: a name whose servers do not answer, which anybody may have, keeps one for long.
LOOK_UPS = 16  # names that are looked for at a time
_RESOLVING = ThreadPoolExecutor(LOOK_UPS, "webhook-names")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
#: How a host ends in which libraries see an IPv4 address, though it is not written as one: 2130706433, 0x7f.1.
_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")


class SinkRefused(ValueError):
    """No webhook is sent to this address; `why` names the sentence that says so."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SinkUnresolved(Exception):
    """The name of the sink has no address now."""


class SinkAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A sink's address in parts. `host` is a name or an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What stands in `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    def at(self, address: str) -> str:
        """The URL by which it is reached at an address."""
        literal = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{literal}:{self.port}{self.path}"


class AllowedSinks:
    """What an operator allows beyond the internet: names of hosts, and networks. There plain HTTP is allowed too."""

    def __init__(self, written: str = "") -> None:
        """Raises ValueError for what is neither a network nor a name."""
        self.hosts, self.networks = set[str](), list[Network]()
        for each in (part.strip().lower() for part in written.split(",")):
            if not each:
                continue
            try:
                self.networks.append(ipaddress.ip_network(each))
            except ValueError:
                if not _HOST.fullmatch(each) or _NUMBER.fullmatch(each):
                    raise ValueError(
                        f"{each!r} is neither a network such as 10.1.0.0/16 nor the name of a host"
                    ) from None
                self.hosts.add(each)

    def allows(self, host: str, address: Address) -> bool:
        """Whether a host at an address is one of them."""
        return host in self.hosts or any(address in network for network in self.networks)


def sink_of(url: str) -> SinkAddress:
    """The parts of a sink's address. Raises SinkRefused."""
    try:
        parts, port = _split(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise SinkRefused("no-address") from None
    if parts.scheme not in _PORTS or not host or parts.fragment or port == 0:
        raise SinkRefused("no-address")
    if "@" in parts.netloc:
        raise SinkRefused("user")
    if ":" in host:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            raise SinkRefused("no-address") from None
        if "%" in host:
            raise SinkRefused("no-address")
    elif not _HOST.fullmatch(host.rstrip(".")) or (_NUMBER.fullmatch(host.rstrip(".")) and not _is_ipv4(host)):
        raise SinkRefused("no-address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return SinkAddress(scheme=parts.scheme, host=host.rstrip("."), port=port or _PORTS[parts.scheme], path=path)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or any(c in url for c in ' \\"<>^`{|}'):
        raise ValueError("not written as an address is")
    parts = urlsplit(url)
    return parts, parts.port


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def is_public(address: Address) -> bool:
    """Whether an address is reachable for everybody in the internet, so that nothing of ours stands there."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.scope_id is not None or any(address in network for network in _WRAPPED):
            return False
    if address in _METADATA or any(address in network for network in _NO_SINKS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver. Raises OSError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVING, ask)
    return [str(each[4][0]) for each in found]


async def address_of(sink: SinkAddress, allowed: AllowedSinks, resolve: Resolve = resolved) -> str:
    """The address at which a sink is reached now. Raises SinkRefused, SinkUnresolved.

    All that a name leads to is judged: one that leads inside as well as outside is not to be trusted with either.
    """
    try:
        found = [sink.host] if ":" in sink.host or _is_ipv4(sink.host) else list(await resolve(sink.host, sink.port))
        addresses = [ipaddress.ip_address(each) for each in found]
    except (OSError, UnicodeError, ValueError):
        raise SinkUnresolved from None
    if not addresses:
        raise SinkUnresolved
    allows = [allowed.allows(sink.host, _plain(each)) for each in addresses]
    if sink.scheme == HTTP and not all(allows):
        raise SinkRefused("not-https")
    if not all(one or is_public(each) for one, each in zip(allows, addresses, strict=True)):
        raise SinkRefused("not-public")
    return str(_plain(addresses[0]))


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
