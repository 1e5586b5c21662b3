"""Acting through a source's own API under the token of whoever acts; nothing is decided here."""

from typing import Any

import httpx
import msgspec

PROBLEM = "urn:doithoai:problem:"
TIMEOUT = 30.0  # seconds


class Refusal(Exception):
    """The source refused an act; `code` is its problem type."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class RecordedCommand(msgspec.Struct, frozen=True):
    """Where an act was recorded."""

    id: str
    position: int
    receipt_code: str = ""


class IntakeClient:
    """Posts commands to the sources, each at its own address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def act(self, url: str, path: str, body: dict[str, Any], key: str, token: str) -> RecordedCommand:
        """Record one act. Sent again with the same key it is recorded once. Raises Refusal."""
        headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            answer = await self._client.post(f"{url}{path}", json=body, headers=headers, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            raise Refusal("intake-away", f"intake cannot be reached ({type(error).__name__}): send it again") from error
        if answer.is_success:
            return msgspec.json.decode(answer.content, type=RecordedCommand)
        try:
            problem = msgspec.json.decode(answer.content, type=dict[str, Any])
            raise Refusal(str(problem["type"]).removeprefix(PROBLEM), str(problem.get("detail", "")))
        except (msgspec.DecodeError, KeyError):
            raise Refusal("intake-away", f"intake answered {answer.status_code}: send it again") from None
