"""What is new of what came: deliveries decoded, and each number judged by the state's memory of its device.

Where that memory is too short the log is asked. Duplicates are left out and counted; the rest is a record or a
rejection. When most devices' clocks disagree with ours, the fault is ours: then all of it is held.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.batching import conflicts
from app.left_out import LeftOut
from app.our_clock import OurClock
from app.parts import Parts
from contracts.adapters import account_of
from contracts.city import City
from contracts.clock import DAY_US
from contracts.columns import DTYPES, Columns
from contracts.delivery import Decoded, Delivery, Rejection
from contracts.devices import Device
from ingest.decode import IntakeLimits, decode
from ingest.patience import Patience
from ingest.registry import Registry
from processing import admission
from processing.state import State


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of the city, with what decoding and naming need of it: devices, and the accounts under which they are
    heard, by number; units by metric."""

    city: City
    registry: Registry
    devices: dict[int, Device]
    accounts: dict[int, str]
    units: dict[str, str]


def in_force(city: City) -> InForce:
    """The version made ready."""
    devices = {device.no: device for device in city.devices}
    accounts = {device.no: account_of(device) for device in city.devices}
    return InForce(city, Registry(city), devices, accounts, {metric.key: metric.unit for metric in city.metrics})


@dataclass(frozen=True, slots=True)
class Admitted:
    """New records by kind, rejections, and the deliveries that they came in, to be thanked for once it is committed.

    `repeated`: devices that sent what is settled already, int64: their mark did not reach them.
    """

    kinds: dict[str, Columns]
    rejections: list[Rejection]
    deliveries: Sequence[Delivery]
    repeated: Columns


class Admitting:
    """Decodes and judges. Used by the fold's thread alone."""

    def __init__(
        self,
        parts: Parts,
        shard: int,
        limits: IntakeLimits,
        left_out: LeftOut,
        hold: Callable[[Sequence[Delivery]], None],
        settle: Callable[[], None],
    ) -> None:
        """`hold` keeps deliveries for later; `settle` returns when all that is on its way is in the log, or raises."""
        self._parts, self._shard, self._limits, self._left_out = parts, shard, limits, left_out
        self._hold, self._settle = hold, settle
        self.our_clock, self._patience = OurClock(), Patience()

    def admit(self, state: State, deliveries: Sequence[Delivery], known: InForce | None) -> Admitted:
        """What is new of these.

        Raises:
            StorageUnavailable: something is older than our memory, and the log cannot be asked.
        """
        decoded = self._decode(deliveries, known)
        if self.our_clock.wrong:
            self._hold(deliveries)
            deliveries, decoded = (), Decoded()
        rejections = admission.unsettled(state, decoded.rejections)
        repeated = [{each.device for each in decoded.rejections} - {each.device for each in rejections}]
        verdicts = admission.judge(state, decoded)
        kinds: dict[str, Columns] = {}
        for name in DTYPES:
            rows, verdict = decoded.kind(name), verdicts.of[name].copy()
            doubtful = np.flatnonzero(verdict == admission.DOUBTFUL)
            if doubtful.size:
                held = self._look_up(state, name, rows[doubtful])
                same = np.where(held == rows["digest"][doubtful], admission.DUPLICATE, admission.CONFLICT)
                verdict[doubtful] = np.where(held == -1, admission.NEW, same)
            rejections += conflicts(rows[verdict == admission.CONFLICT], deliveries, known.devices if known else {})
            known_before = rows[verdict == admission.DUPLICATE]
            self._left_out.add(duplicates=known_before.size)
            repeated.append(set(known_before["device"].tolist()))
            new = verdict == admission.NEW
            kinds[name] = rows if new.all() else rows[new]
        again = np.array(sorted(set().union(*repeated) - {-1}), np.int64)
        return Admitted(kinds, rejections, deliveries, again)

    def _decode(self, deliveries: Sequence[Delivery], known: InForce | None) -> Decoded:
        if not deliveries or known is None:
            return Decoded()
        decoded = decode(deliveries, known.registry, self._parts.sealer, self._limits, self._patience)
        self._left_out.add(retained=decoded.retained, passed_over=decoded.passed_over, plates_lost=decoded.plates_lost)
        self.our_clock.is_wrong(decoded, known.accounts, time.monotonic())
        return decoded

    def _look_up(self, state: State, kind: str, rows: Columns) -> Columns:
        """What the log holds of these identities: digest or -1. Batches on their way have to be in it first."""
        self._settle()
        since_us = state.moments.now_us - round((self._limits.days_back(kind) + 1) * DAY_US)
        return self._parts.log.seen(self._shard, kind, rows, since_us)
