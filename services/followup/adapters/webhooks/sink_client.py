"""One sink over HTTP: its consent to be sent to, and deliveries, each a signed CloudEvent.

The connection goes to the address that was judged, under the name of the sink: in `Host`, and in TLS by SNI and the
certificate that is asked for. No proxy, no redirect, no cookie; of an answer no more than its beginning is read.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from services.followup.adapters.webhooks.sink_addresses import (
    AllowedSinks,
    Resolve,
    SinkAddress,
    SinkRefused,
    SinkUnresolved,
    address_of,
    resolved,
    sink_of,
)
from services.followup.adapters.webhooks.webhook_seals import SinkSecrets, signatures
from services.followup.application.webhook_ports import Answer, SinkConsent, Verdict

WHOLE = 10.0  # seconds for a delivery, from the resolver to the answer
_TIMEOUT = httpx.Timeout(WHOLE).as_dict()
READ_OF_ANSWER = 1024  # bytes
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
ASKED_RATE = 60_000  # deliveries a minute that a sink is asked for; it may allow fewer

Now = Callable[[], datetime]


class SinkClient:
    """The way to every sink."""

    def __init__(
        self, allowed: AllowedSinks, origin: str, trusted: ssl.SSLContext, now: Now, resolve: Resolve = resolved
    ) -> None:
        """`origin` is the name under which sinks are asked for their consent."""
        self._allowed, self._origin, self._trusted, self._now, self._resolve = allowed, origin, trusted, now, resolve

    async def check(self, url: str) -> None:
        """Refuse an address to which no webhook may be sent. Raises SinkRefused; one without an address now passes."""
        with contextlib.suppress(SinkUnresolved):
            async with asyncio.timeout(WHOLE):
                await address_of(sink_of(url), self._allowed, self._resolve)

    async def ask_consent(self, url: str, secrets: SinkSecrets) -> SinkConsent:
        """Ask a sink whether it wants to be sent to: the handshake of CloudEvents against abuse."""
        asked = {"WebHook-Request-Origin": self._origin, "WebHook-Request-Rate": str(ASKED_RATE)}
        async with self.session(url, secrets) as session:
            answer, headers = await session.request("OPTIONS", asked, b"")
        if answer.verdict is not Verdict.DELIVERED:
            return SinkConsent(answer, False)
        consents = headers.get("webhook-allowed-origin", "").strip().lower() in ("*", self._origin.lower())
        rate = headers.get("webhook-allowed-rate", "").strip()
        allowed = int(rate) if rate.isascii() and rate.isdigit() and 0 < len(rate) < 9 and int(rate) else None
        return SinkConsent(answer, consents, allowed)

    @contextlib.asynccontextmanager
    async def session(self, url: str, secrets: SinkSecrets) -> "AsyncIterator[SinkSession]":
        """Deliveries over one connection to an address that is judged when the first is made."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        async with httpx.AsyncHTTPTransport(verify=self._trusted, trust_env=False, limits=limits) as transport:

            async def find(sink: SinkAddress) -> str:
                return await address_of(sink, self._allowed, self._resolve)

            yield SinkSession(transport, url, secrets, find, self._now)


class SinkSession:
    """Some deliveries to one sink, one after another. By the transport alone: half of a client's time is its own."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        url: str,
        secrets: SinkSecrets,
        find: Callable[[SinkAddress], Awaitable[str]],
        now: Now,
    ) -> None:
        self._transport, self._url, self._secrets, self._find, self._now = transport, url, secrets, find, now
        self._at: httpx.URL | None = None

    async def deliver(self, message_id: str, body: bytes) -> Answer:
        """Send an event, signed. Whatever goes wrong is an answer too."""
        now = self._now()
        signed = {
            "Content-Type": CONTENT_TYPE,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signatures(self._secrets, message_id, now, body),
        }
        answer, _ = await self.request("POST", signed, body)
        return answer

    async def request(self, method: str, headers: Mapping[str, str], body: bytes) -> tuple[Answer, Mapping[str, str]]:
        """One request and the headers of its answer."""
        try:
            async with asyncio.timeout(WHOLE):
                sink = sink_of(self._url)
                if self._at is None:
                    self._at = httpx.URL(sink.at(await self._find(sink)))
                given = {"Host": sink.authority, "User-Agent": "doithoai-webhooks", **self._secrets.headers, **headers}
                about = {"sni_hostname": sink.host, "timeout": _TIMEOUT}
                asked = httpx.Request(method, self._at, headers=given, content=body, extensions=about)
                answer = await self._transport.handle_async_request(asked)
                try:
                    await _beginning_of(answer)
                finally:
                    await answer.aclose()
                return _judged(answer, self._now()), answer.headers
        except SinkRefused as refusal:
            return Answer(Verdict.FORBIDDEN, why=refusal.why), {}
        except SinkUnresolved:
            return Answer(Verdict.FAILED, why="unresolved"), {}
        except (TimeoutError, httpx.TimeoutException):
            return Answer(Verdict.FAILED, why="timeout"), {}
        except Exception as error:  # a stranger writes the answer: whatever it makes fail, the next attempt comes later
            self._at = None  # it may have moved
            return Answer(Verdict.FAILED, why=_kind_of(error)), {}


async def _beginning_of(answer: httpx.Response) -> None:
    """Read so much of an answer that a short one lets its connection be used again."""
    read = 0
    async for chunk in answer.aiter_raw():
        read += len(chunk)
        if read > READ_OF_ANSWER:
            return


def _judged(answer: httpx.Response, now: datetime) -> Answer:
    status = answer.status_code
    if answer.is_success:
        return Answer(Verdict.DELIVERED, status)
    if status == httpx.codes.GONE:
        return Answer(Verdict.GONE, status, why="gone")
    if answer.is_redirect:
        return Answer(Verdict.FAILED, status, why="redirect")
    pause = None
    if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        pause = _seconds(answer.headers.get("retry-after", "").strip(), now)
    return Answer(Verdict.FAILED, status, why="status", retry_after=pause)


def _seconds(written: str, now: datetime) -> float | None:
    """How long `Retry-After` asks to wait; None where it does not say."""
    if written.isascii() and written.isdigit():
        return float(written[:9])
    try:
        return max((parsedate_to_datetime(written) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # no date, or one without an offset, or beyond every calendar
        return None


def _kind_of(error: Exception) -> str:
    """What hindered a delivery, as the log says it: nothing that a sink has written."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls"
        cause = cause.__cause__ or cause.__context__
    return "unreachable" if isinstance(error, httpx.ConnectError | OSError) else "broken-off"
