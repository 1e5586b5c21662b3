"""Chromium for tests of pages: who signs in, what is pressed, and what axe-core and a narrow screen find wrong."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from services.followup.console.language import COOKIE
from tests.support.interop import NODE_FOLDER, chromium, node

#: A small phone, a phone, a screen.
NARROW, PHONE, WIDE = WIDTHS = (320, 390, 1280)
HEIGHT = 900
#: All that axe-core knows; what it may see differently where only the width is another, and the colours too.
ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
BY_WIDTH = ("target-size", "scrollable-region-focusable")
BY_COLOUR = ("color-contrast", "link-in-text-block")
_ASKED = "{resultTypes: ['violations'], preload: false, ...options}"
_FOUND = f"async options => (await axe.run(document, {_ASKED})).violations"
#: How far a page goes beyond the screen, in pixels.
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A browser until the block ends. While it runs, no loop of asyncio can be run in this thread."""
    node()  # brings axe-core
    playwright = importlib.import_module("playwright.sync_api")  # of the group interop
    with playwright.sync_playwright() as tool:
        launched = tool.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()


def page_of(browser: Any, url: str, token: str = "", language: str = "vi", **options: Any) -> Any:
    """A page of a context of its own, signed in with a token if there is one."""
    context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT}, locale="vi-VN", base_url=url, **options)
    context.add_cookies([{"name": COOKIE, "value": language, "url": url}])
    page = context.new_page()
    if token:
        page.goto("/office/login")
        page.fill("#token", token)
        page.click("main button")
        page.wait_for_url(lambda at: "/office/login" not in at)
    return page


def press(page: Any, selector: str) -> int:
    """Click a button or a link; the status of the page that comes of it."""
    with page.expect_navigation() as came:
        page.click(selector)
    return int(came.value.status)


def only(rules: tuple[str, ...]) -> dict[str, Any]:
    """The options of axe-core for some rules."""
    return {"runOnly": {"type": "rule", "values": rules}}


class Looker:
    """Looks at pages and keeps what is wrong with them; the same page is looked at once."""

    def __init__(self) -> None:
        self._axe = (NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
        self.wrong: list[str] = []

    def look(self, page: Any, name: str = "") -> None:
        """All rules on a light screen; on phones those that a width may break, and in the dark those of colours."""
        name = name or page.url
        page.evaluate(self._axe)
        for width, scheme, rules in (
            (WIDE, "light", ALL_RULES), (PHONE, "light", only(BY_WIDTH)), (NARROW, "dark", only(BY_WIDTH + BY_COLOUR)),
        ):  # fmt: skip
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme=scheme)
            self._ask(page, f"{width} {scheme} {name}", rules)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})

    def fits(self, page: Any, name: str = "") -> None:
        """Only whether it fits the narrowest screen."""
        page.set_viewport_size({"width": NARROW, "height": HEIGHT})
        self._sideways(page, f"{NARROW} {name or page.url}")
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})

    def _ask(self, page: Any, name: str, rules: dict[str, Any]) -> None:
        found = page.evaluate(_FOUND, rules)
        self.wrong += [f"{name}: {v['id']}: {n['html'][:160]}" for v in found for n in v["nodes"]]
        self._sideways(page, name)

    def _sideways(self, page: Any, name: str) -> None:
        if (beyond := page.evaluate(BEYOND)) > 0:
            self.wrong.append(f"{name}: scrolls sideways by {beyond}")


#: Follows links as a person would: a link within what is folded costs a click more. Pages of one kind are many and
#: alike, so only some of each are opened, lists all, though not in every order; every link on them counts.
_WALK = """async ([most, ofAKind]) => {
  const clicks = new Map([["/", 0]]), opened = new Set(), kinds = new Map();
  const kindOf = (path) => path.replace(/[?].*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "*").replace(/[0-9]+/g, "*");
  const isToOpen = (path) => {
    const kind = kindOf(path), count = kinds.get(kind) || 0;
    kinds.set(kind, count + 1);
    return (count < ofAKind || !kind.includes("*")) && !/[/](acts|do|files)[/]/.test(path);
  };
  for (let depth = 0; depth < most; depth++) {
    const now = [...clicks.keys()].filter((path) => clicks.get(path) <= depth && !opened.has(path));
    await Promise.all(now.map(async (path) => {
      opened.add(path);
      if (!isToOpen(path)) return;
      const answer = await fetch(path, {headers: {Accept: "text/html"}});
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const link of page.querySelectorAll("a[href]")) {
        const at = new URL(link.getAttribute("href"), location.origin + path), to = at.pathname + at.search;
        if (at.origin !== location.origin || /^[/](language|v1)[/]|sort=/.test(to)) continue;
        let cost = depth + 1;
        for (let fold = link.closest("details"); fold; fold = fold.parentElement.closest("details")) {
          if (!fold.open && !link.closest("summary")) cost += 1;
        }
        if (!clicks.has(to) || clicks.get(to) > cost) clicks.set(to, cost);
      }
    }));
  }
  return Object.fromEntries(clicks);
}"""


def walked(page: Any, clicks: int = 3, of_a_kind: int = 8) -> dict[str, int]:
    """What is linked from the first page within some clicks, with how many it takes. The page must bypass its CSP."""
    page.goto("/")
    found: dict[str, int] = page.evaluate(_WALK, [clicks, of_a_kind])
    return {path: count for path, count in found.items() if count <= clicks}
