"""A child process that never outlives us: own session, own log, killed by the kernel when its starter dies.

The kernel ties the death signal to the *thread* that started the child, so children are started from threads that
live as long as the program, in practice the main one.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.services.logfile import open_log, tail
from app.setup.places import service_gid, service_uid
from contracts.errors import AndamanError

PR_SET_PDEATHSIG = 1  # prctl(2)
POLL_S = 0.02  # between two looks at a condition that the system does not announce


class ServiceFailed(AndamanError):
    """A service did not start or did not stop."""


_libc = ctypes.CDLL(None, use_errno=True)  # loaded here, since nothing may be loaded between fork and exec


def start_child(
    command: Sequence[str | Path],
    log: Path,
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    as_service: bool = False,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `command` with its output appended to `log`; `as_service` drops root's rights."""
    starter = os.getpid()
    account = service_account() if as_service else OUR_OWN_ACCOUNT

    def tie_to_starter() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != starter:
            os._exit(1)

    with open_log(log) as sink:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,  # the terminal's Ctrl-C reaches us alone: we stop the children in order
            preexec_fn=tie_to_starter,
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
        )


def service_account() -> "Account":
    """Whom a server runs as: the services' account when we are root, else ourselves."""
    return Account(service_uid(), service_gid(), []) if os.geteuid() == 0 else OUR_OWN_ACCOUNT


@dataclass(frozen=True)
class Account:
    """The arguments of `subprocess` that drop root's rights; None leaves them as they are."""

    user: int | None = None
    group: int | None = None
    extra_groups: list[int] | None = None


OUR_OWN_ACCOUNT = Account()


def stop_child(child: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> int:
    """Sends each signal in turn and waits its seconds; at last SIGKILL. Returns the exit status."""
    for number, patience_s in steps:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(patience_s)
    return await_end(child, 0.0)


def await_end(child: subprocess.Popen[bytes], patience_s: float) -> int:
    """Waits so long for a child that was asked to end, then sends SIGKILL. Returns the exit status."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(patience_s)
    child.kill()
    return child.wait()


def end_stray(pid: int, number: signal.Signals, patience_s: float) -> None:
    """Ends a process of an earlier run that is not our child, and waits until it is gone."""
    until_s = time.monotonic() + patience_s
    for sent in (number, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)
        while time.monotonic() < until_s:
            if not _is_alive(pid):
                return
            time.sleep(POLL_S)
        until_s = time.monotonic() + patience_s
    raise ServiceFailed(f"process {pid} of an earlier run does not end: end it by hand and start again")


def processes_in(folder: Path) -> list[int]:
    """The processes that work in `folder`, as far as we may see them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
    return found


def await_ready(
    is_ready: Callable[[], bool], child: subprocess.Popen[bytes], name: str, log: Path, patience_s: float
) -> None:
    """Waits until `is_ready`; a child that ends or a time that runs out is an error with the tail of its log."""
    until_s = time.monotonic() + patience_s
    while not is_ready():
        if child.poll() is not None:
            raise ServiceFailed(f"{name} ended with {child.returncode} while starting; {log} ends with:\n{tail(log)}")
        if time.monotonic() > until_s:
            raise ServiceFailed(f"{name} was not ready after {patience_s:.0f} s; {log} ends with:\n{tail(log)}")
        time.sleep(POLL_S)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and only waits for its parent does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")
