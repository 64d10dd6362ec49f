"""A city as data: zones, devices, series, limits, sections, rules, alarm responses.

City files (TOML, one folder a city) seed an empty database; from then on versioned rows are the truth. This file has
the words of a city and checks that they fit together; it reads no file: the caller hands over the bytes.

Files of a folder, each optional but `city.toml`: `city.toml` (identity and `metrics`), `zones.toml` (`zones`,
`police_stations`), `roads.toml` (`segments`, `limits`, `sections`, `no_stopping`), `cameras*.toml` and
`stations*.toml` (`devices`), `rules.toml` and `offences.toml` (`rules`, `maintenance`), `flow.toml` (`pcu_factors`,
`service_levels`), `alarms.toml` (`responses`, `suppressions`). A list may be spread over several files.
`retention.toml` belongs to the retention job.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from contracts.entry import Entry as _Entry
from contracts.entry import Slug
from contracts.entry import check_known as _known
from contracts.entry import check_unique as _unique
from contracts.environment import AirIndex, Derived, Scale, Threshold, check_environment
from contracts.errors import ConfigError
from contracts.records import MAX_LANE, Direction, VehicleClass
from contracts.topics import Kind

Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class Metric(_Entry, frozen=True):
    """What can be measured. `code` is stored in the log and never reused. Values outside min..max are impossible."""

    key: Slug
    code: Annotated[int, Meta(ge=1, le=32_000)]
    unit: str
    min: float
    max: float
    name_en: str
    name_th: str
    decimals: int = 1


class Zone(_Entry, frozen=True):
    """A district or a sub-district (its `parent` is the district). Devices stand in sub-districts."""

    id: Slug
    level: Literal["district", "subdistrict"]
    name_en: str
    name_th: str
    pcode: str
    lon: Longitude
    lat: Latitude
    parent: Slug | None = None


class PoliceStation(_Entry, frozen=True):
    """A police station and the sub-districts it answers for (`zones`; empty where that is not verified)."""

    id: Slug
    name_en: str
    name_th: str
    lon: Longitude
    lat: Latitude
    zones: tuple[Slug, ...] = ()
    verified: bool = False
    source: str = ""


class Segment(_Entry, frozen=True):
    """A stretch of a real road. `line` is lon, lat pairs in the direction called forward."""

    id: Slug
    road: str
    name_en: str
    name_th: str
    zone: Slug
    lanes: Annotated[int, Meta(ge=1, le=16)]
    length_m: float
    line: tuple[tuple[Longitude, Latitude], ...]
    towards_forward: str = ""
    towards_backward: str = ""
    town: bool = True
    free_flow_kmh: float = 60.0


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(_Entry, frozen=True):
    """From one time of the day until another, Thai time, on these weekdays; the second is no longer part of it.

    22:00 until 05:00 reaches into the next day and belongs to the weekday on which it begins. Until 00:00 is until the
    end of the day.
    """

    begins: Annotated[time, Meta(tz=False)]
    ends: Annotated[time, Meta(tz=False)]
    weekdays: tuple[Weekday, ...] = WEEKDAYS


class Limit(_Entry, frozen=True):
    """A legal limit on a segment, for a direction (`both`), a vehicle class (`any`) and hours, from a day until a day.

    The most specific wins: class before `any`, direction before `both`, hours before always, later `valid_from` before
    earlier.
    `threshold_kmh` is the enforcement threshold, apart from the limit: above it a case is suspected.
    """

    segment: Slug
    limit_kmh: Annotated[int, Meta(ge=5, le=200)]
    threshold_kmh: Annotated[int, Meta(ge=5, le=250)]
    source: str
    vehicle: str = "any"
    direction: str = "both"
    hours: Hours | None = None
    valid_from: date = date(2021, 11, 24)
    valid_until: date | None = None
    verified: bool = False


class NoStopping(_Entry, frozen=True):
    """Where stopping is forbidden: what one camera sees, or all of a segment that stand at no signal; in a direction.

    `lane` 0 is every lane. A stop is judged by the limits of the rule `illegal_stopping`.
    """

    id: Slug
    source: str
    device: Slug | None = None
    segment: Slug | None = None
    direction: str = "both"
    lane: Annotated[int, Meta(ge=0, le=MAX_LANE)] = 0
    hours: Hours | None = None
    valid_from: date = date(2021, 11, 24)
    valid_until: date | None = None
    verified: bool = False


class Maintenance(_Entry, frozen=True):
    """A device is worked on: what it says then is held against nobody."""

    device: Slug
    begins: Annotated[datetime, Meta(tz=True)]
    ends: Annotated[datetime, Meta(tz=True)]
    reason: str


class SectionLimit(_Entry, frozen=True):
    """A legal limit over a whole section for a vehicle class (`any`), from a day until a day; see Limit."""

    limit_kmh: Annotated[int, Meta(ge=5, le=200)]
    threshold_kmh: Annotated[int, Meta(ge=5, le=250)]
    source: str
    vehicle: str = "any"
    valid_from: date = date(2021, 11, 24)
    valid_until: date | None = None
    verified: bool = False


class Section(_Entry, frozen=True):
    """An average-speed section between two cameras, by road length in metres.

    `limits`: those posted for the section itself; without one for a class, the higher of the two limits that hold
    where its cameras stand.
    """

    id: Slug
    name_en: str
    name_th: str
    entry: Slug
    exit: Slug
    length_m: float
    length_uncertainty_m: float = 5.0
    limits: tuple[SectionLimit, ...] = ()
    verified: bool = False


class Series(_Entry, frozen=True):
    """One series of a device: a metric on a lane (0: the whole device), and how often a sample is due."""

    metric: Slug
    interval_s: Annotated[float, Meta(gt=0)]
    lane: int = 0


class Device(_Entry, frozen=True):
    """A camera or a station. `no` is its number in the registry: 0 in files, given when a city is imported.

    `faces`: which end of a vehicle a camera sees coming past (`front` reads no motorcycle plate). `cadence_s`: how
    long a healthy device is silent at most; `silent_after_s`: when silence becomes an alarm.
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
    no: int = 0
    call_sign: str = ""
    family: Slug = "native"
    functions: tuple[Literal["speed", "red_light", "plate", "count"], ...] = ()
    faces: Literal["front", "rear", "both", "none"] = "none"
    segment: Slug | None = None
    junction: Slug | None = None
    signal_groups: tuple[int, ...] = ()
    signal_lanes: tuple[tuple[int, int], ...] = ()
    lanes_forward: tuple[int, ...] = ()
    lanes_backward: tuple[int, ...] = ()
    bearing_deg: float | None = None
    series: tuple[Series, ...] = ()
    cadence_s: float = 60.0
    silent_after_s: float = 200.0
    serial: str = ""
    make: str = ""
    calibrated_until: date | None = None
    speed_uncertainty_kmh: float = 3.0
    verified: bool = False
    source: str = ""
    note: str = ""


