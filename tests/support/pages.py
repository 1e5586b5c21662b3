"""The console as a reader meets it: a page's text, links and rows, and everything that its links lead to."""

import re
from html.parser import HTMLParser

import httpx

INLINE = {"a", "small", "span", "strong", "time"}
VOID = {"meta", "br", "input", "link", "img", "hr"}
#: What is no form, and the forms that quote their case; any other form is the same on every case and walked once.
OF_THE_CASE = ("", "RecordAnnulled", "ReminderSent")


class ParsedPage(HTMLParser):
    """A page as a reader meets it: its text, its links, its rows; and what is wrong with its tags."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        assert answer.status_code == 200, answer.text
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(answer.text)
        self.close()
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [str(given["id"])] if "id" in given else []
        if tag == "a":
            self.links.append((str(given["href"]), ""))
        self.text += "" if tag in INLINE else " "
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if "a" in self.open and self.links:
            href, text = self.links[-1]
            self.links[-1] = href, text + data

    def link(self, text: str) -> str:
        """The address behind a text."""
        return next(href for href, shown in self.links if text in shown)

    def cases(self) -> list[str]:
        """The titles of the cases that are listed, in order."""
        return [text.strip() for href, text in self.links if href.startswith("/cases/")]


def kind_of(path: str) -> str:
    """An address without what tells one list of a report from its brothers: its figure and its line."""
    return re.sub(r"(figure|key|rule)=[^&#]*", "", path) if path.startswith("/reports/") else path


async def walked(client: httpx.AsyncClient, *begin: str) -> dict[str, str]:
    """What is linked from the console and from where to begin, by its address: pages, lists, letters, reports, CSV."""
    told, forms, kinds = dict[str, str](), set[str](), set[str]()
    waiting = ["/", *begin]
    while waiting:
        path = waiting.pop()
        form = path.partition("/acts/")[2]
        if (
            path in told
            or kind_of(path) in kinds
            or (form in forms and form not in OF_THE_CASE)
            or path.startswith("/language/")  # the same pages once more
            or "/files/" in path  # which intake gives out
            or (path.startswith("/reports/20") and not path.startswith(("/reports/2019-08", "/reports/2019-09")))
        ):
            continue  # the months before and after lead on for ever
        answer = await client.get(path, headers={"Accept": "text/html,*/*"})
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        told[path] = answer.text
        kinds.add(kind_of(path))
        forms.add(form)
        if answer.headers["content-type"].startswith("text/html"):
            waiting += [href for href, _ in ParsedPage(answer).links if href.startswith("/")]
    return told


def citing(told: dict[str, str]) -> list[str]:
    """Where the plan behind the default is named, or anything said to be a ground."""
    cited = re.compile(r"(?<![0-9a-f-])570(?![0-9a-f])|Căn cứ[^,<]*văn bản")
    # The key of a form is drawn by lot.
    return [path for path, text in told.items() if cited.search(re.sub(r'name="key" value="[^"]*"', "", text))]
