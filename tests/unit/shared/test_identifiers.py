"""One function normalises what comes in at every door."""

import sys
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import _MARKS, MalformedCode, agency_code, composed, kept_forms, normalised, ordered_id

UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_sees__tells_no_two_texts_apart(unseen: str) -> None:
    assert normalised(f"{unseen}LC{unseen}-12{unseen} ") == "LC-12"
    assert normalised(f"e{unseen}\u0301") == "é"


def test_blanks__go_around_a_text_and_may_be_broken_within() -> None:
    assert normalised("\u00a0 Lò\u00a0Văn\u202fX \u3000\t") == "Lò Văn X"
    assert normalised("một\nhai  ba") == "một\nhai  ba"


def test_ordered_id__of_an_instant_before_1970_stands_at_its_beginning() -> None:
    earliest, first = datetime(1901, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
    assert ordered_id(earliest, bytes(10)) == ordered_id(first, bytes(10)) < ordered_id(datetime.now(UTC), bytes(10))


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)) | st.sampled_from([*UNSEEN, "\u0301", "\u00a0"])))
def test_normalised_text__is_composed_and_stays_as_it_is(text: str) -> None:
    found = normalised(text)
    assert unicodedata.is_normalized("NFC", found)
    assert normalised(found) == found == normalised(unicodedata.normalize("NFD", text))


def test_marks__stand_where_they_are_looked_for() -> None:
    assert "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.combining(c)) == _MARKS


@given(st.lists(st.text(st.sampled_from("aộ漢 \u200b"), max_size=2) | st.text(st.sampled_from(_MARKS), max_size=120)))
def test_composed_text__is_that_of_the_interpreter(parts: list[str]) -> None:
    text = "".join(parts)
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.timeout(30)  # the interpreter alone takes minutes
@pytest.mark.parametrize("between", ["", "\u200b"])
def test_hundred_thousand_marks_on_one_letter__hold_up_nobody(between: str) -> None:
    assert len(normalised("a" + between.join(["\u0301\u0323\u0327\u0328"] * 100_000))) == 400_000


def test_kept_forms__are_those_of_the_releases_before_and_of_today() -> None:
    assert kept_forms("LC-12") == ("LC-12",)
    assert kept_forms(" sô\u0309 ") == (" sổ ", "sổ")


def test_code__is_read_whatever_stands_unseen_around_it() -> None:
    assert agency_code("\ufeffh35.10\u200b.3 ") == "H35.10.3"
    with pytest.raises(MalformedCode):
        agency_code("H35.10 .3")
