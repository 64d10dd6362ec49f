"""A whole city of devices on one thread: each with its own connection, credential, numbers and memory.

One selector waits for all sockets. What a device says goes into its memory first and from there to the broker; the
fleet carries acknowledgements and marks back. A connection that is lost comes back after a pause with jitter, so that
a broker that has just started is not run over.
"""

import logging
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts import wire
from contracts.city import City
from contracts.clock import SECOND_US
from contracts.devices import Device as Entry
from contracts.errors import MessageRejected, TransportError
from contracts.records import Status
from contracts.topics import Kind, Topic
from simulators.chance import uniform
from simulators.device import WINDOW, Device
from simulators.lines import Lines
from simulators.live import Live, Saying
from simulators.publish import Account, Heard, Line
from simulators.truth import TruthFile
from simulators.world import ORDERLY, World

CONNECT_SPREAD_S: Final = 2.0
"""All devices are connected within this after the start: fast enough to see, slow enough for the broker."""
ANSWER_WITHIN_S: Final = 10.0
"""A broker that has not answered a connect by then is given up, and tried again."""
PAUSE_S: Final = (0.5, 15.0)
"""First and longest pause before the next try; it doubles in between, and half of it is chance."""
TEND_EVERY_S: Final = 1.0
WAIT_S: Final = 0.1
"""Longest wait for the sockets: stopping takes no longer."""
REPORT_EVERY_S: Final = 5.0
SLEPT_S: Final = 120.0
"""A city is never silent for so long, and no loop is ever so late."""
MS_US: Final = 1_000
"""Boots are milliseconds since 1970: higher at every start, however soon it follows the one before."""
FILES_EACH: Final = 3
"""A paho client has a socket and a pair of its own to wake itself."""
FILES_BESIDES: Final = 256
"""Libraries, logs and whatever else the process has open."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FleetReport:
    """How the fleet is doing. Messages are counted since the start; `kept` are in memory now, not settled yet."""

    devices: int
    connected: int
    said: int
    acknowledged: int
    resent: int
    refused: int
    kept: int


def run_fleet(
    city: City,
    url: str,
    password_of: Callable[[str], str],
    seed: int,
    *,
    speed: float = 1.0,
    stop: threading.Event,
    report: Callable[[FleetReport], None] = lambda _report: None,
    truth: Path | None = None,
    world: World = ORDERLY,
    ca: Path | None = None,
) -> None:
    """Let a city speak until `stop` is set.

    Args:
        password_of: the password of a device id, which is its user name too.
        speed: how fast the city's clock runs; other than 1, each message carries its receipt in `received_us`.
        report: called from this thread every few seconds, and once at the end.
        truth: a file to append the planted offences and faults to, as JSON lines.
        world: what is planted.
        ca: who vouches for an encrypted broker; None: whom the system trusts.
    """
    live = Live(city, seed, world)
    clock = Clock(speed)
    fleet = _Fleet(city, live, lambda name: Account(url, name, password_of(name), ca), seed, clock)
    numbers = {device.no: device.id for device in live.devices}
    with fleet:
        if truth is None:
            fleet.run(stop, report, None)
        else:
            with TruthFile(truth, numbers) as file:
                fleet.run(stop, report, file)


def allow_files(more: int) -> None:
    """Raise this process's limit of open files by what a fleet needs, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = more + FILES_BESIDES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Clock:
    """The city's time: the system's, from the start on `speed` times as fast."""

    def __init__(self, speed: float = 1.0, now: Callable[[], int] = time.time_ns) -> None:
        self.speed = speed
        self._now = now
        self._start_us = now() // 1_000

    def now_us(self) -> int:
        """Microseconds since 1970 in the city."""
        passed_us = self._now() // 1_000 - self._start_us
        return self._start_us + (passed_us if self.speed == 1.0 else round(passed_us * self.speed))

    @property
    def carried(self) -> bool:
        """Whether messages must carry this time, because the pipeline's own clock is another one."""
        return self.speed != 1.0


