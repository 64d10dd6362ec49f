"""What a family is, and what it is given and gives: a message as it came, the devices on its topic, records.

A family is one function, `adapt`: no I/O, no clock, no state. It returns what each device said, or raises
MessageRejected; a record that is wrong alone is `wire.Illegal` in its place. Returning nothing means that the message
was understood and holds nothing that an entry asks for; that is counted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo

from contracts.adapters import Adapter, Field
from contracts.devices import Device
from contracts.errors import ConfigError, MessageRejected
from contracts.records import Record
from contracts.topics import Kind
from contracts.wire import Illegal
from ingest.adapters.json_payload import path_of
from ingest.adapters.units import convertible

Use = Literal["source", "time_zone", "fields", "lanes", "words"]


class Speaker:
    """A device of a family, ready to be understood."""

    def __init__(self, device: Device, units: Mapping[str, str]) -> None:
        """`units`: of every metric of the city. Raises ConfigError: the time zone or a unit is none."""
        assert device.adapter is not None
        self.device = device
        self.entry: Adapter = device.adapter
        self.units = {each.field: units[each.metric] for each in self.entry.fields}
        """What each field's series is in."""
        self.fields: dict[str, Field] = {each.field: each for each in self.entry.fields}
        self.paths = {each.field: path_of(each.field) for each in self.entry.fields}
        """Where each field stands in a payload of JSON."""
        self.zone = _zone(device, self.entry.time_zone)
        for each in self.entry.fields:
            if each.unit and not convertible(each.unit, units[each.metric]):
                problem = (
                    f"{device.id}: {each.field} cannot be turned into {units[each.metric]}, the unit of {each.metric}"
                )
                raise ConfigError("devices.adapter.fields.unit", each.unit, problem)

    def __repr__(self) -> str:
        return f"Speaker({self.device.id})"


@dataclass(slots=True)
class Heard:
    """One message of a family. `speakers` are the devices in force whose entries name its topic: one or more."""

    topic: str
    payload: bytes
    received_us: int
    speakers: tuple[Speaker, ...]
    about: Speaker | None = field(init=False)
    """Whom it is about, once that is known: a rejection is held against that one."""

    def __post_init__(self) -> None:
        self.about = self.speakers[0] if len(self.speakers) == 1 else None

    def speaker(self, source: str | None = None) -> Speaker:
        """The device of a message: the one whose entry has this `source`, or the only one on the topic.

        Raises:
            MessageRejected: `unknown_device`. Names no source: it is what a device said.
        """
        named = [each for each in self.speakers if each.entry.source]
        if not named:
            self.about = self.speakers[0]
            return self.about
        for each in named:
            if source is not None and each.entry.source.casefold() == source.casefold():
                self.about = each
                return each
        self.about = None
        known = ", ".join(each.device.id for each in named[:8])
        raise MessageRejected("unknown_device", f"names another source than {known} on this topic; see their `source`")


@dataclass(frozen=True, slots=True)
class Said:
    """Records of one kind that a device said in one message. A kind that its entry does not list is left out."""

    speaker: Speaker
    kind: Kind
    records: Sequence[Record | Illegal]


Adapt = Callable[[Heard], Iterable[Said]]
Check = Callable[[Device, Adapter], None]


def _nothing(device: Device, adapter: Adapter) -> None:
    """No more to check."""


@dataclass(frozen=True, slots=True)
class Family:
    """How a family is understood.

    `uses`: which optional words of `contracts.adapters.Adapter` it reads; others are refused in an entry. `params`: the
    keys of `params` that it reads. `check` raises ConfigError for what else an entry needs.
    """

    name: str
    adapt: Adapt
    uses: frozenset[Use] = frozenset({"source", "fields"})
    params: frozenset[str] = frozenset()
    check: Check = _nothing


_ALL_USES: Final[tuple[Use, ...]] = ("source", "time_zone", "fields", "lanes", "words")


def check_entry(family: Family, device: Device) -> None:
    """Check an entry against its family.

    Raises:
        ConfigError: names the device, the key and what to do.
    """
    adapter = device.adapter
    assert adapter is not None
    for use in _ALL_USES:
        if getattr(adapter, use) and use not in family.uses:
            raise ConfigError(f"devices.adapter.{use}", device.id, f"family {family.name} does not read it; leave out")
    for key in adapter.params:
        if key not in family.params:
            known = ", ".join(sorted(family.params)) or "none"
            raise ConfigError("devices.adapter.params", key, f"{device.id}: family {family.name} reads {known}")
    if adapter.fields and Kind.READINGS not in device.kinds:
        raise ConfigError("devices.kinds", device.id, "its adapter fills series; enter readings as one of its kinds")
    family.check(device, adapter)


def needs_fields(device: Device, adapter: Adapter) -> None:
    """A `check` for families that only fill series.

    Raises:
        ConfigError: no field is named, so nothing would ever be kept.
    """
    if not adapter.fields:
        raise ConfigError("devices.adapter.fields", device.id, "names no field: say which value fills which series")


def _zone(device: Device, name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        problem = f"{device.id}: is no time zone; write it as Asia/Bangkok"
        raise ConfigError("devices.adapter.time_zone", name, problem) from None
