"""An incident: at one camera speed falls and the road fills within minutes, while traffic flows at the next one.

After the comparison of neighbouring stations known as the California algorithm (Payne and Tignor 1978): what tells an
incident from a busy road is that the stations on either side of it part. Neighbours have no junction between them
(processing/traffic/stretches.py). It is over when traffic at the first camera is as fast again as before, or fast
enough. All figures are the city's; the defaults are ours and unverified.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import to_iso
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.traffic.minutes import Flags, Look, Moment, Slow, shown, slow_of
from processing.traffic.stretches import NONE

KIND: Final = "incident"
MINUTES: Final = 5.0
BEFORE_MINUTES: Final = 14.0
CONFIRM_MINUTES: Final = 2.0
FALL_SHARE: Final = 0.7
RISE_FACTOR: Final = 1.2
RECOVERED_SHARE: Final = 0.8
DOWNSTREAM_SPEED_SHARE: Final = 0.6
DOWNSTREAM_FREE_SHARE: Final = 0.3
DOWNSTREAM_OCCUPANCY_SHARE: Final = 0.8
DOWNSTREAM_VEHICLES: Final = 1.0
"""Where little gets through the road ahead runs empty; those who are there tell how it flows."""
MIN_VEHICLES: Final = 5.0
CALM_MINUTES: Final = 2
"""It is over when the mean of so many minutes more agrees: no sooner than congestion is."""


@dataclass(frozen=True, slots=True)
class Parting:
    """What stations show at this minute, by place: where one parts from the next; the last minutes, a few more of them
    (`calm`), and those before."""

    begins: Flags
    now: Look
    calm: Look
    before: Look
    slow: Slow
    minutes: int

    def recovered(self, rule: Rule, place: int, before_kmh: float) -> bool:
        """Whether traffic at the upstream camera has come back."""
        share = rule.params.get("recovered_share", RECOVERED_SHARE)
        fast_enough = min(share * before_kmh, float(self.slow.end_kmh[place]))
        return all(look.known[place] and not look.speed_kmh[place] < fast_enough for look in (self.now, self.calm))


def confirmed_after(rule: Rule) -> int:
    """For how many minutes neighbours must part: a jam that reaches them one after the other is no incident."""
    return int(rule.params.get("confirm_minutes", CONFIRM_MINUTES))


def may_begin(rule: Rule, moment: Moment) -> bool:
    """Whether any camera is slow at all: on most minutes of most days none is."""
    now = moment.look(minutes_of(rule) - 1)
    with np.errstate(invalid="ignore"):
        return bool(np.any(now.speed_kmh < slow_of(rule, moment.stretches).begin_kmh))


def minutes_of(rule: Rule) -> int:
    """Over how many minutes it is averaged what holds now."""
    return int(rule.params.get("minutes", MINUTES))


def look(rule: Rule, moment: Moment) -> Parting:
    """Where neighbouring stations part, on the figures of this minute and those before it."""
    params = rule.params
    minutes = minutes_of(rule)
    now = moment.look(minutes - 1)
    before = moment.look(minutes + int(params.get("before_minutes", BEFORE_MINUTES)) - 1, minutes)
    slow = slow_of(rule, moment.stretches)
    here = np.flatnonzero(moment.stretches.downstream != NONE)
    ahead = moment.stretches.downstream[here]
    with np.errstate(invalid="ignore"):
        crawls = now.speed_kmh < slow.begin_kmh
        fell = now.speed_kmh <= params.get("fall_share", FALL_SHARE) * before.speed_kmh
        full = now.occupancy >= slow.begin_occupancy
        filled = now.occupancy >= params.get("rise_factor", RISE_FACTOR) * before.occupancy
        goes_on = now.speed_kmh >= params.get("downstream_speed_share", DOWNSTREAM_SPEED_SHARE) * before.speed_kmh
        goes_on &= (
            now.speed_kmh >= params.get("downstream_free_share", DOWNSTREAM_FREE_SHARE) * moment.stretches.free_kmh
        )
        emptier = params.get("downstream_occupancy_share", DOWNSTREAM_OCCUPANCY_SHARE) * now.occupancy[here]
        parts = now.occupancy[ahead] <= emptier
    least = params.get("min_vehicles", MIN_VEHICLES)
    known, crowd = now.known & before.known & (before.vehicles >= least), now.vehicles >= least
    runs = known & goes_on & ~crawls & (now.vehicles >= params.get("downstream_vehicles", DOWNSTREAM_VEHICLES))
    begins = np.zeros(known.size, np.bool_)
    begins[here] = (known & crowd & crawls & fell & full & filled)[here] & runs[ahead] & parts
    return Parting(begins, now, moment.look(minutes + CALM_MINUTES - 1), before, slow, minutes)


def because(
    rule: Rule, moment: Moment, parting: Parting, place: int, before_kmh: float, ends: bool, names: dict[str, Scalar]
) -> Because:
    """Why it is an incident, or is none any more: speeds and occupancies here and downstream, and free flow."""
    now, ahead = parting.now, int(moment.stretches.downstream[place])
    free_kmh = shown(moment.stretches.free_kmh[place])
    threshold = shown((parting.slow.end_kmh if ends else parting.slow.begin_kmh)[place])
    speed_kmh = shown(now.speed_kmh[place])
    return Because(
        measured=speed_kmh,
        limit=free_kmh,
        threshold=threshold,
        margin=round(speed_kmh - threshold, 1),
        unit="km/h",
        needed=f"mean speed {'<' if ends else '>='} {threshold:g} km/h",
        source=rule.law,
        inputs={
            **names,
            "speed_kmh": speed_kmh,
            "speed_before_kmh": shown(before_kmh),
            "free_flow_kmh": free_kmh,
            "occupancy": shown(now.occupancy[place], 3),
            "occupancy_before": shown(parting.before.occupancy[place], 3),
            "downstream_speed_kmh": shown(now.speed_kmh[ahead]),
            "downstream_occupancy": shown(now.occupancy[ahead], 3),
            "downstream_m": int(shown(moment.stretches.gap_m[place])),
            "vehicles": int(now.vehicles[place]),
            "minutes": parting.minutes,
            "minute": to_iso(moment.began_us(0)),
        },
    )
