"""A browser without script: forms are filled in by their labels' inputs, sent as a browser would, and led on."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx

from services.followup.console.doors import ASKED


class Form(HTMLParser):
    """The first form of a page's main part with a button: its inputs as they stand, and what may be ticked."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.boxes: list[str] = []
        self.files: list[str] = []
        self.action = ""
        self._area = self._select = ""
        self._first: str | None = None
        self.feed(page.partition("<main")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        match tag, given.get("type", "text"):
            case "form", _:
                self.action = self.action or given.get("action", "")
            case "input", "checkbox":
                self.boxes.append(name)
                if "checked" in given:
                    self.values[name] = given.get("value", "on")
            case "input", "radio":
                if "checked" in given:
                    self.values[name] = given["value"]
            case "input", "file":
                self.files.append(name)
            case "input", _:
                self.values[name] = given.get("value", "")
            case "textarea", _:
                self._area, self.values[name] = name, ""
            case "select", _:
                self._select, self._first = name, None
            case "option", _ if self._select:
                if self._first is None or "selected" in given:
                    self._first = given.get("value", "")
                    self.values[self._select] = self._first

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data


class Visitor:
    """Somebody with a browser: opens pages, fills in forms, reads what is said."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(
            base_url=url, follow_redirects=True, timeout=30, headers={"Accept": "text/html"}, cookies={ASKED: "yes"}
        )

    def open(self, path: str) -> httpx.Response:
        """A page that must be there."""
        page = self.client.get(path)
        assert page.status_code == 200, f"{path}: {page.status_code} {said(page)}"
        return page

    def form(self, path: str) -> Form:
        """The form of a page."""
        return Form(self.open(path).text)

    def send(self, path: str, files: dict[str, bytes] | None = None, **filled: Any) -> httpx.Response:
        """Fill in a form and send it; what comes of it, after the redirect."""
        form = self.form(path)
        values = form.values | {name: str(value) for name, value in filled.items()}
        # Without an address of its own a form goes where its page is, with all that stands behind the question mark.
        to = form.action or path
        if not form.files:
            return self.client.post(to, data=values)
        sent = {f"{name}_file": (f"{name}.pdf", content) for name, content in (files or {}).items()}
        return self.client.post(to, data=values, files=sent or {"none": ("", b"")})

    def do(self, path: str, files: dict[str, bytes] | None = None, **filled: Any) -> httpx.Response:
        """The same, confirmed where that is asked for; it must be recorded."""
        page = self.send(path, files, **filled)
        if (form := Form(page.text)).values.get("confirmed"):
            page = self.client.post(form.action or path, data=form.values)
        assert page.status_code == 200, f"{path}: {page.status_code} {said(page)}"
        assert "Đã ghi nhận" in page.text, f"{path}: {said(page)}"
        return page


def said(page: httpx.Response) -> str:
    """What a page says in its notices."""
    notices = re.findall(r'class="notice[^>]*>(.*?)</(?:div|p)>', page.text, re.DOTALL)
    return re.sub(r"<[^>]+>|\s+", " ", " ".join(notices)).strip()
