"""The trust gate: makes violations of cases. Nothing that a device could not be trusted with is chargeable.

A device out of calibration, with a drifting clock or one that nobody knows, with a dirty lens or under maintenance at
the moment of the event makes a case that is kept, not chargeable, with the reason and the figures.

What a device says about itself may come after the passage that it speaks for. So a case judged on arrival is said at
once with what is known then, and looked at again when everything that was under way for no longer than the reorder
window has come: only if the state of device and clock at that moment turns out otherwise is there a new revision. Cases
of ordered rules come from behind the watermark and are final at once.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.city import Device, Rule
from contracts.clock import SECOND_US, TICK_US, to_iso, to_us
from contracts.columns import Batch
from contracts.findings import SECOND_LOOK, Scalar, Violation
from processing.calendar import thai_midnight_us
from processing.case import Case
from processing.compiled import FOR_EVER_US, Compiled
from processing.health import Health, health_of, note, of_cameras
from processing.kernels.windows import REORDER_US
from processing.said import Said
from processing.state import State

KIND: Final = "trust"
MEASURING: Final = frozenset({"speeding"})
"""Kinds whose case rests on what a calibrated instrument measured: without a known calibration there is none."""


class Waiting(msgspec.Struct, frozen=True):
    """A case that was said on arrival and is looked at again at `due_us`: its first form and how the gate found it."""

    due_us: int
    kind: str
    witnesses: tuple[tuple[int, int], ...]
    bare: Violation
    reasons: tuple[str, ...] = ()
    state: dict[str, Scalar] = {}


@dataclass(slots=True)
class Gate:
    """The cases that wait, a list of Waiting as MessagePack, and the earliest `due_us` of them."""

    waiting: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    due_us: int = FOR_EVER_US


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """The stage after all rules: every case becomes a violation, and those that waited are looked at again.

    A look knows the statuses that came before the passage itself, the second one those that count from its tick on.
    """
    gate = state.part("trust", Gate)
    if not batch.statuses.size and not said.cases and gate.due_us > batch.now_us:
        return
    statuses = of_cameras(state, compiled, batch.statuses)
    if not said.cases and gate.due_us > batch.now_us:
        note(state, statuses)
        return
    held = _unpack(gate.waiting)
    subjects = held + [_to_wait(case) for case in said.cases]
    places, received = statuses["place"], statuses["received_us"]
    looks: list[tuple[int, int, bool, int]] = []
    for at, subject in enumerate(subjects):
        if at >= len(held):
            case = said.cases[at - len(held)]
            counted = np.searchsorted(received, case.tick_us) if case.tick_us else np.searchsorted(places, case.place)
            looks.append((int(counted), case.tick_us or case.received_us, False, at))
        if subject.due_us <= batch.now_us:
            looks.append((int(np.searchsorted(received, subject.due_us)), subject.due_us, True, at))
    done = 0
    for known, _, again, at in sorted(looks):
        note(state, statuses[done:known])
        done = known
        _look(state, compiled, subjects, at, again, said)
    note(state, statuses[done:])
    _wait(gate, [subject for subject in subjects if subject.due_us > batch.now_us])


def _look(state: State, compiled: Compiled, subjects: list[Waiting], at: int, again: bool, said: Said) -> None:
    """Say a case as the gate finds it, a second time only if it finds it otherwise."""
    subject = subjects[at]
    found = _found(state, compiled, subject)
    if again and (found.reasons, found.state) == (subject.reasons, subject.state):
        return
    subjects[at] = found
    said.violations.append(_gated(found, subject.bare.revision + again))


def _to_wait(case: Case) -> Waiting:
    """Final at its tick, or once everything within the reorder window of its receipt counts."""
    settled_us = (case.received_us + REORDER_US) // TICK_US * TICK_US + TICK_US
    return Waiting(case.tick_us or settled_us, case.kind, case.witnesses, case.violation)


def _wait(gate: Gate, waiting: list[Waiting]) -> None:
    gate.due_us = min((subject.due_us for subject in waiting), default=FOR_EVER_US)
    packed = msgspec.msgpack.encode(waiting) if waiting else b""
    gate.waiting = np.frombuffer(packed, np.uint8).copy()


def _unpack(packed: npt.NDArray[np.uint8]) -> list[Waiting]:
    return msgspec.msgpack.decode(packed.tobytes(), type=list[Waiting]) if packed.size else []


def _found(state: State, compiled: Compiled, subject: Waiting) -> Waiting:
    """The subject with the state of its devices at their moments, and why that excludes a charge."""
    rules = compiled.rules_of(KIND)
    rule = rules[0] if rules else None
    reasons: list[str] = []
    figures: dict[str, Scalar] = {}
    seen: list[int] = []
    for device, event_us in subject.witnesses:
        if device in seen:
            continue
        seen.append(device)
        age_us = round(rule.params.get("max_status_age_s", 0) * SECOND_US) if rule else 0
        health = health_of(state, device, event_us, age_us or FOR_EVER_US // 2)
        suffix = f"_{len(seen)}" if len(seen) > 1 else ""
        why, its = _judged(compiled, rule, subject.kind, device, event_us, health)
        reasons += [reason for reason in why if reason not in reasons]
        figures |= {f"{name}{suffix}": value for name, value in its.items()}
    if rule:
        figures |= {name: rule.params[name] for name in ("max_clock_offset_ms", "min_lens_score")}
    return msgspec.structs.replace(subject, reasons=tuple(reasons), state=figures)


def _judged(
    compiled: Compiled, rule: Rule | None, kind: str, no: int, event_us: int, health: Health
) -> tuple[list[str], dict[str, Scalar]]:
    """Why a device may not be trusted at that moment, the gravest first, and its figures."""
    device = compiled.devices.get(no)
    calibrated_us, calibrated = _calibration(device, health)
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


def _calibration(device: Device | None, health: Health) -> tuple[int | None, str | None]:
    """Until when a device is calibrated: the earlier of what the city and what it says itself; as us and as text.

    The city names the last Thai day of it.
    """
    known: list[tuple[int, str]] = []
    if device and device.calibrated_until:
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


def _gated(found: Waiting, revision: int) -> Violation:
    """The violation as the gate lets it through. What a second look could settle is beside the point on bad ground."""
    bare = found.bare
    reason = bare.reason
    if found.reasons and (not reason or reason in SECOND_LOOK):
        reason = found.reasons[0]
    inputs = bare.because.inputs | found.state
    if found.reasons:
        inputs["not_trusted"] = ", ".join(found.reasons)
    because = msgspec.structs.replace(bare.because, inputs=inputs)
    return msgspec.structs.replace(bare, revision=revision, because=because, chargeable=not reason, reason=reason)
