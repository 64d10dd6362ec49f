"""How a device comes into a city and out of it again: what an unknown one says, and what people do about it.

Nothing here holds a plate: of what a stranger says only kinds, known metrics and its position are kept.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contracts.answers import Role
from contracts.errors import ConfigError
from contracts.topics import MAX_PART, is_part

PROPOSALS_MAX: Final = 256
"""Proposals that a city keeps: more strangers at once than anybody installs, few enough to read. Invented names beyond
it push out those that were heard once, never one that goes on speaking."""
SERIES_MAX: Final = 256
"""Series of a proposal: a camera of 32 lanes with eight figures each."""
INTERVALS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Intervals that devices are built with; what was measured between two samples is rounded to the nearest of them."""


class NotThere(ConfigError):
    """There is no such device or proposal."""


class AlreadyThere(ConfigError):
    """There is such a device already, or it is not in a state for this."""


@dataclass(frozen=True, slots=True)
class SaidSeries:
    """A series that an unknown device fills: what it said last, when, how often so far, and since when.

    `interval_s` is the device's own word (interval counts), None where it can only be measured.
    """

    metric: str
    lane: int
    unit: str
    value: float
    t_us: int
    first_us: int
    n: int = 1
    interval_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stranger:
    """What one unknown device said within a batch: `count` messages between two receipt times (us)."""

    device: str
    zone: str
    first_us: int
    last_us: int
    count: int
    kinds: tuple[str, ...]
    series: tuple[SaidSeries, ...] = ()
    unknown_metrics: int = 0
    """Metrics in a message that the city does not have. Their names are not kept: they are a stranger's own words."""
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class ProposedSeries:
    """A series of a proposal as people see it; `interval_s` as it would be adopted."""

    metric: str
    lane: int
    unit: str
    value: float
    t: datetime
    interval_s: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """An unknown device: seen since, says this. `type` is what devices with such metrics are in this city; None where
    people have to say it. `refused` counts its messages: all are kept as rejections."""

    device: str
    zone: str
    first_seen: datetime
    last_seen: datetime
    refused: int
    kinds: tuple[str, ...]
    series: tuple[ProposedSeries, ...]
    unknown_metrics: int
    type: str | None = None
    lon: float | None = None
    lat: float | None = None
    dismissed_at: datetime | None = None
    dismissed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """What people say beside what the device said; None leaves it to the proposal, the zone or the name.

    `feed_in`: feed in again what was refused of it so far, as a job.
    """

    device: str
    type: str | None = None
    name_en: str | None = None
    name_th: str | None = None
    lon: float | None = None
    lat: float | None = None
    call_sign: str = ""
    feed_in: bool = False


@dataclass(frozen=True, slots=True)
class By:
    """Who does it."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Credential:
    """How a device signs in at the broker. The only moment at which anybody sees the password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the city's version, and whether pipeline and broker have taken it by now; what is not in force
    yet will be as soon as they run. `job` feeds in what was refused."""

    device: str
    version: int
    in_force: bool
    at_broker: bool
    credential: Credential | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """What is kept of a device's credential: the zone below which it may speak, and the hash of its password in
    Mosquitto's form; None: revoked."""

    zone: str
    hash: str | None


def series_key(metric: str, lane: int) -> str:
    """What tells the series of a device apart."""
    return f"{metric}/{lane}"


def usual_interval_s(measured_s: float) -> float:
    """The interval that devices are built with next to a measured one."""
    return float(min(INTERVALS_S, key=lambda each: abs(each - measured_s)))


def check_name(device: str) -> str:
    """The name of a device, as it may stand in a topic.

    Raises:
        ConfigError: it may not.
    """
    if not is_part(device):
        raise ConfigError("device", device[:80], f"1 to {MAX_PART} lower-case letters, digits and ._~-", "device")
    return device
