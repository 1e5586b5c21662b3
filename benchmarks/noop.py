"""A server like intake's with one route that does nothing: the ceiling of a POST on our own stack."""

import os
from uuid import UUID

import msgspec
from litestar import Litestar, Request, Response, get, post

from shared.http.server import server


class NoopAnswer(msgspec.Struct):
    """As long an answer as intake's."""

    id: UUID
    version: int
    position: int
    recorded_at: str
    receipt_code: str


ANSWER = NoopAnswer(UUID(int=7), 1, 123_456, "2026-01-01T00:00:00.000000Z", "KN-0123456789")


@post("/v1/petitions")
async def petitions(request: Request) -> Response[NoopAnswer]:  # type: ignore[type-arg]
    """Take the body, as any route must, and answer."""
    await request.body()
    return Response(ANSWER, status_code=201, headers={"ETag": '"1"', "Location": f"/v1/petitions/{ANSWER.id}"})


@get("/healthz")
async def healthz() -> str:
    """It serves."""
    return ""


def main() -> None:
    """Serve on the port of the environment."""
    import uvloop

    app = Litestar([petitions, healthz], logging_config=None)
    uvloop.run(server(app, "127.0.0.1", int(os.environ["NOOP_PORT"])).serve())


if __name__ == "__main__":
    main()
