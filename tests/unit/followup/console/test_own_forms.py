"""Every form that a page sends shows that it is of the session that is signed in."""

import re
from pathlib import Path

import services.followup.console as console

TEMPLATES = sorted((Path(console.__file__).parent / "templates").glob("*.html"))
POSTED = re.compile(r'<form\b[^>]*\bmethod="post"[^>]*>\s*(.{0,20})', re.DOTALL)
#: Who signs in by a token has no session yet.
WITHOUT = {"login.html"}


def test_form__of_every_page_carries_its_own_input() -> None:
    forms = [(page.name, behind) for page in TEMPLATES for behind in POSTED.findall(page.read_text("utf-8"))]
    assert len(forms) > 5
    without = [name for name, behind in forms if not behind.startswith("{{ own_form() }}")]
    assert [name for name in without if name not in WITHOUT] == [], "begin the form with {{ own_form() }}"


def test_form__of_the_hall_carries_its_own_input_once() -> None:
    hall = next(page for page in TEMPLATES if page.name == "hall.html").read_text("utf-8")
    assert hall.count("{{ own_form() }}") == len(POSTED.findall(hall))
