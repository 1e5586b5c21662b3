"""Refusals name places and agencies, not their codes."""

from services.followup.console.named_codes import NamedCodes
from shared.sentences import Sentence

NAMED = NamedCodes({"H35.10.3": "Phòng Tài nguyên và Môi trường", "H35.10": "Huyện Tam Đường"})


def test_codes__are_said_by_name_in_both_languages() -> None:
    said = NAMED.said(Sentence("H35.10.3 không được thực hiện thay H35.10.", "H35.10.3 does not act for H35.10."))
    assert said.vi == "Phòng Tài nguyên và Môi trường không được thực hiện thay Huyện Tam Đường."
    assert said.en == "Phòng Tài nguyên và Môi trường does not act for Huyện Tam Đường."


def test_other_texts__stay_as_they_are() -> None:
    # A code that nobody registered, a longer one, the number of a document, a key.
    told = "H35.99, H35.10.3.1, H35.10/QĐ-UBND, 12/H35.10, 2HA7J-H35.10"
    assert NAMED.said(Sentence(told, told)).vi == told
