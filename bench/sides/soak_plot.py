"""Draws what a soak has seen: `python -m bench.sides.soak_plot CSV WARM_UP_MINUTES FOLDER` writes three SVG files."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

INCHES = (9.0, 3.6)
PROCESSES = ("pipeline", "api", "worker", "field", "broker", "database")


def draw(rows: Sequence[dict[str, str]], warm_up_minutes: float, folder: Path) -> None:
    """Memory of every process beside its value after the warm-up, what waits, and delays, over the minutes."""
    mpl.rcParams.update({"svg.hashsalt": "andaman", "svg.fonttype": "none", "font.size": 9})  # the same bytes again
    minutes = [float(row["at_s"]) / 60 for row in rows]
    warm = next(at for at, minute in enumerate(minutes) if minute >= warm_up_minutes)
    memory = {name: [float(row[f"{name}_mib"]) for row in rows] for name in PROCESSES}
    shares = {f"{name}, {values[-1]:.0f} MiB": [v / values[warm] for v in values] for name, values in memory.items()}
    waits = {"held by the broker, with what is retained": "stored", "kept by the field's devices": "kept"}
    delays = {"median": "p50_ms", "99th percentile": "p99_ms"}
    _figure(folder / "soak-memory.svg", minutes, shares, warm_up_minutes, "memory, of that after the warm-up")
    _figure(folder / "soak-waiting.svg", minutes, _columns(rows, waits), warm_up_minutes, "messages")
    _figure(folder / "soak-delay.svg", minutes, _columns(rows, delays), warm_up_minutes, "publish to live stream, ms")


def _columns(rows: Sequence[dict[str, str]], names: dict[str, str]) -> dict[str, list[float]]:
    return {label: [float(row[column]) for row in rows] for label, column in names.items()}


def _figure(file: Path, minutes: list[float], lines: dict[str, list[float]], warm_up_minutes: float, what: str) -> None:
    figure, axes = plt.subplots(figsize=INCHES, layout="constrained")
    for label, values in lines.items():
        axes.plot(minutes, values, label=label, linewidth=1.0)
    axes.axvspan(0, warm_up_minutes, color="0.9", label="warm-up")
    axes.set_xlabel("minutes")
    axes.set_ylabel(what)
    axes.set_xlim(0, minutes[-1])
    warm = next(at for at, minute in enumerate(minutes) if minute >= warm_up_minutes)
    # What is done to it in the warm-up would make the rest a line at the bottom.
    axes.set_ylim(0, 1.1 * max(max(values[warm:]) for values in lines.values()))
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as handle:
        draw(list(csv.DictReader(handle)), float(sys.argv[2]), Path(sys.argv[3]))
