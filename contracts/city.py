"""A city as data: all that is known of it, whether it fits together, and the numbers of its devices.

What an entry is stands in the file of its subject (places, devices, roads, traffic, rules, responses, environment);
where a city comes from and how it is kept, in `contracts/city_forms.py`.
"""

from collections.abc import Mapping

import msgspec

from contracts.devices import Device, Maintenance, Metric, check_devices
from contracts.entry import Entry, Slug
from contracts.environment import AirIndex, Derived, Scale, check_environment
from contracts.places import Latitude, Longitude, PoliceStation, Zone, check_places
from contracts.responses import Response, Suppression, check_responses
from contracts.roads import Limit, NoStopping, Section, Segment, check_roads
from contracts.rules import Rule, Threshold, check_rule_entries
from contracts.traffic import PcuFactor, ServiceLevel, check_traffic


class City(Entry, frozen=True):
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


def check(city: City) -> None:
    """Check that the parts of a city fit together.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or contradicts another.
    """
    zones = {zone.id for zone in city.zones}
    segments = {segment.id for segment in city.segments}
    metrics = {metric.key for metric in city.metrics}
    devices = {device.id for device in city.devices}
    measured = {series.metric for device in city.devices for series in device.series}
    check_places(city.zones, city.police_stations)
    check_devices(city.devices, city.maintenance, city.metrics, zones, segments, city.id)
    check_roads(city.segments, city.limits, city.sections, city.no_stopping, zones, devices, city.id)
    check_traffic(city.pcu_factors, city.service_levels, city.id)
    check_rule_entries(city.rules, city.thresholds, metrics, devices)
    check_responses(city.responses, city.suppressions, zones, metrics, devices, city.id)
    check_environment(city.derived, city.air_indexes, city.scales, metrics, measured)


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
