"""Units as other families write them, turned into those of the city's metrics.

Definitions: BIPM SI Brochure, 9th edition; conversion factors of NIST SP 811 (2008), appendix B.8. Names: the SenML
registries (RFC 8428 section 12.1, RFC 8798), Tasmota, and what device makers write.
"""

import math
from typing import Final, NamedTuple

from contracts.errors import MessageRejected


class _Unit(NamedTuple):
    """In its dimension's base: (value + before) * times / by."""

    dimension: str
    times: float = 1.0
    by: float = 1.0
    before: float = 0.0


_UNITS: Final[dict[str, _Unit]] = {
    name: unit
    for names, unit in (
        (("degC", "C", "°C", "Cel", "celsius"), _Unit("temperature")),
        (("degF", "F", "°F"), _Unit("temperature", 5, 9, -32)),
        (("K",), _Unit("temperature", before=-273.15)),
        (("%", "%RH", "/100"), _Unit("ratio")),
        (("1", "/"), _Unit("ratio", 100)),
        (("hPa", "mbar"), _Unit("pressure")),
        (("Pa",), _Unit("pressure", by=100)),
        (("kPa",), _Unit("pressure", 10)),
        (("bar",), _Unit("pressure", 1_000)),
        (("mmHg",), _Unit("pressure", 101_325, 76_000)),
        (("inHg",), _Unit("pressure", 33.86389)),
        (("m",), _Unit("length")),
        (("cm",), _Unit("length", by=100)),
        (("mm",), _Unit("length", by=1_000)),
        (("ft",), _Unit("length", 0.3048)),
        (("in",), _Unit("length", 0.0254)),
        (("m/s",), _Unit("speed")),
        (("km/h",), _Unit("speed", 5, 18)),
        (("mph",), _Unit("speed", 0.44704)),
        (("kn", "kt"), _Unit("speed", 1_852, 3_600)),
        (("ft/s",), _Unit("speed", 0.3048)),
        (("mm/h",), _Unit("rain rate")),
        (("m/h",), _Unit("rain rate", 1_000)),
        (("in/h",), _Unit("rain rate", 25.4)),
        (("ug/m3", "µg/m3", "µg/m³", "μg/m3", "μg/m³", "ug/m³"), _Unit("mass in air")),
        (("mg/m3", "mg/m³"), _Unit("mass in air", 1_000)),
        (("ppb",), _Unit("part of air")),
        (("ppm",), _Unit("part of air", 1_000)),
        (("W/m2", "W/m²"), _Unit("irradiance")),
        (("deg", "°"), _Unit("angle")),
        (("rad",), _Unit("angle", 180, math.pi)),
        # SenML knows no weighting: a sound level there is taken for what the entry's series says it is.
        (("dBA", "dB(A)", "dB"), _Unit("sound")),
        (("Bspl",), _Unit("sound", 10)),
        (("veh", "count"), _Unit("count")),
    )
    for name in names
}

DECIMALS: Final = 9
"""Of a converted value: finer than any sensor, coarse enough that 298.65 K is 25.5 degrees and nothing beside."""


def dimension(unit: str) -> str | None:
    """What a unit measures: two with the same can be turned into each other."""
    return _UNITS[unit].dimension if unit in _UNITS else None


def convertible(unit: str, wanted: str) -> bool:
    """Whether values in one unit can be turned into another."""
    if unit == wanted:
        return True
    return dimension(unit) is not None and dimension(unit) == dimension(wanted)


def convert(value: float, unit: str, wanted: str, where: str) -> float:
    """A value in another unit; as it is where the two mean the same.

    Raises:
        MessageRejected: `wrong_unit`. Names no unit but ours: the other is what a device said.
    """
    if unit == wanted:
        return value
    if not convertible(unit, wanted):
        raise MessageRejected("wrong_unit", f"{where}: is in no unit that can be turned into {wanted}")
    ours, theirs = _UNITS[wanted], _UNITS[unit]
    if theirs[1:] == ours[1:]:
        return value
    return round((value + theirs.before) * theirs.times / theirs.by * ours.by / ours.times - ours.before, DECIMALS)
