"""Starts what the city runs on, restarts what crashed, stops all of it in order. Nothing it started outlives it.

One thread, woken by signals (a child that ended is one): no polling, no races between the parts.
"""

import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

from app.services.command import Command
from app.services.logfile import rotate, tail
from app.setup.make_signal import MakeWatch
from app.setup.progress import say

BACKOFF_FIRST_S = 0.2  # a crash of one's own making is over at once
BACKOFF_MAX_S = 15.0  # and one that stays does not fill the log
STEADY_S = 30.0  # after running this long a crash counts as the first again
HOUSEKEEPING_S = 0.5  # the parent `make` and the size of the logs are looked at this often


class Service(Protocol):
    """What the supervisor needs to know of a server or command."""

    def start(self) -> None:
        """Starts it; returns when it is ready."""

    def stop(self) -> None:
        """Stops it; returns when it is gone. May be called when it does not run."""

    def poll(self) -> int | None:
        """The exit status of one that has ended, None while it runs."""

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""

    @property
    def log(self) -> Path:
        """Where its output goes."""


@dataclass
class _Chore:
    every_s: float
    do: Callable[[], object]
    due_s: float


@dataclass
class _Watched:
    name: str
    service: Service
    restart: bool
    started_s: float = 0.0
    crashes: int = 0
    due_s: float | None = field(default=None)  # when it is to be started (again)
    gone: bool = False
    final: frozenset[int] = frozenset()  # statuses after which it is left alone
    left_alone: bool = False


class Supervisor:
    """Runs services and our own commands until a signal says stop.

    Use it as a context manager: from then on SIGINT, SIGTERM and SIGHUP end the block (as KeyboardInterrupt before
    `run`, by returning from it after), and leaving the block stops everything: our own commands are asked at once, for
    none of them needs another to end; then the last added goes first, so that a server outlives those who use it.
    """

    def __init__(self, log_dir: Path, report: Callable[[str], None] = say) -> None:
        self._log_dir = log_dir
        self._report = report
        self._watched: list[_Watched] = []
        self._chores: list[_Chore] = []
        self._stop_signal: signal.Signals | None = None
        self._interruptible = True  # a signal may end what we are doing: before `run`, and while a service starts
        self._make = MakeWatch()
        self._old_handlers: dict[int, object] = {}
        self._wake, self._wake_sender = socket.socketpair()
        self._wake.setblocking(False)
        self._wake_sender.setblocking(False)

    def add(
        self,
        name: str,
        what: Service | Sequence[str | Path],
        restart: bool = True,
        environment: Mapping[str, str] | None = None,
        final: frozenset[int] = frozenset(),
    ) -> Service:
        """Takes a service, or a command line of ours whose output goes to `NAME.log`; returns the service.

        One that ends with a status in `final` has said that it must not run: it is reported and left alone.

        One that runs already is watched from now on; otherwise it is started here (before `run`) or by `run`'s loop.
        """
        service: Service = (
            Command(name, what, self._log_dir / f"{name}.log", environment) if isinstance(what, Sequence) else what
        )
        watched = _Watched(name, service, restart, started_s=time.monotonic(), final=final)
        self._watched.append(watched)
        if service.pid is None:
            service.start()
        return service

    def every(self, period_s: float, do: Callable[[], object]) -> None:
        """Has something short done now and then while all runs; its failure is reported and stops nothing."""
        self._chores.append(_Chore(period_s, do, time.monotonic() + period_s))

    def run(self) -> int:
        """Watches until a signal comes, or one that is not to be restarted ends; returns the exit status for us."""
        self._interruptible = False
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            while self._stop_signal is None:
                for watched in self._watched:
                    self._look_at(watched)
                    if watched.gone:
                        return watched.service.poll() or 0
                if selector.select(self._patience_s()):
                    with contextlib.suppress(BlockingIOError):
                        while self._wake.recv(4096):
                            pass
                self._keep_house()
        return 0

    def stop_all(self) -> None:
        """Stops everything, the servers after all who use them; one that does not stop does not keep the others."""
        for watched in self._watched:
            if isinstance(watched.service, Command):
                watched.service.ask_to_stop()
        for watched in reversed(self._watched):
            try:
                watched.service.stop()
            except Exception as error:  # the others still have to be stopped
                self._report(f"andaman: {watched.name} did not stop cleanly: {error}")
        self._watched.clear()

    # -- inside -------------------------------------------------------------------------------------------------

    def _look_at(self, watched: _Watched) -> None:
        now_s = time.monotonic()
        if watched.left_alone:
            return
        if watched.due_s is not None:
            if now_s >= watched.due_s and self._stop_signal is None:
                self._start_again(watched)
            return
        status = watched.service.poll()
        if status is None:
            return
        if not watched.restart:
            watched.gone = True
            return
        if status in watched.final:
            watched.left_alone = True
            log = watched.service.log
            self._report(f"andaman: {watched.name} ended {_how(status)} and is not started again (log: {log})")
            self._report(tail(log, lines=5))
            return
        watched.crashes = 0 if now_s - watched.started_s > STEADY_S else watched.crashes
        self._schedule(watched, f"{watched.name} ended {_how(status)}")

    def _schedule(self, watched: _Watched, what: str) -> None:
        wait_s = min(BACKOFF_FIRST_S * 2**watched.crashes, BACKOFF_MAX_S)
        watched.crashes += 1
        watched.due_s = time.monotonic() + wait_s
        self._report(f"andaman: {what}; starting it again in {wait_s:.1f} s (log: {watched.service.log})")
        if watched.crashes == 1:
            self._report(tail(watched.service.log, lines=5))

    def _start_again(self, watched: _Watched) -> None:
        watched.due_s = None
        watched.started_s = time.monotonic()
        self._interruptible = True
        try:
            watched.service.start()
        except Exception as error:  # whatever it was, the next try may succeed
            self._schedule(watched, f"{watched.name} did not start: {error}")
        else:
            self._report(f"andaman: {watched.name} runs again (process {watched.service.pid})")
        finally:
            self._interruptible = False

    def _patience_s(self) -> float:
        now_s = time.monotonic()
        due = [watched.due_s - now_s for watched in self._watched if watched.due_s is not None]
        return max(0.0, min([HOUSEKEEPING_S, *due]))

    def _keep_house(self) -> None:
        for watched in self._watched:
            rotate(watched.service.log)
        now_s = time.monotonic()
        for chore in self._chores:
            if now_s >= chore.due_s:
                chore.due_s = now_s + chore.every_s
                try:
                    chore.do()
                except Exception as error:  # the house stands without it, and it is tried again
                    self._report(f"andaman: {error}")
        if self._make.is_interrupted():
            self._stop_signal = signal.SIGINT

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_signal = signal.Signals(number)
        self._wake_up()
        if self._interruptible:
            raise KeyboardInterrupt

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_sender.send(b".")

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._old_handlers[number] = signal.signal(number, self._on_signal)
        # A handler must exist for the wake-up to be written when a child ends.
        self._old_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake_sender.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._interruptible = False  # a second Ctrl-C while stopping does not interrupt it
        self.stop_all()
        signal.set_wakeup_fd(-1)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._wake.close()
        self._wake_sender.close()
        return isinstance(error, KeyboardInterrupt) and self._stop_signal is not None


def _how(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-status).name}"
    return f"with status {status}"