class PcuFactor(_Entry, frozen=True):
    """How many passenger cars a vehicle of a class stands for, by a table of that date; a class not listed is one."""

    vehicle: str
    factor: Annotated[float, Meta(ge=0.05, le=10)]
    dated: date
    source: str
    verified: bool = False


class ServiceLevel(_Entry, frozen=True):
    """A level of service begins where the mean speed is more than this share of the free-flow speed; F has the rest."""

    level: Literal["A", "B", "C", "D", "E"]
    above_share: Annotated[float, Meta(gt=0, lt=1.5)]
    dated: date
    source: str
    verified: bool = False


class Rule(_Entry, frozen=True):
    """A rule or detector that is switched on, with its figures and, for offences, the law.

    `kind` names the file in `processing/rules` or `processing/detectors`. `params` are numbers by name;
    `processing/rulebook.py` says which a kind takes, and refuses a city with others.
    """

    id: Slug
    kind: str
    version: int = 1
    enabled: bool = True
    params: dict[str, float] = msgspec.field(default_factory=dict)
    metric: Slug | None = None
    statistic: Literal["mean", "max", "min", "last"] = "mean"
    """Which figure of a measured metric's minute an exceedance looks at; derived metrics have one figure."""
    offence: str = ""
    law: str = ""
    law_th: str = ""
    fine_source: str = ""
    verified: bool = False


