"""The virtual environment `.venv`: made, filled from a lock with hashes, the project itself installed editable."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from app.setup import debian
from app.setup.places import PROJECT, VENV, VENV_PYTHON
from app.setup.progress import SetupError, run_logged
from app.setup.unpack import extract

RUN_LOCK = PROJECT / "requirements.lock"
TEST_LOCK = PROJECT / "requirements-test.lock"
BENCH_LOCK = PROJECT / "requirements-bench.lock"
BENCH_PACKAGES = ("duckdb", "polars")
PIP: tuple[str, ...] = (str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input")
_PYTHON = str(getattr(sys, "_base_executable", sys.executable))  # not the environment's own, if it is active
PIP_ADVICE = "check the network (pip's own settings are used: index, proxy, certificates), then start again"
PIP_PACKAGES = (("python3-pip-whl",),)  # Debian's pip as a wheel, for a Python whose ensurepip was split off


def make_environment(log: Path) -> None:
    """Makes an empty environment with pip in it; one made by another Python or in another place is replaced."""
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([_PYTHON, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode == 0:
        return
    with log.open("a") as sink:
        sink.write(done.stdout + done.stderr)
    shutil.rmtree(VENV, ignore_errors=True)
    run_logged(
        [_PYTHON, "-m", "venv", "--without-pip", str(VENV)],
        log,
        "install Python's venv module (Debian: python3-venv), then start again",
    )
    _bring_pip(log)


def _bring_pip(log: Path) -> None:
    """Installs pip from Debian's wheel of it, fetched by the private apt; nothing on the machine changes."""
    closure = debian.bring(
        PIP_PACKAGES, r"python3(?!-pip-whl).*|libpython.*|lib.*|ca-certificates|openssl.*|.*-data", log
    )
    with tempfile.TemporaryDirectory() as scratch:
        extract([file for file in closure.files() if "pip-whl" in file.name], Path(scratch))
        wheels = sorted(Path(scratch).glob("usr/share/python-wheels/pip-*.whl"))
        if not wheels:
            raise SetupError("Debian's python3-pip-whl holds no pip", "install python3-venv, then start again", log)
        wheel = str(wheels[-1])
        command = [str(VENV_PYTHON), f"{wheel}/pip", "install", "--quiet", "--no-index", wheel]
        run_logged(command, log, "install python3-venv, then start again")


def install_to_run(log: Path) -> None:
    """Installs exactly what the lock for running names."""
    _install(RUN_LOCK, log)


def install_to_test(log: Path) -> None:
    """Installs what the tests need on top; the lock for testing is a superset of the one for running."""
    _install(TEST_LOCK, log)


def install_to_bench(log: Path) -> None:
    """Installs what our own is measured against, beside whatever is there."""
    _install(BENCH_LOCK, log)


def has_bench_libraries() -> bool:
    """Whether they are in this environment: one that was made anew has lost them."""
    return all(any(VENV.glob(f"lib/python*/site-packages/{name}")) for name in BENCH_PACKAGES)


def _install(lock: Path, log: Path) -> None:
    run_logged([*PIP, "install", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], log, PIP_ADVICE)


def install_project(log: Path) -> None:
    """Puts the project's folders on the environment's path and the `andaman` command into it; needs no network."""
    command = [
        *PIP,
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--editable",
        str(PROJECT),
    ]
    run_logged(command, log, "report this with the log", environment={**os.environ, "PIP_NO_CACHE_DIR": "1"})


def interpreter() -> str:
    """Names the Python that the environment is made by, and the place: it works nowhere else."""
    return f"{Path(_PYTHON).resolve()} {sys.version} {PROJECT}"
