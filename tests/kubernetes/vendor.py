"""Makes a schema of `schemas` out of an operator's definition: what may be written in a manifest, and nothing else.

`python -m tests.kubernetes.vendor DEFINITION.yaml VERSION SOURCE LICENCE > schemas/{group}_{kind}.json`
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

LEFT_OUT = ("description", "default", "x-kubernetes-validations")


def strict(schema: Any) -> Any:
    """A part of an OpenAPI schema as JSON Schema in which an unknown field is an error, as for `kubectl --validate`."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    fields = schema.get("properties")
    kept = {
        name: value if name in ("required", "enum") else strict(value)
        for name, value in schema.items()
        if name not in LEFT_OUT and name != "properties" and not name.startswith("x-kubernetes-list")
    }
    if isinstance(fields, dict):
        kept["properties"] = {name: strict(value) for name, value in fields.items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    if kept.pop("nullable", False) and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    return {name: value for name, value in kept.items() if not name.startswith("x-kubernetes")}


def vendored(definition: dict[str, Any], version: str, source: str, licence: str) -> dict[str, Any]:
    """The schema of a definition's stored version, without what only the operator writes."""
    spec = definition["spec"]
    (stored,) = (each for each in spec["versions"] if each["storage"])
    schema = strict(stored["schema"]["openAPIV3Schema"])
    schema["properties"].pop("status", None)
    schema["properties"]["metadata"] = {"type": "object"}
    note = f"{spec['names']['kind']} of {version}, {source}, {licence}; made by tests/kubernetes/vendor.py"
    return {"$comment": f"{note}: descriptions, defaults and CEL rules left out, unknown fields forbidden."} | schema


if __name__ == "__main__":
    file, *said = sys.argv[1:]
    made = vendored(yaml.load(Path(file).read_text("utf-8"), yaml.CSafeLoader), *said)
    sys.stdout.write(json.dumps(made, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n")
