"""Where and when traffic crawls: factors on the speed of the rows of the network, as the planted faults ask for it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulators.chance import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Jam:
    """On these rows (bool by row) speeds are `factor` times what they would be, in [from_us, to_us)."""

    rows: npt.NDArray[np.bool_]
    from_us: int
    to_us: int
    factor: float


@dataclass(frozen=True, slots=True, eq=False)
class Jams:
    """All jams that may touch a block."""

    each: tuple[Jam, ...] = ()

    def slow(self, speed_kmh: Floats, row: Ints, time_us: Ints) -> Floats:
        """The speeds of vehicles at rows and moments, float64 (n,), those in a jam slowed."""
        for jam in self.each:
            if len(time_us) and jam.from_us < time_us.max() + 1 and jam.to_us > time_us.min():
                inside = jam.rows[row] & (time_us >= jam.from_us) & (time_us < jam.to_us)
                speed_kmh = np.where(inside, speed_kmh * jam.factor, speed_kmh)
        return speed_kmh
