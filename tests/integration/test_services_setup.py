"""The set-up that this run of the tests stands on: done once, it neither starts a program nor opens a connection."""

import subprocess
import sys

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
