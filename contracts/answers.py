"""What the reading side is asked and what it answers, as frozen rows: the words between `storage` and `api`.

A field's name is its member's name in the API's JSON. Times are aware and in UTC; what is missing is None. No row
carries a clear plate unless its field says so.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from contracts.findings import Standing
from contracts.sentences import Says

Item = TypeVar("Item")
Content = dict[str, Any]
"""A JSON object as it is stored (`because`, the content of a record)."""
Spot = tuple[datetime, UUID]
"""Where a page of findings ended: the last row's moment and id. Both never change, so pages do not shift."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, and the key of the last one where more follow."""

    items: tuple[Item, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class CityItem:
    """A city in one line. `space` says where its data come from now: live or simulated."""

    id: str
    name_en: str
    name_th: str
    lon: float
    lat: float
    zoom: float
    time_zone: str
    credits: tuple[str, ...]
    version: int
    space: str


class DeviceState(StrEnum):
    """Whether a device talks to us: `silent` by an active alarm or by its own `silent_after_s`."""

    LIVE = "live"
    SILENT = "silent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class SeriesItem:
    """A metric of a device on a lane and how often a sample is due."""

    metric: str
    lane: int
    interval_s: float


@dataclass(frozen=True, slots=True)
class DeviceItem:
    """A device as the city lists it, and whether it talks."""

    id: str
    no: int
    type: str
    zone: str
    lon: float
    lat: float
    name_en: str
    name_th: str
    call_sign: str
    functions: tuple[str, ...]
    faces: str
    kinds: tuple[str, ...]
    series: tuple[SeriesItem, ...]
    verified: bool
    note: str
    state: DeviceState
    last_heard: datetime | None
    segment: str | None = None
    junction: str | None = None
    bearing_deg: float | None = None
    silent_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ValueItem:
    """The newest value of a series."""

    device: str
    metric: str
    lane: int
    t: datetime
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class RecordItem:
    """The newest record of a kind: a passage a lane, a phase a signal group, a status a device. Never a plate."""

    device: str
    kind: str
    key: str
    t: datetime
    content: Content


@dataclass(frozen=True, slots=True)
class Latest:
    """What was heard last."""

    values: tuple[ValueItem, ...]
    records: tuple[RecordItem, ...]


@dataclass(frozen=True, slots=True)
class RearViewItem:
    """A camera that saw motorcycles from the front only: how many of them, and how many made a case that is lost."""

    device: str
    call_sign: str
    place_en: str
    place_th: str
    zone: str
    seen: int
    cases: int


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """Windows of a series, `start` in [from_at, to_at), after the (start, lane) of a page's last row."""

    device: str
    metric: str
    from_at: datetime
    to_at: datetime
    limit: int
    lane: int | None = None
    after: tuple[datetime, int] | None = None
    width_s: int = 60


@dataclass(frozen=True, slots=True)
class WindowItem:
    """A window of a series, in the metric's unit; `completeness` is samples come of samples expected.

    A revision above 1 amends the window by `added` late samples; None: said before they were counted.
    """

    start: datetime
    lane: int
    count: int
    mean: float | None
    min: float | None
    max: float | None
    sd: float | None
    median: float | None
    p85: float | None
    p95: float | None
    last: float | None
    completeness: float | None
    revision: int
    added: int | None


@dataclass(frozen=True, slots=True)
class LateQuery:
    """Records that came too late, by the moment of the event, newest first, `event_at` in [from_at, to_at)."""

    limit: int
    device: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LateItem:
    """A record that is in the log but came too late for what is made of records in order.

    `noticed_at`: the engine's time of the batch that said so; None where the batch was deleted.
    """

    kind: str
    device: str
    event_at: datetime
    noticed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ViolationQuery:
    """Suspected violations by the moment of the offence, newest first, `occurred_at` in [from_at, to_at)."""

    limit: int
    from_at: datetime | None = None
    to_at: datetime | None = None
    zone: str | None = None
    rule: str | None = None
    device: str | None = None
    after: Spot | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class ViolationItem:
    """The current revision of a suspected violation. `plate` is masked, or clear after an audited reveal, or None.

    `says` is `because` in words."""

    id: UUID
    revision: int
    rule: str
    rule_version: int
    offence: str
    occurred_at: datetime
    device: str
    call_sign: str
    place_en: str
    place_th: str
    zone: str
    lane: int
    direction: str
    vehicle: str
    speed_kmh: float | None
    limit_kmh: float | None
    threshold_kmh: float | None
    margin_kmh: float | None
    chargeable: bool
    reason: str
    plate: str | None
    plate_state: str
    because: Content
    says: Says
    recorded_at: datetime
    space: str
    standing: str = "chargeable"


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Alarms whose episode touches [from_at, to_at), the latest onset first."""

    limit: int
    condition: str | None = None
    zone: str | None = None
    kind: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    after: Spot | None = None


@dataclass(frozen=True, slots=True)
class AlarmItem:
    """The current revision of an alarm with the city's response to its kind and what people have done about it."""

    id: UUID
    revision: int
    kind: str
    rule: str
    rule_version: int
    subject: str
    device: str | None
    zone: str
    priority: str
    condition: str
    onset_at: datetime
    changed_at: datetime
    because: Content
    says: Says
    response: Content | None
    handling: Content | None
    space: str


@dataclass(frozen=True, slots=True)
class Handling:
    """What somebody does about an alarm: `acknowledge`, `shelve` (until a moment, with a reason), `unshelve`, `assign`
    (to an account; "" to nobody) or `note`."""

    action: str
    note: str = ""
    shelved_until: datetime | None = None
    assigned_to: str = ""


@dataclass(frozen=True, slots=True)
class JobItem:
    """A durable job. `progress` runs from 0 to 1."""

    id: str
    kind: str
    state: str
    progress: float
    message: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether questions can be answered. `last_batch_age_s` is None before the first batch."""

    database: bool
    migrations: bool
    last_batch_age_s: float | None

    @property
    def ready(self) -> bool:
        """A pipeline that has not written yet does not keep people from signing in."""
        return self.database and self.migrations


@dataclass(frozen=True, slots=True)
class Gauges:
    """What `/metrics` shows of the database; keys are label values, few by construction."""

    last_batch_age_s: dict[str, float] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    rejections: dict[str, int] = field(default_factory=dict)
    active_alarms: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One thing that happened, numbered within its shard: `data` is the JSON text that goes out as it is."""

    shard: int
    n: int
    i: int
    kind: str
    data: str


Position = dict[int, tuple[int, int]]
"""Up to where live events were seen: shard to (batch, place within it)."""


class Role(StrEnum):
    """What a person may do: three kinds of people, and who keeps the machine (docs/api.md)."""

    OPERATOR = "operator"
    POLICE = "police"
    DEVELOPER = "developer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in."""

    name: str
    role: Role
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is still good."""

    name: str
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did with something protected, before it is done."""

    actor: str
    role: Role
    action: str
    subject: str
    purpose: str = ""
    case: str = ""
    detail: Content = field(default_factory=dict)
