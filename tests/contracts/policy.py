"""The JSON Schema of a policy: what an editor needs to help whoever writes one."""

from typing import Any

import msgspec

from shared.policy import DUTIES, Policy


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a policy's document; each word with the sentence that explains it in the code."""
    (_,), components = msgspec.json.schema_components([Policy], ref_template="#/$defs/{name}")
    own = components.pop("Policy")
    components["Rule"]["properties"]["duty"]["enum"] = list(DUTIES)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy",
        **{key: value for key, value in own.items() if key != "title"},
        "$defs": components,
    }
