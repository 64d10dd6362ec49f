"""The embedded Mosquitto: on the loopback, with an account and access rules for everybody who connects."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from app.services.broker_settings import BrokerLimits, broker_settings, password_lines
from app.services.child import POLL_S, ServiceFailed, await_ready, end_stray, start_child, stop_child
from app.services.folders import hold, reachable_folder, service_folder, write_for_service
from app.services.ports import LOOPBACK, with_free_port
from app.services.program import program
from contracts.errors import ConfigError

START_S = 60.0  # a large store is read back
STOP_S = 30.0  # and written
RELOAD_S = 10.0
PREFERRED_PORT = 1883
RELOAD_LINE = re.compile(rb"Reloading config\.")
RUNNING_LINE = re.compile(rb"mosquitto version [\d.]+ running")


class Broker:
    """One Mosquitto on its own data folder.

    `start` raises ConfigError (a port or folder that cannot be used) or ServiceFailed. Nobody can connect before
    `set_accounts`; accounts outlive a restart. A second object on the same folder gives `url` and `pid`.
    """

    name = "broker"

    def __init__(self, data_dir: Path, port: int | None = None, *, limits: BrokerLimits | None = None) -> None:
        self._data = Path(data_dir)
        self._fixed_port = port
        self._port: int | None = None
        self._limits = limits or BrokerLimits()
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    def start(self) -> None:
        """Starts the broker; returns when its port accepts."""
        try:
            self._prepare()
            with_free_port(self._fixed_port or self._port, PREFERRED_PORT, "MQTT port", self._start_on)
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        self._data = reachable_folder(self._data, "data folder")
        if self._lock is None:
            self._lock = hold(self._data / "broker.lock", "the broker")
        if self._child is not None:
            stop_child(self._child, (signal.SIGTERM, STOP_S))
        self._end_stray()
        service_folder(self._folder)
        service_folder(self._folder / "store")
        for name in ("passwords", "acl"):
            if not (self._folder / name).exists():
                write_for_service(self._folder / name, "")

    def _start_on(self, port: int) -> None:
        write_for_service(self._folder / "mosquitto.conf", broker_settings(port, self._folder, self._limits))
        before_bytes = self.log.stat().st_size if self.log.exists() else 0
        command: list[str | Path] = [program("mosquitto"), "-c", self._folder / "mosquitto.conf"]
        self._child = start_child(command, self.log, as_service=True)
        await_ready(lambda: self._said(RUNNING_LINE, before_bytes), self._child, "the broker", self.log, START_S)
        self._port = port

    def stop(self) -> None:
        """Stops the broker; it saves its sessions and retained messages."""
        child, self._child = self._child, None
        if child is not None:
            stop_child(child, (signal.SIGTERM, STOP_S))
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def poll(self) -> int | None:
        """The exit status of a broker that has ended, None while it runs."""
        return self._child.poll() if self._child is not None else 0

    def set_accounts(
        self, accounts: Mapping[str, str], acl: Sequence[str], hashed: Mapping[str, str] | None = None
    ) -> None:
        """Replaces who may connect (`{user name: password}`, of `hashed` the hash alone is known) and what they may do
        (lines of Mosquitto's ACL file).

        A running broker, whoever started it, reads both anew before this returns. It checks every client again: those
        whose account or password is another by now are disconnected, all others stay.
        """
        for name in (*accounts, *(hashed or {})):
            if not re.fullmatch(r"[A-Za-z0-9._@/-]{1,128}", name):
                raise ConfigError("MQTT account", name, "may hold letters, digits and ._@/- only", "broker")
        if any("\n" in line for line in acl):
            raise ConfigError("MQTT access rule", acl, "a rule is one line", "broker")
        self._data = reachable_folder(self._data, "data folder")
        service_folder(self._folder)
        write_for_service(self._folder / "passwords", password_lines(dict(accounts), hashed))
        write_for_service(self._folder / "acl", "".join(f"{line}\n" for line in acl))
        pid = self.pid
        if pid is not None:
            self._reload(pid)

    @property
    def url(self) -> str:
        """Where to connect, without any account: `mqtt://127.0.0.1:PORT`."""
        port = self._port or self._configured_port()
        return f"mqtt://{LOOPBACK}:{port}"

    @property
    def pid(self) -> int | None:
        """The process id of the broker, None when it does not run."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        return self._running()

    @property
    def log(self) -> Path:
        """What the broker says."""
        return self._data / "logs" / "broker.log"

    @property
    def _folder(self) -> Path:
        return self._data / "broker"

    def _configured_port(self) -> int:
        try:
            text = (self._folder / "mosquitto.conf").read_text()
        except OSError:
            raise ServiceFailed(f"the broker in {self._data} does not run: start it with `make run`") from None
        found = re.search(r"^listener (\d+) ", text, re.MULTILINE)
        assert found is not None, "we wrote the file"
        return int(found.group(1))

    def _running(self) -> int | None:
        """The process id of the broker that was started with our configuration, if it still runs."""
        try:
            pid = int((self._folder / "mosquitto.pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(self._folder / "mosquitto.conf").encode() in words else None

    def _end_stray(self) -> None:
        """Ends a broker whose starter was killed; we hold the lock, so nobody else uses it."""
        pid = self._running()
        if pid is not None:
            end_stray(pid, signal.SIGTERM, STOP_S)

    def _reload(self, pid: int) -> None:
        """Has the broker read its files anew. It does so between two rounds of its one loop: once the line is in the
        log, whoever connects from now on meets the new accounts. One that ends meanwhile reads them when it starts."""
        before_bytes = self.log.stat().st_size
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
        until_s = time.monotonic() + RELOAD_S
        while not self._said(RELOAD_LINE, before_bytes) and self.pid == pid:
            if time.monotonic() > until_s:
                raise ServiceFailed(f"the broker did not read its accounts within {RELOAD_S:.0f} s; see {self.log}")
            time.sleep(POLL_S)

    def _said(self, line: re.Pattern[bytes], before_bytes: int) -> bool:
        """Whether the log holds `line` after its first `before_bytes`, or was cut short meanwhile and holds it."""
        size_bytes = self.log.stat().st_size
        with self.log.open("rb") as handle:
            handle.seek(before_bytes if size_bytes >= before_bytes else 0)
            return line.search(handle.read()) is not None
