"""A push as a door hands it over, and what it came to."""

from collections.abc import Container
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec

from services.intake.application.command_body import CODECS, MAX_SHORT, BodyCodec, Extras
from services.intake.domain import Caller
from services.intake.domain.errors import InvalidValue
from shared.cases.source_version import MAX_VERSION, kept_version
from shared.identifiers import normalised
from shared.invalid_body import decoded

RECEIPT: BodyCodec = CODECS["/v1/petitions"]
#: What a push carries beside the body of a receipt.
PushBody = cast(
    type[Extras],
    msgspec.defstruct(
        "PushedVersion",
        [
            (
                "source_version",
                Annotated[
                    str,
                    msgspec.Meta(
                        min_length=1,
                        max_length=MAX_VERSION,
                        description="The version of the record at its source: a whole number that grows, or the "
                        "instant (RFC 3339) of its last change. Numbers are compared as such, and instants as such.",
                    ),
                ],
            )
        ],
        bases=(RECEIPT.type,),
        namespace={"__doc__": "A petition whole, as it stands at its source in one version of its record."},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
    ),
)
_decoder: msgspec.json.Decoder[Extras] = msgspec.json.Decoder(PushBody)

PushResult = Literal["created", "changed", "unchanged", "stale", "conflict"]


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a record as its source pushes it, under its reference."""

    body: Extras
    source_version: str
    caller: Caller
    if_match: Container[int] | None = None

    @property
    def reference(self) -> tuple[str, str]:
        """The source, and the record's id there."""
        return normalised(self.body.source) or self.caller.own_source, normalised(self.body.external_id)


class FieldConflict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field in which a push and the office differ; what is sealed is named and not shown."""

    field: str
    ours: Any = None
    theirs: Any = None


class PushOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a push came to. `version` and `position` are those of the petition's latest event, or of the one that the
    push recorded; `source_version` is the latest version that is known. `conflicts` are the fields in which the
    office has something else: with `conflict` it decides, with `unchanged` it has decided, or changed them itself."""

    result: PushResult
    id: UUID
    version: int
    position: int
    recorded_at: datetime
    source_version: str
    receipt_code: str = ""
    conflict_id: UUID | None = None
    conflicts: tuple[FieldConflict, ...] = ()


def push_in(
    body: bytes, caller: Caller, source: str = "", external_id: str = "", if_match: Container[int] | None = None
) -> Push:
    """The push that a body asks for, with its version in it. Raises InvalidBody, MalformedJson, InvalidValue."""
    asked = decoded(_decoder, body or RECEIPT.EMPTY)
    return push_of(asked, getattr(asked, "source_version"), caller, source, external_id, if_match)  # noqa: B009


def push_of(
    body: Extras,
    source_version: str,
    caller: Caller,
    source: str = "",
    external_id: str = "",
    if_match: Container[int] | None = None,
) -> Push:
    """A version of a record as a push; an address may name the reference. Raises InvalidValue."""
    source, external_id = normalised(source), normalised(external_id)
    if source and normalised(body.source) not in ("", source):
        raise InvalidValue("source", "other-than-address", named=source)
    if external_id and normalised(body.external_id) not in ("", external_id):
        raise InvalidValue("external_id", "other-than-address", named=external_id)
    named = msgspec.structs.replace(body, source=source or body.source, external_id=external_id or body.external_id)
    if not normalised(named.external_id):
        raise InvalidValue("external_id", "empty")
    for field, value in (("source", named.source), ("external_id", named.external_id)):
        if len(value) > MAX_SHORT:
            raise InvalidValue(field, "too-long", length=len(value), most=MAX_SHORT)
    version = kept_version(source_version)
    if version is None:
        raise InvalidValue("source_version", "source-version", most=MAX_VERSION)
    return Push(body=named, source_version=version, caller=caller, if_match=if_match)
