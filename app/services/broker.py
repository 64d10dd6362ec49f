"""The embedded Mosquitto: encrypted, with an account and access rules for everybody who connects."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from app.services.broker_settings import BrokerLimits, broker_settings, password_lines
from app.services.child import POLL_S, ServiceFailed, await_ready, end_stray, start_child, stop_child
from app.services.folders import hold, reachable_folder, service_folder, write_for_service
from app.services.listeners import FIELD_PORT, HOUSE_PORT, PLAIN_PORT, BrokerSettings
from app.services.ports import LOOPBACK, with_free_port
from app.services.program import program
from contracts.errors import ConfigError

START_S = 60.0  # a large store is read back
STOP_S = 30.0  # and written
RELOAD_S = 10.0
FILES = 8_192  # a connection is one: several times the devices of a city, and the usual limit of 1,024 is below it
RELOAD_LINE = re.compile(rb"Reloading config\.")
RUNNING_LINE = re.compile(rb"mosquitto version [\d.]+ running")


class Broker:
    """One Mosquitto on its own data folder.

    `start` raises ConfigError (a port or folder that cannot be used) or ServiceFailed. Nobody can connect before
    `set_accounts`; accounts outlive a restart. A second object on the same folder gives `url` and `pid`.
    `settings` say where devices reach it, encrypted; without them it is a plain one on the loopback, for tests.
    """

    name = "broker"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        limits: BrokerLimits | None = None,
        settings: BrokerSettings | None = None,
    ) -> None:
        self._data = Path(data_dir)
        self._fixed_port = port
        self._port: int | None = None
        self._settings = settings
        self._field_port: int | None = None
        self._limits = limits or BrokerLimits()
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    def start(self) -> None:
        """Starts the broker; returns when its port accepts."""
        try:
            self._prepare()
            preferred = PLAIN_PORT if self._settings is None else HOUSE_PORT
            with_free_port(self._fixed_port or self._port, preferred, "MQTT port", self._start_house)
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
        self._write_certificates()

    def _start_house(self, port: int) -> None:
        """Starts with this port for the house, and one for the field."""
        settings = self._settings
        if settings is None:
            return self._start_on(port, None)

        def start(field_port: int) -> None:
            self._start_on(port, (settings.host, field_port))
            self._field_port = field_port

        with_free_port(settings.port or self._field_port, FIELD_PORT, "broker.port", start, settings.host)

    def _start_on(self, port: int, field: tuple[str, int] | None) -> None:
        text = broker_settings(port, self._folder, self._limits, field)
        write_for_service(self._folder / "mosquitto.conf", text)
        before_bytes = self.log.stat().st_size if self.log.exists() else 0
        command: list[str | Path] = [program("mosquitto"), "-c", self._folder / "mosquitto.conf"]
        _allow_files()
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
            if not re.fullmatch(r"[A-Za-z0-9._@~/-]{1,128}", name):
                raise ConfigError("MQTT account", name, "may hold letters, digits and ._@~/- only", "broker")
        if any("\n" in line for line in acl):
            raise ConfigError("MQTT access rule", acl, "a rule is one line", "broker")
        self._data = reachable_folder(self._data, "data folder")
        service_folder(self._folder)
        write_for_service(self._folder / "passwords", password_lines(dict(accounts), hashed))
        write_for_service(self._folder / "acl", "".join(f"{line}\n" for line in acl))
        pid = self.pid
        if pid is not None:
            self._reload(pid)

    def renew(self) -> bool:
        """Shows new certificates to whoever connects from now on, where it is time for them; whether it was."""
        changed = self._write_certificates()
        pid = self.pid
        if changed and pid is not None:
            self._reload(pid)
        return changed

    def _write_certificates(self) -> bool:
        """Hands the broker the certificates that are good now; whether they are other ones than before."""
        if self._settings is None:
            return False
        from app.services.certificate_files import hand_over  # 0.1 s, only where it is needed

        return hand_over(self._data, self._settings, self._folder)

    @property
    def url(self) -> str:
        """Where the house connects, without any account: `mqtts://127.0.0.1:PORT`, or `mqtt://` without a field."""
        encrypted, listeners = self._configured()
        return f"mqtt{'s' if encrypted else ''}://{LOOPBACK}:{self._port or listeners[0][0]}"

    @property
    def field_url(self) -> str | None:
        """Where devices connect: `mqtts://HOST:PORT`; None where there is no field."""
        _, listeners = self._configured()
        return f"mqtts://{listeners[1][1]}:{listeners[1][0]}" if len(listeners) > 1 else None

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

    def _configured(self) -> tuple[bool, list[tuple[int, str]]]:
        """Whether connections are encrypted, and where it listens, the house's place first."""
        try:
            text = (self._folder / "mosquitto.conf").read_text()
        except OSError:
            raise ServiceFailed(f"the broker in {self._data} does not run: start it with `make run`") from None
        found = re.findall(r"^listener (\d+) (\S+)$", text, re.MULTILINE)
        assert found, "we wrote the file"
        return "certfile" in text, [(int(port), host) for port, host in found]

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


def _allow_files() -> None:
    """Lets the child that is started next have so many connections, as far as the system allows: it inherits ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
