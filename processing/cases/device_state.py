"""The state of devices and their clocks at the moment of an event, and why that excludes a charge.

A device may not be trusted while it is under maintenance, out of calibration, with a clock that is off or of which
nothing is known, or with a dirty lens.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.clock import SECOND_US, to_iso, to_us
from contracts.devices import Device
from contracts.findings import Scalar
from contracts.rules import Rule
from processing.calendar import thai_midnight_us
from processing.cases.health import Health, health_of
from processing.compiled import FOR_EVER_US, Compiled
from processing.state import State

KIND: Final = "trust"
MEASURING: Final = frozenset({"speeding"})
"""Kinds whose case rests on what a calibrated instrument measured: without a known calibration there is none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a case's devices may not be trusted, the gravest reason first, and the figures of their state."""

    reasons: tuple[str, ...]
    figures: dict[str, Scalar]


def standing(state: State, compiled: Compiled, kind: str, witnesses: tuple[tuple[int, int], ...]) -> Standing:
    """How the devices of a case of this kind stood at its moments: (device, event time in us) each."""
    rules = compiled.rules_of(KIND)
    rule = rules[0] if rules else None
    reasons: list[str] = []
    figures: dict[str, Scalar] = {}
    seen: list[int] = []
    for device, event_us in witnesses:
        if device in seen:
            continue
        seen.append(device)
        age_us = round(rule.params.get("max_status_age_s", 0) * SECOND_US) if rule else 0
        health = health_of(state, device, event_us, age_us or FOR_EVER_US // 2)
        suffix = f"_{len(seen)}" if len(seen) > 1 else ""
        why, its = _judged(compiled, rule, kind, device, event_us, health)
        reasons += [reason for reason in why if reason not in reasons]
        figures |= {f"{name}{suffix}": value for name, value in its.items()}
    if rule:
        figures |= {name: rule.params[name] for name in ("max_clock_offset_ms", "min_lens_score")}
    return Standing(tuple(reasons), figures)


def _judged(
    compiled: Compiled, rule: Rule | None, kind: str, no: int, event_us: int, health: Health
) -> tuple[list[str], dict[str, Scalar]]:
    """Why a device may not be trusted at that moment, the gravest first, and its figures."""
    calibrated_us, calibrated = _calibration(compiled.devices[no], health)
    work = [entry for begins, ends, entry in compiled.table(_plans).get(no, []) if begins <= event_us < ends]
    figures: dict[str, Scalar] = {
        "clock_offset_ms": health.offset_ms,
        "clock_source": health.source.name.lower(),
        "lens_score": health.lens,
        "calibrated_until": calibrated,
        "status_at": None if health.said_us is None else to_iso(health.said_us),
    }
    if work:
        figures["maintenance"] = work[0]
    unknown = calibrated_us is None and kind in MEASURING
    checks = {"maintenance": bool(work), "out_of_calibration": (calibrated_us or FOR_EVER_US) <= event_us}
    if rule:
        offset, lens, params = health.offset_ms, health.lens, rule.params
        checks["calibration_unknown"] = unknown
        checks["clock_drift"] = offset is not None and abs(offset) > params["max_clock_offset_ms"]
        checks["clock_unknown"] = offset is None and "max_status_age_s" in params
        checks["dirty_lens"] = lens is not None and lens < params["min_lens_score"]
    return [reason for reason, holds in checks.items() if holds], figures


def _calibration(device: Device, health: Health) -> tuple[int | None, str | None]:
    """Until when a device is calibrated: the earlier of what the city and what it says itself; as us and as text.

    The city names the last Thai day of it.
    """
    known: list[tuple[int, str]] = []
    if device.calibrated_until:
        known.append((thai_midnight_us(device.calibrated_until + timedelta(days=1)), str(device.calibrated_until)))
    if health.calibrated_us is not None:
        known.append((health.calibrated_us, to_iso(health.calibrated_us)))
    return min(known) if known else (None, None)


def _plans(compiled: Compiled) -> dict[int, list[tuple[int, int, str]]]:
    """The maintenance plan by device: begin and end, us, and why."""
    numbers = {device.id: no for no, device in compiled.devices.items()}
    plans: dict[int, list[tuple[int, int, str]]] = {}
    for entry in compiled.city.maintenance:
        plans.setdefault(numbers[entry.device], []).append((to_us(entry.begins), to_us(entry.ends), entry.reason))
    return plans
