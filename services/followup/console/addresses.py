"""Addresses that several pages lead to, and which of those that a browser names are our own."""

from typing import Literal
from urllib.parse import urlsplit

LOGIN = "/office/login"
LOGOUT = "/office/logout"
POSTS = "/office/posts"
CALLBACK = "/office/callback"
#: What a browser forgets at sign-out: what the hall's page keeps in it.
FORGET = {"Clear-Site-Data": '"storage"'}
PEOPLE = "/people"
SEE_OTHER: Literal[303] = 303
MAX_ADDRESS = 2000  # characters


def own_path(text: str) -> str:
    """An address to go on to if it is one of our own pages, or the first page.

    A browser takes `//host`, `/\\host` and what hides a line break for addresses of others.
    """
    if len(text) > MAX_ADDRESS or not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable():
        return "/"
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc and "\\" not in text else "/"
