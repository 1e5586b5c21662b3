"""Lets whoever sits at this machine in: `door.py OUTSIDE INSIDE SPACE PORT...` forwards ports of the loopback.

It listens where it was started and then enters the network namespace of the edge: what listens already stays outside.
"""

import asyncio
import contextlib
import ctypes
import socket
import sys

CHUNK = 65_536  # bytes
_CLONE_NEWNET = 0x40000000


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def _serve(listening: list[socket.socket], inside: str) -> None:
    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        try:
            there = await asyncio.open_connection(inside, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))

    servers = [await asyncio.start_server(let_in, sock=each) for each in listening]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(outside: str, inside: str, space: str, *ports: str) -> None:
    """Listen, enter, serve until it is ended."""
    listening = [socket.create_server((outside, int(port))) for port in ports]
    libc = ctypes.CDLL(None, use_errno=True)
    with open(space) as entered:
        if libc.setns(entered.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    asyncio.run(_serve(listening, inside))


if __name__ == "__main__":
    main(*sys.argv[1:])
