"""The broker as a service finds it: reached, the virtual host of this source, its queues of the right type."""

import asyncio
from collections.abc import Sequence

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused

from services.doctor.findings import Finding, note, right, wrong
from services.followup.configured import broker_urls
from services.followup.settings import FollowupSettings
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.topology import OWNER, ForeignSource, Occupied, Route, claim, declare, user_of, waiting_in
from shared.settings import WrongSettings

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
        async with asyncio.timeout(CONNECT):
            connection = await BrokerHosts(url).connect()
    except (ProbableAuthenticationError, ChannelAccessRefused):
        return [
            wrong(
                f"{variable}: máy chủ từ chối người dùng hoặc mật khẩu",
                f"{variable}: the broker refuses its user or password",
                "xem mật khẩu và quyền vào virtual host",
                "look at the password and at the right to the virtual host",
            )
        ]
    except (OSError, TimeoutError, ValueError, AMQPError) as error:
        kind = type(error).__name__
        return [
            wrong(
                f"{variable}: không vào được ({kind})",
                f"{variable}: cannot be reached ({kind})",
                "xem địa chỉ, virtual host và RabbitMQ có đang chạy không",
                "look at the address, the virtual host, and whether RabbitMQ runs",
            )
        ]
    try:
        user = user_of(url)
        found = [right(f"{variable}: vào được với tên {user}", f"{variable}: reached as {user}")]
        if source:
            found.append(await _owner(connection, source))
        for route in routes:
            found.append(await _queue(connection, route))
        return found
    finally:
        await connection.close()


async def look_at_own(settings: FollowupSettings) -> Sequence[Finding]:
    """The brokers that sources of followup have of their own."""
    try:
        urls = broker_urls(settings)
    except WrongSettings as error:
        return [wrong(str(error), str(error), "sửa tệp này", "mend this file")]
    looks = (look(f"FOLLOWUP_SOURCES: {address}", urls[address], "", []) for address in settings.broker_files)
    return [finding for found in await asyncio.gather(*looks) for finding in found]


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
