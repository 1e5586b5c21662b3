"""A command's bytes before anything reads them: normalised everywhere, no NUL, no half characters."""

from typing import Any

import msgspec

from shared.identifiers import normalised
from shared.invalid_body import MalformedJson, malformed


class NulCharacter(ValueError):
    """The body holds U+0000, which no text of ours may."""


def cleaned(body: bytes) -> bytes:
    """The same JSON with every text normalised, but for blanks around it. Raises MalformedJson, NulCharacter.

    Normalising the whole document does that to each string: no character of JSON's own syntax composes with what
    follows it. The blanks around a text go where the text is looked at.
    """
    if b"\\u" in body:
        # Escapes may hide a combining mark or a NUL: write them out first.
        body = _written_out(body)
    elif b"\x00" in body:
        raise NulCharacter
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedJson("utf-8") from None
    kept = normalised(text)
    return body if kept == text else kept.encode()


def _written_out(body: bytes) -> bytes:
    try:
        value: Any = msgspec.json.decode(body)
        written = msgspec.json.encode(value)
    except UnicodeError:
        raise MalformedJson("json-in-utf-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise malformed(error, body) from None
    # An escaped backslash before `u0000` is ordinary text; anything else that is still written so is a NUL.
    if b"\\u0000" in written.replace(b"\\\\", b""):
        raise NulCharacter
    return written
