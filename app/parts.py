"""What a pipeline is made of."""

from collections.abc import Callable
from dataclasses import dataclass

from app.recovery import Shelf
from app.snapshotting import Snapshotter
from contracts.ports import PlateSealer
from ingest.connection import IntakeState
from ingest.mqtt import Intake
from storage.log import Log
from storage.snapshots import Snapshots
from storage.standing import Standing
from storage.writer import Writer


@dataclass(frozen=True, slots=True)
class Parts:
    """The stages and stores that a pipeline moves data between; `app.wiring` puts them together.

    `intake` takes what hears of the connection, and what tells the engine's time. `disk` says ok, low or critical.
    """

    city: str
    intake: Callable[[Callable[[IntakeState], None], Callable[[], int]], Intake]
    writer: Writer
    log: Log
    snapshots: Snapshots
    snapshotter: Snapshotter
    shelf: Shelf
    standing: Standing
    sealer: PlateSealer
    disk: Callable[[], str]
