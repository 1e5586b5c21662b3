"""Where a webhook may lead: the ways that are known to lead a server into its own network, and honest addresses."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from services.followup.adapters.webhooks.sink_addresses import (
    LOOK_UPS,
    AllowedSinks,
    SinkRefused,
    SinkUnresolved,
    address_of,
    is_public,
    resolved,
    sink_of,
)
from tests.support.waiting import until

PUBLIC = "9.9.9.9"


def found(url: str, *addresses: str, allowed: str = "") -> str:
    """The address that a sink is reached at, where its name has these addresses."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("no such host")
        return addresses

    return asyncio.run(address_of(sink_of(url), AllowedSinks(allowed), resolve))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.8", "198.18.0.1", "203.0.113.7", "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1", "100::1", "fec0::1", "feff::1", "3fff::1", "5f00::1", "192.88.99.1",
    ],
)  # fmt: skip
def test_address_inside__is_refused_however_it_is_written(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(SinkRefused, match="not-public"):
        found("https://portal.example/hook", address)


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "64:ff9b::909:909"])
def test_address_outside__is_used(address: str) -> None:
    assert found("https://portal.example/hook", address) == address


def test_address_of_ipv4_within_ipv6__is_used_as_itself() -> None:
    assert found("https://portal.example/hook", "::ffff:9.9.9.9") == PUBLIC


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://2130706433/", "no-address"),
        ("https://0x7f000001/", "no-address"),
        ("https://0x7f.1/", "no-address"),
        ("https://0177.0.0.1/", "no-address"),
        ("https://127.1/", "no-address"),
        ("https://127.0.0.1./", "no-address"),
        ("https://user:secret@portal.example/", "user"),
        ("https://portal.example@10.0.0.1/", "user"),
        ("https://@portal.example/", "user"),
        ("ftp://portal.example/", "no-address"),
        ("file:///etc/passwd", "no-address"),
        ("gopher://portal.example/", "no-address"),
        ("https:///hook", "no-address"),
        ("https://portal.example/#x", "no-address"),
        ("https://portal.example:0/", "no-address"),
        ("https://portal.example:99999/", "no-address"),
        ("https://portal.example\\@10.0.0.1/", "no-address"),
        ("https://portal.example/a b", "no-address"),
        ("https://portal.example/\r\nX: y", "no-address"),
        ("https://pòrtal.example/", "no-address"),
        ("https://[::1%25lo]/", "no-address"),
        ("https://[::1", "no-address"),
        ("https://portal..example/", "no-address"),
        ("https://-portal.example/", "no-address"),
        ("https://" + "a" * 3000, "no-address"),
        ("", "no-address"),
    ],
)
def test_address_that_two_readers_read_differently__is_none(url: str, why: str) -> None:
    with pytest.raises(SinkRefused) as refused:
        sink_of(url)
    assert refused.value.why == why


def test_name_that_leads_inside_and_outside__is_refused() -> None:
    with pytest.raises(SinkRefused, match="not-public"):
        found("https://portal.example/", PUBLIC, "10.0.0.1")


def test_name_without_an_address__is_unresolved() -> None:
    with pytest.raises(SinkUnresolved):
        found("https://portal.example/")


def test_names_whose_servers_are_silent__hold_up_nothing_but_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    speaks, known = threading.Event(), socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "silent.example":
            speaks.wait()
        return known("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def others_are_found() -> None:
        loop = asyncio.get_running_loop()
        silent = [asyncio.create_task(resolved("silent.example", 443)) for _ in range(2 * LOOK_UPS)]
        try:
            await asyncio.wait_for(loop.getaddrinfo("intake.example", 80), 5)
        finally:
            for task in silent:
                task.cancel()
            await asyncio.wait(silent)
            speaks.set()
        assert await resolved("portal.example", 443) == ["127.0.0.1"]

    asyncio.run(others_are_found())


def test_plain_http__is_for_what_the_operator_allows() -> None:
    with pytest.raises(SinkRefused, match="not-https"):
        found("http://portal.example/", PUBLIC)
    assert found("http://portal.example/", "10.1.2.3", allowed="10.1.0.0/16") == "10.1.2.3"
    assert found("http://portal.example/", "10.9.9.9", allowed="portal.example") == "10.9.9.9"
    assert found("http://127.0.0.1:80/", allowed="127.0.0.0/8") == "127.0.0.1"
    assert found("http://portal.example/", "::ffff:10.1.2.3", allowed="10.1.0.0/16") == "10.1.2.3"
    with pytest.raises(SinkRefused):
        found("https://portal.example/", "10.2.2.3", allowed="10.1.0.0/16")


@pytest.mark.parametrize("written", ["10.0.0.0/99", "10.0.0.1/8", "portal example", "2130706433", "*"])
def test_allowance__is_a_network_or_a_name(written: str) -> None:
    with pytest.raises(ValueError, match="neither a network"):
        AllowedSinks(written)


def test_parts_of_an_address__make_one_request() -> None:
    sink = sink_of("https://Portal.Example:8443/hook?a=b")
    assert (sink.authority, sink.at("9.9.9.9")) == ("portal.example:8443", "https://9.9.9.9:8443/hook?a=b")
    assert sink_of("https://[2606:4700::1111]/").at("2606:4700::1111") == "https://[2606:4700::1111]:443/"
    assert sink_of("https://portal.example").authority == "portal.example"


async def test_names_whose_servers_are_silent__keep_no_thread_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, answered = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        asking.set()
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    asked = [asyncio.create_task(resolved(f"{number}.example", 443)) for number in range(50)]
    try:
        await until(asking.is_set)
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: "done") == "done"
    finally:
        answered.set()
        await asyncio.gather(*asked)
