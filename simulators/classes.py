"""The classes of vehicles that drive here; a position in `CLASSES` is a class index everywhere in `simulators`."""

from typing import Final

from contracts.records import VehicleClass

CLASSES: Final = (
    VehicleClass.MOTORCYCLE,
    VehicleClass.CAR,
    VehicleClass.PICKUP,
    VehicleClass.VAN,
    VehicleClass.BUS,
    VehicleClass.TRUCK,
    VehicleClass.THREE_WHEEL,
)
