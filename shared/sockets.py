"""A client's sockets: the addresses of a name, and options by which a peer that has gone is found within seconds."""

import asyncio
import contextlib
import ipaddress
import socket
from typing import Any

IDLE, INTERVAL, PROBES = 4, 2, 2  # seconds, seconds, unanswered probes: a silent peer is given up after eight seconds
UNACKNOWLEDGED = 10_000  # milliseconds after which what was sent must have been acknowledged

_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", IDLE),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", INTERVAL),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", PROBES),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNACKNOWLEDGED),
)


def watch_peer(transport: Any) -> None:
    """Have the kernel look after the peer of a transport; of no effect on anything but TCP.

    An option that this system does not have is left out.
    """
    connected = transport.get_extra_info("socket")
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for level, name, value in _OPTIONS:
        if (option := getattr(socket, name, None)) is not None:
            with contextlib.suppress(OSError):
                connected.setsockopt(level, option, value)


async def addresses_of(name: str, within: float) -> list[str]:
    """The addresses of a host in the system's order; the name itself where it is a folder, or none is found in time."""
    found: list[str] = []
    if not (name.startswith("/") or _is_address(name)):
        with contextlib.suppress(OSError, UnicodeError):
            async with asyncio.timeout(within):
                infos = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            found = [_written(*info[4]) for info in infos]
    return list(dict.fromkeys(found)) or [name]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _written(address: Any, _port: Any, _flow: int = 0, scope: int = 0) -> str:
    return f"{address}%{scope}" if scope and "%" not in address else str(address)
