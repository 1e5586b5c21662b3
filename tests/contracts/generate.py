"""Write the public contracts: JSON Schemas of events and of policies, AsyncAPI, OpenAPI, and the pages made from them.

`python -m tests.contracts.generate` refuses to write a change that would break those who rely on a contract, unless
`--break` says that it is meant (a new major version); `--check` writes nothing and fails when something is not current.
"""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from shared.events import EVENTS, json_schema
from tests.contracts import asyncapi, dictionary, openapi, policy, problems, reference, tables
from tests.contracts.compatibility import broken_channels, incompatibilities, missing_operations

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "contracts" / "schemas"
POLICY = ROOT / "contracts" / "policy.schema.json"
DICTIONARY = ROOT / "contracts" / "tu-dien-du-lieu.xlsx"
PROBLEMS = ROOT / "shared" / "http" / "problem_statuses.json"
OPERATIONS = ROOT / "shared" / "http" / "operation_problems.json"
TOPICS = ROOT / "tests" / "architecture" / "topics.txt"
MAP = ROOT / "docs" / "architecture.md"
CONSOLE_PAGE = ROOT / "docs" / "howto" / "work-in-the-console.md"
RULES_PAGE = ROOT / "docs" / "howto" / "write-rules.md"


def outputs() -> dict[Path, str]:
    """Every generated file and its content."""
    found = {SCHEMAS / f"{topic}.json": _json(json_schema(topic)) for topic in EVENTS}
    found[ROOT / "contracts" / "asyncapi.yaml"] = asyncapi_yaml()
    found[POLICY] = _json(policy.schema())
    found[PROBLEMS], found[OPERATIONS] = _json(problems.statuses()), _by_operation(problems.kinds())
    for service, build in _applications().items():
        found[ROOT / "contracts" / f"openapi-{service}.json"] = _json(build())
    pages = ROOT / "docs" / "reference"
    found[pages / "events.md"] = reference.markdown()
    found[pages / "commands.md"] = tables.commands()
    found[pages / "metrics.md"] = tables.metrics()
    # Only ever appended to: what was recorded under a topic must stay readable.
    found[TOPICS] = "".join(f"{topic}\n" for topic in dict.fromkeys([*TOPICS.read_text("utf-8").split(), *EVENTS]))
    found[MAP] = tables.with_rooms(MAP.read_text("utf-8"))
    found[RULES_PAGE] = tables.with_who_may_adopt(RULES_PAGE.read_text("utf-8"))
    found[CONSOLE_PAGE] = tables.with_forms(CONSOLE_PAGE.read_text("utf-8"))
    return found


def asyncapi_yaml() -> str:
    """The AsyncAPI document."""
    return yaml.safe_dump(_plain(asyncapi.document()), sort_keys=False, allow_unicode=True, width=120)


def _applications() -> dict[str, Callable[[], dict[str, Any]]]:
    return {"intake": openapi.intake, "followup": openapi.followup}


def breaking(path: Path, content: str) -> list[str]:
    """The incompatible changes that writing `content` over a committed contract would make."""
    if path.exists() and path.suffix == ".yaml":
        return [
            f"{path.name} {change}"
            for change in broken_channels(yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(content))
        ]
    if not path.exists() or path.suffix != ".json" or path in (PROBLEMS, OPERATIONS):
        return []
    old, new = json.loads(path.read_text("utf-8")), json.loads(content)
    found = missing_operations(old, new) if "openapi" in old else incompatibilities(old, new)
    versions = [schema.get("properties", {}).get("v") for schema in (old, new)]
    if versions[0] != versions[1]:
        # A new version of an event, with its upcaster, is the declared way to change it.
        return []
    return [f"{path.name} {change}" for change in found]


def removed_topics() -> list[str]:
    """Committed schemas of events that no longer exist: the list of topics may only grow."""
    return sorted(path.stem for path in SCHEMAS.glob("*.json") if path.stem not in EVENTS)


def stale() -> list[str]:
    """The generated files that differ from what is committed."""
    found = [path for path, content in outputs().items() if not path.exists() or path.read_text("utf-8") != content]
    if _is_dictionary_stale():
        found.append(DICTIONARY)
    return [str(path.relative_to(ROOT)) for path in found]


def _is_dictionary_stale() -> bool:
    return not DICTIONARY.exists() or _unpacked(DICTIONARY.read_bytes()) != _unpacked(dictionary.workbook())


def _unpacked(workbook: bytes) -> dict[str, bytes]:
    """What is in a workbook: another zlib may pack the same in other bytes."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def main() -> int:
    """Write or check; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    parser.add_argument("--break", dest="allowed", action="store_true", help="an incompatible change is meant")
    options = parser.parse_args()
    if options.check:
        return _report([f"{name} is not current: run `make contracts`" for name in stale()])
    # The documents are made from these.
    PROBLEMS.write_text(_json(problems.statuses()), "utf-8")
    OPERATIONS.write_text(_by_operation(problems.kinds()), "utf-8")
    found = [f"{topic}: the event is gone" for topic in removed_topics()]
    contents = outputs()
    for path, content in contents.items():
        found += breaking(path, content)
    if found and not options.allowed:
        return _report(found)
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    if _is_dictionary_stale():
        DICTIONARY.write_bytes(dictionary.workbook())
    return 0


def _report(lines: list[str]) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


def _json(value: Any) -> str:
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _by_operation(kinds: dict[str, dict[str, Any]]) -> str:
    """The same with a line for each operation, so that a change of one is a line of the difference."""

    def section(service: str, found: dict[str, Any]) -> str:
        operations = ",\n".join(f'  "{name}": {json.dumps(answers)}' for name, answers in found["operations"].items())
        return f' "{service}": {{"door": {json.dumps(found["door"])}, "operations": {{\n{operations}\n }}}}'

    return "{\n" + ",\n".join(section(service, found) for service, found in kinds.items()) + "\n}\n"


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


if __name__ == "__main__":
    sys.exit(main())
