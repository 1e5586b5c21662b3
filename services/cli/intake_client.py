"""Calls to intake over HTTP, with JSON in and out."""

import os
from typing import Any

import httpx

from services.exit_codes import FAILED, stop_at
from shared.sentences import Sentence

TIMEOUT = 30.0  # seconds
DEFAULT_URL = "http://127.0.0.1:8570"
TOKEN_VARIABLE = "DOITHOAI_TOKEN"
GIVE_TOKEN = Sentence(
    f"hãy nêu mã truy cập bằng --token hoặc {TOKEN_VARIABLE}", f"give a token with --token or {TOKEN_VARIABLE}"
)


def headers(token: str) -> dict[str, str]:
    """The header with the caller's token, given or from the environment. On loopback none is needed."""
    value = token or os.environ.get(TOKEN_VARIABLE, "")
    return {"Authorization": f"Bearer {value}"} if value else {}


def post(url: str, path: str, body: Any, token: str, key: str = "", version: int | None = None) -> dict[str, Any]:
    """Send a command that rests on a version. A refusal ends the command line with what intake says."""
    sent = headers(token)
    if key:
        sent["Idempotency-Key"] = key
    if version is not None:
        sent["If-Match"] = f'"{version}"'
    return _content(_sent("POST", url, path, sent, body), url)


def get(url: str, path: str, token: str) -> dict[str, Any] | None:
    """Ask a question. None means not found; any other refusal ends the command line with what intake says."""
    answer = _sent("GET", url, path, headers(token))
    is_said = answer.headers.get("content-type", "").startswith("application/problem+json")
    return None if answer.status_code == httpx.codes.NOT_FOUND and is_said else _content(answer, url)


def _sent(method: str, url: str, path: str, sent: dict[str, str], body: Any = None) -> httpx.Response:
    try:
        with httpx.Client(timeout=TIMEOUT) as client:
            return client.request(method, f"{url.rstrip('/')}{path}", json=body, headers=sent)
    except httpx.HTTPError as error:
        kind = type(error).__name__
        said = Sentence(
            f"{url} không trả lời ({kind}); hãy kiểm tra hệ thống tiếp nhận có đang chạy ở đó không",
            f"{url} does not answer ({kind}); is intake running there?",
        )
        stop_at("--url", FAILED, said)


def _content(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        status = answer.status_code
        said = Sentence(
            f"{url} trả lời {status} nhưng không phải JSON; hãy kiểm tra đó có phải là hệ thống tiếp nhận không",
            f"{url} answered {status} without JSON; is it intake?",
        )
        stop_at("--url", FAILED, said)
    if answer.is_error:
        told = content.get("translations") or {"vi": content, "en": content}
        vi, en = (told[language].get("detail") or told[language].get("title", "") for language in ("vi", "en"))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            vi, en = f"{vi}; {GIVE_TOKEN.vi}", f"{en}; {GIVE_TOKEN.en}"
        said = Sentence(f"từ chối ({answer.status_code}): {vi}", f"refused ({answer.status_code}): {en}")
        stop_at(content.get("field") or url, FAILED, said)
    found: dict[str, Any] = content
    return found


def feed_refusal(status: int, why: str, has_token: bool, give_token: Sentence) -> Sentence:
    """Why a feed gives no events, by the status that it answers, or by `why` where it answers nothing (0)."""
    match status:
        case 401 if has_token:
            said = Sentence(
                "trả lời 401: không biết mã truy cập này; hãy dùng mã đang có trong tệp mã truy cập của intake",
                "answered 401: it does not know the token; use one that is in intake's tokens file",
            )
        case 401:
            said = Sentence(
                f"trả lời 401: cần mã truy cập; {give_token.vi}", f"answered 401: it needs a token; {give_token.en}"
            )
        case 403:
            said = Sentence(
                "trả lời 403: bên gọi này không được đọc mọi sự kiện; hãy dùng mã có vai trò auditor của cả nước (VN)",
                "answered 403: this caller may not read every event; use a token of the role auditor for all of VN",
            )
        case 404:
            said = Sentence(
                "trả lời 404: ở đó không có luồng sự kiện; hãy kiểm tra đó có phải là hệ thống tiếp nhận không",
                "answered 404: there is no feed; is it intake?",
            )
        case 503:
            said = Sentence(
                "trả lời 503: đang chạy nhưng chưa đọc được kho dữ liệu; hãy thử lại sau, /readyz cho biết lý do",
                "answered 503: it runs, but cannot read its store now; try again, its /readyz says why",
            )
        case 0:
            said = Sentence(
                f"không trả lời ({why}); hãy kiểm tra hệ thống tiếp nhận có đang chạy ở đó không",
                f"does not answer ({why}); is intake running there?",
            )
        case _:
            said = Sentence(f"trả lời {status}; hãy xem nhật ký ở đó", f"answered {status}; see the log there")
    return said
