"""Working days of Viet Nam's state sector.

Start with `Calendar` in `counting.py`; `years.py` holds what an official publishes, `day_reasons.py` why a day counts.
Pure: the calendars are recorded facts, given by whoever counts.
"""

from shared.calendar.counting import Calendar, CalendarMissing, Count, CountedDay, Direction
from shared.calendar.day_reasons import (
    CALENDAR_DAY,
    CLOCK_SUSPENDED,
    ROLLED,
    START_DAY,
    WEEKEND,
    WORKING_DAY,
    Language,
    day_text,
)
from shared.calendar.years import (
    CONTRADICTIONS,
    CalendarYear,
    ContradictoryCalendar,
    DayOff,
    MakeUpDay,
    unpublished_year,
    validate,
)

__all__ = [
    "CALENDAR_DAY",
    "CLOCK_SUSPENDED",
    "CONTRADICTIONS",
    "ROLLED",
    "START_DAY",
    "WEEKEND",
    "WORKING_DAY",
    "Calendar",
    "CalendarMissing",
    "CalendarYear",
    "ContradictoryCalendar",
    "Count",
    "CountedDay",
    "DayOff",
    "Direction",
    "Language",
    "MakeUpDay",
    "day_text",
    "unpublished_year",
    "validate",
]
