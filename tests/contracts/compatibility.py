"""Which changes of a schema would break those who rely on it: fields gone, newly required, or of another type."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """Every incompatible change from `old` to `new`, each as `path: what`. Empty when consumers need not change."""
    return list(_compare(old, new, old, new, "$", frozenset()))


def _compare(
    old: Any, new: Any, old_root: Schema, new_root: Schema, at: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    references = (_reference(old), _reference(new))
    if references in seen and any(references):
        return
    seen |= {references}
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    if _type_of(old) != _type_of(new):
        yield f"{at}: type {_type_of(old)} became {_type_of(new)}"
        return
    yield from _values(old, new, at)
    was, now = old.get("properties", {}), new.get("properties", {})
    for name in was:
        if name not in now:
            yield f"{at}.{name}: removed"
        else:
            yield from _compare(was[name], now[name], old_root, new_root, f"{at}.{name}", seen)
    required_before, required_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(required_now - required_before):
        yield f"{at}.{name}: newly required"
    for name in sorted(required_before - required_now):
        # A reader may rely on it; a writer of an old release still sends it.
        yield f"{at}.{name}: no longer always there"
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            yield from _compare(old[key], new[key], old_root, new_root, f"{at}[]", seen)
    for key in ("anyOf", "oneOf", "prefixItems"):
        for index, (a, b) in enumerate(zip(old.get(key, ()), new.get(key, ()), strict=False)):
            yield from _compare(a, b, old_root, new_root, f"{at}<{index}>", seen)


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    gone = [value for value in old.get("enum", ()) if value not in new.get("enum", ())]
    if "enum" in old and "enum" in new and gone:
        yield f"{at}: values {gone} removed"
    if old.get("const") != new.get("const"):
        yield f"{at}: {old.get('const')!r} became {new.get('const')!r}"
    if old.get("format") != new.get("format"):
        yield f"{at}: format {old.get('format')} became {new.get('format')}"
    if old.get("x-visibility") != new.get("x-visibility"):
        yield f"{at}: visibility {old.get('x-visibility')} became {new.get('x-visibility')}"


def _type_of(schema: Schema) -> object:
    if "anyOf" in schema:
        return sorted(str(part.get("type", part.get("$ref", ""))) for part in schema["anyOf"])
    return schema.get("type")


def _reference(schema: Any) -> str:
    return str(schema.get("$ref", "")) if isinstance(schema, dict) else ""


def _resolved(schema: Any, root: Schema) -> Any:
    reference = _reference(schema)
    if not reference:
        return schema
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return {**found, **{k: v for k, v in schema.items() if k != "$ref"}}


def missing_operations(old: Schema, new: Schema) -> list[str]:
    """Operations of an OpenAPI document that are gone, and incompatible changes of what stayed."""
    found = []
    for path, methods in old.get("paths", {}).items():
        for method in methods:
            if method not in new.get("paths", {}).get(path, {}):
                found.append(f"{method.upper()} {path}: removed")
    was, now = old.get("components", {}).get("schemas", {}), new.get("components", {}).get("schemas", {})
    for name in was:
        if name in now:
            found += [f"{name}{c[1:]}" for c in _compare(was[name], now[name], old, new, "$", frozenset())]
    return found


def broken_channels(old: Schema, new: Schema) -> list[str]:
    """What of an AsyncAPI document is gone or changed for those who publish or consume."""
    return list(_broken_channels(old, new))


def _broken_channels(old: Schema, new: Schema) -> Iterator[str]:
    for name, was in old["channels"].items():
        now = new["channels"].get(name)
        if now is None:
            yield f"channel {name}: removed"
            continue
        for part in ("address", "bindings"):
            if was.get(part) != now.get(part):
                yield f"channel {name}: {part} {was.get(part)} became {now.get(part)}"
        for message in sorted(was["messages"].keys() - now["messages"].keys()):
            yield f"channel {name}: message {message} removed"
    for name, was in old["operations"].items():
        now = new["operations"].get(name)
        if now is None:
            yield f"operation {name}: removed"
        elif (was["action"], was["channel"]) != (now["action"], now["channel"]):
            yield f"operation {name}: became another"
    parts, now_parts = old["components"], new["components"]
    for name, was in parts["messages"].items():
        now = now_parts["messages"].get(name)
        if now is None:
            yield f"message {name}: removed"
            continue
        if was.get("contentType") != now.get("contentType"):
            yield f"message {name}: content type {was.get('contentType')} became {now.get('contentType')}"
        for part in ("payload", "headers"):
            # Those of events are files of their own, and are compared there.
            if not _reference(was.get(part, {})):
                yield from (
                    f"message {name} {part}{c[1:]}"
                    for c in incompatibilities(was.get(part, {}), now[part] if part in was else {})
                )
    for name, trait in parts["messageTraits"].items():
        now = now_parts["messageTraits"].get(name, {"headers": {}})
        yield from (f"headers{c[1:]}" for c in incompatibilities(trait["headers"], now["headers"]))
