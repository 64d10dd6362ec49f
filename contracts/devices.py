"""What stands in the city and what it measures: metrics, devices with their series, and who is being worked on."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from contracts.adapters import NATIVE, Adapted, Adapter, check_adapters
from contracts.entry import Entry, Slug, check_known, check_unique
from contracts.errors import ConfigError
from contracts.places import Latitude, Longitude
from contracts.records import MAX_LANE, Group, Lane
from contracts.topics import Kind

LONGEST_S: Final = 366 * 86_400
"""Nothing is waited for longer than a year: microseconds of a time without end fit into no clock of the engine."""
Wait = Annotated[float, Meta(gt=0, le=LONGEST_S)]


class Metric(Entry, frozen=True):
    """What can be measured. `code` is stored in the log and never reused. Values outside min..max are impossible."""

    key: Slug
    code: Annotated[int, Meta(ge=1, le=32_000)]
    unit: str
    min: float
    max: float
    name_en: str
    name_th: str
    decimals: int = 1


class Series(Entry, frozen=True):
    """One series of a device: a metric on a lane (0: the whole device), and how often a sample is due."""

    metric: Slug
    interval_s: Wait
    lane: Lane = 0


class Device(Entry, frozen=True):
    """A camera or a station. `no` is its number in the registry: 0 in files, given when a city is imported.

    `faces`: which end of a vehicle a camera sees coming past (`front` reads no motorcycle plate). `cadence_s`: how
    long a healthy device is silent at most; `silent_after_s`: when silence becomes an alarm.
    `family`: what it speaks; other than `native`, an `adapter` says how it is understood.
    `signal_groups`: of its `junction`; what a red-light camera watches, and what a device with the kind `signal` tells.
    `signal_lanes`: (lane, group) where lanes obey different groups; a lane that is not listed is free to go on red.
    """

    id: Slug
    type: Literal["camera", "air", "noise", "weather", "rain", "water"]
    zone: Slug
    lon: Longitude
    lat: Latitude
    name_en: str
    name_th: str
    kinds: tuple[Kind, ...]
    no: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    call_sign: str = ""
    family: Slug = NATIVE
    adapter: Adapter | None = None
    functions: tuple[Literal["speed", "red_light", "plate", "count"], ...] = ()
    faces: Literal["front", "rear", "both", "none"] = "none"
    segment: Slug | None = None
    junction: Slug | None = None
    signal_groups: tuple[Group, ...] = ()
    signal_lanes: tuple[tuple[Lane, Group], ...] = ()
    lanes_forward: tuple[Lane, ...] = ()
    lanes_backward: tuple[Lane, ...] = ()
    bearing_deg: Annotated[float, Meta(ge=0, le=360)] | None = None
    series: tuple[Series, ...] = ()
    cadence_s: Wait = 60.0
    silent_after_s: Wait = 200.0
    serial: str = ""
    make: str = ""
    calibrated_until: date | None = None
    speed_uncertainty_kmh: Annotated[float, Meta(ge=0, le=100)] = 3.0
    verified: bool = False
    source: str = ""
    note: str = ""


class Maintenance(Entry, frozen=True):
    """A device is worked on: what it says then is held against nobody."""

    device: Slug
    begins: Annotated[datetime, Meta(tz=True)]
    ends: Annotated[datetime, Meta(tz=True)]
    reason: str


def check_devices(
    devices: Sequence[Device],
    maintenance: Iterable[Maintenance],
    metrics: Sequence[Metric],
    zones: set[str],
    segments: set[str],
    source: str,
) -> None:
    """Check metrics and devices, and that the work on them ends after it begins.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or contradicts itself.
    """
    known = {device.id for device in devices}
    check_unique("metrics", (metric.key for metric in metrics))
    check_unique("metrics.code", (metric.code for metric in metrics))
    check_unique("devices", (device.id for device in devices))
    check_unique("devices.call_sign", (device.call_sign for device in devices if device.call_sign))
    check_known("devices.zone", ((device.id, device.zone) for device in devices), zones)
    check_known("devices.segment", ((d.id, d.segment) for d in devices if d.segment), segments)
    measured = ((device.id, series.metric) for device in devices for series in device.series)
    check_known("devices.series", measured, {metric.key for metric in metrics})
    for device in devices:
        _check_signals(device, source)
        if device.silent_after_s < device.cadence_s:
            raise ConfigError("devices", device.id, "silent_after_s is shorter than cadence_s", source)
    check_adapters([_adapted(device) for device in devices], source)
    check_known("maintenance.device", ((entry.reason, entry.device) for entry in maintenance), known)
    for entry in maintenance:
        if entry.ends <= entry.begins:
            raise ConfigError("maintenance", entry.device, f"ends before it begins: {entry.reason}", source)


def _adapted(device: Device) -> Adapted:
    series = frozenset((series.metric, series.lane) for series in device.series)
    return Adapted(id=device.id, family=device.family, adapter=device.adapter, series=series)


def _check_signals(device: Device, source: str) -> None:
    """A red-light camera says for each lane which group it obeys: all the one it watches, or by `signal_lanes`."""
    lanes = [lane for lane, _ in device.signal_lanes]
    for lane, group in device.signal_lanes:
        if group not in device.signal_groups or not 0 <= lane <= MAX_LANE or lanes.count(lane) > 1:
            problem = f"lane {lane} stands twice, or group {group} is none of its signal_groups"
            raise ConfigError("devices.signal_lanes", device.id, problem, source)
    if "red_light" in device.functions and len(device.signal_groups) > 1 and not lanes:
        problem = "it watches several signal_groups; signal_lanes must say which lane obeys which"
        raise ConfigError("devices.signal_lanes", device.id, problem, source)
