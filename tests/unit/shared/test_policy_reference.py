"""The reference of the rule language: each of its examples is sound, and each word has one."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml

from shared.calendar import CalendarYear, validate
from shared.policy import read_policy
from shared.policy.words import (
    Channel,
    ChannelEvidence,
    Channels,
    Document,
    Extension,
    Form,
    Frequency,
    Pause,
    Policy,
    Precedence,
    Recipient,
    Rule,
    Text,
    Trait,
    Unit,
    Variant,
    Waiver,
    Window,
)

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "policies.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
STRUCTS = (
    Policy,
    Document,
    Text,
    Rule,
    Variant,
    Extension,
    Pause,
    Frequency,
    Window,
    Waiver,
    Channels,
    ChannelEvidence,
)
FRAME = "policy_id: p\ndocument: {number: 1/KH, issued_on: 2026-01-01}\nvalid_from: 2026-01-01\nrules:\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_example__is_sound(example: str) -> None:
    if example.startswith("year:"):
        validate(msgspec.convert(yaml.safe_load(example), CalendarYear))
    elif example.startswith("policy_id:"):
        read_policy(example)
    else:
        policy = read_policy(FRAME + example)
        assert policy.rules


def test_reference__has_an_example_for_each_word() -> None:
    used: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            used.update(value)
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(each)

    for example in EXAMPLES:
        collect(yaml.safe_load(example))
    assert {name for struct in STRUCTS for name in struct.__struct_fields__} - used == set()


@pytest.mark.parametrize("kind", [Form, Unit, Trait, Channel, Recipient, Precedence])
def test_reference__names_each_value(kind: Any) -> None:
    assert [value for value in get_args(kind) if not re.search(rf"\b{value}\b", TEXT)] == []
