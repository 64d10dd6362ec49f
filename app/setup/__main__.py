"""`python3 -m app.setup [run|test|bench]`: does what is left of the set-up, then ends. A second call does nothing."""

import os
import signal
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (before anything that an older Python cannot read)
    sys.stderr.write(
        f"andaman: Python 3.11 or newer is needed, this is {sys.version.split()[0]}.\n"
        "  what to do: install one and name it: make run PYTHON=python3.11\n"
    )
    sys.exit(1)

from app.setup.clean import remove_all
from app.setup.make_signal import interrupt_with_make
from app.setup.plan import steps_for
from app.setup.progress import SetupError, say
from app.setup.step import do_all


def main(arguments: list[str]) -> int:
    """Runs the steps of one goal; returns the exit status."""
    goal = arguments[0] if arguments else "run"
    os.umask(0o022)  # the services' account reads what root unpacks
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupt_with_make()
    try:
        if goal == "clean":
            remove_all()
            return 0
        do_all(steps_for(goal))
    except SetupError as error:
        say(error.explain())
        return 1
    except KeyboardInterrupt:
        say("\nandaman: the set-up was interrupted; the next start continues it")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
