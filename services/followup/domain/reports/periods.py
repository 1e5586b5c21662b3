"""The periods that a report covers: a month, a quarter, a year. Pure."""

import re
from datetime import date, timedelta

import msgspec

from services.followup.domain.wording.names import Bilingual
from shared.identifiers import FIRST_YEAR, LAST_YEAR

_FORM = re.compile(r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2])|-Q(?P<quarter>[1-4]))?")
_DAY = timedelta(days=1)
_ROMAN = ("I", "II", "III", "IV")
_ENGLISH = ("first", "second", "third", "fourth")


class InvalidPeriod(ValueError):
    """The text names no period."""


class Period(msgspec.Struct, frozen=True):
    """Consecutive local days, `first` and `last` among them; `text` is its name: 2019-09, 2019-Q3, 2019."""

    text: str
    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether a day belongs to the period."""
        return self.first <= day <= self.last

    @property
    def words(self) -> Bilingual:
        """The name that people use for it."""
        year = self.first.year
        if "Q" in self.text:
            number = self.first.month // 3
            return Bilingual(f"Quý {_ROMAN[number]} năm {year}", f"{_ENGLISH[number]} quarter of {year}")
        if "-" in self.text:
            return Bilingual(f"Tháng {self.first.month} năm {year}", f"{self.first:%B} {year}")
        return Bilingual(f"Năm {year}", f"year {year}")

    @property
    def before(self) -> "Period":
        """The period of the same length just before."""
        return self._at(self.first - _DAY)

    @property
    def has_before(self) -> bool:
        """Whether there is a report of the period before."""
        return self.before.first.year > FIRST_YEAR

    @property
    def after(self) -> "Period":
        """The period of the same length just after."""
        return self._at(self.last + _DAY)

    def _at(self, day: date) -> "Period":
        if "Q" in self.text:
            return _period(f"{day.year}-Q{(day.month + 2) // 3}")
        return _period(f"{day:%Y-%m}" if "-" in self.text else f"{day.year}")


def parse_period(text: str) -> Period:
    """`2019-09`, `2019-Q3` or `2019`. Raises InvalidPeriod."""
    found = _FORM.fullmatch(text)
    if found is None or not FIRST_YEAR < int(found["year"]) < LAST_YEAR:
        raise InvalidPeriod(f"{text!r} is not a period: write a month (2019-09), a quarter (2019-Q3) or a year (2019)")
    return _period(text)


def _period(text: str) -> Period:
    found = _FORM.fullmatch(text)
    assert found is not None
    year, first_month, months = int(found["year"]), 1, 12
    if found["month"]:
        first_month, months = int(found["month"]), 1
    elif found["quarter"]:
        first_month, months = 3 * int(found["quarter"]) - 2, 3
    first = date(year, first_month, 1)
    follows = first_month + months
    last = (date(year, follows, 1) if follows <= 12 else date(year + 1, 1, 1)) - _DAY
    return Period(text, first, last)
