"""Small things sealed under a key: AES-256-GCM, the nonce before the ciphertext, bound to what they belong to."""

import os
import stat

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


class BrokenSeal(ValueError):
    """What was sealed does not open: it is under another key, belongs elsewhere, or was altered."""

    def __init__(self) -> None:
        super().__init__("sealed under another key, or altered")


def key_in(path: str) -> bytes:
    """The key that a file holds. Raises OSError, and ValueError for what is no file: a device has no end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} is no file: name one of {KEY_BYTES} random bytes")
        return file.read(KEY_BYTES + 1)


def derived_key(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, of a key for several."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)


def key_fingerprint(key: bytes) -> str:
    """What tells a key from others, and nothing of it."""
    return derived_key(key, b"doithoai:custody").hex()[:32]


def sealed_bytes(box: AESGCM, content: bytes, bound: bytes) -> bytes:
    """The content, sealed under a nonce of its own."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + box.encrypt(nonce, content, bound)


def opened_bytes(box: AESGCM, content: bytes, bound: bytes) -> bytes:
    """What was sealed. Raises BrokenSeal."""
    try:
        return box.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], bound)
    except InvalidTag:
        raise BrokenSeal from None
