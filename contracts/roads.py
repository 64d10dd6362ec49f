"""Roads, and what the law says on them: segments, limits, average-speed sections, where stopping is forbidden."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final

from msgspec import Meta

from contracts.entry import Entry, Slug, check_known, check_unique
from contracts.errors import ConfigError
from contracts.hours import Hours
from contracts.places import Latitude, Longitude
from contracts.records import MAX_LANE, Direction, VehicleClass


class Segment(Entry, frozen=True):
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


class Limit(Entry, frozen=True):
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


class SectionLimit(Entry, frozen=True):
    """A legal limit over a whole section for a vehicle class (`any`), from a day until a day; see Limit."""

    limit_kmh: Annotated[int, Meta(ge=5, le=200)]
    threshold_kmh: Annotated[int, Meta(ge=5, le=250)]
    source: str
    vehicle: str = "any"
    valid_from: date = date(2021, 11, 24)
    valid_until: date | None = None
    verified: bool = False


class Section(Entry, frozen=True):
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


class NoStopping(Entry, frozen=True):
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


VEHICLES: Final = frozenset({"any", *(vehicle.name.lower() for vehicle in VehicleClass)})
DIRECTIONS: Final = frozenset({"both", *(direction.name.lower() for direction in Direction)})


def check_roads(
    segments: Sequence[Segment],
    limits: Sequence[Limit],
    sections: Sequence[Section],
    no_stopping: Sequence[NoStopping],
    zones: set[str],
    devices: set[str],
    source: str,
) -> None:
    """Check segments, and that limits, sections and prohibitions hold somewhere and make sense.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or contradicts itself.
    """
    known = {segment.id for segment in segments}
    check_unique("segments", (segment.id for segment in segments))
    check_known("segments.zone", ((segment.id, segment.zone) for segment in segments), zones)
    check_known("limits.segment", ((limit.source, limit.segment) for limit in limits), known)
    check_known("limits.vehicle", ((limit.segment, limit.vehicle) for limit in limits), VEHICLES)
    check_known("limits.direction", ((limit.segment, limit.direction) for limit in limits), DIRECTIONS)
    for limit in limits:
        _check_threshold("limits", limit.segment, limit, source)
    check_unique("sections", (section.id for section in sections))
    check_known("sections", ((s.id, end) for s in sections for end in (s.entry, s.exit)), devices)
    for section in sections:
        _check_section(section, source)
    check_unique("no_stopping", (entry.id for entry in no_stopping))
    check_known("no_stopping.segment", ((e.id, e.segment) for e in no_stopping if e.segment), known)
    check_known("no_stopping.device", ((e.id, e.device) for e in no_stopping if e.device), devices)
    check_known("no_stopping.direction", ((e.id, e.direction) for e in no_stopping), DIRECTIONS)
    for entry in no_stopping:
        if (entry.device is None) == (entry.segment is None):
            raise ConfigError("no_stopping", entry.id, "needs either a device or a segment", source)


def _check_section(section: Section, source: str) -> None:
    check_known("sections.limits.vehicle", ((section.id, limit.vehicle) for limit in section.limits), VEHICLES)
    if section.entry == section.exit:
        raise ConfigError("sections", section.id, "entry and exit are the same camera", source)
    if not 0 <= section.length_uncertainty_m < section.length_m:
        raise ConfigError("sections", section.id, "length_uncertainty_m is not between 0 and length_m", source)
    for limit in section.limits:
        _check_threshold("sections", section.id, limit, source)


def _check_threshold(what: str, where: str, limit: Limit | SectionLimit, source: str) -> None:
    if limit.threshold_kmh < limit.limit_kmh:
        raise ConfigError(what, where, "the enforcement threshold lies below the limit", source)
