"""The reference of the rule language: a word that is not there is not documented, and every example is what it says."""

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from shared.calendar import Calendar
from shared.policy import Policy, read_policy, rule_count
from shared.policy.reading import parse
from tests.contracts.policy import schema
from tests.support.history import seed_years

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "policies.md").read_text("utf-8")
HEAD = "policy_id: example\ndocument: {number: 1/QĐ, issued_on: 2019-01-01}\nvalid_from: 2019-01-01\n"
#: An example, and the lines after it that tell what it gives.
EXAMPLES = [
    example
    for page in (PAGE, (DOCS / "howto" / "connect-a-system.md").read_text("utf-8"))
    for example in re.findall(r"```yaml\n(.*?)```\n+((?:`\w+` from [\d-]+: [\d-]+\n)*)", page, re.DOTALL)
]
CALENDAR = Calendar(seed_years())


def text_of(example: str) -> str:
    return HEAD + example if example.startswith("rules:") else example


def words(node: Any) -> set[str]:
    """Every word and every value of a word that a document may hold, from the schema."""
    if isinstance(node, list):
        return {word for each in node for word in words(each)}
    if not isinstance(node, dict):
        return set()
    values = {each for each in node.get("enum", ()) if isinstance(each, str)}
    return set(node.get("properties", ())) | values | words(list(node.values()))


def used(value: Any) -> set[str]:
    """The words that an example uses, as keys or as values."""
    match value:
        case dict():
            return set(value) | {word for each in value.values() for word in used(each)}
        case list():
            return {word for each in value for word in used(each)}
        case _:
            return {str(value)}


def test_words__each_is_explained() -> None:
    known = words(schema())
    assert {"quarter", "unrolled", "village_heads", "substitute", "minimum_duration"} <= known
    duties = set(schema()["$defs"]["Rule"]["properties"]["duty"]["enum"])
    explained = set(re.findall(r"\w+", PAGE))
    assert known - duties - explained == set()


def test_words__each_has_an_example() -> None:
    shown = {word for example, _ in EXAMPLES for word in used(parse(text_of(example))[0])}
    structures = [*schema()["$defs"].values(), schema()]
    assert {name for each in structures for name in each.get("properties", ())} - shown == set()
    for kind in ("Form", "Unit", "FirstDay", "Roll", "Trait"):
        module = __import__("shared.policy.schema", fromlist=[kind])
        usual = {"excluded", "stay"}  # what is not written
        assert set(get_args(getattr(module, kind))) - shown - usual == set(), kind


@pytest.mark.parametrize(("example", "gives"), EXAMPLES, ids=[str(n) for n in range(len(EXAMPLES))])
def test_example__is_valid_and_gives_what_it_says(example: str, gives: str) -> None:
    text = text_of(example)
    jsonschema.validate(parse(text)[0], schema())
    policy: Policy = read_policy(text)
    for name, start, due in re.findall(r"`(\w+)` from ([\d-]+): ([\d-]+)", gives):
        counted = rule_count(policy, name, date.fromisoformat(start), CALENDAR)
        assert counted is not None and counted.due_on.isoformat() == due, name