class _Script:
    """What the city says next, by its clock. After a pause that no network explains (the machine slept, the clock was
    set) it goes on from now: devices that were off have nothing to catch up."""

    def __init__(self, live: Live, start_us: int, clock: Clock) -> None:
        self._live, self._clock = live, clock
        self._sayings = live.sayings(start_us)
        self._following = next(self._sayings)

    @property
    def next_us(self) -> int:
        """When the next message is due."""
        return self._following.due_us

    def due(self) -> Iterator[Saying]:
        """Every message that is due by now."""
        now_us = self._clock.now_us()
        if abs(now_us - self.next_us) > SLEPT_S * SECOND_US * self._clock.speed:
            log.warning("the clock jumped by %.0f s; the city goes on from now", (now_us - self.next_us) / SECOND_US)
            self._sayings = self._live.sayings(now_us)
            self._following = next(self._sayings)
        while self._following.due_us <= now_us:
            yield self._following
            self._following = next(self._sayings)


class _Member:
    """A device in the fleet: entry, memory and, for now, a connection."""

    def __init__(self, number: int, city: str, entry: Entry, boot: int) -> None:
        self.number, self.id = number, entry.id
        self.device = Device(boot)
        self.topics = {kind: str(Topic(city, entry.zone, entry.id, kind)) for kind in (*entry.kinds, Kind.MARK)}
        self.line: Line | None = None
        self.flying: dict[int, int] = {}
        self.opened_s = 0.0
        self.failures = 0
        self.acknowledged = 0


