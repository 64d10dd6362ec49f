"""Which world is simulated: how much is planted, how well plates are read, how wrong clocks are."""

from dataclasses import dataclass
from typing import Final

from simulators.faults import DEMO_FAULTS, EVERY_FAULT, NO_FAULTS, FaultPlan
from simulators.offences import DEMO, PLENTY, Rates
from simulators.plates import ORDINARY, PERFECT, Reader


@dataclass(frozen=True, slots=True)
class World:
    """`rain_share`: of the rain that nature would send. `clock_sd_ms`: spread of the devices' clocks around the truth;
    `clock_lies`: share of the devices whose clock is wrong by up to `clock_lie_ms` while their status says that it is
    right."""

    rates: Rates = DEMO
    faults: FaultPlan = NO_FAULTS
    reader: Reader = ORDINARY
    clock_sd_ms: float = 0.0
    clock_lies: float = 0.0
    clock_lie_ms: float = 0.0
    rain_share: float = 1.0


DRY: Final = 0.15
"""Rain of a day to be scored: nature's own floods have no label, and would be called inventions."""
ORDERLY: Final = World()
"""Offences as they are reported, and nothing that breaks."""
DEMO_WORLD: Final = World(faults=DEMO_FAULTS)
"""A city that is simply switched on: now and then everything there is to see."""
CLEAN_DAY: Final = World(PLENTY, EVERY_FAULT, PERFECT, rain_share=DRY)
"""A day to be scored, with every plate read and every clock right but those that are planted."""
REAL_DAY: Final = World(
    PLENTY, EVERY_FAULT, ORDINARY, clock_sd_ms=15.0, clock_lies=0.03, clock_lie_ms=150.0, rain_share=DRY
)
"""The same day with the errors of real readers and clocks."""
