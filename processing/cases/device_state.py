"""The state of devices and their clocks at the moment of an event, and why that excludes a charge.

A device may not be trusted while it is under maintenance, out of calibration, with a clock that is off or of which
nothing is known, or with a dirty lens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import isnan
from typing import Final, NamedTuple

import numpy as np

from contracts.clock import SECOND_US, to_iso, to_isos, to_us
from contracts.columns import Columns
from contracts.findings import Scalar
from contracts.records import ClockSource
from contracts.rules import Rule
from processing.calendar import thai_midnight_us
from processing.compiled import FOR_EVER_US, Compiled
from processing.kernels.trust import NEVER
from processing.state import Int64s

KIND: Final = "trust"
MEASURING: Final = frozenset({"speeding"})
"""Kinds whose case rests on what a calibrated instrument measured: without a known calibration there is none."""
UNKNOWN: Final = (FOR_EVER_US, None)
"""Until when a device is calibrated of which nobody says so."""
_SOURCES: Final = {int(source): source.name.lower() for source in ClockSource}


class Witness(NamedTuple):
    """A device of a case at its moment, and what it had last said of itself (`HEALTH`)."""

    device: int
    event_us: int
    said_us: int
    source: int
    calibrated_us: int
    offset_ms: float
    lens_score: float
    said_at: str


@dataclass(slots=True)
class Standing:
    """Why a case's devices may not be trusted, the gravest reason first, and the figures of their state."""

    reasons: list[str]
    figures: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a city asks of its devices before they may accuse anybody."""

    rule: Rule | None
    params: dict[str, float]
    max_age_us: int
    """So long before the moment a status still speaks for a device."""
    calibrations: dict[int, tuple[int, str]]
    """By device that has one in the city: the end of the last Thai day of its calibration, us, and that day."""
    plans: dict[int, list[tuple[int, int, str]]]
    """The maintenance plan by device: begin and end, us, and why."""


def witnesses(device: Int64s, event_us: Int64s, health: Columns) -> Iterator[Witness]:
    """Devices, their moments and their HEALTH, each (n,)."""
    said = np.where(health["said_us"] == NEVER, 0, health["said_us"])
    columns = [column.tolist() for column in (device, event_us, *(health[name] for name in health.dtype.names or ()))]
    return map(Witness, *columns, to_isos(said))


def terms(compiled: Compiled) -> Terms:
    """The terms of this city version; made once, with `compiled.table`."""
    rules = compiled.rules_of(KIND)
    params = rules[0].params if rules else {}
    age_us = round(params.get("max_status_age_s", 0) * SECOND_US)
    calibrations = {
        no: (thai_midnight_us(device.calibrated_until + timedelta(days=1)), str(device.calibrated_until))
        for no, device in compiled.devices.items()
        if device.calibrated_until
    }
    return Terms(rules[0] if rules else None, params, age_us or FOR_EVER_US // 2, calibrations, _plans(compiled))


def standing(terms: Terms, kind: str, of: Iterable[Witness]) -> Standing:
    """How the devices of a case of this kind stood at its moments."""
    found = Standing([], {})
    for number, witness in enumerate(of, start=1):
        why, its = _judged(terms, kind, witness)
        found.reasons += [reason for reason in why if reason not in found.reasons]
        found.figures |= its if number == 1 else {f"{name}_{number}": value for name, value in its.items()}
    if terms.rule:
        for name in ("max_clock_offset_ms", "min_lens_score"):
            found.figures[name] = terms.params[name]
    return found


def _judged(terms: Terms, kind: str, of: Witness) -> tuple[list[str], dict[str, Scalar]]:
    """Why a device may not be trusted at that moment, the gravest first, and its figures."""
    device, event_us, said_us, source, _, offset_ms, lens, said_at = of
    clock, lit = not isnan(offset_ms), not isnan(lens)
    calibrated_us, calibrated = _calibration(terms, of)
    figures: dict[str, Scalar] = {
        "clock_offset_ms": offset_ms if clock else None,
        "clock_source": _SOURCES[source],
        "lens_score": lens if lit else None,
        "calibrated_until": calibrated,
        "status_at": None if said_us == NEVER else said_at,
    }
    why = []
    work = [entry for begins, ends, entry in terms.plans.get(device, ()) if begins <= event_us < ends]
    if work:
        figures["maintenance"] = work[0]
        why.append("maintenance")
    if calibrated_us <= event_us:
        why.append("out_of_calibration")
    if terms.rule:
        if calibrated is None and kind in MEASURING:
            why.append("calibration_unknown")
        if clock and abs(offset_ms) > terms.params["max_clock_offset_ms"]:
            why.append("clock_drift")
        if not clock and "max_status_age_s" in terms.params:
            why.append("clock_unknown")
        if lit and lens < terms.params["min_lens_score"]:
            why.append("dirty_lens")
    return why, figures


def _calibration(terms: Terms, of: Witness) -> tuple[int, str | None]:
    """Until when a device is calibrated: the earlier of what the city and what it says itself; as us and as text."""
    known = terms.calibrations.get(of.device, UNKNOWN)
    if 0 < of.calibrated_us <= known[0]:
        return of.calibrated_us, to_iso(of.calibrated_us)
    return known


def _plans(compiled: Compiled) -> dict[int, list[tuple[int, int, str]]]:
    numbers = {device.id: no for no, device in compiled.devices.items()}
    plans: dict[int, list[tuple[int, int, str]]] = {}
    for entry in compiled.city.maintenance:
        plans.setdefault(numbers[entry.device], []).append((to_us(entry.begins), to_us(entry.ends), entry.reason))
    return plans
