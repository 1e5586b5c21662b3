"""The calendars of 2019 to 2026 that come with the product, unconfirmed until an official confirms them."""

from importlib.resources import files

import msgspec

from shared.calendar import CalendarYear, validate


def seed_years() -> tuple[CalendarYear, ...]:
    """The years in `shared/calendar/shipped.json`, earliest first, checked as a published year is."""
    text = files("shared.calendar").joinpath("shipped.json").read_bytes()
    years = msgspec.json.decode(text, type=tuple[CalendarYear, ...])
    for year in years:
        validate(year)
    return years
