"""The services as processes, and the feeds that followup reads: whether they answer, what they say of themselves."""

import asyncio
from collections.abc import Sequence, Set
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from services.doctor import databases
from services.doctor.databases import LARGE_SKEW, Now
from services.doctor.findings import Finding, note, right, wrong
from services.followup.configured import source_token
from services.followup.settings import FollowupSettings
from shared.http.auth import LOCAL
from shared.identifiers import NATION
from shared.settings import WrongSettings

ANSWERS = 4.0  # seconds
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
NOT_READY = "not-ready"  # the code of the problem that a service answers with while it is not
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404


async def look(host: str, port: int, now: Now) -> Sequence[Finding]:
    """A service on this machine, by its probes."""
    place = EVERYWHERE.get(host, host)
    url = f"http://{f'[{place}]' if ':' in place else place}:{port}"
    async with _client(trust_env=False) as client:
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


async def look_at_public(variable: str, url: str) -> Sequence[Finding]:
    """A service at the address that browsers and programs know, through whatever proxy stands before it."""
    address = f"{url.rstrip('/')}/readyz"
    try:
        async with _client(verify=False) as client:  # the check of the certificates judges them
            answer = await client.get(address)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        return [
            note(
                f"{variable}: từ máy này không tới được {address} ({kind})",
                f"{variable}: {address} cannot be reached from this machine ({kind})",
                "nếu từ máy khác cũng không: xem tên miền, proxy và tường lửa",
                "if nor from another one: look at the name, the proxy and the firewall",
            )
        ]
    try:
        told = answer.json()
        is_ours = told.get("status") == "ready" or told.get("type", "").endswith(NOT_READY)
    except (ValueError, AttributeError):  # a page of the proxy's, or of whoever else is there
        is_ours = False
    if is_ours:
        return [right(f"{variable}: dịch vụ trả lời ở đó", f"{variable}: the service answers there")]
    return [
        wrong(
            f"{variable}: {address} không phải dịch vụ này trả lời ({answer.status_code})",
            f"{variable}: it is not this service that answers at {address} ({answer.status_code})",
            "cho đường dẫn và upstream trong cấu hình proxy khớp với biến này",
            "let the path and the upstream in the proxy's configuration agree with this setting",
        )
    ]


async def look_at_sources(settings: FollowupSettings) -> Sequence[Finding]:
    """Every feed that followup reads, with its token."""
    try:
        token = source_token(settings)()
    except WrongSettings:
        return []  # the secrets have said it
    known = await databases.followed(settings.database_url)
    async with _client(headers={"Authorization": f"Bearer {token}"} if token else {}) as client:
        found = await asyncio.gather(*(_feed(client, url, known) for url in settings.feeds))
    return [finding for each in found for finding in each]


async def _feed(client: httpx.AsyncClient, url: str, known: Set[str]) -> list[Finding]:
    try:
        answer = await client.get(f"{url}/v1/events", params={"limit": 1})
        other = await client.get(f"{url}/v1/sources")  # only a followup has this page
        caller = await client.get(f"{url}/v1/me")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        return [
            wrong(
                f"{url} không trả lời ({kind})",
                f"{url} does not answer ({kind})",
                "xem FOLLOWUP_SOURCES, mạng và intake ở đó",
                "look at FOLLOWUP_SOURCES, at the network, and at the intake there",
            )
        ]
    if answer.status_code in (UNAUTHORIZED, FORBIDDEN):
        return [
            wrong(
                f"{url} từ chối mã truy cập ({answer.status_code})",
                f"{url} refuses the token ({answer.status_code})",
                *_AUDITOR,
            )
        ]
    if answer.status_code != OK:
        return [
            wrong(
                f"{url} trả lời {answer.status_code}",
                f"{url} answers {answer.status_code}",
                "xem nhật ký của intake ở đó",
                "see the log of the intake there",
            )
        ]
    if other.status_code == OK:
        return [
            wrong(
                f"{url} là một followup, không phải intake",
                f"{url} is a followup, no intake",
                "nêu địa chỉ của intake trong FOLLOWUP_SOURCES",
                "name the address of an intake in FOLLOWUP_SOURCES",
            )
        ]
    source, head = answer.json().get("source"), answer.json().get("head")
    said = f"{url}: nguồn {source}, {head} sự kiện", f"{url}: the source {source} with {head} events"
    found = [right(*said)]
    if known and source not in known:
        listed = ", ".join(sorted(known))
        found = [
            note(
                f"{said[0]}, chưa từng được theo dõi ở đây (đã có: {listed})",
                f"{said[1]}, which was never followed here (known: {listed})",
                "nếu không phải nguồn mới: sửa FOLLOWUP_SOURCES",
                "if it is no new source: mend FOLLOWUP_SOURCES",
            )
        ]
    return [*found, *_reader(url, caller)]


def _reader(url: str, caller: httpx.Response) -> list[Finding]:
    """Whether the feed is read as somebody who may read all of it, and change nothing."""
    try:
        told = caller.json() if caller.status_code == OK else {}
        name, roles, place = told["caller"], told["roles"], told["jurisdiction"]
    except (ValueError, KeyError):
        return []  # of a release that does not tell
    if name == LOCAL.name:  # a developer's machine, without tokens
        return []
    if roles != ["auditor"]:
        listed = ", ".join(roles)
        return [
            wrong(
                f"{url}: mã truy cập của {name} có vai trò {listed}, không phải auditor",
                f"{url}: the token is {name}'s, of the role {listed}, not of an auditor",
                *_AUDITOR,
            )
        ]
    if place != NATION:
        return [
            wrong(
                f"{url}: mã truy cập của {name} chỉ cho {place}, không phải cả nước",
                f"{url}: the token is {name}'s, for {place} alone, not for the whole country",
                *_AUDITOR,
            )
        ]
    return []


def _client(**options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=ANSWERS, **options)


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
    # What a service says of itself for operators is English.
    return [note(f"dịch vụ báo về {name}: {why}", f"{name}: {why}") for name, why in sorted(notices.items())]


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


_AUDITOR = (
    "doithoai token followup --role auditor --file tokens.json của intake; ghi mã vào FOLLOWUP_SOURCE_TOKEN_FILE",
    "doithoai token followup --role auditor --file tokens.json of the intake; write it into FOLLOWUP_SOURCE_TOKEN_FILE",
)