class Response(_Entry, frozen=True):
    """The rationalised entry of an alarm kind (ISA-18.2): why it matters and what the operator does about it.

    `severity` is the worst that follows if nobody acts; with the time to respond it gives the priority (the matrix of
    `processing/rationalised.py`). The rest is its own timing, in seconds of the engine's time: a condition is an
    alarm once it has lasted `on_delay_s` and is over once it has been gone `off_delay_s`; `chatter_count` beginnings
    within `chatter_within_s` make it chattering, until it has been quiet for `chatter_quiet_s`. A condition that comes
    back within `chatter_within_s` after its end is the same alarm. While an alarm of a kind in `hidden_by` stands on
    the same series or stretch, this one is suppressed: the higher level says it.
    """

    kind: str
    name_en: str
    name_th: str
    cause_en: str
    cause_th: str
    consequence_en: str
    consequence_th: str
    action_en: str
    action_th: str
    respond_within_s: int
    call: str
    priority: Literal["low", "medium", "high", "critical"]
    severity: Literal["unstated", "minor", "major", "severe"] = "unstated"
    on_delay_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    off_delay_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    chatter_count: Annotated[int, Meta(ge=2, le=8)] = 3
    chatter_within_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    chatter_quiet_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0
    hidden_by: tuple[str, ...] = ()


class Suppression(_Entry, frozen=True):
    """A known test, suppressed by design: alarms of these `kinds`, `metrics`, `zones` (a district: with all in it) and
    `devices` (empty: any) that begin in the window are suppressed while it lasts, and stand if still true after.

    The window is weekly, in Thai time: on `weekdays`, for `minutes` from `starts` on.
    """

    id: Slug
    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    starts: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    minutes: Annotated[int, Meta(ge=1, le=1440)]
    reason_en: str
    reason_th: str
    kinds: tuple[str, ...] = ()
    metrics: tuple[Slug, ...] = ()
    zones: tuple[Slug, ...] = ()
    devices: tuple[Slug, ...] = ()
    source: str = ""
    verified: bool = False


