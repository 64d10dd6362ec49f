"""The whole way in, side by side with the least that one could do, in one run: broker, pipeline, TimescaleDB and
publisher together, durable settings, every rule on, acknowledged after commit, over TLS as a running city has it.

    python -m bench.ingest [--bound] [--rounds 3] [--only speed|live] [--plain]

1. One reading a message at QoS 1, as fast as it goes, against a stock paho-mqtt subscriber that does nothing with it,
   and against what the broker gives: a subscriber that does nothing but acknowledge in bulk.
2. A hundred readings a message against a bare binary COPY of the same rows into a plain table, and into one built as
   the log is, with its indexes.
3. From publishing to the live stream of the API, at 5,000 messages a second.

Sides take turns; each counts with its best round, since whatever else the machine does can only slow it. How busy it
was stands beside the figures. CPU is that of the process alone, from the system's own books.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.sides.bounds import holds
from bench.sides.copying import BUILT, PLAIN, copy_s
from bench.sides.live_delay import live_delays_ms
from bench.sides.subscribers import subscriber
from bench.sides.whole_path import Flooded, WholePath, whole_path

SINGLE: Final = 400_000
SINGLE_STOCK: Final = 100_000
"""Messages of a round: some six seconds of either side on a machine that does nothing else."""
BATCHED: Final = 20_000
READINGS: Final = 100
"""Messages of a round, and the readings in each."""
LIVE: Final = 100_000
LIVE_PER_S: Final = 5_000
VS_STOCK_PAHO, VS_BARE_COPY, VS_BUILT_COPY, MEDIAN_MS, P99_MS = 3.0, 0.4, 0.5, 100.0, 250.0
"""What is promised. The first was aimed at 3.5, and comes at that, more or less; the second was aimed at 0.8, which
docs/decisions/0086-plain-readings-are-read-by-columns.md gives up."""


def main() -> int:
    """Measure, print the tables, then the figures as JSON; with `--bound` what holds of what is promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--bound", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("speed", "live"), help="one half of it: 1 and 2, or 3")
    parser.add_argument("--plain", action="store_true", help="without TLS, for all sides")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andaman-bench-") as folder:
        Path(folder).chmod(0o755)
        with whole_path(Path(folder), encrypted=not given.plain) as path:
            figures: dict[str, Any] = {}
            if given.only != "live":
                figures |= _single(path, given.rounds) | _batched(path, given.rounds)
            if given.only != "speed":
                figures |= _live(path)
    _say(json.dumps(figures))
    return 0 if not given.bound or _held(figures) else 1


def _held(figures: dict[str, Any]) -> bool:
    """Say what holds of what is promised of these."""
    bounds: list[tuple[str, str, dict[str, float]]] = [
        ("messages a second against stock paho", "vs_stock_paho", {"at_least": VS_STOCK_PAHO}),
        ("rows a second against a bare COPY", "vs_bare_copy", {"at_least": VS_BARE_COPY}),
        ("rows a second against a COPY into the log's kind of table", "vs_built_copy", {"at_least": VS_BUILT_COPY}),
        ("publish to live stream, median", "live_median_ms", {"at_most": MEDIAN_MS}),
        ("publish to live stream, 99th percentile", "live_p99_ms", {"at_most": P99_MS}),
    ]
    held = [holds(f"{what} ({name})", figures[name], **bound) for what, name, bound in bounds if name in figures]
    return all(held)


def _single(path: WholePath, rounds: int) -> dict[str, Any]:
    """Messages of one reading."""
    _say(f"one reading a message  {'messages/s':>12}{'CPU us':>9}   CPU us of the others, and how busy the machine was")
    stocks, given, ours = [], [], []
    for _ in range(rounds):
        stocks.append(subscriber(path, "stock_paho", SINGLE_STOCK))
        _tell("  stock paho, nothing", stocks[-1], "stock_paho")
        given.append(subscriber(path, "bulk_subscriber", SINGLE))
        _tell("  all the broker gives", given[-1], "bulk_subscriber")
        path.start()
        path.flood(SINGLE // 10, 1)
        ours.append(path.flood(SINGLE, 1))
        path.stop()
        _tell("  ours, everything", ours[-1], "pipeline")
    best, stock, most = (max(one.per_s for one in side) for side in (ours, stocks, given))
    cpu_us, stock_cpu_us = min(one.cpu_us["pipeline"] for one in ours), min(one.cpu_us["stock_paho"] for one in stocks)
    return {
        "messages_per_s": round(best),
        "cpu_us": round(cpu_us, 1),
        "stock_messages_per_s": round(stock),
        "stock_cpu_us": round(stock_cpu_us, 1),
        "broker_messages_per_s": round(most),
        "vs_stock_paho": round(best / stock, 2),
        "vs_broker": round(best / most, 2),
        "broker_vs_stock_paho": round(most / stock, 2),
        "cpu_vs_stock_paho": round(stock_cpu_us / cpu_us, 2),
    }


def _batched(path: WholePath, rounds: int) -> dict[str, Any]:
    """Messages of many readings: what counts is rows."""
    _say(f"{READINGS} readings a message {'rows/s':>12}")
    rates: list[float] = []
    plain: list[float] = []
    built: list[float] = []
    path.start()
    path.flood(BATCHED // 10, READINGS)
    for _ in range(rounds):
        flooded = path.flood(BATCHED, READINGS)
        rates.append(flooded.per_s * READINGS)
        used = ", ".join(f"{part} {cpu_us / READINGS:.2f}" for part, cpu_us in flooded.cpu_us.items())
        _say(f"  ours                {rates[-1]:12,.0f}   CPU us a row: {used}; {_busy()}")
        for table, copied in ((PLAIN, plain), (BUILT, built)):
            rows = flooded.messages * READINGS
            copied.append(rows / copy_s(path, table, rows))
            _say(f"  COPY into {table:10}{copied[-1]:12,.0f}   {_busy()}")
    path.stop()
    return {
        "rows_per_s": round(max(rates)),
        "bare_copy_rows_per_s": round(max(plain)),
        "built_copy_rows_per_s": round(max(built)),
        "vs_bare_copy": round(max(rates) / max(plain), 2),
        "vs_built_copy": round(max(rates) / max(built), 2),
        "built_vs_bare_copy": round(max(built) / max(plain), 2),
    }


def _live(path: WholePath) -> dict[str, Any]:
    """How long after its publication a value is on the live stream."""
    path.start()
    delays = live_delays_ms(path, LIVE, LIVE_PER_S)
    path.stop()
    median, p99 = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
    _say(f"publish to live stream at {LIVE_PER_S:,} messages/s: median {median:.0f} ms, p99 {p99:.0f} ms   {_busy()}")
    return {"live_median_ms": round(median, 1), "live_p99_ms": round(p99, 1), "live_values": len(delays)}


def _tell(name: str, one: Flooded, who: str) -> None:
    others = ", ".join(f"{part} {cpu_us:.1f}" for part, cpu_us in one.cpu_us.items() if part != who)
    _say(f"{name:23}{one.per_s:12,.0f}{one.cpu_us[who]:9.1f}   {others}; {_busy()}")


def _busy() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
