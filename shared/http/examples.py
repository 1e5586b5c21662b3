"""Examples for OpenAPI, made from the schemas themselves and the samples of fields: none is forgotten, none is wrong.

An example that stands in the document already, since a route gave it, stays.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.events.field_samples import FIELD_SAMPLES, FORM_SAMPLES

JsonSchema = Mapping[str, Any]

DEEPEST = 7  # structs within one another; what lies deeper and may be left out is
_NAMELESS = {"string": "văn bản", "integer": 1, "number": 0.5, "boolean": True, "null": None}
_FORMS = {"date": re.compile(r"\d{4}-\d\d-\d\d"), "date-time": re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")}
#: Texts of which one fits each pattern that a field has.
_PATTERNED = ("06-30", "9f86d081884c7d65" * 4, "transport", "H35.10.31", "1")
_KINDS: Mapping[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict}
_REF = "#/components/schemas/"


class ExampleMaker:
    """Makes values that fit schemas, which refer to those of one document. `whole`: optional fields too."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def of(self, schema: JsonSchema, *, whole: bool) -> Any:
        """A value that fits a schema."""
        return self._of(schema, "", "", whole, ())

    def _of(self, schema: JsonSchema, owner: str, name: str, whole: bool, within: tuple[str, ...]) -> Any:
        for given in ("example", "const"):
            if given in schema:
                return schema[given]
        if "$ref" in schema:
            target = str(schema["$ref"]).removeprefix(_REF)
            return self._of(self._schemas[target], target, name, whole, (*within, target))
        # A struct that is told from its siblings by a tag has it as its title.
        owner = str(schema.get("title", owner)) if "properties" in schema else owner
        if "enum" in schema:
            found = FIELD_SAMPLES.get(f"{owner}.{name}", FIELD_SAMPLES.get(name))
            return found if found in schema["enum"] else schema["enum"][0]
        if (sampled := self._sampled(schema, owner, name)) is not None:
            return sampled[0]
        for several in ("oneOf", "anyOf", "allOf"):
            if parts := schema.get(several):
                return self._of(self._simplest(parts, within), owner, name, whole, within)
        return self._of_type(schema, owner, name, whole, within)

    def _sampled(self, schema: JsonSchema, owner: str, name: str) -> tuple[Any] | None:
        """What the table says of a field, if that is of its type."""
        kind = schema.get("type")
        if kind == "string" and (form := str(schema.get("format"))) in FORM_SAMPLES:
            named = FIELD_SAMPLES.get(name, "")
            is_of_form = form in _FORMS and isinstance(named, str) and _FORMS[form].fullmatch(named)
            return (named if is_of_form else FORM_SAMPLES[form],)
        for known in (f"{owner}.{name}", name):
            value = FIELD_SAMPLES.get(known)
            if kind == "string" and isinstance(value, int):
                return (str(value),)
            if isinstance(value, _KINDS.get(str(kind), ())) and not ("properties" in schema and "." not in known):
                return (value,)
        return None

    def _of_type(self, schema: JsonSchema, owner: str, name: str, whole: bool, within: tuple[str, ...]) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next(each for each in kind if each != "null")
        if kind == "array":
            return self._array(schema, owner, name, whole, within)
        if kind == "object" or "properties" in schema:
            return self._object(schema, owner, whole, within, name)
        if kind == "string":
            return _text(schema)
        if kind in ("integer", "number"):
            least, most = schema.get("minimum", 0), schema.get("maximum", 1)
            return min(max(1, least), most) if kind == "integer" else max(0.5, least)
        return FIELD_SAMPLES.get(name, _NAMELESS["string"]) if kind is None else _NAMELESS.get(str(kind))

    def _array(self, schema: JsonSchema, owner: str, name: str, whole: bool, within: tuple[str, ...]) -> list[Any]:
        if ordered := schema.get("prefixItems"):
            return [self._of(part, owner, name, whole, within) for part in ordered]
        items, least = schema.get("items"), int(schema.get("minItems", 0))
        if not isinstance(items, Mapping) or (len(within) > DEEPEST and not least):
            return []
        if (target := str(items.get("$ref", "")).removeprefix(_REF)) and target in within and not least:
            return []
        return [self._of(items, owner, name, whole, within)] * max(least, 1)

    def _object(
        self, schema: JsonSchema, owner: str, whole: bool, within: tuple[str, ...], name: str
    ) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), set(schema.get("required", ()))
        made = {}
        for field, part in properties.items():
            if field in required or ((whole or field in FIELD_SAMPLES) and not self._returns(part, within)):
                made[field] = self._of(part, owner, field, whole, within)
        values = schema.get("additionalProperties")
        if not properties and isinstance(values, Mapping) and not self._returns(values, within):
            sample = FIELD_SAMPLES.get(name)
            made[sample if isinstance(sample, str) else "mã"] = self._of(values, owner, name, whole, within)
        return made

    def _returns(self, schema: JsonSchema, within: tuple[str, ...]) -> bool:
        """Whether a field leads to a struct that it stands in, or too deep."""
        return len(within) > DEEPEST or any(target in within for target in _targets(schema))

    def _simplest(self, parts: list[JsonSchema], within: tuple[str, ...]) -> JsonSchema:
        real = [part for part in parts if part.get("type") != "null"]
        return next((part for part in real if not self._returns(part, within)), parts[-1])


def _targets(schema: JsonSchema) -> Iterator[str]:
    if "$ref" in schema:
        yield str(schema["$ref"]).removeprefix(_REF)
    for several in ("oneOf", "anyOf"):
        for part in schema.get(several, ()):
            yield from _targets(part)


def _text(schema: JsonSchema) -> str:
    if pattern := schema.get("pattern"):
        return next((text for text in _PATTERNED if re.search(pattern, text)), "0")
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = str(_NAMELESS["string"])
    return text[:most].ljust(least, ".")
