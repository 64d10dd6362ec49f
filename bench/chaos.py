"""Kill -9 of everything, again and again, under devices that keep what is not settled: nothing is lost or doubled, and
the findings are those of an undisturbed run. Prints what was done how often, and what became of the messages.

    python -m bench.chaos --kills 200 --seed 7 --minutes 30

The same seed draws the same messages and the same disturbances; moments differ by what the machine is busy with.
"""

import argparse
import logging
import secrets
import sys
import tempfile
from pathlib import Path

from tests.fixtures.chaos.run import run


def main() -> int:
    """Run, and say whether the promise held."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("--kills", type=int, default=20, help="kills with -9, of all kinds together")
    parser.add_argument("--seed", type=int, default=None, help="default: a new one, which is printed")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most; the kills may be fewer then")
    parser.add_argument("--folder", type=Path, help="work here and leave everything, to look at it")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="andaman-chaos-") as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        report = run(folder, seed, given.kills, given.minutes * 60, say)
    say(report.table())
    return 0 if report.verdict.held else 1


def say(line: str) -> None:
    """Tell the terminal."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
