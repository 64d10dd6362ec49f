"""The digest of a run: one hash over the last revision of every finding.

Receipt time, detection time and revision numbers lie outside it: they may differ between a live run, its recovery and a
replay. Everything else may not. A silence, an outage and a flood of alarms are known by whom they concern, since when,
and whether they stand; how long or how many when a tick found it is detection, and so is which alarms came in a flood.

One thing more depends on receipt: a device that is silent for almost exactly as long as it may be can gain or lose a
whole episode when its messages are delayed, even within the reorder window. Silence is about receipt, so this is the
truth of that log: its refolding gives the same; a log of other receipt times need not.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from contracts.columns import WINDOW
from contracts.findings import Alarm, Outputs, Violation
from processing.alarms import flood
from processing.detectors import outage, silence

_NOT_CONTENT = {"revision", "added", "place", "said_us", "added_sum"}
_OF_RECEIPT = frozenset({silence.KIND, outage.KIND, flood.KIND})
"""Alarms about receipt: their figures depend on when it was noticed."""


class Run:
    """Gathers outputs and keeps the last revision of each finding."""

    def __init__(self) -> None:
        self.windows: dict[tuple[int, ...], bytes] = {}
        self.violations: dict[bytes, Violation] = {}
        self.alarms: dict[bytes, Alarm] = {}

    def add(self, outputs: Outputs) -> None:
        """Take one step's outputs in, in the order of the log."""
        for window in outputs.windows:
            key = tuple(int(window[name]) for name in ("device", "metric", "lane", "width_s", "start_us"))
            self.windows[key] = b"".join(
                window[name].tobytes() for name in WINDOW.names or () if name not in _NOT_CONTENT
            )
        for violation in outputs.violations:
            self.violations[violation.id.bytes] = violation
        for alarm in outputs.alarms:
            self.alarms[alarm.id.bytes] = alarm

    def digest(self) -> str:
        """Hexadecimal BLAKE2b-256 of everything said."""
        return _hash(
            [
                *(self.windows[key] for key in sorted(self.windows)),
                *(_violation(self.violations[key]) for key in sorted(self.violations)),
                *(_alarm(self.alarms[key]) for key in sorted(self.alarms)),
            ]
        )


def _violation(violation: Violation) -> bytes:
    content: dict[str, Any] = msgspec.to_builtins(violation)
    for name in ("revision", "plate"):
        del content[name]
    for name in ("late_s", "notice_possible"):  # of receipt
        content["because"]["inputs"].pop(name, None)
    return msgspec.json.encode(content, order="sorted")


def _alarm(alarm: Alarm) -> bytes:
    content: dict[str, Any] = msgspec.to_builtins(alarm)
    for name in ("revision", "changed_us"):
        del content[name]
    if alarm.kind in _OF_RECEIPT:
        del content["because"]
    else:
        content["because"]["inputs"].pop("in_flood", None)
    return msgspec.json.encode(content, order="sorted")


def _hash(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=32)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
