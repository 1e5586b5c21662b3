"""Whose an address is: this machine's own, or another's."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own. Names but `localhost` are none: who owns them says where they lead."""
    if host.lower() == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
