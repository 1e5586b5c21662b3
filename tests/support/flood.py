"""More petitions than can be taken: many connections, each sending the next one as soon as it is answered."""

import asyncio
import json
from collections import Counter


class Flood:
    """A closed loop of clients in one event loop, with as little work of its own as possible."""

    def __init__(self, port: int, clients: int) -> None:
        self.port, self.clients = port, clients
        self.statuses: Counter[int] = Counter()
        self.accepted: dict[str, str] = {}
        self.without_retry_after = 0

    def run(self, seconds: float) -> None:
        """Flood for so long; every request is waited for."""
        asyncio.run(self._run(seconds))

    async def _run(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self._client(number, until) for number in range(self.clients)))

    async def _client(self, number: int, until: float) -> None:
        loop, turn = asyncio.get_running_loop(), 0
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while loop.time() < until:
            turn += 1
            key = f"flood:{number}.{turn}"
            body = json.dumps({"jurisdiction": "H35.10.31", "text": f"Kiến nghị số {key}"}).encode()
            writer.write(
                f"POST /v1/petitions HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            answer = await reader.readexactly(length)
            self.statuses[status] += 1
            if status == 201:
                self.accepted[key] = str(json.loads(answer)["id"])
            elif status == 503:
                self.without_retry_after += b"retry-after:" not in head
                await asyncio.sleep(0.05)  # not even what it was asked for
        writer.close()
