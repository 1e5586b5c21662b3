"""The documentation names paths and pages that exist."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
#: A path, and a name that is defined there: `services/followup/domain/facts.py::Fact`.
CODE = re.compile(r"`((?:services|shared|tests|deploy|benchmarks|contracts)/[\w./-]*)(?:::(\w+))?`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_paths_in_code_type__exist() -> None:
    missing = [
        (page.name, path) for page in PAGES for path, _ in CODE.findall(page.read_text()) if not (ROOT / path).exists()
    ]
    assert missing == []


def test_names_in_code_type__are_defined_in_their_file() -> None:
    named = [(page.name, *found) for page in PAGES for found in CODE.findall(page.read_text()) if found[1]]
    assert named
    missing = [
        (page, path, name)
        for page, path, name in named
        if not re.search(rf"^\s*(?:async def|def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_links__lead_somewhere() -> None:
    missing = [
        (page.name, link, anchor)
        for page in PAGES
        for link, anchor in LINK.findall(page.read_text())
        if not leads(page.parent / link if link else page, anchor)
    ]
    assert missing == []


def leads(target: Path, anchor: str) -> bool:
    """Whether there is such a page or picture, with such a heading."""
    if not target.exists():
        return False
    headings = HEADING.findall(target.read_text()) if anchor else []
    return not anchor or anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_pages__are_reached_from_the_readme() -> None:
    """Nobody finds a page to which nothing leads."""
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            todo += [(page.parent / link).resolve() for link, _ in LINK.findall(page.read_text()) if link]
    assert [page.name for page in PAGES if page not in reached] == []


def test_dependencies__are_all_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    names = {re.split(r"[\[=<>]", needed)[0] for group in groups for needed in group}
    assert sorted(name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)) == []


def test_proxy__as_shipped_keeps_the_metrics_from_others_however_they_are_written() -> None:
    shipped = (ROOT / "deploy" / "nginx" / "doithoai.conf").read_text("utf-8")
    denied = re.search(r"location ~ (\S+) \{ deny all; \}", shipped)
    assert denied
    for place in ("/doithoai", "/doithoai-intake"):
        for path in ("/metrics", "/metrics/", "//metrics", "/metrics//"):
            assert re.search(denied[1], place + path), place + path
        assert not re.search(denied[1], f"{place}/v1/metrics")