class City(_Entry, frozen=True):
    """A whole city. `version` counts the versions kept in the database; 0 is a file."""

    id: Slug
    name_en: str
    name_th: str
    lon: Longitude
    lat: Latitude
    zoom: float = 10.0
    time_zone: str = "Asia/Bangkok"
    version: int = 0
    credits: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    zones: tuple[Zone, ...] = ()
    police_stations: tuple[PoliceStation, ...] = ()
    segments: tuple[Segment, ...] = ()
    limits: tuple[Limit, ...] = ()
    sections: tuple[Section, ...] = ()
    no_stopping: tuple[NoStopping, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    pcu_factors: tuple[PcuFactor, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    devices: tuple[Device, ...] = ()
    rules: tuple[Rule, ...] = ()
    responses: tuple[Response, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    derived: tuple[Derived, ...] = ()
    air_indexes: tuple[AirIndex, ...] = ()
    scales: tuple[Scale, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


LISTS: Final = (
    "metrics",
    "zones",
    "police_stations",
    "segments",
    "limits",
    "sections",
    "no_stopping",
    "maintenance",
    "pcu_factors",
    "service_levels",
    "devices",
    "rules",
    "responses",
    "suppressions",
    "derived",
    "air_indexes",
    "scales",
    "thresholds",
)
NOT_THE_CITY: Final = frozenset({"retention.toml"})
"""Files of the folder that are no part of the versioned city; the job that needs one reads it."""


def parse_city(files: Mapping[str, bytes]) -> City:
    """Build a city from its files (name: content) and check it.

    Raises:
        ConfigError: names the file, the key and what is wrong with it.
    """
    merged: dict[str, Any] = {}
    for name in sorted(files.keys() - NOT_THE_CITY):
        try:
            content = tomllib.loads(files[name].decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigError("file", name, f"not TOML: {problem}", source=name) from problem
        for key, value in content.items():
            if key in LISTS and isinstance(value, list):
                merged.setdefault(key, []).extend(value)
            elif key in merged:
                raise ConfigError(key, value, "given twice; scalars belong into city.toml alone", source=name)
            else:
                merged[key] = value
    try:
        city = msgspec.convert(merged, City)
    except msgspec.ValidationError as problem:
        raise ConfigError("city", "", str(problem), source=", ".join(sorted(files))) from problem
    check(city)
    return city


def encode(city: City) -> bytes:
    """The city as canonical JSON, as the database keeps it."""
    return msgspec.json.encode(city)


def decode(content: bytes | str) -> City:
    """The city of its JSON.

    Raises:
        ConfigError: it is not a city.
    """
    try:
        return msgspec.json.decode(content, type=City)
    except msgspec.DecodeError as problem:
        raise ConfigError("city", "", str(problem), source="database") from problem


def numbered(city: City, numbers: Mapping[str, int] | None = None) -> City:
    """The city with a registry number for each device: the known ones kept, new ones counted on from the highest."""
    known = dict(numbers or {})
    following = max(known.values(), default=0) + 1
    devices = []
    for device in city.devices:
        if device.id not in known:
            known[device.id] = following
            following += 1
        devices.append(msgspec.structs.replace(device, no=known[device.id]))
    return msgspec.structs.replace(city, devices=tuple(devices))


def check(city: City) -> None:
    """Check that the parts of a city fit together.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or contradicts another.
    """
    _unique("metrics", (metric.key for metric in city.metrics))
    _unique("metrics.code", (metric.code for metric in city.metrics))
    for name, key in (("zones", "id"), ("segments", "id"), ("devices", "id"), ("sections", "id"), ("rules", "id")):
        _unique(name, (getattr(entry, key) for entry in getattr(city, name)))
    _unique("responses", (response.kind for response in city.responses))
    kinds = {response.kind for response in city.responses}
    _known("responses.hidden_by", ((entry.kind, kind) for entry in city.responses for kind in entry.hidden_by), kinds)
    _unique("devices.call_sign", (device.call_sign for device in city.devices if device.call_sign))
    zones = {zone.id for zone in city.zones}
    segments = {segment.id for segment in city.segments}
    metrics = {metric.key for metric in city.metrics}
    devices = {device.id for device in city.devices}
    _known("zones.parent", ((zone.id, zone.parent) for zone in city.zones if zone.parent), zones)
    _known("segments.zone", ((segment.id, segment.zone) for segment in city.segments), zones)
    _known("devices.zone", ((device.id, device.zone) for device in city.devices), zones)
    _known("devices.segment", ((d.id, d.segment) for d in city.devices if d.segment), segments)
    _known("devices.series", ((d.id, s.metric) for d in city.devices for s in d.series), metrics)
    _known("limits.segment", ((limit.source, limit.segment) for limit in city.limits), segments)
    _known("sections", ((s.id, end) for s in city.sections for end in (s.entry, s.exit)), devices)
    _known("rules.metric", ((rule.id, rule.metric) for rule in city.rules if rule.metric), metrics)
    _known("police_stations.zones", ((p.id, zone) for p in city.police_stations for zone in p.zones), zones)
    _check_suppressions(city, zones, metrics, devices)
    vehicles = {"any", *(vehicle.name.lower() for vehicle in VehicleClass)}
    _known("pcu_factors.vehicle", ((f.source, f.vehicle) for f in city.pcu_factors), vehicles - {"any"})
    _unique("pcu_factors", (factor.vehicle for factor in city.pcu_factors))
    _check_levels(city)
    directions = {"both", *(direction.name.lower() for direction in Direction)}
    _known("limits.vehicle", ((limit.segment, limit.vehicle) for limit in city.limits), vehicles)
    _known("limits.direction", ((limit.segment, limit.direction) for limit in city.limits), directions)
    _check_stopping(city, segments, devices, directions)
    _known("maintenance.device", ((entry.reason, entry.device) for entry in city.maintenance), devices)
    for entry in city.maintenance:
        if entry.ends <= entry.begins:
            raise ConfigError("maintenance", entry.device, f"ends before it begins: {entry.reason}", city.id)
    for limit in city.limits:
        if limit.threshold_kmh < limit.limit_kmh:
            raise ConfigError("limits", limit.segment, "the enforcement threshold lies below the limit", city.id)
    for section in city.sections:
        _check_section(city, section, vehicles)
    for device in city.devices:
        _check_signals(city, device)
        if device.silent_after_s < device.cadence_s:
            raise ConfigError("devices", device.id, "silent_after_s is shorter than cadence_s", city.id)
    measured = {series.metric for device in city.devices for series in device.series}
    check_environment(city.derived, city.air_indexes, city.scales, metrics, measured)
    _known("thresholds.rule", ((t.device, t.rule) for t in city.thresholds), {rule.id for rule in city.rules})
    _known("thresholds.device", ((t.rule, t.device) for t in city.thresholds), devices)
    _unique("thresholds", ((threshold.rule, threshold.device) for threshold in city.thresholds))
    for threshold in city.thresholds:
        if threshold.clear_below > threshold.limit:
            raise ConfigError(
                "thresholds.clear_below", threshold.clear_below, f"{threshold.device}: lies above the limit"
            )


def _check_section(city: City, section: Section, vehicles: set[str]) -> None:
    _known("sections.limits.vehicle", ((section.id, limit.vehicle) for limit in section.limits), vehicles)
    if section.entry == section.exit:
        raise ConfigError("sections", section.id, "entry and exit are the same camera", city.id)
    if not 0 <= section.length_uncertainty_m < section.length_m:
        raise ConfigError("sections", section.id, "length_uncertainty_m is not between 0 and length_m", city.id)
    if any(limit.threshold_kmh < limit.limit_kmh for limit in section.limits):
        raise ConfigError("sections", section.id, "the enforcement threshold lies below the limit", city.id)


def _check_signals(city: City, device: Device) -> None:
    """A red-light camera says for each lane which group it obeys: all the one it watches, or by `signal_lanes`."""
    lanes = [lane for lane, _ in device.signal_lanes]
    for lane, group in device.signal_lanes:
        if group not in device.signal_groups or not 0 <= lane <= MAX_LANE or lanes.count(lane) > 1:
            problem = f"lane {lane} stands twice, or group {group} is none of its signal_groups"
            raise ConfigError("devices.signal_lanes", device.id, problem, city.id)
    if "red_light" in device.functions and len(device.signal_groups) > 1 and not lanes:
        problem = "it watches several signal_groups; signal_lanes must say which lane obeys which"
        raise ConfigError("devices.signal_lanes", device.id, problem, city.id)


def _check_stopping(city: City, segments: set[str], devices: set[str], directions: set[str]) -> None:
    _unique("no_stopping", (entry.id for entry in city.no_stopping))
    _known("no_stopping.segment", ((e.id, e.segment) for e in city.no_stopping if e.segment), segments)
    _known("no_stopping.device", ((e.id, e.device) for e in city.no_stopping if e.device), devices)
    _known("no_stopping.direction", ((e.id, e.direction) for e in city.no_stopping), directions)
    for entry in city.no_stopping:
        if (entry.device is None) == (entry.segment is None):
            raise ConfigError("no_stopping", entry.id, "needs either a device or a segment", city.id)


def _check_suppressions(city: City, zones: set[str], metrics: set[str], devices: set[str]) -> None:
    kinds = {response.kind for response in city.responses}
    _unique("suppressions", (entry.id for entry in city.suppressions))
    for name, known in (("zones", zones), ("metrics", metrics), ("devices", devices), ("kinds", kinds)):
        wanted = ((entry.id, value) for entry in city.suppressions for value in getattr(entry, name))
        _known(f"suppressions.{name}", wanted, known)
    for entry in city.suppressions:
        if not (entry.kinds or entry.metrics or entry.zones or entry.devices):
            raise ConfigError("suppressions", entry.id, "names nothing, and would suppress every alarm", city.id)
        if not (entry.weekdays and entry.reason_en and entry.reason_th):
            raise ConfigError("suppressions", entry.id, "needs its weekdays, and its reason in both languages", city.id)


def _check_levels(city: City) -> None:
    """Levels of service stand from A on, each beginning below the one before."""
    for place, level in enumerate(city.service_levels):
        if level.level != "ABCDE"[place : place + 1]:
            raise ConfigError("service_levels", level.level, "list A, B, C, D, E in this order, each once", city.id)
        if place and level.above_share >= city.service_levels[place - 1].above_share:
            raise ConfigError("service_levels", level.level, "begins no lower than the level before it", city.id)
    if city.service_levels and len(city.service_levels) < 5:
        raise ConfigError("service_levels", city.service_levels[-1].level, "levels up to E are needed", city.id)
