"""What followup makes of the answers of intake."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from services.followup.adapters import intake_client
from services.followup.adapters.intake_client import IntakeClient, Refusal

FORBIDDEN = {"type": "role-may-not", "detail": "no", "field": None}


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens", request=request)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (away, 503, "hiện không kết nối được; hãy mở lại trang"),
        (lambda _: httpx.Response(502, text="bad gateway"), 503, "Hệ thống tiếp nhận trả lời lỗi 502"),
        (lambda _: httpx.Response(503, json={"type": "store-unavailable", "detail": "later"}), 503, "later"),
        (lambda _: httpx.Response(403, json=FORBIDDEN), 403, "no"),
    ],
    ids=["away", "proxy", "store", "forbidden"],
)
async def test_content__that_is_not_opened_says_why_and_with_which_status(
    answer: httpx.MockTransport, status: int, said: str
) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:  # type: ignore[arg-type]
        with pytest.raises(Refusal) as refused:
            await IntakeClient(client).content("http://intake", "/v1/petitions/1", "")
    assert refused.value.status == status
    assert said in refused.value.detail.vi


class DrippingAnswer(httpx.AsyncByteStream):
    """An answer of which a byte comes now and then, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "


async def test_answer__that_drips_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_client, "WHOLE", 0.2)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=DrippingAnswer()))
    async with httpx.AsyncClient(transport=transport) as client, asyncio.timeout(10):
        for asked in (
            IntakeClient(client).content("http://intake", "/v1/petitions/1", ""),
            IntakeClient(client).act("http://intake", "/v1/petitions", {}, "key", ""),
        ):
            with pytest.raises(Refusal) as refused:
                await asked
            assert refused.value.status == 503
