"""When an alarm is suppressed by design or out of service (ISA-18.2): known tests of the week, and maintenance.

A known test suppresses what begins within its window, told by event time; an alarm that stood before goes on standing.
Whatever says it later than it happened (a device that was cut off) has its window shifted by as much.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from contracts.city import City
from contracts.clock import DAY_US, MINUTE_US, THAI_OFFSET_US, to_us
from contracts.hours import WEEKDAYS
from contracts.responses import Suppression
from processing.alarms.book import Words
from processing.compiled import FOR_EVER_US, Compiled
from processing.kernels.speeding import EPOCH_WEEKDAY

MAINTENANCE: Final = "maintenance"
"""How an alarm's words name the maintenance plan; the others are named by their id."""

HIGHER: Final = "alarm/"
"""How an alarm's words name the kind of the higher alarm that says it, too."""


@dataclass(frozen=True, slots=True)
class Work:
    """One maintenance of a device, us."""

    from_us: int
    to_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of a city version: known tests, and the maintenance of each device (by number) in order of time."""

    tests: tuple[Suppression, ...]
    districts: dict[str, str]
    names: dict[int, str]
    works: dict[int, list[Work]] = field(default_factory=dict)

    def test_of(self, words: Words, now_us: int) -> tuple[str, int]:
        """The known test in which this condition began and until when it is suppressed, us; ("", 0) without one."""
        found = ("", 0)
        for test in self.tests:
            left_us = _left_us(test, words.since_us)
            if left_us > 0 and now_us + left_us > found[1] and self._concerns(test, words):
                found = (test.id, now_us + left_us)
        return found

    def work_at(self, device: int, now_us: int) -> Work | None:
        """The maintenance that is being done on a device, or None."""
        return next((work for work in self.works.get(device, ()) if work.from_us <= now_us < work.to_us), None)

    def next_work_us(self, device: int, now_us: int) -> int:
        """When the next maintenance of a device begins, us."""
        return min((work.from_us for work in self.works.get(device, ()) if work.from_us > now_us), default=FOR_EVER_US)

    def reasons(self, plan: str) -> dict[str, str]:
        """Why a known test suppresses, in both languages."""
        for test in self.tests:
            if test.id == plan:
                return {"suppressed_because_en": test.reason_en, "suppressed_because_th": test.reason_th}
        return {}

    def _concerns(self, test: Suppression, words: Words) -> bool:
        zones = (words.zone, self.districts.get(words.zone, ""))
        return (
            (not test.kinds or words.kind in test.kinds)
            and (not test.metrics or words.metric in test.metrics)
            and (not test.zones or any(zone in test.zones for zone in zones))
            and (not test.devices or self.names.get(words.device) in test.devices)
        )


def make_plans(compiled: Compiled) -> Plans:
    """The plans of a city version."""
    city = compiled.city
    works: dict[int, list[Work]] = defaultdict(list)
    numbers = {device.id: device.no for device in city.devices}
    for entry in sorted(city.maintenance, key=lambda entry: (entry.begins, entry.ends, entry.reason)):
        works[numbers[entry.device]].append(Work(to_us(entry.begins), to_us(entry.ends), entry.reason))
    return Plans(city.suppressions, _districts(city), {no: device for device, no in numbers.items()}, dict(works))


def _districts(city: City) -> dict[str, str]:
    return {zone.id: zone.parent for zone in city.zones if zone.parent}


def _left_us(test: Suppression, moment_us: int) -> int:
    """How long a window of this test goes on after a moment in it, us; 0 outside. It may run past midnight."""
    local_us = moment_us + THAI_OFFSET_US
    hours, minutes = test.starts.split(":")
    starts_us = (int(hours) * 60 + int(minutes)) * MINUTE_US
    for back in (0, 1):
        day = local_us // DAY_US - back
        into_us = local_us - day * DAY_US - starts_us
        if WEEKDAYS[(day + EPOCH_WEEKDAY) % 7] in test.weekdays and 0 <= into_us < test.minutes * MINUTE_US:
            return test.minutes * MINUTE_US - into_us
    return 0
