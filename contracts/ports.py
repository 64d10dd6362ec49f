"""Small ports: what one folder needs of another, without knowing it. `app` hands the real thing over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.answers import (
    Account,
    AlarmItem,
    AlarmQuery,
    AuditEntry,
    CityItem,
    DeviceItem,
    Gauges,
    Handling,
    JobItem,
    LateItem,
    LateQuery,
    Latest,
    LiveEvent,
    Page,
    Position,
    Readiness,
    RearViewItem,
    Session,
    ViolationItem,
    ViolationQuery,
    WindowItem,
    WindowQuery,
)
from contracts.city import City
from contracts.onboarding import Adoption, By, Done, Proposal
from contracts.rejections import RejectionBytes, RejectionCount, RejectionId, RejectionItem, RejectionQuery


@dataclass(frozen=True, slots=True)
class SealedPlate:
    """A plate as the log holds it; lengths as in `contracts.columns`, `hash_before` zero bytes where unused."""

    day: int
    hash: bytes
    hash_before: bytes
    skeleton: bytes
    sealed: bytes


class PlateSealer(Protocol):
    """Seals normalised plates under the keys of a day. No clear plate comes back out of it."""

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        """Seal `text` (`1กข1234|TH-83`) and hash it and its confusable skeleton with the keys of the event's day.

        Raises:
            VaultError: the day's keys have been destroyed.
        """
        ...

    def digest(self, content: bytes, event_us: int) -> int:
        """63 bits that tell contents with a plate in them apart, hashed with the key of the event's day.

        Raises:
            VaultError: the day's keys have been destroyed.
        """
        ...


class PlateOpener(Protocol):
    """Opens plates that were sealed for a case, and the bytes of rejections, which may hold one."""

    def open_bytes(self, sealed: bytes, day: int) -> bytes:
        """The bytes of a rejection, sealed under the key of a day.

        Raises:
            VaultError: the day's keys were destroyed or never existed.
        """
        ...

    def open_case(self, sealed: bytes, wrapped: bytes) -> str:
        """The plate (`1กข1234|TH-83`) under a case key.

        Raises:
            VaultError: the key that wraps the case key is missing or destroyed.
        """
        ...


class Reader(Protocol):
    """The questions the API asks. Every method may raise StorageUnavailable or StorageError."""

    def cities(self) -> tuple[CityItem, ...]: ...

    def city(self, city: str) -> City | None:
        """The city's newest version."""
        ...

    def devices(
        self, city: str | None = None, zone: str | None = None, type: str | None = None
    ) -> tuple[DeviceItem, ...]: ...

    def latest(self, device: str | None = None, zone: str | None = None, metric: str | None = None) -> Latest: ...

    def windows(self, query: WindowQuery) -> Page[WindowItem] | None:
        """Windows of a series, the oldest first; None where there is no such device or metric."""
        ...

    def rear_views(self, from_at: datetime, to_at: datetime) -> tuple[RearViewItem, ...]:
        """Cameras that lack a rear view by the hours that begin in a time range, the most lost cases first."""
        ...

    def violations(self, query: ViolationQuery, masked: bool) -> Page[ViolationItem]:
        """Suspected violations; with `masked`, plates as `1กข **34`, else None."""
        ...

    def violation(self, violation: UUID, masked: bool) -> ViolationItem | None: ...

    def plates(self, violations: Sequence[UUID]) -> dict[UUID, str]:
        """The clear plates of these violations, for a caller who has written the reveal to the audit log."""
        ...

    def alarms(self, query: AlarmQuery) -> Page[AlarmItem]: ...

    def alarm(self, alarm: UUID) -> AlarmItem | None: ...

    def late(self, query: LateQuery) -> Page[LateItem]: ...

    def rejections(self, query: RejectionQuery) -> Page[RejectionItem]: ...

    def rejection_counts(self, query: RejectionQuery) -> Page[RejectionCount]:
        """Rejections counted by reason and device, the most first."""
        ...

    def rejection_topic(self, rejection: RejectionId) -> str | None:
        """The topic that a rejection came with; None where there is no such rejection."""
        ...

    def rejection_bytes(self, rejection: RejectionId) -> RejectionBytes | None:
        """The clear bytes, for a caller who has written the look to the audit log.

        Raises:
            VaultError: the keys of its day were destroyed.
        """
        ...

    def readiness(self) -> Readiness:
        """Never raises: that the database is away is part of the answer."""
        ...

    def gauges(self) -> Gauges: ...


