"""Where a browser is sent on: to our own pages, whatever an address pretends to be."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.followup.console.addresses import MAX_ADDRESS, own_path

OURS = "https://ours.example"


def seen_by_a_browser(address: str) -> str:
    """The host to which a browser goes: it drops tabs and line breaks, and takes a backslash for a slash."""
    stripped = re.sub("[\t\r\n]", "", address).strip("".join(map(chr, range(33))))
    return urlsplit(urljoin(OURS, stripped.replace("\\", "/"))).netloc


@pytest.mark.parametrize(
    "address",
    ["/", "/cases", "/cases?agency=H35.10.3&state=assigned", "/cases/01890a5d-ac96-774b-bcce-b302099a8057#errors",
     "/search?q=%C4%91%C6%B0%E1%BB%9Dng", "/cases?to=//evil.example", "/cases?to=https://evil.example"],
)  # fmt: skip
def test_own_page__is_gone_on_to(address: str) -> None:
    assert own_path(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "cases", "evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
     "/\\/evil.example", "https://evil.example", "https:/evil.example", "javascript:alert(1)", "/\t/evil.example",
     "/\n/evil.example", "\t//evil.example", " //evil.example", "/\r\nSet-Cookie: a=b", "/cases\\..\\\\evil.example",
     "/\u2028/evil.example", "/\0", "/\u202e", "/" + "a" * MAX_ADDRESS, "?to=/", "#", "."],
)  # fmt: skip
def test_address_of_others__leads_to_the_first_page(address: str) -> None:
    assert own_path(address) == "/"


PARTS = st.sampled_from(
    ("/", "\\", "//", "evil.example", ":", "https:", "@", "\t", "\n", "\r", ".", "..", "?", "#", "%2f", " ")
)


@given(st.one_of(st.text(), st.lists(PARTS, max_size=8).map("".join)))
@example("/.//evil.example")
def test_address__never_leads_to_another_host(address: str) -> None:
    found = own_path(address)
    assert found in (address, "/")
    assert seen_by_a_browser(found) == "ours.example"
    assert found.isprintable() and found.startswith("/")