class _Fleet:
    def __init__(self, city: City, live: Live, account_of: Callable[[str], Account], seed: int, clock: Clock) -> None:
        self._live, self._account_of, self._seed, self._clock = live, account_of, seed, clock
        boot = clock.now_us() // MS_US
        self._members = [_Member(n, city.id, entry, boot) for n, entry in enumerate(live.devices)]
        self._lines = Lines()
        self._will = wire.encode(Kind.STATUS, [Status(event="death")])
        self._retries: dict[int, float] = {}
        allow_files(FILES_EACH * len(self._members))

    def __enter__(self) -> "_Fleet":
        return self

    def __exit__(self, *_problem: object) -> None:
        for member in self._members:
            line, member.line = member.line, None
            if line is not None:
                self._lines.unwatch(line)
                line.close()
        self._lines.close()

    def run(self, stop: threading.Event, report: Callable[[FleetReport], None], truth: TruthFile | None) -> None:
        """The loop: say what is due, wait for the sockets, tend to connections."""
        start_s = time.monotonic()
        spread_s = CONNECT_SPREAD_S / max(len(self._members), 1)
        self._retries = {member.number: start_s + spread_s * member.number for member in self._members}
        start_us = self._clock.now_us()
        for saying in self._live.hello(start_us):
            self._say(saying, truth)
        script = _Script(self._live, start_us, self._clock)
        tend_s, report_s, told_us = start_s, start_s, start_us
        while not stop.is_set():
            for saying in script.due():
                self._say(saying, truth)
            now_s = time.monotonic()
            if now_s >= tend_s:
                told_us = self._tell_faults(told_us, truth)
                self._tend(now_s)
                tend_s = now_s + TEND_EVERY_S
            self._connect_due(now_s)
            if now_s >= report_s:
                report(self._report())
                report_s = now_s + REPORT_EVERY_S
            self._wait(script.next_us)
        report(self._report())

    def _tell_faults(self, from_us: int, truth: TruthFile | None) -> int:
        """Write the faults that have begun since `from_us`; returns until when they are written."""
        now_us = max(self._clock.now_us(), from_us)
        if truth is not None and now_us > from_us:
            truth.write_faults(self._live.faults(from_us, now_us))
        return now_us

    def _say(self, saying: Saying, truth: TruthFile | None) -> None:
        """Number a message, keep it, and send it if there is a connection."""
        member = self._members[saying.device]
        topic = member.topics.get(saying.kind)
        if topic is None:
            return  # the city file does not let this device say such things
        device = member.device
        payload = wire.encode(saying.kind, saying.records, device.boot, device.next_seq)
        if not device.has_room(len(payload)):
            return
        if truth is not None and saying.truth is not None:
            saying.truth["boot"], saying.truth["seq"] = device.boot, device.next_seq
            truth.write(saying.truth)
        device.keep(topic, payload, self._clock.now_us())
        self._send(member)

    def _send(self, member: _Member) -> None:
        """Publish what waits, as far as the window allows."""
        line = member.line
        if line is None or not line.up:
            return
        while (message := member.device.take()) is not None:
            received_us = self._clock.now_us() if self._clock.carried else None
            mid = line.publish(message.topic, message.payload, received_us=received_us)
            member.flying[mid] = message.seq
        self._lines.watch(line)

    def _wait(self, due_us: int) -> None:
        """Until a socket is ready or the next message is due, but not for long."""
        due_s = (due_us - self._clock.now_us()) / SECOND_US / self._clock.speed
        self._lines.wait(min(max(due_s, 0.0), WAIT_S))

    def _connect_due(self, now_s: float) -> None:
        for number in [number for number, due_s in self._retries.items() if due_s <= now_s]:
            del self._retries[number]
            self._connect(self._members[number], now_s)

    def _connect(self, member: _Member, now_s: float) -> None:
        line = Line(
            self._account_of(member.id),
            member.id,
            will=(member.topics[Kind.STATUS], self._will) if Kind.STATUS in member.topics else None,
            window=WINDOW,
            on_up=lambda: self._up(member),
            on_down=lambda reason: self._down(member, line, reason),
            on_taken=lambda mid, accepted: self._taken(member, mid, accepted),
            on_heard=lambda heard: self._heard(member, heard),
        )
        member.line, member.opened_s = line, now_s
        member.flying.clear()
        try:
            line.open()
        except TransportError as problem:
            self._down(member, line, str(problem))
        else:
            self._lines.watch(line)

    def _up(self, member: _Member) -> None:
        member.failures = 0
        if member.line is not None:
            member.line.subscribe(member.topics[Kind.MARK])
        now_us = self._clock.now_us()
        member.device.connected(now_us)
        self._say(self._live.birth(member.number, now_us), None)

    def _down(self, member: _Member, line: Line, reason: str) -> None:
        """The connection is gone: forget it, and try again after a pause."""
        if member.line is not line:
            return  # it was given up before
        self._lines.unwatch(line)
        member.line = None
        member.flying.clear()
        member.device.disconnected()
        longest_s = min(PAUSE_S[0] * 2.0**member.failures, PAUSE_S[1])
        chance = float(uniform(self._seed, member.number, member.failures)[0])
        self._retries[member.number] = time.monotonic() + longest_s * (0.5 + 0.5 * chance)
        member.failures += 1
        level = logging.WARNING if line.refusal and member.failures == 1 else logging.DEBUG
        log.log(level, "%s is not connected: %s", member.id, reason)

    def _taken(self, member: _Member, mid: int, accepted: bool) -> None:
        seq = member.flying.pop(mid, None)
        if seq is None:
            return
        if accepted:
            member.acknowledged += 1
            member.device.acknowledged(seq)
        else:
            member.device.not_taken(seq)
        self._send(member)

    def _heard(self, member: _Member, heard: Heard) -> None:
        if heard.topic != member.topics[Kind.MARK] or not heard.payload:
            return
        try:
            mark = wire.decode_mark(heard.payload)
        except MessageRejected as problem:
            log.warning("%s hears a mark that is none: %s", member.id, problem)
            return
        member.device.settle(mark.boot, mark.seq, self._clock.now_us())
        self._send(member)

    def _tend(self, now_s: float) -> None:
        """Keep-alive, memory, and brokers that do not answer."""
        now_us = self._clock.now_us()
        for member in self._members:
            line = member.line
            if line is None:
                continue
            line.tend()
            if not line.up and member.line is line and now_s - member.opened_s > ANSWER_WITHIN_S:
                self._down(member, line, f"no answer within {ANSWER_WITHIN_S:g} s")
                line.close()
            elif line.up:
                member.device.tend(now_us)
                self._send(member)

    def _report(self) -> FleetReport:
        devices = [member.device for member in self._members]
        return FleetReport(
            devices=len(devices),
            connected=sum(member.line is not None and member.line.up for member in self._members),
            said=sum(device.said for device in devices),
            acknowledged=sum(member.acknowledged for member in self._members),
            resent=sum(device.resent for device in devices),
            refused=sum(device.refused for device in devices),
            kept=sum(device.kept for device in devices),
        )
