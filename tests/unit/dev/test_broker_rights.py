"""The users of a private broker have the rights that are shipped, for the source that the broker is of."""

import json
import re
from pathlib import Path

import pytest

from services.dev.rabbitmq import PrivateBroker


@pytest.mark.parametrize(("source", "other"), [("local", "sandbox"), ("sandbox", "local"), ("lai.chau", "lai-chau")])
def test_portal__may_queue_commands_of_its_own_source_alone(tmp_path: Path, source: str, other: str) -> None:
    broker = PrivateBroker(tmp_path, source)
    broker.url_of("portal")
    definitions = json.loads(broker._write_users().read_text("utf-8"))
    rights = {each["exchange"]: each["write"] for each in definitions["topic_permissions"]}
    assert re.search(rights["dialogue.commands"], source)
    assert not re.search(rights["dialogue.commands"], other)
    assert {each["user"] for each in definitions["permissions"]} == {"portal"}
