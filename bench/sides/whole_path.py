"""The whole path for a bench: broker, TimescaleDB and `andaman pipeline`, each a process of its own, durable settings.

The city is Phuket with more stations, so that no device speaks more often than its memory of numbers is made for.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import psycopg

from app import accounts
from app.services.broker import Broker
from app.services.database import Database
from app.services.listeners import CA_FILE, BrokerSettings
from app.wiring import city_files
from contracts.city import City, numbered
from contracts.city_forms import encode
from simulators.publish import Account, Line, connect
from simulators.scale import CAMERA, scaled
from storage.cities import Cities
from storage.migrate import migrate

PROJECT: Final = Path(__file__).resolve().parents[2]
PASSWORD: Final = "a password of the bench"
STATIONS_TIMES: Final = 10
PATIENCE_S: Final = 120.0
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Flooded:
    """Messages, the time from the first published to the last committed or received, and CPU by process."""

    messages: int
    seconds: float
    cpu_us: dict[str, float]

    @property
    def per_s(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


class Publisher:
    """`bench.sides.flood`, ready to begin."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        assert child.stdout is not None and child.stdin is not None
        self._said, self._told = child.stdout, child.stdin
        assert self._said.readline() == "ready\n", "the publisher did not start"

    def go(self) -> None:
        """Begin."""
        self._told.write("\n")
        self._told.flush()

    def end(self) -> None:
        """Stop it before it is through."""
        self._child.terminate()

    def result(self) -> dict[str, float]:
        """What it says when the last message is confirmed."""
        said: dict[str, float] = json.loads(self._said.readline())
        return said


