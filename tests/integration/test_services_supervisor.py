"""The supervisor: what crashes comes back, what is told to stop stops in order, nothing outlives it.

Most tests run a program of a few lines that uses it, since signals and process groups are what is tested.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.services.broker import Broker
from app.services.command import Command
from app.services.database import Database
from app.services.supervisor import Supervisor
from app.setup.places import PROJECT

PATIENCE_S = 30.0

# Prints one line `name pid` for each service, whenever it is (re)started; `order` lines when it stops.
PROGRAM = """
import sys
from pathlib import Path
from app.services.broker import Broker
from app.services.database import Database
from app.services.supervisor import Supervisor

folder = Path(sys.argv[1])
def report(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()

class Told:
    def __init__(self, name, service):
        self.name, self.service = name, service
    def start(self):
        self.service.start()
        report(f"{self.name} {self.service.pid}")
    def stop(self):
        self.service.stop()
        report(f"stopped {self.name}")
    def poll(self):
        return self.service.poll()
    pid = property(lambda self: self.service.pid)
    log = property(lambda self: self.service.log)

with Supervisor(folder / "logs", report) as supervisor:
    if "services" in sys.argv:
        supervisor.add("database", Told("database", Database(folder, shared_buffers_mb=32)))
        supervisor.add("broker", Told("broker", Broker(folder)))
    sleeper = supervisor.add("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    report(f"sleeper {sleeper.pid}")
    if "chores" in sys.argv:
        supervisor.every(0.0, lambda: 1 / 0)
        supervisor.every(0.0, lambda: report("done"))
    if "fenced" in sys.argv:
        supervisor.add("fenced", [sys.executable, "-c", "raise SystemExit(3)"], final=frozenset({3}))
    report("ready")
    supervisor.run()
report("left")
"""


class Run:
    """A program that runs a supervisor, and what it said so far."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.said: list[str] = []
        self._unread = b""

    def await_line(self, start: str) -> str:
        """Reads until a line begins with `start`."""
        while True:
            line = self._next_line()
            self.said.append(line)
            if line.startswith(start):
                return line

    def _next_line(self) -> str:
        assert self.process.stdout is not None
        while b"\n" not in self._unread:
            readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
            more = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            assert more, f"no further line; it said {self.said}"
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def pid_of(self, name: str) -> int:
        """The process id that the last line about `name` told."""
        return next(
            int(line.split()[1]) for line in reversed(self.said) if line.startswith(f"{name} ") and line[-1].isdigit()
        )


@pytest.fixture
def start(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []
    folder = run_folder / request.node.name[:40]

    def begin(*options: str, before: tuple[str, ...] = ()) -> Run:
        folder.mkdir(exist_ok=True)
        run = Run([*before, sys.executable, "-c", PROGRAM, str(folder), *options])
        runs.append(run)
        run.await_line("ready")
        return run

    yield begin
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.communicate()


def await_end_of(pid: int) -> None:
    """Waits until a process that is not our child runs no more."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in ("Z", "X"):
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} still runs")


def test_killed_servers_come_back_on_the_same_addresses_and_are_reported(
    start: Callable[..., Run], run_folder: Path, request: pytest.FixtureRequest
) -> None:
    run = start("services")
    folder = run_folder / request.node.name[:40]
    addresses = (Database(folder).dsn("api"), Broker(folder).url)
    for name in ("database", "broker"):
        before = run.pid_of(name)
        os.kill(before, signal.SIGKILL)
        assert "SIGKILL" in run.await_line(f"andaman: {name} ended")
        run.await_line(f"andaman: {name} runs again")
        assert run.pid_of(name) != before
    assert addresses == (Database(folder).dsn("api"), Broker(folder).url)
    psycopg.connect(addresses[0]).close()


def test_a_command_that_keeps_crashing_is_started_again_ever_more_slowly(start: Callable[..., Run]) -> None:
    run = start()
    waits = []
    pid = run.pid_of("sleeper")
    for _ in range(3):
        os.kill(pid, signal.SIGKILL)
        waits.append(float(run.await_line("andaman: sleeper ended").split(" in ")[1].split()[0]))
        pid = int(run.await_line("andaman: sleeper runs again").rpartition(" ")[2].rstrip(")"))
    assert waits == sorted(set(waits))


def test_one_that_says_it_must_not_run_is_left_alone_and_the_rest_goes_on(start: Callable[..., Run]) -> None:
    run = start("fenced")
    assert "not started again" in run.await_line("andaman: fenced ended with status 3")
    os.kill(run.pid_of("sleeper"), signal.SIGKILL)
    run.await_line("andaman: sleeper runs again")


def test_a_chore_is_done_again_and_again_and_one_that_fails_is_said_and_harms_nothing(
    start: Callable[..., Run],
) -> None:
    run = start("chores")
    for line in ("andaman: division by zero", "done", "andaman: division by zero", "done"):
        run.await_line(line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_the_last_started_first(start: Callable[..., Run], number: signal.Signals) -> None:
    run = start("services")
    pids = [run.pid_of(name) for name in ("database", "broker", "sleeper")]
    run.process.send_signal(number)
    run.await_line("left")
    assert [line for line in run.said if line.startswith("stopped")] == ["stopped broker", "stopped database"]
    assert run.process.wait(PATIENCE_S) == 0
    for pid in pids:
        await_end_of(pid)


# Ends once the other end of a FIFO was opened too, and says so.
MEETING = """
import sys
from pathlib import Path
from app.stopping import stop_event

folder, name, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
stop = stop_event()
folder.joinpath(f"{name}.started").touch()
stop.wait()
with open(folder / "meeting", mode) as meeting:
    if mode == "r":
        meeting.read()
folder.joinpath(f"{name}.ended").touch()
"""


def meeting(folder: Path, name: str, mode: str) -> list[str | Path]:
    return [sys.executable, "-c", MEETING, folder, name, mode]


def await_file(path: Path) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < until_s, path
        time.sleep(0.01)


def test_commands_of_ours_are_asked_to_stop_at_once_and_none_waits_for_another(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meeting")
    with Supervisor(tmp_path) as supervisor:
        for name, mode in (("one", "r"), ("other", "w")):
            supervisor.add(name, meeting(tmp_path, name, mode))
            await_file(tmp_path / f"{name}.started")
    assert (tmp_path / "one.ended").exists() and (tmp_path / "other.ended").exists()


def test_a_command_that_was_asked_to_stop_is_let_finish(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meeting")
    command = Command("one", meeting(tmp_path, "one", "r"), tmp_path / "one.log")
    command.start()
    await_file(tmp_path / "one.started")
    command.ask_to_stop()
    with open(tmp_path / "meeting", "w"):  # it has heard of the stop, and is in the middle of it
        command.ask_to_stop()
    command.stop()
    assert (tmp_path / "one.ended").exists()


def test_nothing_outlives_a_supervisor_that_was_killed_and_the_next_start_works(start: Callable[..., Run]) -> None:
    run = start("services")
    pids = [run.pid_of(name) for name in ("database", "broker", "sleeper")]
    run.process.kill()
    again = start("services")
    for pid in pids:
        await_end_of(pid)
    again.process.terminate()
    again.await_line("left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_make_alone_stops_everything(
    start: Callable[..., Run], run_folder: Path, number: signal.Signals
) -> None:
    rules = run_folder / f"{number.name}.mk"
    rules.write_text('run:\n\t@exec "$(PROGRAM)" -c "$$CODE" "$(FOLDER)"\n')
    command = ["make", "-f", str(rules), f"PROGRAM={sys.executable}", f"FOLDER={run_folder / number.name}"]
    (run_folder / number.name).mkdir()
    run = Run(["env", f"CODE={PROGRAM}", *command])
    run.await_line("ready")
    pid = run.pid_of("sleeper")
    run.process.send_signal(number)
    run.await_line("left")
    await_end_of(pid)
    assert run.process.stdout is not None
    run.process.stdout.close()
    run.process.wait(PATIENCE_S)
