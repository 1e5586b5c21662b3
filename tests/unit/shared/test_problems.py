"""Problems say what is wrong in the caller's language, and in both beside it."""

import msgspec
import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from shared.http.problems import EXCEPTION_HANDLERS, problem, problem_body


@get("/limits")
async def limits() -> None:
    raise problem(400, "invalid-idempotency-key", field="Idempotency-Key", most=200)


@get("/nothing")
async def nothing() -> None:
    raise problem(409, "beyond-head", members={"head": 7})


ENGLISH = "at most 200 printable ASCII characters"
VIETNAMESE = "Khóa chống gửi lặp có tối đa 200 ký tự ASCII in được (chữ không dấu, số, dấu câu)."


@pytest.fixture(scope="module")
def client() -> TestClient[Litestar]:
    return TestClient(Litestar([limits, nothing], exception_handlers=EXCEPTION_HANDLERS))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("vi", "vi"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("fr, vi;q=0.3", "vi"),
        ("fr", "en"),
        ("en;q=0.2, vi;q=0.7", "vi"),
        ("vi;q=0, en", "en"),
        ("vi;q=x", "en"),
        ("en;Q=0.2, vi;Q=0.7", "vi"),
        ("en, vi;q=inf", "en"),
        ("en, vi;q=1e9", "en"),
        ("en, vi;q=2", "en"),
        ("vi;q=nan", "en"),
        ("fr," * 300_000 + "vi", "en"),
    ],
)
def test_language__is_the_one_preferred_by_the_caller(
    client: TestClient[Litestar], accepted: str, language: str
) -> None:
    answer = client.get("/limits", headers={"Accept-Language": accepted})
    assert answer.status_code == 400
    assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers["vary"]
    assert answer.json()["detail"] == (VIETNAMESE if language == "vi" else ENGLISH)


def test_language__of_several_header_lines(client: TestClient[Litestar]) -> None:
    answer = client.get("/limits", headers=[("Accept-Language", "en;q=0.2"), ("Accept-Language", "vi")])
    assert answer.headers["content-language"] == "vi"


def test_problem__says_it_in_both_languages_and_names_the_field(client: TestClient[Litestar]) -> None:
    assert client.get("/limits").json() == {
        "type": "urn:doithoai:problem:invalid-idempotency-key",
        "title": "Invalid idempotency key",
        "status": 400,
        "detail": ENGLISH,
        "field": "Idempotency-Key",
        "translations": {
            "vi": {"title": "Khóa chống gửi lặp không hợp lệ", "detail": VIETNAMESE},
            "en": {"title": "Invalid idempotency key", "detail": ENGLISH},
        },
    }


def test_problem__without_a_field_has_no_such_member_but_its_own(client: TestClient[Litestar]) -> None:
    found = client.get("/nothing").json()
    assert "field" not in found
    assert found["head"] == 7


def test_address__that_does_not_exist_is_a_problem_too(client: TestClient[Litestar]) -> None:
    found = client.get("/nowhere", headers={"Accept-Language": "vi"})
    assert (found.status_code, found.json()["type"]) == (404, "urn:doithoai:problem:not-found")
    assert found.json()["detail"].startswith("Không có gì ở địa chỉ này")


def test_value__that_is_a_word_of_the_contract_is_translated() -> None:
    body = msgspec.json.decode(problem_body(problem(403, "role-may-not", "needs", roles=["chair", "office"])))
    assert body["detail"] == "this needs one of the roles chair, office"
    assert "người chủ trì, văn phòng" in body["translations"]["vi"]["detail"]


def test_problem__without_words_is_a_fault() -> None:
    with pytest.raises(KeyError):
        problem(400, "no-such-code")
