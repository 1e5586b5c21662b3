"""The names of the languages in which people write."""

import pytest

from services.followup.console.pages import choice_words
from services.followup.domain.wording.names import Bilingual


@pytest.mark.parametrize(
    ("tag", "vi", "en"),
    [
        ("vi", "tiếng Việt", "Vietnamese"),
        ("hmn-Latn", "tiếng Mông (hmn-Latn)", "Hmong (hmn-Latn)"),
        ("VI", "tiếng Việt", "Vietnamese"),
        ("qaa", "qaa", "qaa"),
        ("x-bản", "x-bản", "x-bản"),
    ],
)
def test_language__is_said_by_its_name_and_an_unknown_one_by_its_tag(tag: str, vi: str, en: str) -> None:
    assert choice_words("PetitionReceived", "language", tag) == Bilingual(vi, en)
