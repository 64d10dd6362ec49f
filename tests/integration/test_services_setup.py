"""The set-up that this run of the tests stands on: done once, it neither starts a program nor opens a connection."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from app.setup.places import PROJECT

# Runs the set-up as `make test` does and reports what would reach out of the process.
WATCHED = """
import sys
reached = []
sys.addaudithook(lambda event, arguments: reached.append(event) if event in FORBIDDEN else None)
FORBIDDEN = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddrinfo"}
from app.setup.plan import steps_for
from app.setup.step import do_all
do_all(step for step in steps_for("test") if step.name not in ("page", "page-libraries", "kernels"))
sys.stdout.write(" ".join(reached))
"""


def test_a_second_setup_starts_no_program_and_opens_no_connection() -> None:
    done = subprocess.run(
        [getattr(sys, "_base_executable", sys.executable), "-c", WATCHED],
        capture_output=True, text=True, cwd=PROJECT, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("", "")


# A program that only waits, the way the set-up waits for pip.
WAITING = """
import sys, time
from app.setup.make_signal import interrupt_with_make
interrupt_with_make()
try:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    time.sleep(600)
except KeyboardInterrupt:
    sys.stdout.write("interrupted\\n")
"""


def test_an_interrupt_that_reaches_make_alone_ends_what_it_started(tmp_path: Path) -> None:
    rules = tmp_path / "rules.mk"
    rules.write_text('all:\n\t@exec "$(PROGRAM)" -c "$$CODE"\n')
    command = ["make", "-f", str(rules), f"PROGRAM={sys.executable}"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**inherited, "CODE": WAITING}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == "ready\n"
        make.send_signal(signal.SIGINT)
        assert make.stdout.readline() == "interrupted\n"
