"""What both clients share: how a call becomes a request, and whether its outcome is the last. No I/O."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeVar

import httpx

from doithoai_client.calls import Call, ServiceName
from doithoai_client.problems import NotReached, refusal_of
from doithoai_client.retries import Retries, is_untouched

T = TypeVar("T")
#: A function is asked before each attempt: a token that expires is renewed there.
Token = str | Callable[[], str]

CONNECT_WITHIN = 10.0  # seconds
AGENT = f"doithoai-client/{version('doithoai-client')}"


class Sending:
    """Where the services are, who calls, and how often."""

    def __init__(
        self, source: str, token: Token, intake: str, followup: str, token_header: str, retries: Retries | None
    ) -> None:
        self.source, self._token, self._token_header = source, token, token_header
        self._urls: dict[ServiceName, str] = {"intake": intake.rstrip("/"), "followup": followup.rstrip("/")}
        self._retries = retries or Retries()

    def request(self, http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        """The request of one attempt."""
        token = self._token() if callable(self._token) else self._token
        shown = f"Bearer {token}" if self._token_header == "Authorization" else token
        return http.build_request(
            call.method,
            self._urls[call.service] + call.path,
            params=list(call.params) or None,
            headers={"User-Agent": AGENT, self._token_header: shown, **call.headers},
            content=call.body,
            timeout=httpx.Timeout(call.patience, connect=CONNECT_WITHIN),
        )

    def wait(self, call: Call[Any], attempt: int, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """Seconds until the next attempt; None: the response is to be read. Raises NotReached."""
        wait = self._retries.wait(attempt, outcome) if call.repeats or is_untouched(outcome) else None
        if wait is None and isinstance(outcome, httpx.TransportError):
            raise NotReached(f"no answer after {attempt} attempts: {type(outcome).__name__}") from outcome
        return wait


def answer_of(call: Call[T], outcome: httpx.Response | httpx.TransportError) -> T:
    """What a last outcome says. Raises CallRefused."""
    assert isinstance(outcome, httpx.Response)
    if outcome.is_success:
        return call.read(outcome)
    raise refusal_of(outcome)
