"""What the claims of a verified token make of its holder; nothing is taken for granted that they do not say."""

from typing import Any

import pytest

from shared.http.auth import AuthenticatedCaller
from shared.http.problems import ProblemError
from shared.http.system_tokens import MAX_SOURCES, SystemSettings, caller_in

SCOPE = "openid role:system place:H35.10 source:cong-tinh source:app may:read-answers"


def caller(*, may_administer: bool = False, **claims: Any) -> AuthenticatedCaller:
    return caller_in({"client_id": "portal", "scope": SCOPE} | claims, may_administer=may_administer)


def refused(**claims: Any) -> str:
    with pytest.raises(ProblemError) as error:
        caller(**claims)
    assert (error.value.status, error.value.code) == (403, "unusable-claims")
    return error.value.sentence


def test_scope__says_role_place_and_sources() -> None:
    assert caller() == AuthenticatedCaller(
        "portal", frozenset({"system"}), "H35.10", sources=("cong-tinh", "app"), may=("read-answers",)
    )
    assert caller(scope=SCOPE.split()) == caller()
    agency = caller(scope="role:agency place:000.10.00.H35 agency:H35.10.4")
    assert (agency.jurisdiction, agency.agency) == ("H35.10", "H35.10.4")


def test_right__that_is_not_said_is_not_there() -> None:
    assert caller(scope="role:system place:H35 may:everything").may == ()
    assert caller(doithoai={"role": "system", "place": "H35"}).may == ()


def test_claim__says_the_same_and_is_taken_instead_of_the_scope() -> None:
    said = {"role": "system", "place": "H35.10", "sources": ["cong-tinh", "app"], "may": ["read-answers"]}
    assert caller(doithoai=said, scope="role:admin place:VN") == caller()


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"client_id": "a", "azp": "b", "sub": "c"}, "a"),
        ({"client_id": None, "azp": "b", "sub": "c"}, "b"),
        ({"client_id": "", "sub": "c"}, "c"),
    ],
)
def test_name__is_that_of_the_client(claims: dict[str, Any], name: str) -> None:
    assert caller(**claims).name == name


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ("", "role"),
        ("role:king place:VN", "role"),
        ("role:system role:office place:VN", "twice"),
        ("role:system place:H35 place:H36", "twice"),
        ("role:system", "place"),
        ("role:system place:../etc", "place"),
        ("role:agency place:H35", "agency"),
        ("role:system place:H35 agency:H35.10.4", "agency"),
        ("role:agency place:H35 agency:a/b", "place"),
        ("role:admin place:VN", "admin"),
        ("role:system place:H35 source:", "source"),
        ("role:system place:H35 " + " ".join(f"source:{n}" for n in range(MAX_SOURCES + 1)), "source"),
    ],
)
def test_scope__that_does_not_say_who_may_what_is_refused(scope: str, why: str) -> None:
    assert refused(scope=scope) == why


@pytest.mark.parametrize(
    "name", ["local", "bootstrap", "person:6d1f", "x" * 129, "a\nb", 7, ["a"], {"a": 1}, "\u200b", "cổng\u200b"]
)
def test_name__of_the_products_own_or_none_is_refused(name: Any) -> None:
    assert refused(client_id=name) == "name"


@pytest.mark.parametrize(
    "claim", ["system", 1, None, [], {"roles": ["system"]}, {"role": 1}, {"role": "system", "place": "H35", "x": 1}]
)
def test_claim__of_another_shape_is_refused(claim: Any) -> None:
    assert refused(doithoai=claim) == "claim"


def test_administrator__is_one_only_where_the_setting_says_so() -> None:
    scope = "role:admin place:H35"
    assert refused(scope=scope) == "admin"
    assert caller(may_administer=True, scope=scope).roles == {"admin"}


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({}, ""),
        ({"issuer": "", "audience": ""}, ""),
        ({"issuer": "", "keys_at": "/etc/doithoai/jwks.json"}, "JWT_JWKS"),
        ({"issuer": "http://id.example.vn"}, "JWT_ISSUER"),
        ({"issuer": "http://id.example.vn", "keys_at": "/etc/doithoai/jwks.json"}, ""),
        ({"audience": ""}, "JWT_AUDIENCE"),
        ({"keys_at": "http://id.example.vn/jwks"}, "JWT_JWKS"),
        ({"people_issuer": "https://id.example.vn"}, ""),
        ({"people_issuer": "https://id.example.vn", "people_audience": "doithoai-api"}, "JWT_AUDIENCE"),
    ],
)
def test_settings__that_would_tell_nobody_for_certain_are_named(changed: dict[str, str], setting: str) -> None:
    given = {"issuer": "https://id.example.vn", "audience": "doithoai-api", "keys_at": ""} | changed
    assert SystemSettings(**given, may_administer=False).wrong.partition(":")[0] == setting
