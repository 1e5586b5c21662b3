"""The clients that speak for people: what one person's answer sets goes with no request of another's."""

import httpx

from services.followup.bootstrap import cookieless_client


async def test_cookie__that_an_answer_sets_is_not_sent_again() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "session=somebody; Path=/"})

    async def named(request: httpx.Request) -> None:
        request.headers["Doithoai-Post"] = "1"

    async with cookieless_client(named) as client:
        client._transport = httpx.MockTransport(answer)
        for _ in range(2):
            await client.get("https://login.example/token")
    assert [request.headers.get("Cookie") for request in asked] == [None, None]
    assert asked[0].headers["Doithoai-Post"] == "1"
