"""A wrong body is told as data: the field, what may stand there, in both languages; never what the caller wrote."""

import msgspec
import pytest

from services.intake.application.command_body import CODECS
from services.intake.entrypoints.refusals import problem_of
from shared.invalid_body import MalformedJson

RECEIVED, CLASSIFIED = "/v1/petitions", "/v1/petitions/{id}/classification"


@pytest.mark.parametrize(
    ("path", "body", "field", "english"),
    [
        (RECEIVED, {}, "jurisdiction", "this field is missing"),
        (RECEIVED, {"colour": "red"}, "colour", "there is no such field"),
        (RECEIVED, {"jurisdiction": 35}, "jurisdiction", "write: string"),
        (RECEIVED, {"kind": "Lò Văn A"}, "kind", "must be one of petition, reflection"),
        (RECEIVED, {"effective_on": "2025-02-30"}, "effective_on", "write: date"),
        (RECEIVED, {"correlation_id": "Lò Văn A"}, "correlation_id", "write: uuid"),
        (RECEIVED, {"attachments": [{"digest": "x", "size": "12"}]}, "attachments[0].size", "write: integer"),
        (RECEIVED, {"external_id": "x" * 201}, "external_id", "at most 200 characters"),
        (RECEIVED, {"identities": {"Lò Văn A": {"name": 1}}}, "identities[...].name", "write: string"),
        (RECEIVED, [], None, "write: object"),
        (CLASSIFIED, {"subject": "x", "urgency": "z"}, "urgency", "must be one of normal, urgent, very_urgent"),
    ],
)
def test_invalid_body__names_the_field_and_says_the_remedy(
    path: str, body: object, field: str | None, english: str
) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        CODECS[path].decode(msgspec.json.encode(body))
    found = problem_of(raised.value)
    assert (found.status, found.code, found.field) == (422, "invalid-body", field)
    assert english in found.text.detail.en
    assert found.text.detail.vi != found.text.detail.en
    for detail in found.text.detail:
        assert "Expected" not in detail and "Object" not in detail and "Lò" not in detail


def test_invalid_body__names_the_values_as_data() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        CODECS[RECEIVED].decode(b'{"kind": "rumour"}')
    assert problem_of(raised.value).members == {"allowed": ["petition", "reflection"]}


@pytest.mark.parametrize(
    ("body", "sentence", "place"),
    [
        (b'{"colour":', "ends", (1, 11)),  # the field is unknown, and that is not what is wrong
        (b'{"text": 1, "colour" 2}', "at", (1, 22)),
        ('{"text": "Đường",\n "kind": }'.encode(), "at", (2, 10)),
        ('{"text": "Đường" 1'.encode(), "at", (1, 18)),
    ],
)
def test_body_that_is_no_json__says_where(body: bytes, sentence: str, place: tuple[int, int]) -> None:
    with pytest.raises(MalformedJson) as found:
        CODECS[RECEIVED].decode(body)
    assert (found.value.sentence, (found.value.values["line"], found.value.values["column"])) == (sentence, place)
