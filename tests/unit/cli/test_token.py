"""What whoever mints a token reads of it."""

from services.cli.intake import rights_of
from shared.http.tokens import ROLE_RIGHTS, ROLE_TITLES, ROLES, mint_token


def test_rights__say_role_place_and_sources() -> None:
    _, entry = mint_token("cong-tinh", "system", "H35", sources=("cong-tinh", "app"))
    assert rights_of(entry).en == (
        "cong-tinh: connected system at H35: pushes, corrects, withdraws and follows its own petitions; "
        "sources cong-tinh, app"
    )
    _, agency = mint_token("so", "agency", "H35", "H35.4")
    assert "H35 H35.4" in rights_of(agency).vi and "nguồn" not in rights_of(agency).vi


def test_rights__are_said_of_every_role() -> None:
    assert ROLE_RIGHTS.keys() == ROLE_TITLES.keys() == ROLES
