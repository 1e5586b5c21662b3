"""Calls to intake over HTTP, with JSON in and out."""

import os
from typing import Any

import httpx

from services.exit_codes import FAILED, stop_at
from shared.sentences import Sentence

TIMEOUT = 30.0  # seconds
DEFAULT_URL = "http://127.0.0.1:8570"
TOKEN_VARIABLE = "DOITHOAI_TOKEN"


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
    return None if answer.status_code == httpx.codes.NOT_FOUND else _content(answer, url)


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
        said = Sentence(f"từ chối ({answer.status_code}): {vi}", f"refused ({answer.status_code}): {en}")
        stop_at(content.get("field") or url, FAILED, said)
    found: dict[str, Any] = content
    return found
