"""A sink that answers at once: `python -m benchmarks.peers.sink` prints its port and serves until it is ended."""

import asyncio

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = b"content-length: "


class SinkProtocol(asyncio.Protocol):
    """One connection; reads whole requests and keeps nothing of them."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            at = self._got.lower().find(_LENGTH, 0, end)
            length = int(self._got[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
            if len(self._got) < end + 4 + length:
                return
            self._got = self._got[end + 4 + length :]
            assert isinstance(self._transport, asyncio.WriteTransport)
            self._transport.write(ANSWER)


async def main() -> None:
    """Serve."""
    server = await asyncio.get_running_loop().create_server(SinkProtocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