class Desk(Protocol):
    """What people write: sign-ins and the audit log."""

    def check_password(self, name: str, password: str) -> Account | None:
        """The account, if the password is its own and it is not disabled; equally slow for a name nobody has."""
        ...

    def open_session(self, account: Account, lifetime_s: float) -> str:
        """Start a session; returns the cookie's secret, which only its hash is kept of."""
        ...

    def session(self, secret: str) -> Session | None:
        """The session, with the role its account has now, unless it ended or the account was disabled."""
        ...

    def close_session(self, secret: str) -> None: ...

    def audit(self, entry: AuditEntry) -> None:
        """Append to the chained audit log; what it names may be done only after this returned."""
        ...

    def may_handle(self, name: str) -> bool:
        """Whether there is such an account, it may sign in, and its role handles alarms."""
        ...

    def handle(self, alarm: UUID, handling: Handling, entry: AuditEntry) -> bool:
        """Note what somebody did about an alarm, and that in the audit log, in one transaction; False where there is
        no such alarm. Who follows the live stream is told."""
        ...


class Jobs(Protocol):
    """The durable jobs, as people see them."""

    def jobs(self, limit: int) -> tuple[JobItem, ...]: ...

    def ask(self, kind: str, args: Mapping[str, str | None], entry: AuditEntry) -> str:
        """Ask for a job, and note that in the audit log in the same transaction; the job's id."""
        ...

    def cancel(self, job: str, by: str) -> bool | None:
        """Ask a job to stop: True if it will, False if it had already ended, None if there is no such job."""
        ...


class Onboarding(Protocol):
    """How devices come in and go out. Every decision is in the audit log with the commit that carries it out.

    Each may raise ConfigError (what was asked does not fit the city), NotThere or AlreadyThere: then nothing changed.
    """

    def proposals(self, dismissed: bool = False) -> tuple[Proposal, ...]: ...

    def dismiss(self, device: str, by: By) -> None: ...

    def adopt(self, wanted: Adoption, by: By) -> Done: ...

    def add(self, entry: Mapping[str, object], by: By) -> Done:
        """`entry`: a device as the city's files would hold it."""
        ...

    def invite(self, device: str, zone: str, by: By) -> Done: ...

    def rotate(self, device: str, by: By) -> Done: ...

    def revoke(self, device: str, by: By) -> Done: ...

    def remove(self, device: str, by: By) -> Done: ...


class LiveSource(Protocol):
    """Live events in the order of their commits, for any number of readers over one connection."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def position(self) -> Position:
        """Up to where events have been read: where a reader without a past begins.

        Raises:
            StorageUnavailable: the database has not been reached yet.
        """
        ...

    def recent(self, position: Position) -> tuple[LiveEvent, ...] | None:
        """What came after, from memory; None where memory does not reach back so far. Never waits.

        Raises:
            StorageUnavailable: the database has not been reached yet.
        """
        ...

    def kept(self, position: Position) -> tuple[LiveEvent, ...] | None:
        """A bounded part of what came after, from the database; None where it was deleted or never was."""
        ...

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` (from another thread) when there is something new; returns what ends that."""
        ...


class Clock(Protocol):
    """The wall clock, as an aware UTC datetime; given, so that a test can move it."""

    def __call__(self) -> datetime: ...
