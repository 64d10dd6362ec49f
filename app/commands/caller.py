"""Who runs a command, as tokens and the audit log name him."""

import getpass
import os


def caller() -> str:
    """The user of this machine; by his number where that has no name, as in a container that runs under any."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        name = f"uid-{os.getuid()}"
    return f"{name}@cli"
