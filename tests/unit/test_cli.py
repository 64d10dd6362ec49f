"""The command line as a process."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

# What is registered first runs last: after everything that the command itself leaves for the end.
PROGRAM = """
import atexit, gc, sys
atexit.register(lambda: sys.stdout.write(f"set aside: {gc.get_freeze_count()} of {len(gc.get_objects())} left\\n"))
from app.cli import main
sys.exit(main(["check-config"]))
"""


def test_a_command_that_ends_leaves_its_memory_to_the_system_without_looking_through_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()[-1].split()
    frozen, left = int(words[2]), int(words[4])
    assert frozen > 100 * left
