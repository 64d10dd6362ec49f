"""The state of devices and their clocks at the moment of an event, and why that excludes a charge.

A device may not be trusted while it is under maintenance, out of calibration, with a clock that is off or of which
nothing is known, or with a dirty lens.
"""

from collections.abc import Sequence
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
_SOURCES: Final = {int(source): source.name.lower() for source in ClockSource}


class Witness(NamedTuple):
    """A device of a case at its moment, and what it had last said of itself (`HEALTH`). `device` -1: there is none."""

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

    reasons: tuple[str, ...]
    figures: dict[str, Scalar]


def witnesses(device: Int64s, event_us: Int64s, health: Columns) -> list[Witness]:
    """Devices, their moments and their HEALTH, each (n,)."""
    said = np.where(health["said_us"] == NEVER, 0, health["said_us"])
    columns = [column.tolist() for column in (device, event_us, *(health[name] for name in health.dtype.names or ()))]
    return list(map(Witness, *columns, to_isos(said)))


def max_age_us(compiled: Compiled) -> int:
    """So long before the moment a status still speaks for a device."""
    rules = compiled.rules_of(KIND)
    age_us = round(rules[0].params.get("max_status_age_s", 0) * SECOND_US) if rules else 0
    return age_us or FOR_EVER_US // 2


def standing(compiled: Compiled, kind: str, of: Sequence[Witness]) -> Standing:
    """How the devices of a case of this kind stood at its moments."""
    rules = compiled.rules_of(KIND)
    rule = rules[0] if rules else None
    reasons: list[str] = []
    figures: dict[str, Scalar] = {}
    for number, witness in enumerate(of, start=1):
        if witness.device < 0:
            continue
        why, its = _judged(compiled, rule, kind, witness)
        reasons += [reason for reason in why if reason not in reasons]
        figures |= its if number == 1 else {f"{name}_{number}": value for name, value in its.items()}
    if rule:
        figures |= {name: rule.params[name] for name in ("max_clock_offset_ms", "min_lens_score")}
    return Standing(tuple(reasons), figures)


def _judged(compiled: Compiled, rule: Rule | None, kind: str, of: Witness) -> tuple[list[str], dict[str, Scalar]]:
    """Why a device may not be trusted at that moment, the gravest first, and its figures."""
    calibrated_us, calibrated = _calibration(compiled, of)
    offset_ms = None if isnan(of.offset_ms) else of.offset_ms
    lens = None if isnan(of.lens_score) else of.lens_score
    plans = compiled.table(_plans).get(of.device, ())
    work = [entry for begins, ends, entry in plans if begins <= of.event_us < ends]
    figures: dict[str, Scalar] = {
        "clock_offset_ms": offset_ms,
        "clock_source": _SOURCES[of.source],
        "lens_score": lens,
        "calibrated_until": calibrated,
        "status_at": None if of.said_us == NEVER else of.said_at,
    }
    if work:
        figures["maintenance"] = work[0]
    checks = {
        "maintenance": bool(work),
        "out_of_calibration": calibrated_us is not None and calibrated_us <= of.event_us,
    }
    if rule:
        params = rule.params
        checks["calibration_unknown"] = calibrated_us is None and kind in MEASURING
        checks["clock_drift"] = offset_ms is not None and abs(offset_ms) > params["max_clock_offset_ms"]
        checks["clock_unknown"] = offset_ms is None and "max_status_age_s" in params
        checks["dirty_lens"] = lens is not None and lens < params["min_lens_score"]
    return [reason for reason, holds in checks.items() if holds], figures


def _calibration(compiled: Compiled, of: Witness) -> tuple[int | None, str | None]:
    """Until when a device is calibrated: the earlier of what the city and what it says itself; as us and as text."""
    known = compiled.table(_calibrations).get(of.device)
    if of.calibrated_us > 0 and (known is None or of.calibrated_us <= known[0]):
        return of.calibrated_us, to_iso(of.calibrated_us)
    return known or (None, None)


def _calibrations(compiled: Compiled) -> dict[int, tuple[int, str]]:
    """By device that has one in the city: the end of the last Thai day of its calibration, us, and that day."""
    return {
        no: (thai_midnight_us(device.calibrated_until + timedelta(days=1)), str(device.calibrated_until))
        for no, device in compiled.devices.items()
        if device.calibrated_until
    }


def _plans(compiled: Compiled) -> dict[int, list[tuple[int, int, str]]]:
    """The maintenance plan by device: begin and end, us, and why."""
    numbers = {device.id: no for no, device in compiled.devices.items()}
    plans: dict[int, list[tuple[int, int, str]]] = {}
    for entry in compiled.city.maintenance:
        plans.setdefault(numbers[entry.device], []).append((to_us(entry.begins), to_us(entry.ends), entry.reason))
    return plans
