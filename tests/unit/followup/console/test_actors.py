"""Who recorded something is named as people call them."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.followup.adapters.intake_client import PersonAnswer, PostAnswer
from services.followup.console.actors import told_of


def post(position: str, year: int, *, stands: bool) -> PostAnswer:
    return PostAnswer(
        id=UUID(int=year),
        position=position,
        roles=["office"],
        jurisdiction="H35.10",
        valid_from=date(year, 1, 1),
        stands=stands,
    )


@pytest.mark.parametrize(
    ("name", "posts", "told"),
    [
        ("Lò Thị Mai", [post("Chuyên viên", 2020, stands=True)], "Lò Thị Mai"),
        ("", [post("Chuyên viên", 2020, stands=True), post("Phó phòng", 2022, stands=False)], "Chuyên viên"),
        ("", [post("Chuyên viên", 2020, stands=False), post("Phó phòng", 2022, stands=False)], "Phó phòng"),
        ("", [], ""),
    ],
)
def test_person__is_called_by_name_else_by_the_post_that_is_held_or_was_last(
    name: str, posts: list[PostAnswer], told: str
) -> None:
    assert told_of(PersonAnswer(id=uuid4(), subject="0c5a77e2", name=name, posts=posts)) == told
