"""Hours of the week, as laws, signs and plans give them."""

from datetime import time
from typing import Annotated, Final, Literal

from msgspec import Meta

from contracts.entry import Entry

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(Entry, frozen=True):
    """From one time of the day until another, Thai time, on these weekdays; the second is no longer part of it.

    22:00 until 05:00 reaches into the next day and belongs to the weekday on which it begins. Until 00:00 is until the
    end of the day.
    """

    begins: Annotated[time, Meta(tz=False)]
    ends: Annotated[time, Meta(tz=False)]
    weekdays: tuple[Weekday, ...] = WEEKDAYS
