"""Options of a client's socket by which a peer that has gone without a word is found within seconds."""

import contextlib
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
