"""Compression of answers, but of none whose length could tell a stranger what stands in it."""

from litestar.config.compression import CompressionConfig
from litestar.datastructures import Headers
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Receive, Scope, Send

MIN_COMPRESSED = 1024  # bytes
#: Files are compressed already; the feed is read by a program next door, and the metrics too.
NOT_COMPRESSED = ["/files/", "^/v1/events", "^/metrics"]


class OwnPagesCompression(CompressionMiddleware):
    """Compresses what programs ask for, and what a person asks for by hand or from a page of ours.

    Whoever can put a guess into an address, have it answered beside a secret, and see how long the answer is, reads
    the secret letter by letter: what is guessed right compresses better (BREACH). The guess comes by a page of others,
    which makes a browser ask with the cookies of whoever sits there. Browsers say so in `Sec-Fetch-Site`, which no
    page can set, and which stays `cross-site` along every redirect; such an answer goes out as it is. So does one to
    an old browser that does not say where it was sent from. A program's token is in no browser: nobody else can make
    it ask.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed or not."""
        if may_be_probed(Headers.from_scope(scope)):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def may_be_probed(headers: Headers) -> bool:
    """Whether somebody else may have made a browser ask this."""
    site = headers.get("sec-fetch-site")
    return "cookie" in headers if site is None else site not in ("same-origin", "none")


def compression() -> CompressionConfig:
    """What of the application's answers is compressed."""
    return CompressionConfig(
        "gzip", minimum_size=MIN_COMPRESSED, exclude=NOT_COMPRESSED, middleware_class=OwnPagesCompression
    )
