"""Prints the broker's definitions with hashes of the passwords in a folder: `with_passwords.py DEFINITIONS FOLDER`.

The password of a user stands in the file `rabbitmq-{user}.password`; a user without one is left out with its rights.
The same passwords give the same file.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def hashed(user: str, password: str) -> str:
    """RabbitMQ's hash of a password: a salt of four bytes, then SHA-256 of salt and password."""
    salt = hashlib.sha256(f"{user}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def with_passwords(definitions: dict[str, Any], passwords: dict[str, str]) -> dict[str, Any]:
    """The definitions with a hash for each user who has a password, and without the others."""
    algorithm = "rabbit_password_hashing_sha256"
    users = [
        user | {"password_hash": hashed(user["name"], passwords[user["name"]]), "hashing_algorithm": algorithm}
        for user in definitions["users"]
        if user["name"] in passwords
    ]
    rights = {
        kind: [right for right in definitions[kind] if right["user"] in passwords]
        for kind in ("permissions", "topic_permissions")
    }
    return definitions | {"users": users} | rights


def main(definitions: str, folder: str) -> None:
    """Print them."""
    found = {
        path.name.removeprefix("rabbitmq-").removesuffix(".password"): path.read_text("utf-8").strip()
        for path in Path(folder).glob("rabbitmq-*.password")
    }
    filled = with_passwords(json.loads(Path(definitions).read_text("utf-8")), found)
    sys.stdout.write(json.dumps(filled, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
