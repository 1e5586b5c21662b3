"""The documentation names paths and pages that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
CODE = re.compile(r"`((?:services|shared|tests|deploy|benchmarks|contracts)/[\w./-]*)`")
#: Pictures are left out: some are made by running the pair.
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_paths_in_code_type__exist() -> None:
    missing = [
        (page.name, path) for page in PAGES for path in CODE.findall(page.read_text()) if not (ROOT / path).exists()
    ]
    assert missing == []


def test_links__lead_somewhere() -> None:
    missing = [
        (page.name, link)
        for page in PAGES
        for link in LINK.findall(page.read_text())
        if not (page.parent / link).exists()
    ]
    assert missing == []
