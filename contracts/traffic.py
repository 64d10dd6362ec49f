"""How traffic is weighed and graded: passenger car units and levels of service, by the dated tables of an office."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from contracts.entry import Entry, check_known, check_unique
from contracts.errors import ConfigError
from contracts.records import VehicleClass


class PcuFactor(Entry, frozen=True):
    """How many passenger cars a vehicle of a class stands for, by a table of that date; a class not listed is one."""

    vehicle: str
    factor: Annotated[float, Meta(ge=0.05, le=10)]
    dated: date
    source: str
    verified: bool = False


class ServiceLevel(Entry, frozen=True):
    """A level of service begins where the mean speed is more than this share of the free-flow speed; F has the rest."""

    level: Literal["A", "B", "C", "D", "E"]
    above_share: Annotated[float, Meta(gt=0, lt=1.5)]
    dated: date
    source: str
    verified: bool = False


def check_traffic(factors: Sequence[PcuFactor], levels: Sequence[ServiceLevel], source: str) -> None:
    """Check that each class has one factor, and that levels of service stand from A on, each below the one before.

    Raises:
        ConfigError: names the entry and what is asked of it.
    """
    vehicles = {vehicle.name.lower() for vehicle in VehicleClass}
    check_known("pcu_factors.vehicle", ((factor.source, factor.vehicle) for factor in factors), vehicles)
    check_unique("pcu_factors", (factor.vehicle for factor in factors))
    for place, level in enumerate(levels):
        if level.level != "ABCDE"[place : place + 1]:
            raise ConfigError("service_levels", level.level, "list A, B, C, D, E in this order, each once", source)
        if place and level.above_share >= levels[place - 1].above_share:
            raise ConfigError("service_levels", level.level, "begins no lower than the level before it", source)
    if levels and len(levels) < 5:
        raise ConfigError("service_levels", levels[-1].level, "levels up to E are needed", source)
