"""A command line of our own as a service that the supervisor can watch."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.services.child import await_end, start_child

STOP_S = 20.0  # to drain, commit and snapshot


class Command:
    """A child process of ours; SIGTERM asks it to end, SIGKILL ends it after `STOP_S`."""

    def __init__(
        self, name: str, words: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._words = list(words)
        self._environment = environment
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = False

    def start(self) -> None:
        """Starts the process."""
        environment = None if self._environment is None else {**os.environ, **self._environment}
        self._child, self._asked = start_child(self._words, self.log, environment=environment), False

    def ask_to_stop(self) -> None:
        """Asks the process to end, without waiting. Once only: a second signal ends one of ours in the middle of it."""
        if self._child is not None and not self._asked:
            self._asked = True
            self._child.terminate()

    def stop(self) -> None:
        """Asks the process to end and waits for it."""
        self.ask_to_stop()
        child, self._child = self._child, None
        if child is not None:
            await_end(child, STOP_S)

    def poll(self) -> int | None:
        """The exit status of a process that has ended, None while it runs."""
        return self._child.poll() if self._child is not None else 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None
