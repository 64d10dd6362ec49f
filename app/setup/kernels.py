"""The Numba kernels, compiled once for this CPU, so that a start finds them ready."""

import platform
from pathlib import Path

from app.setup.places import PROJECT, VENV
from app.setup.progress import run_logged

SOURCES = tuple(PROJECT / name for name in ("contracts/jit.py", "processing/kernels", "ingest/frames.py"))


def compile_all(log: Path) -> None:
    """Runs `andaman warm-up`, which compiles every registered kernel into Numba's cache."""
    run_logged([VENV / "bin" / "andaman", "warm-up"], log, "report this with the log")


def this_cpu() -> str:
    """What Numba's cache depends on besides the source: the CPU's model and its instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
