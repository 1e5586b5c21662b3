"""Calls to intake over HTTP, with JSON in and out."""

import os
from typing import Any

import httpx

from services.exit_codes import FAILED, stop

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
        stop(FAILED, f"--url: {url} does not answer ({type(error).__name__}); is intake running there?")


def _content(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        stop(FAILED, f"--url: {url} answered {answer.status_code} without JSON; is it intake?")
    if answer.is_error:
        detail = content.get("detail") or content.get("title", "")
        at = f"{content['field']}: " if content.get("field") else ""
        stop(FAILED, f"refused ({answer.status_code}): {at}{detail}")
    found: dict[str, Any] = content
    return found
