"""Hours at a steady rate: does memory stay flat, does nothing pile up, does the live stream stay live?

    python -m bench.soak [--minutes 120] [--per-s 3000] [--warm-up 10] [--csv FILE] [--bound]

Broker, TimescaleDB, pipeline, API, worker, and on the field's side Phuket's own 244 simulated devices with everything
that they say, and copies of its stations that fill up to the rate, one reading a message. All rules are on, every
connection is encrypted. Every ten seconds it looks; a process is flat if the median of its memory in the last tenth of
the time lies above that of the first tenth after the warm-up by no more than 5 %. The database is all its processes
with what they share, counted once.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from app import accounts
from bench.sides.bounds import holds
from bench.sides.live_delay import LiveStream, live_stream
from bench.sides.soaking import STORED, Look, StoredMessages, Told, family_mib, private_mib
from bench.sides.whole_path import PASSWORD, PROJECT, WholePath, whole_path
from contracts.city_forms import encode
from simulators.publish import Account

STATIONS_TIMES: Final = 50
"""Two thousand stations: each says one and a half messages a second."""
LOOK_EVERY_S: Final = 10.0
WATCHER: Final = "soak"
HICCUP_S: Final = 15.0
"""In the middle of the warm-up the pipeline stands still for so long. What waits meanwhile makes every queue longer
than any hiccup of the machine makes it later, and allocators keep that room: what grows after it, grows."""
FLAT: Final = 0.05
PART: Final = 0.1


def main() -> int:
    """Soak, print what was seen, then the figures as JSON; with `--bound` what holds of what is promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--minutes", type=float, default=10.0, help="after the warm-up")
    parser.add_argument("--per-s", type=float, default=3_000.0)
    parser.add_argument("--warm-up", type=float, default=10.0, help="minutes")
    parser.add_argument("--csv", type=Path, help="write every look into this file; bench.sides.soak_plot draws it")
    parser.add_argument("--bound", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andaman-bench-") as folder:
        Path(folder).chmod(0o755)
        with whole_path(Path(folder), STATIONS_TIMES) as path:
            looks = _soak(path, given.per_s, given.warm_up * 60, (given.warm_up + given.minutes) * 60, given.csv)
    warm = [look for look in looks if look.at_s >= given.warm_up * 60]
    figures = _figures(warm)
    _say(json.dumps(figures))
    return 0 if not given.bound or _held(figures) else 1


def _soak(path: WholePath, per_s: float, warm_s: float, until_s: float, rows: Path | None) -> list[Look]:
    """Run everything for so long, and look."""
    _let_in(path)
    path.environment["ANDAMAN_PIPELINE_SPACE"] = "simulated"
    looks: list[Look] = []
    with ExitStack() as stack:
        path.start()
        stream = stack.enter_context(live_stream(path, "~"))
        worker = stack.enter_context(_worker(path))
        fleet, told = stack.enter_context(_fleet(path))
        stored = StoredMessages(Account(path.broker.url, WATCHER, PASSWORD, path.ca))
        stack.callback(stored.close)
        copies = _copies(path)
        publisher = stack.enter_context(path.publisher(round(per_s * until_s * 2), 1, per_s, copies))
        pids = {"pipeline": path.child.pid, "api": stream.api_pid, "worker": worker} if path.child else {}
        publisher.go()
        began_s, stood_still = time.monotonic(), False
        while looks == [] or looks[-1].at_s < until_s:
            if not stood_still and time.monotonic() - began_s >= warm_s / 2:
                _stand_still(pids["pipeline"], stored)
                stood_still = True
            stored.wait(began_s + len(looks) * LOOK_EVERY_S + LOOK_EVERY_S)
            looks.append(_look(path, pids | {"field": fleet}, stream, told, stored, time.monotonic() - began_s))
            _tell(looks, warm_s, rows)
        publisher.end()
    return looks


def _stand_still(pid: int, stored: StoredMessages) -> None:
    """Stop a process for `HICCUP_S`."""
    os.kill(pid, signal.SIGSTOP)
    try:
        stored.wait(time.monotonic() + HICCUP_S)
    finally:
        os.kill(pid, signal.SIGCONT)


def _let_in(path: WholePath) -> None:
    """Accounts of the house, of every device, and ours."""
    names = [*accounts.HOUSE, *(device.id for device in path.city.devices), WATCHER]
    rules = [*accounts.access(path.city), "", f"user {WATCHER}", f"topic read {STORED}"]
    path.broker.set_accounts(dict.fromkeys(names, PASSWORD), rules)


def _copies(path: WholePath) -> Path:
    """A file of the city with its copies alone."""
    copies = tuple(device for device in path.city.devices if "~" in device.id)
    file = path.city_file.with_name("copies.json")
    file.write_bytes(encode(msgspec.structs.replace(path.city, devices=copies)))
    return file


@contextmanager
def _worker(path: WholePath) -> Iterator[int]:
    environment = {**path.environment, "ANDAMAN_DATABASE_URL": path.database.dsn("worker")}
    child = subprocess.Popen([sys.executable, "-m", "app.cli", "worker"], env=os.environ | environment, cwd=PROJECT)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def _fleet(path: WholePath) -> Iterator[tuple[int, Told]]:
    url, ca = path.broker.field_url or path.broker.url, str(path.ca or "")
    command = [sys.executable, "-m", "bench.sides.fleet", url, ca, str(path.city_file), PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as child:
        assert child.stdout is not None
        told = Told(child.stdout)
        try:
            yield child.pid, told
        finally:
            child.terminate()
            told.end()


def _look(
    path: WholePath, pids: dict[str, int], stream: LiveStream, told: Told, stored: StoredMessages, at_s: float
) -> Look:
    memory = {name: private_mib(pid) for name, pid in pids.items()}
    assert path.broker.pid is not None and path.database.pid is not None
    memory["broker"] = private_mib(path.broker.pid)
    private, shared = family_mib(path.database.pid)
    memory["database"] = private + shared
    kept = int(told.newest.get("kept", 0))
    return Look(at_s, memory, shared, kept, stored.stored, path.rows(), tuple(sorted(stream.take())))


def _tell(looks: Sequence[Look], warm_s: float, rows: Path | None) -> None:
    """The newest look as a line of the file, and every minute on the terminal."""
    look = looks[-1]
    before = looks[-2] if len(looks) > 1 else None
    per_s = (look.committed - before.committed) / (look.at_s - before.at_s) if before else 0.0
    row: dict[str, Any] = {"at_s": round(look.at_s, 1), "per_s": round(per_s)}
    row |= {f"{name}_mib": round(mib, 2) for name, mib in look.memory_mib.items()}
    row |= {"shared_mib": round(look.shared_mib, 1), "kept": look.kept, "stored": look.stored}
    row |= {f"p{q}_ms": round(at(look.delays_ms, q), 1) for q in (50, 99, 100)}
    if rows is not None:
        with rows.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, row)
            if before is None:
                writer.writeheader()
            writer.writerow(row)
    if len(looks) % 6 == 1:
        _say(f"{'warm-up ' if look.at_s < warm_s else ''}{row}")


def at(ascending: Sequence[float], percent: int) -> float:
    """A percentile; 0 of nothing."""
    return ascending[min(len(ascending) * percent // 100, len(ascending) - 1)] if ascending else 0.0


def _figures(warm: Sequence[Look]) -> dict[str, Any]:
    part = max(1, round(len(warm) * PART))
    growth = {
        name: round(_memory(warm[-part:], name) / _memory(warm[:part], name) - 1, 4) for name in warm[0].memory_mib
    }
    delays = sorted(delay for look in warm for delay in look.delays_ms)
    return {
        "minutes": round((warm[-1].at_s - warm[0].at_s) / 60, 1),
        "records_per_s": round((warm[-1].committed - warm[0].committed) / (warm[-1].at_s - warm[0].at_s)),
        "memory_mib": {name: round(_memory(warm[-part:], name), 1) for name in growth},
        "growth": growth,
        "stored_most": max(look.stored for look in warm),
        "kept_most": max(look.kept for look in warm),
        "live_median_ms": round(at(delays, 50), 1),
        "live_p99_ms": round(at(delays, 99), 1),
    }


def _memory(looks: Sequence[Look], name: str) -> float:
    return median(look.memory_mib[name] for look in looks)


def _held(figures: dict[str, Any]) -> bool:
    """Say what holds of what is promised. Over hours the slowest hundredth is the disk's; see `bench.ingest`."""
    growth: dict[str, float] = figures["growth"]
    held = [holds(f"growth of the {name}, %", share * 100, at_most=FLAT * 100) for name, share in growth.items()]
    held.append(holds("publish to live stream, median, ms", figures["live_median_ms"], at_most=100.0))
    return all(held)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
