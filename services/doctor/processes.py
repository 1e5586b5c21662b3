"""The services as processes, and the feeds that followup reads: whether they answer, what they say of themselves."""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from services.doctor.databases import LARGE_SKEW, Now
from services.doctor.findings import Finding, note, right, wrong
from services.followup.configured import source_token
from services.followup.settings import FollowupSettings
from shared.settings import WrongSettings

ANSWERS = 4.0  # seconds
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404


async def look(host: str, port: int, now: Now) -> Sequence[Finding]:
    """A service on this machine, by its probes."""
    place = EVERYWHERE.get(host, host)
    url = f"http://{f'[{place}]' if ':' in place else place}:{port}"
    async with httpx.AsyncClient(timeout=ANSWERS, trust_env=False) as client:
        try:
            answer = await client.get(f"{url}/readyz")
            progress = await client.get(f"{url}/progressz")
        except httpx.HTTPError as error:
            kind = type(error).__name__
            return [
                wrong(
                    f"{url} không trả lời ({kind})",
                    f"{url} does not answer ({kind})",
                    "khởi động dịch vụ; xem nhật ký của nó",
                    "start the service; see its log",
                )
            ]
    found = [_ready(answer), *_notices(answer)]
    if progress.status_code != NOT_FOUND:
        found += [_ready(progress, "tiến triển", "progress"), *_notices(progress)]
    return [*found, *_clock(answer, now)]


async def look_at_sources(settings: FollowupSettings) -> Sequence[Finding]:
    """Every feed that followup reads, with its token."""
    try:
        token = source_token(settings)()
    except WrongSettings:
        return []  # the secrets have said it
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(timeout=ANSWERS, headers=headers) as client:
        return await asyncio.gather(*(_feed(client, url) for url in settings.feeds))


async def _feed(client: httpx.AsyncClient, url: str) -> Finding:
    try:
        answer = await client.get(f"{url}/v1/events", params={"limit": 1})
    except httpx.HTTPError as error:
        kind = type(error).__name__
        return wrong(
            f"{url} không trả lời ({kind})",
            f"{url} does not answer ({kind})",
            "xem FOLLOWUP_SOURCES, mạng và intake ở đó",
            "look at FOLLOWUP_SOURCES, at the network, and at the intake there",
        )
    if answer.status_code in (UNAUTHORIZED, FORBIDDEN):
        return wrong(
            f"{url} từ chối mã truy cập ({answer.status_code})",
            f"{url} refuses the token ({answer.status_code})",
            "ghi mã của vai trò auditor cho cả nước vào FOLLOWUP_SOURCE_TOKEN_FILE",
            "write the token of an auditor of the whole country into FOLLOWUP_SOURCE_TOKEN_FILE",
        )
    if answer.status_code != OK:
        return wrong(
            f"{url} trả lời {answer.status_code}",
            f"{url} answers {answer.status_code}",
            "xem nhật ký của intake ở đó",
            "see the log of the intake there",
        )
    page: dict[str, Any] = answer.json()
    return right(
        f"{url}: nguồn {page.get('source')}, {page.get('head')} sự kiện",
        f"{url}: the source {page.get('source')} with {page.get('head')} events",
    )


def _ready(answer: httpx.Response, vi: str = "phục vụ", en: str = "service") -> Finding:
    if answer.status_code == OK:
        return right(f"{vi}: sẵn sàng", f"{en}: ready")
    try:
        detail = answer.json().get("detail", "")
    except ValueError:
        detail = ""
    return wrong(
        f"{vi}: chưa sẵn sàng ({answer.status_code}): {detail}",
        f"{en}: not ready ({answer.status_code}): {detail}",
        "xem nhật ký và docs/runbooks",
        "see its log and docs/runbooks",
    )


def _notices(answer: httpx.Response) -> list[Finding]:
    try:
        notices = answer.json().get("notices", {}) if answer.status_code == OK else {}
    except ValueError:
        return []
    return [note(f"{name}: {why}", f"{name}: {why}") for name, why in sorted(notices.items())]


def _clock(answer: httpx.Response, now: Now) -> list[Finding]:
    try:
        said = parsedate_to_datetime(answer.headers["date"]).replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError):
        return []
    skew = said - now()
    if abs(skew) <= LARGE_SKEW:
        return []
    return [
        wrong(
            f"đồng hồ của dịch vụ lệch {skew:+.0f} giây",
            f"the clock of the service is {skew:+.0f} s off",
            "bật đồng bộ thời gian",
            "synchronise the time",
        )
    ]
