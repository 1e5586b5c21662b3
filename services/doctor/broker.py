"""The broker as a service finds it: reached, the virtual host of this source, its queues of the right type."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import msgspec
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from aiormq.exceptions import AuthenticationError, ChannelAccessRefused, InvalidFrameError

from services.doctor.findings import Finding, note, right, wrong
from services.followup.configured import broker_urls
from services.followup.settings import FollowupSettings
from shared.rabbit.hosts import BrokerHosts, urls_of
from shared.rabbit.topology import OWNER, ForeignSource, Occupied, Route, claim, declare, user_of, waiting_in
from shared.sentences import Sentence
from shared.server_urls import unreachable
from shared.settings import WrongSettings

#: The oldest release that the tests run on, Debian 12's. The queues ask for 3.8: quorum, with one active consumer.
OLDEST = (3, 10)
CONNECT = 2.5  # seconds


async def look(variable: str, url: str, source: str, routes: Sequence[Route]) -> Sequence[Finding]:
    """Everything about the broker of one service. `source` is empty for followup, which claims no virtual host."""
    if not url:
        return [
            note(
                f"{variable}: chưa đặt, sự kiện chỉ đi qua feed",
                f"{variable}: is not set: events travel by the feed alone",
            )
        ]
    try:
        nodes = await asyncio.gather(*(_connected(str(host), each) for host, each in urls_of(url).items()))
    except ValueError as error:
        return [wrong(f"{variable}: {error}", f"{variable}: {error}", "sửa địa chỉ này", "mend this address")]
    away = [_away(variable, node) for node in nodes if node.connection is None]
    if any(node.refuses for node in nodes):
        return away
    reached = [node.connection for node in nodes if node.connection is not None]
    try:
        if not reached:
            return [wrong(*finding.said, *_START) for finding in away]
        user = user_of(url)
        found = [right(f"{variable}: vào được với tên {user}", f"{variable}: reached as {user}")]
        found += [*away, *_versions(reached)]
        if source:
            found.append(await _owner(reached[0], source))
        for route in routes:
            found.append(await _queue(reached[0], route))
        return found
    finally:
        await asyncio.gather(*(connection.close() for connection in reached))


async def look_at_own(settings: FollowupSettings) -> Sequence[Finding]:
    """The brokers that sources of followup have of their own."""
    try:
        urls = broker_urls(settings)
    except WrongSettings as error:
        return [wrong(str(error), str(error), "sửa tệp này", "mend this file")]
    looks = (look(f"FOLLOWUP_SOURCES: {address}", urls[address], "", []) for address in settings.broker_files)
    return [finding for found in await asyncio.gather(*looks) for finding in found]


class _Node(msgspec.Struct, frozen=True):
    """A node of the broker: the connection to it, or why there is none."""

    name: str
    connection: AbstractConnection | None = None
    why: Sentence = Sentence("", "")
    refuses: bool = False  # the user or its password, as every node would


async def _connected(name: str, url: str) -> _Node:
    try:
        async with asyncio.timeout(CONNECT):
            return _Node(name, await BrokerHosts(url).connect())
    except (ProbableAuthenticationError, AuthenticationError):
        return _Node(name, why=_PASSWORD, refuses=True)
    except (OSError, TimeoutError, ValueError, AMQPError) as error:
        # The library takes the refusal for a frame of the wrong kind, and drops its reason.
        if any(isinstance(each, InvalidFrameError) and "OpenOk" in str(each) for each in _causes(error)):
            return _Node(name, why=_VIRTUAL_HOST, refuses=True)
        return _Node(name, why=_why(error))


def _why(error: Exception) -> Sentence:
    if (told := unreachable(error)) is not None:
        return told
    for each in _causes(error):
        match each:
            case TimeoutError():
                return Sentence(f"không trả lời trong {CONNECT:g} giây", f"it does not answer within {CONNECT:g} s")
            case ConnectionRefusedError():
                return Sentence("ở đó không có ai nghe", "nobody listens there")
            case socket.gaierror():
                return Sentence("không tìm được tên máy này", "this name is not known")
            case _:
                pass
    kind = type(_causes(error)[-1]).__name__
    return Sentence(f"không nối được ({kind})", f"it cannot be connected to ({kind})")


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what it came from, the last first."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def _away(variable: str, node: _Node) -> Finding:
    said = f"{variable}: {node.name}: {node.why.vi}", f"{variable}: {node.name}: {node.why.en}"
    if not node.refuses:
        return note(*said, *_START)
    return wrong(
        *said,
        "xem người dùng, mật khẩu, virtual host và quyền vào đó",
        "look at the user, the password, the virtual host, and the right to it",
    )


def _versions(reached: Sequence[AbstractConnection]) -> list[Finding]:
    """Which release each node is of, told once for those that agree."""
    told = sorted({_version(connection) for connection in reached} - {""})
    oldest = ".".join(map(str, OLDEST))
    found = list[Finding]()
    for version in told:
        parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if parts < OLDEST:
            found.append(
                wrong(
                    f"RabbitMQ {version} quá cũ",
                    f"RabbitMQ {version} is too old",
                    f"nâng cấp lên {oldest} hoặc mới hơn",
                    f"upgrade it to {oldest} or later",
                )
            )
        else:
            found.append(right(f"RabbitMQ {version}", f"RabbitMQ {version}"))
    return found


def _version(connection: AbstractConnection) -> str:
    properties: Any = connection.transport.connection.server_properties if connection.transport else {}
    version = properties.get("version", b"")
    return version.decode() if isinstance(version, bytes) else str(version)


async def _owner(connection: AbstractConnection, source: str) -> Finding:
    """Whose virtual host it is. One that nobody has taken yet is left as it is."""
    channel = await connection.channel()
    try:
        await channel.declare_exchange(OWNER, passive=True)
        await claim(await connection.channel(), source)
    except ChannelNotFoundEntity:
        return note(
            "virtual host chưa thuộc nguồn nào", "the virtual host belongs to no source yet: intake takes it at start"
        )
    except ForeignSource as error:
        return wrong(
            f"virtual host thuộc nguồn khác: {error}",
            str(error),
            "mỗi nguồn một virtual host",
            "give each source a virtual host of its own",
        )
    except ChannelAccessRefused:
        return _refused(OWNER)
    return right(f"virtual host của nguồn {source}", f"the virtual host is that of the source {source}")


async def _queue(connection: AbstractConnection, route: Route) -> Finding:
    try:
        waiting = await waiting_in(connection, route.queue)
        if waiting is None:
            return note(
                f"hàng đợi {route.queue} chưa có", f"the queue {route.queue} is not there yet: its service makes it"
            )
        await declare(await connection.channel(), route)  # what is there otherwise is refused
    except (Occupied, ChannelPreconditionFailed):
        return wrong(
            f"hàng đợi {route.queue} thuộc loại khác",
            f"the queue {route.queue} is of another type",
            "để nó cạn rồi xóa: dịch vụ tạo lại hàng đợi quorum",
            "let it run empty and delete it: the service makes it a quorum queue",
        )
    except ChannelAccessRefused:
        return _refused(route.queue)
    messages, consumers = waiting
    if not consumers:
        return wrong(
            f"không ai nhận hàng đợi {route.queue} ({messages} thông điệp)",
            f"nobody consumes the queue {route.queue} ({messages} messages)",
            "xem dịch vụ nhận nó có đang chạy không",
            "see whether its service runs",
        )
    return right(
        f"{route.queue}: quorum, {messages} thông điệp chờ", f"{route.queue}: a quorum queue, {messages} messages wait"
    )


def _refused(what: str) -> Finding:
    return wrong(
        f"thiếu quyền với {what}",
        f"the user has no right to {what}",
        "cấp quyền như deploy/rabbitmq/definitions.json",
        "grant what deploy/rabbitmq/definitions.json has",
    )


_START = (
    "xem địa chỉ, mạng và RabbitMQ ở đó có đang chạy không",
    "look at the address, the network, and whether RabbitMQ runs there",
)
_PASSWORD = Sentence("máy chủ từ chối người dùng hoặc mật khẩu", "the broker refuses its user or password")
_VIRTUAL_HOST = Sentence(
    "không có virtual host này, hoặc người dùng không được vào",
    "there is no such virtual host, or the user may not enter it",
)