@dataclass
class WholePath:
    """A running broker, database and city; `start` starts the pipeline."""

    city: City
    city_file: Path
    broker: Broker
    database: Database
    ca: Path | None
    """Who vouches for the broker; None: it speaks in clear."""
    environment: dict[str, str]
    log: psycopg.Connection[tuple[int]] = field(repr=False)
    child: subprocess.Popen[bytes] | None = None
    seq: int = 1
    """The next number of every station."""

    def url(self, account: str) -> str:
        """The broker's address for an account of the house."""
        return accounts.with_account(self.broker.url, account, PASSWORD)

    def start(self) -> None:
        """Start the pipeline; returns when it listens."""
        self.child = self.process(["-m", "app.cli", "pipeline"], self.environment, "connected to the broker")

    def process(self, words: list[str], environment: dict[str, str], ready: str) -> subprocess.Popen[bytes]:
        """A command of ours that has said a line with this part; what it says after is thrown away."""
        child = subprocess.Popen(
            [sys.executable, *words], env={**os.environ, **environment}, cwd=PROJECT, stderr=subprocess.PIPE
        )
        assert child.stderr is not None
        said = []
        for line in child.stderr:
            said.append(line.decode(errors="replace"))
            if ready in said[-1]:
                threading.Thread(target=child.stderr.read, daemon=True).start()
                return child
        raise RuntimeError(f"{words} did not start:\n" + "".join(said))

    def stop(self) -> None:
        """End the pipeline, and its session with the broker: nothing is kept for it while others are measured."""
        if self.child is not None:
            self.child.terminate()
            self.child.wait(30)
            self.child = None
            self._forget_session()

    def _forget_session(self) -> None:
        """Connect in the pipeline's name with a clean start and no expiry (MQTT 5.0, 3.1.2.4), and leave."""
        url = self.environment["ANDAMAN_MQTT_URL"]
        account = Account(url, accounts.PIPELINE, PASSWORD, self.ca)
        line = Line(account, accounts.client_id(f"andaman-{self.city.id}-0", url))
        connect(line, accounts.PIPELINE)
        line.close()

    @contextmanager
    def publisher(
        self, messages: int, readings: int, per_s: float = 0.0, city_file: Path | None = None
    ) -> Iterator[Publisher]:
        """A publisher that waits for its `go`; the stations of another city file speak where one is given."""
        speaking = city_file or self.city_file
        words = [self.url(accounts.REPLAYER), self.ca or "", speaking, messages, readings, per_s, self.seq]
        command = [sys.executable, "-m", "bench.sides.flood", *map(str, words)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": PROJECT}
        with subprocess.Popen(command, **pipes) as child:
            yield Publisher(child)

    def flood(self, messages: int, readings: int, per_s: float = 0.0) -> Flooded:
        """Publish, and wait until everything is committed. A round of all stations is always told to its end."""
        with self.publisher(messages, readings, per_s) as publisher:
            before, rows, began_s = self.cpu_s(), self.rows(), time.monotonic()
            publisher.go()
            said = publisher.result()
            messages, self.seq = int(said["messages"]), int(said["seq"])
            self.await_rows(rows + messages * readings)
            seconds, after = time.monotonic() - began_s, self.cpu_s()
        cpu_us = {part: (used - before[part]) / messages * 1e6 for part, used in after.items()}
        return Flooded(messages, seconds, cpu_us | {"publisher": said["cpu_s"] / messages * 1e6})

    def rows(self) -> int:
        """Readings in the log."""
        (count,) = self.log.execute("SELECT coalesce(sum(records), 0)::bigint FROM batch").fetchone() or (0,)
        return int(count)

    def await_rows(self, wanted: int) -> None:
        """Return when so many records are committed."""
        until_s = time.monotonic() + PATIENCE_S
        while (found := self.rows()) < wanted:
            if time.monotonic() > until_s:
                raise RuntimeError(f"{found} of {wanted} records came")
            time.sleep(0.02)

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by process."""
        used = {"broker": _cpu_s(self.broker.pid), "database": _family_cpu_s(self.database.pid)}
        if self.child is not None:
            used["pipeline"] = _cpu_s(self.child.pid)
        return used


@contextmanager
def whole_path(folder: Path, stations_times: int = STATIONS_TIMES, encrypted: bool = True) -> Iterator[WholePath]:
    """Everything but the pipeline, running; all of it ends with the block, and with a SIGTERM. The city has so many
    times its stations."""
    signal.signal(signal.SIGTERM, _told_to_end)
    settings = BrokerSettings() if encrypted else None
    database, broker = Database(folder / "database"), Broker(folder / "broker", settings=settings)
    ca = folder / "broker" / CA_FILE if encrypted else None
    database.start()
    broker.start()
    path: WholePath | None = None
    try:
        migrate(database.dsn("owner"))
        city = Cities(database.dsn("owner")).add(_city(stations_times), "bench")
        city_file = folder / "city.json"
        city_file.write_bytes(encode(city))
        broker.set_accounts(dict.fromkeys(accounts.HOUSE, PASSWORD), accounts.ACCESS)
        environment = {
            "ANDAMAN_DATABASE_URL": database.dsn("pipeline"),
            "ANDAMAN_MQTT_URL": accounts.with_account(broker.url, accounts.PIPELINE, PASSWORD),
            **({"ANDAMAN_MQTT_CA": str(ca)} if ca else {}),
            "ANDAMAN_DATA_DIR": str(folder / "pipeline"),
            "ANDAMAN_CITY": city.id,
        }
        with psycopg.connect(database.dsn("owner"), autocommit=True) as log:
            path = WholePath(city, city_file, broker, database, ca, environment, log)
            yield path
    finally:
        if path is not None:
            path.stop()
        broker.stop()
        database.stop()


def _told_to_end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _city(stations_times: int) -> City:
    city = city_files(PROJECT / "cities" / "phuket")
    cameras = sum(device.type == CAMERA for device in city.devices)
    return numbered(scaled(city, cameras, stations_times * (len(city.devices) - cameras)))


def _stat_cpu_s(stat: Path) -> float:
    try:
        words = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICKS_A_SECOND


def _cpu_s(pid: int | None) -> float:
    return _stat_cpu_s(Path(f"/proc/{pid}/stat"))


def _family_cpu_s(pid: int | None) -> float:
    """A process, its children that run, and those of them that have ended."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total = sum(int(word) for word in words[11:15]) / TICKS_A_SECOND
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return total + sum(_cpu_s(int(child)) for child in children)
